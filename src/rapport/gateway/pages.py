"""The pages: small documents, usable without scripts, styles or sight, in the reader's language and direction."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from minijinja import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rapport.campaigns.lifecycle.surveys import MAX_COMMENT_CHARS, SURVEYS
from rapport.gateway.texts import Texts, choose
from rapport.settings import Settings

_FOLDER = files("rapport.gateway") / "templates"
_STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
RETRY_AFTER = {"Retry-After": "30"}


@dataclass(frozen=True, slots=True)
class TopicView:
    """One line of the preference page. `final`: off for a reason that the person cannot lift here; `locked`: off, and
    this page may not begin to turn it on."""

    name: str
    title: str
    on: bool
    final: bool
    locked: bool


class Pages:
    """Every page's shape; what is said and done stands with the handlers."""

    def __init__(self, settings: Settings) -> None:
        self._shop, self._contact = settings.shop_name, settings.mail_from
        names = ("layout.html", "notice.html", "question.html", "preferences.html", "survey.html")
        self._templates = Environment(
            templates={name: (_FOLDER / name).read_text(encoding="utf-8") for name in names},
            undefined_behavior="strict",
        )

    def reader(self, request: Request) -> "Reader":
        """Pages for the one who sent this request."""
        texts = choose(request.query_params.get("lang"), request.headers.get("accept-language"))
        return Reader(self, texts, request.query_params.get("lang") is not None)

    def render(self, name: str, texts: Texts, values: Mapping[str, Any]) -> str:
        return self._templates.render_template(
            name, texts=texts.lines, language=texts.language, direction=texts.direction, style=_STYLE, **values
        )

    @property
    def shop(self) -> str:
        return self._shop

    @property
    def contact(self) -> str:
        return self._contact


class Reader:
    """The pages in the language of one reader."""

    def __init__(self, pages: Pages, texts: Texts, asked: bool) -> None:
        self._pages, self.texts, self._asked = pages, texts, asked

    def say(self, name: str, **values: str) -> str:
        return self.texts.say(name, shop=self._pages.shop, **values)

    @cached_property
    def query(self) -> str:
        """Keeps a language that was asked for when the reader goes on to another page."""
        return f"?lang={quote(self.texts.language)}" if self._asked else ""

    def notice(self, title: str, *said: str, choose: str | None = None, status: int = 200) -> Response:
        """`said` is the result of what the reader did; `choose` an address for further choices."""
        return self._page("notice.html", status, title=title, said=said, choose=choose, contact=None, explanation=None)

    def question(
        self, title: str, question: str, button: str, *said: str, choose: str | None = None, status: int = 200
    ) -> Response:
        """One button that answers to the page's own address."""
        return self._page(
            "question.html", status, title=title, question=question, button=button, said=said, choose=choose
        )

    def preferences(self, topics: Sequence[TopicView], *said: str, old: bool, status: int = 200) -> Response:
        shown = [{name: getattr(topic, name) for name in TopicView.__dataclass_fields__} for topic in topics]
        # What this page cannot do, the shop can.
        contact = self._pages.contact if old or any(topic.final for topic in topics) else None
        values = {"title": self.say("preferences_title"), "topics": shown, "old": old, "contact": contact}
        return self._page("preferences.html", status, said=said, **values)

    def survey(self, survey: str, chosen: int | None, *said: str, status: int = 200) -> Response:
        """A scale with one number chosen, a field for words, and the button that sends both."""
        scale = SURVEYS[survey]
        values = {
            "title": self.say("survey_title"),
            "question": self.say(f"survey_{survey}_ask"),
            "scale": self.say(f"survey_{survey}_scale"),
            "numbers": list(scale),
            "chosen": chosen,
            "most": MAX_COMMENT_CHARS,
        }
        return self._page("survey.html", status, said=said, **values)

    def not_found(self) -> Response:
        """One page for every token that is none, so that nobody learns what was wrong with it."""
        return self._page(
            "notice.html",
            404,
            title=self.say("not_found_title"),
            said=(),
            explanation=self.say("not_found"),
            contact=self._pages.contact,
            choose=None,
        )

    def try_again(self, title: str, status: int = 503) -> Response:
        """The database is away, or there were too many requests."""
        return self._page(
            "notice.html",
            status,
            title=title,
            said=(self.say("try_again"),),
            explanation=None,
            contact=self._pages.contact,
            choose=None,
        )

    def _page(self, name: str, status: int, **values: Any) -> Response:
        headers = {"Content-Language": self.texts.language, "Vary": "Accept-Language"}
        if status in (429, 503):
            headers |= RETRY_AFTER
        return HTMLResponse(self._pages.render(name, self.texts, values), status, headers)
