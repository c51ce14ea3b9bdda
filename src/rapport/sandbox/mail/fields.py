"""Checks of single values in a `mail/send` body, shared by its parts; each yields the service's error entries."""

import re
from collections.abc import Iterator
from typing import Any

RESERVED_HEADERS = frozenset(
    (
        *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
        *("to", "from", "subject", "reply-to", "cc", "bcc"),
    )
)
HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html"
ADDRESS = re.compile(
    r"[^\s@<>,;:\"()\[\]\\]+@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.IGNORECASE
)
KINDS: dict[type, str] = {dict: "object", list: "array", str: "string", int: "integer"}

Error = dict[str, Any]


def error(message: str, field: str | None = None, anchor: str | None = None) -> Error:
    """One entry of the service's error list."""
    return {"message": message, "field": field, "help": f"{HELP}#{anchor}" if anchor else None}


def unknown(value: dict[str, Any], known: frozenset[str], prefix: str) -> Iterator[Error]:
    """Names that the service does not know."""
    for name in value:
        if name not in known:
            yield error(f"Additional property {name} is not allowed", f"{prefix}{name}")


def typed(value: Any, kind: type, field: str) -> Iterator[Error]:
    """A value of another JSON type; null passes."""
    right = value is None or (isinstance(value, kind) and not (kind is int and isinstance(value, bool)))
    if not right:
        given = next((name for other, name in KINDS.items() if isinstance(value, other)), type(value).__name__)
        yield error(f"Invalid type. Expected: {KINDS[kind]}, given: {given}.", field)


def address(value: Any, field: str) -> Iterator[Error]:
    """An object that is not `{email, name}` with a usable address."""
    if not isinstance(value, dict):
        yield error(f"Invalid type. Expected: object, given: {KINDS.get(type(value), type(value).__name__)}.", field)
        return
    yield from unknown(value, frozenset(("email", "name")), f"{field}.")
    yield from typed(value.get("name"), str, f"{field}.name")
    given = value.get("email")
    if not isinstance(given, str) or len(given) > 320 or not ADDRESS.fullmatch(given.strip()):
        yield error("Does not contain a valid address.", f"{field}.email", "message.from" if field == "from" else None)


def header_lines(value: Any, field: str) -> Iterator[Error]:
    """Reserved or malformed mail headers."""
    yield from strings(value, field)
    for name, text in as_object(value).items():
        if name.lower() in RESERVED_HEADERS:
            yield error(
                f"The header {name} is reserved and may not be overridden.", f"{field}.{name}", "message.headers"
            )
        if not re.fullmatch(r"[!-9;-~]+", name) or "\n" in str(text) or "\r" in str(text):
            yield error(
                "A header is one line, its name printable ASCII without a colon.", f"{field}.{name}", "message.headers"
            )


def strings(value: Any, field: str) -> Iterator[Error]:
    """An object whose values are not all strings."""
    yield from typed(value, dict, field)
    for name, text in as_object(value).items():
        if text is None or not isinstance(text, str):
            yield error(
                f"Invalid type. Expected: string, given: {KINDS.get(type(text), type(text).__name__)}.",
                f"{field}.{name}",
            )


def as_object(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}
