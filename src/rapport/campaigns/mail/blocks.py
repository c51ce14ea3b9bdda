"""Ready parts of a mail: `{{ blocks.cart }}` in a body becomes the cart, in the body's language and direction.

A block is filled in when a campaign is compiled, so that a stored version needs nothing from here. Without what it
shows (no cart, no code) the message is not sent: surround it with a condition, `{% if cart %}`.
"""

import re
from collections.abc import Callable
from functools import partial
from html import escape

from rapport.campaigns.mail.block_words import WORDS
from rapport.campaigns.mail.markup import RIGHT_TO_LEFT

NAME = "blocks"
_BLOCK = re.compile(r"\{\{-?\s*blocks\.([A-Za-z_]\w*)\s*-?\}\}")
_HEADING = '<p style="margin:16px 0 8px;font-weight:bold;text-align:{start};">{heading}</p>'
_HTML_ITEM = (
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" dir="{direction}"><tr>'
    '{{% if item.image_url %}}<td width="96" style="padding:8px 0;vertical-align:top;">'
    '<img src="{{{{ item.image_url|web }}}}" alt="{{{{ item.title }}}}" width="80"'
    ' style="display:block;border:0;"></td>'
    '{{% endif %}}<td style="padding:8px;vertical-align:top;text-align:{start};">'
    "{{% if item.url %}}<a href=\"{{{{ item.url|web|marked('{query}') }}}}\">{{{{ item.title }}}}</a>"
    "{{% else %}}{{{{ item.title }}}}{{% endif %}}{more}</td></tr></table>"
)
_TEXT_ITEM = (
    "- {{{{ item.title }}}}{more}\n{{% if item.url %}}  {{{{ item.url|web|marked('{query}') }}}}\n{{% endif %}}"
)
_PRICED = "{% if item.price is not none and CURRENCY %}BREAK{{ item.price|money(CURRENCY) }}{% endif %}"


def unknown(source: str) -> list[tuple[int, str]]:
    """Line and name of each block that there is none of."""
    return [
        (source.count("\n", 0, match.start()) + 1, match[1])
        for match in _BLOCK.finditer(source)
        if match[1] not in BLOCKS
    ]


def uses(source: str) -> bool:
    return _BLOCK.search(source) is not None


def expand(source: str, language: str, query: str, *, html: bool) -> str:
    """The source with its blocks filled in. `query` marks the links. Raises ValueError for a language without words."""
    if not uses(source):
        return source
    if language not in WORDS:
        raise ValueError(f"blocks have words in {', '.join(sorted(WORDS))} only: write them out in {language!r}")
    make = partial(_html if html else _text, words=WORDS[language], rtl=language in RIGHT_TO_LEFT, query=query)
    return _BLOCK.sub(lambda match: make(match[1]), source)


def _html(name: str, words: dict[str, str], rtl: bool, query: str) -> str:
    start, direction = ("right", "rtl") if rtl else ("left", "ltr")

    def listed(field: str, items: str, currency: str, quantity: bool) -> str:
        more = _more(currency, "<br>", quantity)
        item = _HTML_ITEM.format(direction=direction, start=start, query=query, more=more)
        return _unless_missing(field, f"{heading}{{% for item in {items} %}}{item}{{% endfor %}}")

    heading = _HEADING.format(start=start, heading=escape(words.get(name, ""), quote=False))
    said = {key: escape(word, quote=False) for key, word in words.items()}
    return BLOCKS[name](listed, said, f'<p style="text-align:{start};">', "</p>")


def _text(name: str, words: dict[str, str], rtl: bool, query: str) -> str:
    def listed(field: str, items: str, currency: str, quantity: bool) -> str:
        item = _TEXT_ITEM.format(query=query, more=_more(currency, ", ", quantity))
        return _unless_missing(field, f"{words[name]}\n{{% for item in {items} %}}{item}{{% endfor %}}")

    return BLOCKS[name](listed, words, "", "")


def _more(currency: str, between: str, quantity: bool) -> str:
    counted = "{% if item.quantity %} × {{ item.quantity|number }}{% endif %}" if quantity else ""
    priced = _PRICED.replace("CURRENCY", currency).replace("BREAK", between) if currency else ""
    return counted + priced


def _unless_missing(field: str, body: str) -> str:
    return f"{{% if {field} %}}{body}{{% else %}}{{{{ {field}|required('{field}') }}}}{{% endif %}}"


Listed = Callable[[str, str, str, bool], str]


def _greeting(_: Listed, words: dict[str, str], opening: str, closing: str) -> str:
    named = words["hello_name"].replace("NAME", "{{ first_name }}")
    return f"{opening}{{% if first_name %}}{named}{{% else %}}{words['hello']}{{% endif %}}{closing}"


def _coupon(_: Listed, words: dict[str, str], opening: str, closing: str) -> str:
    code = words["coupon"].replace("CODE", "{{ coupon.code }}")
    return f"{opening}{code} {words['until'].replace('DAY', '{{ coupon.expires_at|date }}')}{closing}"


def _points(_: Listed, words: dict[str, str], opening: str, closing: str) -> str:
    points = words["points"].replace("POINTS", "{{ loyalty_points|required('loyalty_points')|number }}")
    going = words["points_expire"].replace("POINTS", "{{ loyalty_points_expiring|number }}")
    going = going.replace("DAY", "{{ loyalty_points_expire_on|date }}")
    last = f"{{% if loyalty_points_expiring and loyalty_points_expire_on %}} {going}{{% endif %}}"
    return f"{opening}{points}{last}{closing}"


def _list(
    field: str, items: str, currency: str, quantity: bool = False
) -> Callable[[Listed, dict[str, str], str, str], str]:
    return lambda listed, *_: listed(field, items, currency, quantity)


BLOCKS: dict[str, Callable[[Listed, dict[str, str], str, str], str]] = {
    "greeting": _greeting,
    "cart": _list("cart", "cart.items", "cart.currency_code", quantity=True),
    "viewed": _list("viewed_products", "viewed_products", "item.currency_code"),
    "recommendations": _list("recommended_products", "recommended_products", "item.currency_code"),
    "purchases": _list("purchased_products", "purchased_products", ""),
    "coupon": _coupon,
    "points": _points,
}
