from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZipFile

import pytest

from rapport.sources.files import Mapping

LINES = {
    "order_id": "Order",
    "ordered_at": "Date",
    "sku": "Code",
    "title": "Title",
    "quantity": "Qty",
    "unit_price": "Price",
}


@pytest.fixture
def mapping() -> Callable[..., Mapping]:
    """A mapping of order lines in euros, with settings on top."""

    def make(**settings: Any) -> Mapping:
        said = {"feed": "shop", "relation": "order_lines", "columns": LINES, "currency": "EUR", **settings}
        return Mapping.model_validate(said)

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A file of text in an encoding, or of bytes."""

    def make(content: str | bytes, encoding: str = "utf-8", name: str = "orders.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return make


@pytest.fixture
def excel(tmp_path: Path) -> Callable[[list[list[Any]]], Path]:
    """A workbook of one sheet, written by hand so that no library for writing is needed."""

    def make(rows: list[list[Any]]) -> Path:
        path = tmp_path / "orders.xlsx"
        with ZipFile(path, "w") as book:
            for name, text in WORKBOOK.items():
                book.writestr(name, text)
            lines = "".join(
                f'<row r="{at}">{"".join(_cell(value) for value in row)}</row>' for at, row in enumerate(rows, 1)
            )
            sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{lines}</sheetData></worksheet>'
            book.writestr("xl/worksheets/sheet1.xml", sheet)
        return path

    return make


def _cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, datetime):
        days = (value - datetime(1899, 12, 30)).total_seconds() / 86_400  # noqa: DTZ001 (as Excel counts)
        return f'<c s="1"><v>{days!r}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


SCHEMAS = "http://schemas.openxmlformats.org"
MAIN = f"{SCHEMAS}/spreadsheetml/2006/main"
OFFICE = f"{SCHEMAS}/officeDocument/2006/relationships"
PACKAGE = f"{SCHEMAS}/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
WORKBOOK = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{TYPES}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{TYPES}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
    '<sheets><sheet name="Orders" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
    '<xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>',
}
