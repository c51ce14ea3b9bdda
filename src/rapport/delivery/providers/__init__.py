"""What delivery asks of a mail provider, declared where it is used. One provider, one file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from rapport.errors import RapportError

__all__ = ["Message", "Outcome", "Provider", "TooLate"]


class TooLate(RapportError):
    """The mail must not leave any more: its deadline passed, or somebody stopped it, before the first byte left."""


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one address. `arguments` are random ids, which the provider keeps for ever.

    `go` is called with the connection open and nothing written: it raises TooLate when the mail must not leave any
    more. `substitutions` fill tokens of subject, text and html that differ between mails of one request; where there
    are none, the texts are final. Messages of one request agree in everything but `to`, `headers`, `arguments`,
    `substitutions` and `go`.
    """

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
    substitutions: Mapping[str, str] = field(default_factory=dict, repr=False)
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request came to for one message.

    `accepted`: the provider said so. `not_sent`: certainly not accepted, and worth another attempt. `rejected`:
    certainly not accepted, and it never will be. `unknown`: anything else. `wait_seconds` is how long the provider
    asked to be left alone by everybody, which it may also do when it accepts. `halt` says that not the message but our
    account or setting is wrong. `status` is the reply code of the provider's protocol. `detail` holds no personal data.
    """

    kind: Literal["accepted", "not_sent", "rejected", "unknown"]
    detail: str
    status: int | None = None
    message_id: str | None = None
    wait_seconds: float = 0.0
    halt: bool = False
    payload_sha256: str | None = None


class Provider(Protocol):
    """Sends and never repeats what may have been accepted."""

    max_batch: int
    """How many messages one request may carry."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """One outcome a message, in their order, for at most `max_batch` messages that agree as Message says.

        Only a request that was certainly refused as a whole may be taken apart and asked again in parts. Raises
        nothing but cancellation.
        """
        ...
