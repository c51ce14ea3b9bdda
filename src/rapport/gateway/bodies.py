"""Request bodies within bounds."""

from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request


class TooLargeError(Exception):
    """The body is longer than allowed."""


async def bounded(request: Request, most: int) -> bytes:
    """The raw body. Raises TooLargeError as soon as it is longer than `most` bytes."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > most:
        raise TooLargeError
    received = bytearray()
    try:
        async for chunk in request.stream():
            received += chunk
            if len(received) > most:
                raise TooLargeError
    except ClientDisconnect:
        # Nobody waits for the answer; half a body verifies as nothing.
        return b""
    return bytes(received)


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """Fields of a form in either of HTML's encodings; empty for anything else."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _multipart(content_type, body)
    if kind in ("application/x-www-form-urlencoded", ""):
        try:
            found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
        except ValueError:
            return {}
        return {name: values[0] for name, values in found.items()}
    return {}


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    head = content_type.encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b"")
    document = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + head + b"\r\n\r\n" + body)
    fields = {}
    for part in document.iter_parts() if document.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields[name] = payload.decode("utf-8", "replace").strip()
    return fields
