"""From a claimed row to the message as the provider gets it."""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from rapport.campaigns.content import Template, render, standard_links
from rapport.db import load_queries
from rapport.delivery.providers import Message
from rapport.delivery.records import Claimed
from rapport.delivery.worker import Worker
from rapport.errors import DataError, PermanentError
from rapport.keys import sign_token
from rapport.settings import Settings

SQL = load_queries("rapport.delivery", "claim.sql")
UNSUBSCRIBE = "unsubscribe"


class Renderer:
    """Templates by version, read once each: a version never changes."""

    def __init__(self, settings: Settings) -> None:
        """Raises PermanentError when something every mail needs is not set."""
        self._settings = settings
        self._templates: dict[str, Template] = {}
        self._gateway = checked_gateway(settings)
        self._domain = settings.require("mail_from").rpartition("@")[2]
        standard_links(settings, self._gateway)

    async def load(self, worker: Worker, versions: Iterable[str]) -> None:
        """Reads the templates that are not known yet. Raises TransientError."""
        missing = sorted(set(versions) - set(self._templates))
        if missing:
            rows = await worker.rows(SQL["templates"], {"versions": missing})
            self._templates |= {row["template_version"]: Template(**row) for row in rows}

    def message(self, row: Claimed, go: Callable[[], None]) -> Message:
        """Raises DataError when this one row cannot become a mail."""
        template = self._templates.get(row.template_version)
        if template is None:
            raise DataError("its template version is not stored")
        way_out = unsubscribe_url(self._settings, self._gateway, row)
        mail = render(template, row.context, standard_links(self._settings, way_out))
        headers = {
            "List-Unsubscribe": f"<{way_out}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": f"<{row.topic}.{self._domain}>",
        }
        sender_name = row.from_name or self._settings.shop_name
        for value in (row.address, sender_name, row.reply_to or "", mail.subject, *headers.values()):
            if any(ord(ch) < 32 or ch == "\x7f" for ch in value):
                raise DataError("a header value holds a control character, which could forge headers")
        return Message(
            to=row.address,
            sender=self._settings.mail_from,
            sender_name=sender_name,
            reply_to=row.reply_to,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            headers=headers,
            arguments=arguments(self._settings, row),
            category=row.campaign_id,
            go=go,
        )


def arguments(settings: Settings, row: Claimed) -> dict[str, str]:
    """What comes back with every event: random ids and whose they are."""
    return {
        "send_id": str(row.send_id),
        "attempt_no": str(row.attempt_no),
        "installation": settings.installation_id,
        "environment": settings.environment,
    }


def unsubscribe_url(settings: Settings, gateway: str, row: Claimed) -> str:
    """One click and it is done; the token says which send, never to whom."""
    return f"{gateway}/u/{sign_token(settings, UNSUBSCRIBE, str(row.send_id))}"


def checked_gateway(settings: Settings) -> str:
    """Where unsubscribe links point. Raises PermanentError unless it is https or a name of this machine or network."""
    url = settings.require("gateway_url").rstrip("/")
    parts = urlsplit(url)
    host = parts.hostname or ""
    inside = host in ("127.0.0.1", "::1") or "." not in host
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and inside)):
        raise PermanentError("RAPPORT_GATEWAY_URL must be an https address: mailbox providers honour no other way out")
    return url
