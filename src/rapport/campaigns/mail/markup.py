"""MJML and HTML: compile, set language and direction, hide the preheader where clients look for it."""

import re
from html import escape

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_ELEMENT = re.compile(r"<(mj-[a-z-]+|mjml)\b")
_OPENING = re.compile(r"<html\b([^>]*)>", re.IGNORECASE)
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_PREHEADER = (
    '<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;">'
)
# The compiler skips an element that it does not know without a word, and its content is gone.
KNOWN = frozenset(
    re.findall(
        r"\S+",
        """
        mjml mj-head mj-body mj-attributes mj-all mj-class mj-breakpoint mj-font mj-preview mj-style mj-title mj-raw
        mj-accordion mj-accordion-element mj-accordion-title mj-accordion-text mj-button mj-carousel mj-carousel-image
        mj-column mj-divider mj-group mj-hero mj-image mj-navbar mj-navbar-link mj-section mj-social mj-social-element
        mj-spacer mj-table mj-text mj-wrapper
        """,
    )
)
_MIRRORED = (
    ("direction:ltr", "direction:rtl"),
    ("text-align:left", "text-align:right"),
    ('align="left"', 'align="right"'),
)


def mjml_faults(source: str) -> list[tuple[int, str]]:
    """Line and reason of each element that would be lost."""
    faults = []
    for match in _ELEMENT.finditer(source):
        if match[1] not in KNOWN:
            line = source.count("\n", 0, match.start()) + 1
            remedy = "write its content into this file" if match[1] == "mj-include" else "see the list of elements"
            faults.append((line, f"<{match[1]}> is not supported: {remedy} (docs/campaigns.md)"))
    return faults


def to_html(source: str, is_mjml: bool, language: str, preheader: str) -> str:
    """Template-ready HTML with lang, dir and preheader. Raises ValueError for markup that cannot be compiled."""
    html = _compile_mjml(source) if is_mjml else source
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    opening = _OPENING.search(html)
    body = _BODY.search(html)
    if not opening or not body:
        raise ValueError("needs <html> and <body>: a fragment has no place for language and direction")
    if direction == "rtl" and is_mjml:
        for left, right in _MIRRORED:
            html = html.replace(left, right)
    if preheader:
        html = _BODY.sub(lambda match: f"{match[0]}{_PREHEADER}{escape(preheader, quote=False)}</div>", html, count=1)
    html = _OPENING.sub(lambda match: f"<html{_attributes(match[1], language, direction)}>", html, count=1)
    if is_mjml:
        html = html.replace('lang="und" dir="auto"', f'lang="{language}" dir="{direction}"')
    return html


def _attributes(given: str, language: str, direction: str) -> str:
    kept = re.sub(r"""\s+(?:lang|dir)\s*=\s*("[^"]*"|'[^']*'|\S+)""", "", given)
    return f' lang="{language}" dir="{direction}"{kept}'


def _compile_mjml(source: str) -> str:
    import mrml

    try:
        content: str = mrml.to_html(source).content
    except (OSError, ValueError) as error:
        raise ValueError(
            f"MJML cannot be compiled: {error}. Are all elements closed, and is a bare < written as &lt;?"
        ) from None
    return content
