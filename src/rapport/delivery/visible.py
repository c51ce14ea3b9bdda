"""What a reader sees of an HTML mail, as far as the markup itself tells."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

_VOID = re.compile("area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr")
_UNSEEN = re.compile("head|title|style|script|template|noscript|object|svg")
# Between these, words stand apart without white space in the source.
_INLINE = re.compile("a|abbr|b|bd[io]|big|code|em|font|i|ins|mark|q|s|small|span|strong|su[bp]|u|wbr")
_ZERO = r"\s*:\s*0*\.?0+(?:px|pt|em|rem|%)?\s*(?:;|$|!)"
_HIDING = re.compile(
    rf"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity{_ZERO}|mso-hide\s*:\s*all)"
)
_CLIPPED = re.compile(rf"(?:^|[;\s])(?:max-)?(?:height|width){_ZERO}")
_FONT_SIZE = re.compile(r"(?:^|[;\s])font-size\s*:\s*([^;!]+)")
_NOTHING = re.compile(r"0*\.?0+(?:px|pt|em|rem|%)?")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Page:
    """`language` and `direction` are those of <html>; `text` is what is visible, white space collapsed; `links` are the
    addresses of visible links that have a text or a described picture."""

    language: str
    direction: str
    text: str
    links: frozenset[str]


def read_page(html: str) -> Page:
    """Never raises: broken markup hides at worst more than a browser would, so a doubt counts against the mail."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Page(reader.language, reader.direction, _flat("".join(reader.texts)), frozenset(reader.links))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.language = self.direction = ""
        self.texts: list[str] = []
        self.links: set[str] = set()
        self._met_html = False
        # Open elements: name, whether it is hidden, whether its letters have no size, the address it links to.
        self._open: list[tuple[str, bool, bool, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "html" and not self._met_html:
            self._met_html = True
            self.language, self.direction = given.get("lang", "").strip(), given.get("dir", "").strip().lower()
        _, hidden, tiny, href = self._open[-1] if self._open else ("", False, False, "")
        style = given.get("style", "").lower()
        hidden = hidden or _UNSEEN.fullmatch(tag) is not None or "hidden" in given or _hides(style)
        size = _FONT_SIZE.search(style)
        if size:
            # Letters of no size are usual around columns, and undone inside them.
            tiny = _NOTHING.fullmatch(size[1].strip()) is not None
        if tag == "a":
            href = given.get("href", "").strip()
        if not _INLINE.fullmatch(tag):
            self.texts.append(" ")
        if tag == "img" and not hidden and href and given.get("alt", "").strip():
            self.links.add(href)
        if not _VOID.fullmatch(tag):
            self._open.append((tag, hidden, tiny, href))

    def handle_endtag(self, tag: str) -> None:
        if not _INLINE.fullmatch(tag):
            self.texts.append(" ")
        if any(name == tag for name, *_ in self._open):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        _, hidden, tiny, href = self._open[-1] if self._open else ("", False, False, "")
        if hidden or tiny:
            return
        self.texts.append(data)
        if href and data.strip():
            self.links.add(href)


def _hides(style: str) -> bool:
    if not style:
        return False
    return bool(_HIDING.search(style) or (_CLIPPED.search(style) and re.search(r"overflow\s*:\s*hidden", style)))


def _flat(text: str) -> str:
    return _SPACE.sub(" ", text).strip()
