"""Request bodies within bounds."""

from urllib.parse import parse_qs

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, create_form_parser
from starlette.requests import ClientDisconnect, Request

MAX_FORM_BYTES = 64 * 1024
# A declared length of more digits is beyond every bound.
MAX_LENGTH_DIGITS = 12
MAX_FIELDS = 200

Form = dict[str, list[str]]


class TooLargeError(Exception):
    """The body is longer than allowed."""


async def bounded(request: Request, most: int) -> bytes:
    """The raw body. Raises TooLargeError as soon as it is longer than `most` bytes."""
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit() and len(declared) <= MAX_LENGTH_DIGITS and int(declared) <= most):
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


async def form(request: Request, most: int) -> Form:
    """Fields of a form in either of HTML's encodings; empty for anything else. Raises TooLargeError."""
    body = await bounded(request, most)
    return form_fields(request.headers.get("content-type", ""), body)


def form_fields(content_type: str, body: bytes) -> Form:
    """Values by field name, in the order given. What is no form has none."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _multipart(content_type, body)
    # A one-click client that forgot to say what it sends can only mean this.
    if kind in ("application/x-www-form-urlencoded", ""):
        try:
            return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            return {}
    return {}


def _multipart(content_type: str, body: bytes) -> Form:
    fields: Form = {}

    def add(name: bytes | None, value: bytes | None) -> None:
        key = (name or b"").decode("utf-8", "replace")
        fields.setdefault(key, []).append((value or b"").decode("utf-8", "replace"))

    def on_field(field: Field) -> None:
        add(field.field_name, field.value)

    def on_file(file: File) -> None:
        # Some mail programs name a file even for the one-click field; within our bound it lies in memory.
        file.file_object.seek(0)
        add(file.field_name, file.file_object.read())

    headers = {"Content-Type": content_type.encode("latin-1", "replace")}
    try:
        parser = create_form_parser(headers, on_field, on_file, {"MAX_FIELDS": MAX_FIELDS})
        parser.write(body)
        parser.finalize()
    except FormParserError:
        return {}
    return fields
