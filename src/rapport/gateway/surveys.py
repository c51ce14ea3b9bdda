"""Answers to surveys: a link in the mail for each number, a page that shows it chosen, and a button that sends it."""

import logging
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from rapport.campaigns.lifecycle.surveys import MAX_COMMENT_CHARS, SURVEYS, purpose
from rapport.clock import Clock
from rapport.errors import TransientError
from rapport.gateway import tokens
from rapport.gateway.bodies import MAX_FORM_BYTES, Form, TooLargeError, form
from rapport.gateway.metrics import Metrics
from rapport.gateway.pages import Pages, Reader
from rapport.gateway.store import Store
from rapport.settings import Settings

log = logging.getLogger(__name__)


class Answering:
    """`/s/{survey}/{token}?answer=9`. The token names a send; the number is only what the page shows chosen."""

    def __init__(self, settings: Settings, clock: Clock, store: Store, metrics: Metrics, pages: Pages) -> None:
        self._settings, self._clock, self._store = settings, clock, store
        self._metrics, self._pages = metrics, pages

    async def handle(self, request: Request) -> Response:
        """Link scanners follow every link of a mail, so a GET changes nothing and asks no database."""
        reader, survey = self._pages.reader(request), request.path_params["survey"]
        token = request.path_params["token"]
        send_id = tokens.read(self._settings, purpose(survey), token) if survey in SURVEYS else None
        if send_id is None:
            return reader.not_found()
        if request.method == "POST":
            return await self._submit(request, reader, survey, send_id)
        return reader.survey(survey, _number(survey, request.query_params.get("answer", "")))

    async def _submit(self, request: Request, reader: Reader, survey: str, send_id: UUID) -> Response:
        try:
            fields = await form(request, MAX_FORM_BYTES)
        except TooLargeError:
            return reader.survey(survey, None, status=413)
        answer = _number(survey, fields.get("answer", [""])[-1])
        if answer is None:
            return reader.survey(survey, None, reader.say("survey_choose"), status=400)
        values = (send_id, survey, answer, _comment(fields), reader.texts.language, self._clock.now())
        try:
            known = await run_in_threadpool(self._store.answer, *values)
        except TransientError as error:
            log.error("an answer could not be stored: %s", error)
            return reader.survey(survey, answer, reader.say("try_again"), status=503)
        if not known:
            return reader.not_found()
        self._metrics.answers.labels(survey).inc()
        return reader.notice(reader.say("survey_title"), reader.say("survey_done"))


def _number(survey: str, text: str) -> int | None:
    """A number of the survey's scale, else None."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len("10") else None
    return number if number in SURVEYS[survey] else None


def _comment(fields: Form) -> str | None:
    """What Postgres cannot store in a text is left out, and so is what goes beyond the field's length."""
    return fields.get("comment", [""])[-1].replace("\0", "").strip()[:MAX_COMMENT_CHARS] or None
