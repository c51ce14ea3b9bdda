"""A winner is chosen while the rest is already leaving: what leaves is what the ledger says."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from psycopg.types.json import Jsonb

from rapport.campaigns.outcome.winner import decide_winners
from rapport.delivery import Limits, run_dispatcher

WAITING = 300
PATIENT = Limits(read_seconds=70, deadline_seconds=90, lease_seconds=120)
LOT = {
    "holdout_percent": 0,
    "experiment": {"name": "words", "variants": {"a": {}, "b": {}}, "winner": {"by": "clicks"}},
    "templates": {"a": {"en": "v1"}, "b": {"en": "v2"}},
}


def try_versions(shop: Any) -> None:
    """Two hundred tried each version, and more of those with b clicked."""
    shop.conn.execute(
        "insert into ops.template"
        " (template_version, campaign_id, variant, subject, html, body_text, language, created_at)"
        " select 'v2', campaign_id, 'b', 'Better, {{ first_name }}', html, body_text, language, created_at"
        " from ops.template"
    )
    shop.conn.execute("update ops.send set awaits_winner = true")
    shop.conn.execute(
        "update ops.occurrence set lot = %s, decide_at = %s", (Jsonb(LOT), shop.clock.at - timedelta(minutes=15))
    )
    tried = shop.plan(400, prefix="tried")
    shop.conn.execute(
        "update ops.send set state = 'accepted', variant = case place %% 2 when 0 then 'a' else 'b' end"
        " from unnest(%s::uuid[]) with ordinality as tried (id, place) where send.send_id = tried.id",
        (tried,),
    )
    for place, send_id in enumerate(tried, 1):
        if place <= 120 and (place % 2 == 1 or place <= 20):
            shop.event(send_id, "click")


def test_what_left_before_the_choice_and_after_it_is_what_the_ledger_says(shop: Any, provider: Any) -> None:
    shop.plan(WAITING)
    try_versions(shop)
    halfway, chosen = threading.Event(), threading.Event()

    def answer(address: str) -> str:
        if len(provider.bodies) == WAITING // 10:
            halfway.set()
            chosen.wait(60)
        return "accept"

    provider.behave = answer
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(run_dispatcher, shop.settings, shop.clock, until_idle=True, concurrency=4, limits=PATIENT)
        assert halfway.wait(60)
        (decided,) = decide_winners(shop.settings, shop.clock)
        chosen.set()
        sending.result(timeout=120)
    assert decided.choice.winner == "b"
    assert 0 < decided.switched < WAITING
    left = {
        one["custom_args"]["send_id"]: body["subject"].split(" ")[0]
        for body in provider.bodies
        for one in body["personalizations"]
    }
    rows = shop.conn.execute("select * from ops.send where awaits_winner").fetchall()
    assert {row["state"] for row in rows} == {"accepted"}
    assert {str(row["send_id"]): row["variant"] for row in rows} == {
        send_id: {"Hello": "a", "Better,": "b"}[word] for send_id, word in left.items()
    }
    assert sum(row["variant"] == "b" for row in rows) == decided.switched
