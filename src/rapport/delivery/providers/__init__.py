"""What delivery asks of a mail provider, declared where it is used. One provider, one file."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from rapport.errors import RapportError

__all__ = ["Message", "Outcome", "Provider", "TooLate"]


class TooLate(RapportError):
    """The send deadline passed before the first byte left."""


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one address. `go` is called with the connection open and nothing written: it raises TooLate when
    the mail must not leave any more. `arguments` are random ids, which the provider keeps for ever."""

    to: str = field(repr=False)
    sender: str
    sender_name: str | None
    reply_to: str | None = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    arguments: Mapping[str, str]
    category: str
    go: Callable[[], None] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request came to.

    `accepted`: the provider said so. `not_sent`: certainly not accepted, and worth another attempt. `rejected`:
    certainly not accepted, and it never will be. `unknown`: anything else. `wait_seconds` is how long the provider
    asked to be left alone, by everybody. `halt` says that not the message but our account or setting is wrong.
    `detail` holds no personal data.
    """

    kind: Literal["accepted", "not_sent", "rejected", "unknown"]
    detail: str
    status: int | None = None
    message_id: str | None = None
    wait_seconds: float = 0.0
    halt: bool = False
    payload_sha256: str | None = None


class Provider(Protocol):
    """Sends one message with one request and never repeats it. `send` raises nothing but cancellation."""

    async def send(self, message: Message) -> Outcome: ...


Opener = Callable[[], AbstractAsyncContextManager[Provider]]
