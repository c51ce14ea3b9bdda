"""How often one network may ask."""

import pytest

from rapport.gateway import limiter
from rapport.gateway.limiter import BURST, PER_SECOND, Limiter


class Time:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_burst_passes_and_time_brings_more() -> None:
    time = Time()
    limit = Limiter(time)
    assert [limit.allows("192.0.2.1") for _ in range(BURST + 2)] == [True] * BURST + [False, False]
    time.at += 1 / PER_SECOND
    assert [limit.allows("192.0.2.1") for _ in range(2)] == [True, False]
    time.at += 1e9
    assert sum(limit.allows("192.0.2.1") for _ in range(BURST + 5)) == BURST


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8:0:f::1", True),
        ("2001:db8::1", "2001:db8:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "testclient", True),
    ],
    ids=["neighbours", "one customer", "two customers", "mapped", "no address"],
)
def test_who_shares_a_measure(one: str, other: str, together: bool) -> None:
    limit = Limiter(Time())
    for _ in range(BURST):
        limit.allows(one)
    assert limit.allows(other) is not together


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "MOST_NETWORKS", 3)
    limit = Limiter(Time())
    for number in range(9):
        limit.allows(f"192.0.2.{number}")
    assert len(limit._buckets) == 3
