import re
from pathlib import Path

import pytest

from rapport.errors import PermanentError
from rapport.settings import CHECKOUT
from rapport.sources.files import Mapping, load_mapping, parse_mapping, shipped_mappings
from rapport.sources.files.mapping import Rules
from rapport.sources.files.relations import COLUMNS

GOOD = """\
feed: shop
relation: products
columns:
  id: Product ID
  title: Name
"""


def test_a_mapping_is_read() -> None:
    mapping = parse_mapping(GOOD, "shop.yml")
    assert (mapping.feed, mapping.relation, mapping.headers) == ("shop", "products", ("Product ID", "Name"))


def test_every_shipped_mapping_is_read() -> None:
    assert "online_retail_ii" in shipped_mappings()
    for name in shipped_mappings():
        assert load_mapping(name).feed == name


def test_yaml_does_not_turn_norway_into_no() -> None:
    mapping = parse_mapping(GOOD.replace("title: Name", "title: NO") + "nulls: [007, on]\n", "shop.yml")
    assert (mapping.columns["title"], mapping.nulls) == ("NO", ("007", "on"))


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("feed: shop", "feed: My Shop"), 1, "feed: String should match"),
        (("relation: products", "relation: returns"), 2, "relation: Input should be 'customers'"),
        (("  title: Name", "  colour: Name"), 5, "columns.colour: products has no such column; it has id, sku"),
        (("  id: Product ID\n", ""), 3, "columns.id is missing: say which header holds it"),
        (("columns:", "colums:"), 3, "colums: no such setting; docs/importing.md lists them all"),
        (("columns:", "encoding: utf-9\ncolumns:"), 3, "'utf-9' is no encoding; examples: utf-8"),
        (("columns:", "delimiter: ';;'\ncolumns:"), 3, "a delimiter is one character, or the word tab"),
        (("columns:", "date_format: daily\ncolumns:"), 3, "'daily' is neither one of iso"),
        (("columns:", "time_zone: Europe/Atlantis\ncolumns:"), 3, "no time zone; example: Europe/London"),
        (("columns:", "line_kinds:\n  fee: [A]\ncolumns:"), 3, "line_kinds belongs to order_lines"),
        (("columns:", "currency: Euro\ncolumns:"), 3, "currency: String should match pattern"),
        (("feed: shop", "feed: shop\nfeed: other"), 2, "feed stands twice, first on line 1; keep one"),
        (("  id: Product ID", "  id: [Product ID"), 5, "not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_line(change: tuple[str, str], line: int, words: str) -> None:
    with pytest.raises(PermanentError) as raised:
        parse_mapping(GOOD.replace(*change), "shop.yml")
    assert f"shop.yml:{line}: " in str(raised.value)
    assert words in str(raised.value)


def test_a_rule_needs_one_way_to_tell_a_cancellation() -> None:
    text = """\
feed: shop
relation: order_lines
columns: {order_id: A, ordered_at: B, quantity: C, unit_price: D}
currency: EUR
rules:
  cancellation:
    column: Status
"""
    with pytest.raises(PermanentError, match=r"shop\.yml:6: rules\.cancellation: give either prefix or values"):
        parse_mapping(text, "shop.yml")


def test_the_relation_can_be_overridden() -> None:
    assert parse_mapping(GOOD.replace("title: Name", "email: Mail"), "shop.yml", "customers").relation == "customers"
    with pytest.raises(PermanentError, match=r"columns\.title: customers has no such column"):
        parse_mapping(GOOD, "shop.yml", "customers")


def test_a_mapping_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"nowhere: no such mapping file.*online_retail_ii"):
        load_mapping("nowhere")
    (tmp_path / "bad.yml").write_bytes("feed: café".encode("cp1252"))
    with pytest.raises(PermanentError, match="is not UTF-8 text"):
        load_mapping(tmp_path / "bad.yml")


@pytest.mark.parametrize("text", ["", "- feed", "just words"])
def test_what_is_no_mapping_at_all_is_told(text: str) -> None:
    with pytest.raises(PermanentError, match=r"shop\.yml:1: a mapping starts with settings"):
        parse_mapping(text, "shop.yml")


def test_every_setting_and_column_is_documented() -> None:
    text = (CHECKOUT / "docs" / "importing.md").read_text(encoding="utf-8")
    settings = set(Mapping.model_fields) - {"rules", "line_kinds"} | {f"rules.{name}" for name in Rules.model_fields}
    columns = {column.name for columns in COLUMNS.values() for column in columns}
    assert {name for name in settings if f"`{name}`" not in text and f"{name}:" not in text} == set()
    assert {name for name in columns if not re.search(rf"\b{name}\b", text)} == set()
