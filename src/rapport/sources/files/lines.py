"""What the rules of a mapping say about order lines. Imports pyarrow: import this module lazily."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from rapport.sources.files.mapping import Cancellation, Code, Mapping, Pattern


def is_cancellation(rule: Cancellation | None, told: pa.Array | None, rows: int) -> pa.Array:
    """True for lines of cancellations and credit notes."""
    if rule is None or told is None:
        return pa.repeat(False, rows)
    if rule.prefix:
        return pc.fill_null(pc.starts_with(told, rule.prefix), False)
    words = pa.array([word.casefold() for word in rule.values])
    return pc.fill_null(pc.is_in(pc.utf8_lower(told), value_set=words), False)


def kinds_of_lines(mapping: Mapping, columns: dict[str, pa.Array]) -> pa.Array:
    """product, postage, fee or adjustment: by code first, then by the rule for stock movements."""
    code = columns["sku" if "sku" in mapping.columns else "product_id"]
    kind = pa.repeat("product", len(code))
    if mapping.rules.stock_movements:
        kind = pc.if_else(_unpriced(columns), "adjustment", kind)
    if not mapping.line_kinds or not len(code):
        return kind
    coded = code.dictionary_encode()
    for name, codes in mapping.line_kinds.items():
        found = _matches(coded.dictionary, codes).take(coded.indices)
        kind = pc.if_else(pc.fill_null(found, False), name, kind)
    return kind


def _matches(texts: pa.Array, codes: Iterable[Code]) -> pa.Array:
    exact = [code.casefold() for code in codes if isinstance(code, str)]
    found = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(exact, pa.string()))
    for code in codes:
        if isinstance(code, Pattern):
            found = pc.or_(found, pc.match_substring_regex(texts, code.regex))
    return found


def _unpriced(columns: dict[str, pa.Array]) -> pa.Array:
    """Price zero and nobody who bought: goods found, lost, broken or counted anew."""
    free = pc.fill_null(pc.match_substring_regex(columns["unit_price"], r"^[+-]?0*\.?0*([eE].*)?$"), False)
    for name in ("customer_id", "email", "phone"):
        free = pc.and_(free, pc.is_null(columns[name]))
    return free
