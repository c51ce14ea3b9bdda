"""What a reader finds in a mail: its links, and the one-click way out its headers name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

_WAY_OUT = re.compile(r"unsubscribe|preferences|opt-?out", re.IGNORECASE)
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{5,39}")
MOST_CODES = 10
_BRACKETED = re.compile(r"<\s*(https?://[^>\s]+)\s*>", re.IGNORECASE)


@dataclass(frozen=True)
class Link:
    """One `a href`; `index` counts the links of the body from 0."""

    url: str
    index: int


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        url = dict(attrs).get("href") or ""
        if tag == "a" and url.lower().startswith(("http://", "https://")):
            self.found.append(url)


def shop_links(html: str | None, headers: Mapping[str, str]) -> list[Link]:
    """Links a curious reader may follow: all but the ways out."""
    parser = _Anchors()
    parser.feed(html or "")
    way_out = one_click_url(headers)
    return [
        Link(url, index)
        for index, url in enumerate(parser.found)
        if url != way_out and not _WAY_OUT.search(urlsplit(url).path)
    ]


def codes_in(html: str | None) -> list[str]:
    """Words that a reader might take for a code, each once; the store knows which of them are some."""
    parser = _Anchors()
    parser.feed(html or "")
    return list(dict.fromkeys(word for word in parser.words if _CODE.fullmatch(word)))[:MOST_CODES]


def one_click_url(headers: Mapping[str, str]) -> str | None:
    """The https or http address of `List-Unsubscribe`, if `List-Unsubscribe-Post` promises one click."""
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("list-unsubscribe-post", "").replace(" ", "").lower() != "list-unsubscribe=one-click":
        return None
    found = _BRACKETED.search(lower.get("list-unsubscribe", ""))
    return found.group(1) if found else None


def campaign_of(url: str, categories: list[str]) -> str | None:
    """The campaign a click belongs to: `utm_campaign` of the link, else the mail's first category."""
    named = parse_qs(urlsplit(url).query).get("utm_campaign")
    if named:
        return named[0]
    return categories[0].removeprefix("campaign:") if categories else None
