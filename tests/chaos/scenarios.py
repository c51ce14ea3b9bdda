"""The crash points of the delivery protocol, each with what else happens around it."""

import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rapport.db import load_queries
from rapport.errors import TransientError
from rapport.keys import sign_token
from tests.chaos.audience import CAMPAIGNS, Planned
from tests.chaos.house import kill
from tests.chaos.lane import REACH_SECONDS, SQL, Lane
from tests.chaos.victims import Struck

RUN = load_queries("tests.chaos", "run.sql")
PAUSED = CAMPAIGNS[0].name
Step = Callable[[Lane, str], None]
# Said beside the table: points that a process of this harness cannot show, and the tests that do.
ELSEWHERE = {
    "restore of an old backup": "tests/integration/delivery/test_restore.py",
    "Airflow retry, clear, zombie, backfill": "tests/dags",
    "clock step, DST gap and fold": "tests/unit/campaigns/test_calendar.py and test_timing.py",
    "timeouts misconfigured, pooled session": "tests/integration/delivery/test_crashes.py",
    "events permuted and doubled give the same tables": "tests/integration/delivery/test_permutations.py",
}


def nothing(lane: Lane, occurrence: str) -> None:
    pass


@dataclass(frozen=True)
class Scenario:
    """`faults` are kinds and counts of faulty replies, `events` shares and lags of the provider's events; `meanwhile`
    happens while the victim waits at its point, `afterwards` once it was struck. `suppressed` sends must
    end so, and at most `failed` (a crash may leave it open whether a provider would have refused them). `error` is what
    the exception is. `held_seconds`: how long this harness itself may hold a request after its last check."""

    name: str
    point: str
    nth: int = 1
    faults: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, float] = field(default_factory=dict)
    error: type[Exception] = Struck
    refused: bool = False
    people: Callable[[list[Planned]], list[Planned]] = list
    meanwhile: Step = nothing
    afterwards: Step = nothing
    suppressed: int = 0
    failed: int = 0
    held_seconds: float = 0.0


def _event_comes_first(lane: Lane, occurrence: str) -> None:
    def known() -> bool:
        lane.work()
        return bool(lane.progress(occurrence)["told"])

    lane.wait(known)


def _stop_gateway(lane: Lane, _: str) -> None:
    kill(lane.house.gateway)


def _start_gateway(lane: Lane, _: str) -> None:
    lane.house.start_gateway()


def _unsubscribe(lane: Lane, occurrence: str) -> None:
    settings = lane.house.settings
    with lane.house.connect() as conn:
        rows = conn.execute(SQL["first_ids"], {"occurrence": occurrence, "number": 5}).fetchall()
    for row in rows:
        url = f"{settings.gateway_url}/u/{sign_token(settings, 'unsubscribe', str(row['send_id']))}"
        urllib.request.urlopen(url, b"List-Unsubscribe=One-Click", timeout=10).close()


def _switch(lane: Lane, on: bool) -> None:
    with lane.house.connect() as conn:
        conn.execute(RUN["pause"], {"campaign_id": PAUSED, "on": on})


def _edit(lane: Lane, _: str) -> None:
    with lane.house.connect() as conn:
        conn.execute(SQL["edit"])


def _poison(people: list[Planned]) -> list[Planned]:
    """One without the field that its text needs, one whose address no provider takes."""
    odd = replace(people[1], address=f'"{people[1].address}')
    return [replace(people[0], first_name=None), odd, *people[2:]]


SCENARIOS = (
    Scenario("after the claim", "after_claim"),
    Scenario("after the intent, before the request", "before_request", nth=2),
    Scenario("connected, before the first byte", "before_first_byte", nth=2, held_seconds=REACH_SECONDS),
    Scenario("connection refused", "after_answer", nth=2, refused=True),
    Scenario("request half written", "half_written", nth=2, held_seconds=REACH_SECONDS),
    Scenario("accepted and the reply lost", "after_answer", nth=2, faults={"drop_after": 4}),
    Scenario("accepted, then the provider hangs", "after_answer", nth=2, faults={"hang_after": 4}),
    Scenario("accepted after our timeout", "after_answer", nth=2, faults={"accept_late": 4}),
    Scenario("5xx after accepting", "after_answer", nth=2, faults={"error_after": 4}),
    Scenario("202, before the commit", "before_settle"),
    Scenario("commit of the claim ambiguous", "after_claim", error=TransientError),
    Scenario("commit of the result ambiguous", "after_settle", error=TransientError),
    Scenario("webhook early", "before_settle", meanwhile=_event_comes_first),
    Scenario(
        "webhook late",
        "after_answer",
        nth=2,
        faults={"drop_after": 4},
        events={"late_share": 1.0, "late_seconds": 4.0},
    ),
    Scenario(
        "webhook doubled and out of order",
        "after_answer",
        nth=2,
        faults={"drop_after": 4},
        events={"doubled_share": 1.0, "event_lag_seconds": 1.0},
    ),
    Scenario("webhook receiver down", "before_settle", meanwhile=_stop_gateway, afterwards=_start_gateway),
    Scenario("poison recipient", "before_settle", people=_poison, failed=2),
    Scenario("unsubscribe between plan and send", "before_claim", meanwhile=_unsubscribe, suppressed=5),
    Scenario(
        "campaign paused while sending",
        "after_claim",
        meanwhile=lambda lane, _: _switch(lane, True),
        afterwards=lambda lane, _: _switch(lane, False),
    ),
    Scenario("campaign edited while sending", "after_claim", meanwhile=_edit),
)


def faulty(scenario: Scenario, lane: Lane) -> dict[str, Any]:
    """As the provider's switches take them."""
    times = lane.times
    return {
        "faults": [
            {
                "kind": kind,
                "count": count,
                "seconds": times.late_seconds if kind == "accept_late" else times.hang_seconds,
            }
            for kind, count in scenario.faults.items()
        ],
        "events": dict(scenario.events),
    }
