"""The campaign's marks, `utm` of campaign.yml, on every link of a mail that leads to the shop.

Links are marked when a campaign is compiled, so that a stored version needs nothing of the definition. Whether an
address is the shop's is known when the mail is rendered, of a field's as of a written one: the filter `marked` looks.
"""

import re
from html import unescape

_RAW = re.compile(r"\{%[-+]?\s*raw\b.*?\bendraw\s*[-+]?%\}", re.DOTALL)
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_HREF = re.compile(r"""(<(?:a|area)\b[^<>]*?\shref=)(["'])([^"<>]*?)\2""", re.IGNORECASE)
_PRINT = re.compile(r"(\{\{-?\s*)([^{}]+?)(\s*-?\}\})")
# Of a text body: what a template prints there is an address when it says so.
_ADDRESS = re.compile(r"(?:\|\s*web|\.url)\s*\)?$")
_WRITTEN = re.compile(r"https?://[A-Za-z0-9][!-~]*")
_AFTER_IT = ".,;:!?)]>*_"
# Signed links stay as they are; the shop's own page has the marks already; what is escaped must not be escaped again.
_LEFT_ALONE = re.compile(
    r"\b(?:unsubscribe|preferences|survey|confirm)_url\b|\|\s*(?:marked|e|escape)\b|^shop_url(?:\s*\|\s*page\([^()]*\))?$"
)


def mark(source: str, query: str, *, html: bool) -> str:
    """The source of a body, in which each link asks for the marks. An address that is put together from text and fields
    is left as it is."""
    made, at = [], 0
    each = _in_html if html else _in_text
    for raw in _RAW.finditer(source):
        made += [each(source[at : raw.start()], query), raw[0]]
        at = raw.end()
    return "".join([*made, each(source[at:], query)])


def _in_html(source: str, query: str) -> str:
    def marked(match: re.Match[str]) -> str:
        link = match[3].strip()
        printed = _PRINT.fullmatch(link)
        if printed:
            link = _printed(printed, query)
        elif _WRITTEN.fullmatch(link):
            link = _written(unescape(link), query)
        # Quotes within a tag of the template are gone before anybody reads the HTML.
        return f"{match[1]}{match[2]}{link}{match[2]}"

    return _HREF.sub(marked, source)


def _in_text(source: str, query: str) -> str:
    made, at = [], 0
    for tag in _TAG.finditer(source):
        made.append(_plain(source[at : tag.start()], query, goes_on=tag[0].startswith("{{")))
        printed = _PRINT.fullmatch(tag[0])
        made.append(_printed(printed, query) if printed and _ADDRESS.search(printed[2]) else tag[0])
        at = tag.end()
    return "".join([*made, _plain(source[at:], query, goes_on=False)])


def _plain(text: str, query: str, *, goes_on: bool) -> str:
    def marked(match: re.Match[str]) -> str:
        if goes_on and match.end() == len(text):
            return match[0]
        link = match[0].rstrip(_AFTER_IT)
        return _written(link, query) + match[0][len(link) :]

    return _WRITTEN.sub(marked, text)


def _printed(match: re.Match[str], query: str) -> str:
    if _LEFT_ALONE.search(match[2]):
        return match[0]
    return f"{match[1]}({match[2]})|marked('{query}'){match[3]}"


def _written(link: str, query: str) -> str:
    if "'" in link or "\\" in link:
        return link
    return f"{{{{ '{link}'|marked('{query}') }}}}"
