"""Large answers and large inputs of Postgres as Arrow tables of text, by COPY."""

import io
from typing import Any, LiteralString

from rapport.db import Connection


def read_table(conn: Connection, copy_to: LiteralString, parameters: dict[str, Any] | None = None) -> Any:
    """What a `copy (...) to stdout (format csv, header)` says; an empty text is null."""
    import pyarrow as pa
    from pyarrow import csv

    with conn.cursor().copy(copy_to, parameters) as copy:
        text = b"".join(copy)
    names = text[: text.index(b"\n")].decode().split(",")
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    return csv.read_csv(
        io.BytesIO(text), parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=options
    )


def write_table(conn: Connection, copy_from: LiteralString, table: Any) -> None:
    """Gives the rows to a `copy ... from stdin (format csv)`, whose columns stand in the table's order."""
    from pyarrow import csv

    with conn.cursor().copy(copy_from) as copy:
        for batch in table.to_batches(max_chunksize=100_000):
            text = io.BytesIO()
            csv.write_csv(batch, text, csv.WriteOptions(include_header=False))
            copy.write(text.getbuffer())
