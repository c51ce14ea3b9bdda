"""The pages as a browser, a screen reader and a mail program meet them."""

from html.parser import HTMLParser

import pytest

from rapport.gateway.bodies import form_fields
from rapport.gateway.pages import TEXTS, language, page


class Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("code", sorted(TEXTS))
@pytest.mark.parametrize("name", ["ask", "done", "not_found", "try_again"])
def test_every_page_has_language_direction_title_and_one_heading(code: str, name: str) -> None:
    outline = Outline()
    outline.feed(page(name, code, "A & B <Shop>"))
    tags = [tag for tag, _ in outline.tags]
    assert outline.tags[0] == ("html", {"lang": code, "dir": "rtl" if code in ("ar", "he") else "ltr"})
    assert [tags.count(tag) for tag in ("main", "h1", "title", "script", "img", "a")] == [1, 1, 1, 0, 0, 0]
    assert "shop" not in tags
    assert tags.count("form") == (name in ("ask", "try_again"))


def test_the_form_posts() -> None:
    outline = Outline()
    outline.feed(page("ask", "en", "Shop"))
    assert ("form", {"method": "post"}) in outline.tags
    assert ("button", {"type": "submit"}) in outline.tags


@pytest.mark.parametrize(
    ("asked", "accepted", "chosen"),
    [
        ("he", "de", "he"),
        (None, "xx,de-AT;q=0.9,en;q=0.8", "de"),
        ("zz", None, "en"),
        ("AR_EG", "", "ar"),
        ("../../etc", "*", "en"),
    ],
)
def test_the_language_is_asked_for_or_accepted(asked: str | None, accepted: str | None, chosen: str) -> None:
    assert language(asked, accepted) == chosen


MULTIPART = b'--X\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--X--\r\n'


@pytest.mark.parametrize(
    ("kind", "body", "fields"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click", {"List-Unsubscribe": "One-Click"}),
        ("multipart/form-data; boundary=X", MULTIPART, {"List-Unsubscribe": "One-Click"}),
        ("multipart/form-data", MULTIPART, {}),
        ("multipart/form-data; boundary=Y", MULTIPART, {}),
        ("application/json", b"{}", {}),
        ("application/x-www-form-urlencoded", b"a=1&" * 50, {}),
        ("application/x-www-form-urlencoded", b"\xff\xfe", {"\ufffd\ufffd": ""}),
    ],
)
def test_both_encodings_of_a_form_are_read(kind: str, body: bytes, fields: dict[str, str]) -> None:
    assert form_fields(kind, body) == fields
