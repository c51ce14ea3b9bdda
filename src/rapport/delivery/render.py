"""From claimed rows to the messages as the provider gets them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

import orjson

from rapport.campaigns.lifecycle.surveys import purpose
from rapport.campaigns.mail.content import RenderedMessage, Template, render, standard_links
from rapport.db import load_queries
from rapport.delivery.conformance import Conformance, Sender
from rapport.delivery.providers import Message
from rapport.delivery.records import Claimed
from rapport.delivery.worker import Worker
from rapport.errors import DataError, PermanentError
from rapport.keys import sign_token
from rapport.settings import Settings

SQL = load_queries("rapport.delivery", "lanes.sql")
UNSUBSCRIBE = "unsubscribe"
PREFERENCES = "preferences"
OPT_IN = "opt_in"
SURVEY = "survey"
# Stand where the personal links go while several mails share one body. No text of a person's contains them by
# chance, and they need no escaping in a URL or in HTML.
TOKENS = {UNSUBSCRIBE: "-rapport.unsubscribe-", PREFERENCES: "-rapport.preferences-", SURVEY: "-rapport.survey-"}


class Renderer:
    """Templates by version, read once each: a version never changes."""

    def __init__(self, settings: Settings) -> None:
        """Raises PermanentError when something every mail needs is not set."""
        self._settings = settings
        self._templates: dict[str, Template] = {}
        self._gateway = checked_gateway(settings)
        self.sending_domain = settings.require("mail_from").rpartition("@")[2].lower()
        self._links = standard_links(settings, self._gateway)
        sender = Sender(self.sending_domain, settings.shop_name, settings.shop_postal_address)
        self._conformance = Conformance(sender)

    async def load(self, worker: Worker, versions: Iterable[str]) -> None:
        """Reads the templates that are not known yet. Raises TransientError."""
        missing = sorted(set(versions) - set(self._templates))
        if missing:
            rows = await worker.rows(SQL["templates"], {"versions": missing})
            self._templates |= {row["template_version"]: Template(**row) for row in rows}

    def messages(self, rows: Sequence[Claimed], gates: Sequence[Callable[[], None]]) -> list[Message | DataError]:
        """One message a row, or why that row cannot become one. Rows given together must share a body."""
        shared = len(rows) > 1
        rendered: RenderedMessage | None = None
        messages: list[Message | DataError] = []
        for row, gate in zip(rows, gates, strict=True):
            links = self._personal_links(row)
            try:
                if rendered is None:
                    rendered = self._render(row, TOKENS if shared else links)
                messages.append(self._message(row, rendered, links, gate, shared))
            except DataError as error:
                messages.append(error)
        return messages

    def _render(self, row: Claimed, links: Mapping[str, str]) -> RenderedMessage:
        template = self._templates.get(row.template_version)
        if template is None:
            raise DataError("its template version is not stored")
        personal = {"unsubscribe_url": links[UNSUBSCRIBE], "preferences_url": links[PREFERENCES]}
        if SURVEY in row.context:
            personal["survey_url"] = links[SURVEY]
        if "opt_in_id" in row.context:
            token = sign_token(self._settings, OPT_IN, row.context["opt_in_id"])
            personal["confirm_url"] = f"{self._gateway}/c/{token}"
        return render(template, row.context, {**self._links, **personal})

    def _personal_links(self, row: Claimed) -> dict[str, str]:
        """The tokens say which send, never to whom."""
        send_id = str(row.send_id)
        links = {
            UNSUBSCRIBE: f"{self._gateway}/u/{sign_token(self._settings, UNSUBSCRIBE, send_id)}",
            PREFERENCES: f"{self._gateway}/p/{sign_token(self._settings, PREFERENCES, send_id)}",
        }
        survey = row.context.get(SURVEY)
        if survey:
            links[SURVEY] = f"{self._gateway}/s/{survey}/{sign_token(self._settings, purpose(survey), send_id)}"
        return links

    def _message(
        self, row: Claimed, rendered: RenderedMessage, links: Mapping[str, str], go: Callable[[], None], shared: bool
    ) -> Message:
        headers = {
            "List-Unsubscribe": f"<{links[UNSUBSCRIBE]}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": f"<{row.topic}.{self.sending_domain}>",
        }
        message = Message(
            to=row.address,
            sender=self._settings.mail_from,
            sender_name=row.from_name or self._settings.shop_name,
            reply_to=row.reply_to,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            headers=headers,
            arguments=arguments(self._settings, row),
            category=row.campaign_id,
            topic=row.topic,
            go=go,
            substitutions={TOKENS[name]: link for name, link in links.items()} if shared else {},
        )
        self._conformance.check(message, row.template_version)
        return message


def together(rows: Iterable[Claimed], most: int) -> list[list[Claimed]]:
    """Groups of at most `most` rows whose bodies are the same but for the personal links."""
    if most == 1:
        return [[row] for row in rows]
    groups: dict[tuple[object, ...], list[list[Claimed]]] = {}
    for row in rows:
        body = orjson.dumps(row.context, option=orjson.OPT_SORT_KEYS)
        found = groups.setdefault((row.template_version, row.topic, row.from_name, row.reply_to, body), [[]])
        if len(found[-1]) == most:
            found.append([])
        found[-1].append(row)
    return [group for found in groups.values() for group in found]


def arguments(settings: Settings, row: Claimed) -> dict[str, str]:
    """What comes back with every event: random ids and whose they are."""
    return {
        "send_id": str(row.send_id),
        "attempt_no": str(row.attempt_no),
        "installation": settings.installation_id,
        "environment": settings.environment,
    }


def checked_gateway(settings: Settings) -> str:
    """Where unsubscribe links point. Raises PermanentError unless it is https or a name of this machine or network."""
    url = settings.require("gateway_url").rstrip("/")
    parts = urlsplit(url)
    host = parts.hostname or ""
    inside = host in ("127.0.0.1", "::1") or "." not in host
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and inside)):
        raise PermanentError("RAPPORT_GATEWAY_URL must be an https address: mailbox providers honour no other way out")
    return url
