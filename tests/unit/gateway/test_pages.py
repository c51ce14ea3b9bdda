"""The pages as a browser, a screen reader and a mail program meet them."""

import base64
import hashlib
from html.parser import HTMLParser

import pytest
from starlette.requests import Request

from rapport.campaigns.mail.topics import topic_title
from rapport.gateway.bodies import form_fields
from rapport.gateway.headers import HEADERS
from rapport.gateway.pages import Pages, Reader, TopicView
from rapport.gateway.texts import all_texts, choose
from rapport.settings import Settings

LANGUAGES = ("ar", "de", "en", "es", "fa", "fr", "he", "it", "nl", "ru", "uk")
RIGHT_TO_LEFT = ("ar", "fa", "he")
TOPICS = [
    TopicView("marketing", "News & <offers>", on=True, final=False, locked=False),
    TopicView("tips", "Tips", on=False, final=False, locked=False),
    TopicView("events", "Events", on=False, final=True, locked=True),
]


class Outline(HTMLParser):
    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.labelled = 0
        self._in_label = False
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_label = tag == "label" or (self._in_label and tag in ("input", "span"))
        self.labelled += self._in_label and tag == "input"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def reader(settings: Settings, language: str) -> Reader:
    scope = {"type": "http", "headers": [], "query_string": f"lang={language}".encode()}
    shop = settings.model_copy(update={"shop_name": "A & B <Shop>"})
    return Pages(shop).reader(Request(scope))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_has_language_direction_title_and_one_heading(settings: Settings, language: str) -> None:
    of = reader(settings, language)
    pages = [
        of.question("Title", "Question?", "Button", "Said", choose="../p/x"),
        of.notice("Title", "Said", choose="../p/x"),
        of.preferences(TOPICS, "Said", old=True),
        of.survey("nps", 9),
        of.survey("csat", None, "Said"),
        of.not_found(),
        of.try_again("Title"),
    ]
    for page in pages:
        outline = Outline(bytes(page.body))
        direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
        assert outline.tags[0] == ("html", {"lang": language, "dir": direction})
        assert [len(outline.all(tag)) for tag in ("main", "h1", "title", "script", "img")] == [1, 1, 1, 0, 0]
        assert not outline.all("shop")
        assert not outline.all("offers")
        assert page.headers["content-language"] == language
        assert "{" not in page.body.decode().partition("</style>")[2]


def test_every_language_says_everything_and_names_the_same_values() -> None:
    texts = all_texts()
    assert tuple(sorted(texts)) == LANGUAGES
    for name, english in texts["en"].lines.items():
        for language, translated in texts.items():
            said = translated.lines[name]
            for value in ("{shop}", "{topic}", "{topics}"):
                assert (value in said) == (value in english), (language, name)
            assert language in ("en", "de", "nl", "fr", "it", "es") or said != english
    assert all(text.lines.keys() == texts["en"].lines.keys() for text in texts.values())


def test_the_preference_form_is_labelled_and_says_what_it_shows(settings: Settings) -> None:
    outline = Outline(bytes(reader(settings, "en").preferences(TOPICS, old=False).body))
    boxes = [box for box in outline.all("input") if box["type"] == "checkbox"]
    assert [(box["value"], "checked" in box, "disabled" in box) for box in boxes] == [
        ("marketing", True, False),
        ("tips", False, False),
        ("events", False, True),
    ]
    assert outline.labelled == len(boxes)
    assert [field["value"] for field in outline.all("input") if field["type"] == "hidden"] == ["marketing", "tips"]
    (note,) = (note for note in outline.all("p") if "id" in note)
    assert boxes[2]["aria-describedby"] == note["id"]
    assert [button["value"] for button in outline.all("button")] == ["save", "off"]
    assert outline.all("form") == [{"method": "post"}]
    assert len(outline.all("fieldset")) == len(outline.all("legend")) == 1


def test_every_number_of_a_survey_is_labelled_and_the_question_named(settings: Settings) -> None:
    outline = Outline(bytes(reader(settings, "ar").survey("csat", 4).body))
    numbers = outline.all("input")
    assert [(field["value"], "checked" in field) for field in numbers] == [(str(n), n == 4) for n in range(1, 6)]
    assert outline.labelled == len(numbers)
    assert len(outline.all("fieldset")) == len(outline.all("legend")) == 1
    assert outline.all("textarea")[0]["id"] in [label.get("for") for label in outline.all("label")]
    assert outline.all("form") == [{"method": "post"}]


def test_the_policy_allows_the_pages_style_and_nothing_else(settings: Settings) -> None:
    page = reader(settings, "en").not_found().body.decode()
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = HEADERS["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy
    assert " style=" not in page


def test_a_result_is_announced(settings: Settings) -> None:
    outline = Outline(bytes(reader(settings, "en").notice("Title", "Done.").body))
    assert outline.all("p") == [{"role": "status"}]


@pytest.mark.parametrize(
    ("asked", "accepted", "chosen"),
    [
        ("he", "de", "he"),
        (None, "xx,de-AT;q=0.9,en;q=0.8", "de"),
        ("zz", None, "en"),
        ("AR_EG", "", "ar"),
        ("../../etc", "*", "en"),
        (None, ",".join(["zz"] * 1000) + ",de", "en"),
    ],
    ids=["asked", "accepted", "unknown", "region", "path", "long"],
)
def test_the_language_is_asked_for_or_accepted(asked: str | None, accepted: str | None, chosen: str) -> None:
    assert choose(asked, accepted).language == chosen


def test_a_topic_without_a_title_is_called_by_its_name() -> None:
    assert topic_title("product-news", None) == "Product news"
    assert topic_title("product-news", "What is new") == "What is new"


MULTIPART = b'--X\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--X--\r\n'
AS_FILE = MULTIPART.replace(b'Unsubscribe"', b'Unsubscribe"; filename="a"')
URLENCODED = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "body", "fields"),
    [
        (URLENCODED, b"List-Unsubscribe=One-Click", {"List-Unsubscribe": ["One-Click"]}),
        ("", b"List-Unsubscribe=One-Click", {"List-Unsubscribe": ["One-Click"]}),
        (URLENCODED.upper() + "; charset=utf-8", b"a=1&a=%C3%A9", {"a": ["1", "é"]}),
        ("multipart/form-data; boundary=X", MULTIPART, {"List-Unsubscribe": ["One-Click"]}),
        ('Multipart/Form-Data; boundary="X"', MULTIPART, {"List-Unsubscribe": ["One-Click"]}),
        ("multipart/form-data; boundary=X", AS_FILE, {"List-Unsubscribe": ["One-Click"]}),
        ("multipart/form-data", MULTIPART, {}),
        ("multipart/form-data; boundary=Y", MULTIPART, {}),
        ("multipart/form-data; boundary=" + "X" * 999, MULTIPART, {}),
        ("application/json", b"{}", {}),
        (URLENCODED, b"a=1&" * 500, {}),
        (URLENCODED, b"\xff\xfe", {"\ufffd\ufffd": [""]}),
    ],
    ids=[
        "urlencoded",
        "unnamed kind",
        "twice",
        "multipart",
        "multipart quoted",
        "multipart file",
        "no boundary",
        "other boundary",
        "long boundary",
        "json",
        "too many",
        "no utf-8",
    ],
)
def test_both_encodings_of_a_form_are_read(kind: str, body: bytes, fields: dict[str, list[str]]) -> None:
    assert form_fields(kind, body) == fields
