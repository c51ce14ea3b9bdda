"""Who is thought about together: components, packed so that none is cut in two."""

import pyarrow as pa
import pytest

from rapport.identity import batches
from rapport.identity.batches import components


def found(*pairs: tuple[str, str]) -> batches.Components:
    a, b = zip(*pairs, strict=True) if pairs else ((), ())
    return components(pa.table({"a": pa.array(a, pa.string()), "b": pa.array(b, pa.string())}))


def test_profiles_that_hang_together_are_one_component() -> None:
    some = found(("a", "b"), ("c", "b"), ("d", "e"))
    numbers = dict(zip(some.keys.to_pylist(), some.numbers.tolist(), strict=True))
    assert numbers["a"] == numbers["b"] == numbers["c"] != numbers["d"]
    assert numbers["d"] == numbers["e"]


def test_without_pairs_there_is_nobody() -> None:
    assert len(found().keys) == 0
    assert len(found().batches()) == 0
    assert found().groups(80).num_rows == 0


def test_batches_are_filled_and_keep_a_component_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 4)
    many = found(*[(f"a{n}", f"b{n}") for n in range(10)], ("c", "d"), ("d", "e"), ("e", "f"), ("f", "g"), ("g", "h"))
    by_batch: dict[int, set[int]] = {}
    for number, batch in zip(many.numbers.tolist(), many.batches().tolist(), strict=True):
        by_batch.setdefault(batch, set()).add(number)
    assert sum(len(numbers) for numbers in by_batch.values()) == 11
    assert 5 <= len(by_batch) <= 7


def test_a_component_too_large_for_all_its_pairs_is_no_group() -> None:
    groups = found(("a", "b"), ("c", "d"), ("d", "e")).groups(2)
    assert sorted(groups["profile_key"].to_pylist()) == ["a", "b"]
