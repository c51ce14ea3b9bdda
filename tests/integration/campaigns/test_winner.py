"""The rest of an occurrence gets the version that was clearly better, and nothing that has left is touched."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rapport.campaigns.outcome.winner import decide_winners
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.settings import Settings

AT = datetime(2027, 3, 1, 10, 1, tzinfo=UTC)
DUE = FixedClock(AT)
ARMS = """
create table marts.campaign_arms as
select
    'spring' as campaign_id, '2027-03-01T06:00' as occurrence_key, arm, in_test as is_in_test, 1000 as people_count,
    0 as clicked_count, buyers as buyers_count, buyers * 30.0 as capped_revenue, buyers * 1000.0 as capped_squares,
    null::float as before_revenue, null::float as before_squares, null::float as before_products
from (values
    ('a', true, 40), ('b', true, 90), ('holdout', true, 500), ('b', false, 900)
) as arms (arm, in_test, buyers)
"""


@pytest.fixture
def spring(database: Settings) -> Settings:
    execute(database, (Path(__file__).parent / "winner_rows.sql").read_text())
    return database


def execute(settings: Settings, query: str, **values: Any) -> list[dict[str, Any]]:
    with connect(settings=settings) as conn:
        found = conn.execute(query, values or None)
        return found.fetchall() if found.description else []


def click(settings: Settings, a: int, b: int) -> None:
    """So many people of each version click, some of them twice."""
    execute(
        settings,
        """
        insert into ops.webhook_inbox (event_id, event, send_id, raw, occurred_at, received_at)
        select send.send_id::text || time, 'click', send.send_id, '{}', '2027-03-01 08:00+00', '2027-03-01 08:00+00'
        from (
            select *, row_number() over (partition by variant order by send_id) as place
            from ops.send
            where not awaits_winner
        ) as send
        cross join generate_series(1, 2) as time
        where send.place <= case send.variant when 'a' then %(a)s else %(b)s end
        """,
        a=a,
        b=b,
    )


def mails(settings: Settings, which: str = "awaits_winner") -> Counter[str]:
    rows = execute(settings, f"select variant || ' ' || template_version as mail from ops.send where {which}")
    return Counter(row["mail"] for row in rows)


def decision(settings: Settings) -> dict[str, Any]:
    (row,) = execute(settings, "select * from ops.experiment_decision")
    return row


def test_the_clearly_better_version_goes_to_the_rest_in_their_language(spring: Settings) -> None:
    click(spring, a=30, b=80)
    before = mails(spring, "not awaits_winner")
    (decided,) = decide_winners(spring, DUE)
    assert (decided.choice.winner, decided.switched) == ("b", 2000)
    assert mails(spring) == {"b b-en": 1500, "b b-ar": 500}
    assert mails(spring, "not awaits_winner") == before, "who took part keeps their version"
    row = decision(spring)
    assert (row["winner"], row["clear"], row["by"], row["switched_count"]) == ("b", True, "clicks", 2000)
    assert (row["figures"]["a"]["total"], row["figures"]["b"]["total"], row["figures"]["b"]["people"]) == (30, 80, 1000)
    assert row["figures"]["b"]["low"] > 0


def test_without_a_clear_winner_the_rest_gets_the_control_and_the_reason_is_kept(spring: Settings) -> None:
    click(spring, a=50, b=60)
    assert len(decide_winners(spring, DUE)) == 1
    assert mails(spring) == {"a a-en": 1500, "a a-ar": 500}
    row = decision(spring)
    assert (row["winner"], row["clear"], row["switched_count"]) == ("a", False, 0)
    assert "no version is clearly better by clicks, so the rest gets a; cannot tell yet: about" in row["because"]


def test_it_is_decided_at_its_time_and_once(spring: Settings) -> None:
    click(spring, a=30, b=80)
    assert decide_winners(spring, FixedClock(AT - timedelta(hours=1))) == []
    assert mails(spring) == {"a a-en": 1500, "a a-ar": 500}
    with ThreadPoolExecutor(4) as pool:
        decided = [one for found in pool.map(lambda _: decide_winners(spring, DUE), range(4)) for one in found]
    assert len(decided) == 1
    assert decide_winners(spring, DUE) == []


def test_what_a_claim_holds_or_has_tried_keeps_its_mail(spring: Settings) -> None:
    click(spring, a=30, b=80)
    execute(
        spring, "update ops.send set attempt_no = 1, reason = 'refused before a byte' where recipient_key = 'k2002'"
    )
    execute(spring, "update ops.send set state = 'accepted' where recipient_key = 'k2003'")
    with connect(settings=spring) as claiming, ThreadPoolExecutor(1) as pool:
        claiming.execute("update ops.send set state = 'sending' where recipient_key = 'k2001'")
        deciding = pool.submit(decide_winners, spring, DUE)
        wait_until_blocked(spring)
        claiming.commit()
        (decided,) = deciding.result(timeout=60)
    assert decided.switched == 1997
    left = mails(spring, "recipient_key in ('k2001', 'k2002', 'k2003')")
    assert left == {"a a-en": 2, "a a-ar": 1}


def wait_until_blocked(settings: Settings) -> None:
    waiting = """
        do $$ begin
            while not exists (select 1 from pg_stat_activity
                where wait_event_type = 'Lock' and datname = current_database())
            loop perform pg_sleep(0.01); perform pg_stat_clear_snapshot(); end loop;
        end $$
    """
    execute(settings, f"set statement_timeout = '60s'; {waiting}")


def test_whose_context_lacks_what_the_winner_prints_keeps_the_control(spring: Settings) -> None:
    click(spring, a=30, b=80)
    execute(spring, "update ops.send set context = context - 'favourite_category' where recipient_key = 'k2001'")
    (decided,) = decide_winners(spring, DUE)
    assert decided.switched == 1999
    assert mails(spring, "recipient_key = 'k2001'") == {"a a-en": 1}


def test_by_revenue_the_published_tables_decide(spring: Settings) -> None:
    execute(spring, "update ops.occurrence set lot = jsonb_set(lot, '{experiment,winner,by}', '\"revenue\"')")
    with connect("transformer", settings=spring) as conn:
        conn.execute(ARMS)
    (decided,) = decide_winners(spring, DUE)
    assert (decided.choice.winner, decided.switched) == ("b", 2000)
    assert set(decided.choice.figures) == {"a", "b"}


def test_before_any_build_has_seen_the_orders_nothing_wins_by_revenue(spring: Settings) -> None:
    execute(spring, "update ops.occurrence set lot = jsonb_set(lot, '{experiment,winner,by}', '\"revenue\"')")
    (decided,) = decide_winners(spring, DUE)
    assert (decided.choice.winner, decided.choice.clear, decided.switched) == ("a", False, 0)
    assert "nothing to compare" in decision(spring)["because"]
