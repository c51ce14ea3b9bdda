"""Profiles that nobody wants to meet and every large audience has: fifty, by name."""

from collections.abc import Mapping
from typing import Any

from rapport.campaigns.mail.fields import SAMPLE_CONTEXT, TEXT_FIELDS

# In every text of a profile at once. A mail that shows one of these as markup lets a stranger write in the shop's name.
MARKUP = "<script>alert(1)</script>"
_TEXTS: Mapping[str, str] = {
    "one_letter": "I",
    "apostrophe": "D'Arcy O’Brien",
    "ampersand": "Salt & Pepper &amp; Co &lt;3",
    "markup": MARKUP,
    "attribute": '" onmouseover="alert(1)" x="',
    "closing_tags": "</td></tr></table></body></html>" + MARKUP,
    "comment": "<!-- " + MARKUP + " -->",
    "conditional_comment": "<!--[if mso]>" + MARKUP + "<![endif]-->",
    "script_address": "javascript:alert(1)//<script>alert(1)</script>",
    "template_print": "{{ 7 * 7 }}",
    "template_statement": "{% for i in range(9) %}x{% endfor %}",
    "template_comment": "{# gone #}",
    "percent_sign": "100 % %s %(name)s {0}",
    "header_crlf": "Joe\r\nBcc: other@example.com",
    "header_lf": "Joe\nBcc: other@example.com",
    "header_cr": "Joe\rBcc: other@example.com",
    "line_separator": "Joe\u2028Bcc: other@example.com",
    "encoded_word": "=?utf-8?q?Joe=0ABcc=3A?=",
    "nul": "Jo\x00e",
    "bell": "Jo\x07e",
    "long": "Maximilian " * 40,
    "long_word": "m" * 4_000,
    "long_markup": MARKUP * 200,
    "arabic": "محمد الأمين",
    "hebrew": "שרה כהן",
    "mixed_direction": "Anna (אנה) 123",
    "override": "\u202ereversed\u202c",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈",
    "flags": "🇺🇦🇬🇧",
    "combining": "Z̷̢̛o̸͍͝ë́̂̃",
    "decomposed": "Ame\u0301lie",
    "chinese": "王小明",
    "thai": "สมชาย",
    "zero_width": "Jo\u200be\u200d\ufeff",
    "no_break": "Jean\u00a0Luc",
    "private_use": "\uf8f0first_name\uf8f1",
    "backslash": "C:\\new\\table",
    "spaces": "   ",
    "empty": "",
}
_VALUES: Mapping[str, Mapping[str, Any]] = {
    "nothing_known": dict.fromkeys(SAMPLE_CONTEXT),
    "no_lists": {name: [] for name, value in SAMPLE_CONTEXT.items() if isinstance(value, list)},
    "zeroes": {name: 0 for name, value in SAMPLE_CONTEXT.items() if isinstance(value, int | float)},
    "negative": {name: -1.005 for name, value in SAMPLE_CONTEXT.items() if isinstance(value, int | float)},
    "huge_numbers": {name: 10**15 for name, value in SAMPLE_CONTEXT.items() if isinstance(value, int | float)},
    "unknown_locale": {"locale": "xx-YY"},
    "unknown_zone": {"time_zone": "Mars/Olympus"},
    "unknown_currency": {"currency_code": "XQQ"},
    "first_day": {name: "0001-01-01T00:00:00+00:00" for name in SAMPLE_CONTEXT if name.endswith("_at")},
    "last_day": {name: "9999-12-31T23:59:59+00:00" for name in SAMPLE_CONTEXT if name.endswith("_at")},
    "words_for_dates": {name: "soon" for name in SAMPLE_CONTEXT if name.endswith("_at")},
}


def profiles() -> dict[str, dict[str, Any]]:
    """A whole context by the profile's name."""
    texts = {name: _replaced(SAMPLE_CONTEXT, text) for name, text in _TEXTS.items()}
    values = {name: {**SAMPLE_CONTEXT, **changed} for name, changed in _VALUES.items()}
    return texts | values


def _replaced(context: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Every free text of a context replaced; what is a code by its nature stays as the warehouse makes it."""
    codes = {"locale", "language", "country_code", "time_zone", "currency_code"}
    free = dict.fromkeys(TEXT_FIELDS - codes, text)
    return {name: free.get(name, _titled(value, text)) for name, value in context.items()}


def _titled(value: Any, text: str) -> Any:
    if isinstance(value, list):
        return [_titled(item, text) for item in value]
    if isinstance(value, dict):
        return {name: text if name == "title" else _titled(item, text) for name, item in value.items()}
    return value
