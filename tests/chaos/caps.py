"""Caps under fire: `python -m tests.chaos.caps --people 10000 --kills 12`

Five campaigns want overlapping audiences. Two planners a campaign begin at once and some are killed and begin again,
while eight senders already send what has been planned. Then the provider's own ledger is asked how much mail each
person got in any stretch of the cap's days. The control does the same without caps, and must exceed them.
"""

import argparse
import random
import signal
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from rapport.campaigns.folder.scaffold import new
from rapport.campaigns.testing import allow_automatic, state_automatic
from rapport.db import load_queries
from rapport.delivery import Limits
from rapport.keys import recipient_key
from rapport.sandbox.mail import MailOptions
from rapport.settings import Settings
from tests.chaos import children
from tests.chaos.house import House, kill
from tests.chaos.planner import AUDIENCE
from tests.chaos.times import STORM

SQL = load_queries("tests.chaos", "caps.sql")
# Campaign and segment to the share of people in it, in thousandths, and what one of its mails is worth.
SEGMENTS = {
    "everyone": (1000, 0.1),
    "loyal": (600, 0.5),
    "lapsed": (500, 0.2),
    "newcomers": (400, 0.4),
    "spenders": (300, 0.3),
}
WORKERS, CONCURRENCY, PLANNERS_EACH = 8, 4, 2
SETTLE_SECONDS = 300.0
# Nothing but load delays an answer here; what it delays beyond these is left to the reconciler.
TIMES = replace(
    STORM,
    limits=Limits(
        connect_seconds=2.0,
        read_seconds=5.0,
        deadline_seconds=8.0,
        lease_seconds=12.0,
        window_seconds=20.0,
        patience_seconds=10.0,
        poll_seconds=0.2,
    ),
)
# Events tell nothing that this asks, and cost a core.
OPTIONS = MailOptions(requests_per_window=1_000_000, event_lag_seconds=1e6, late_share=0.0, doubled_share=0.0)


@dataclass
class Figures:
    """What came of it. `most`: mails that one person got within the cap's days; `uneven`: campaigns whose decisions
    do not sum to their audience; `twice`: people who got one campaign more than once."""

    audience: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    mails: int = 0
    people: int = 0
    at_most: int = 0
    most: int = 0
    twice: int = 0
    uneven: list[str] = field(default_factory=list)
    unsettled: int = 0
    kills: int = 0
    in_the_middle: int = 0
    begun_again: int = 0

    def whole(self) -> bool:
        return not (self.twice or self.uneven or self.unsettled) and self.mails > 0

    def __str__(self) -> str:
        told = ", ".join(f"{name} {count:,}" for name, count in self.outcomes.most_common())
        uneven = f"; DO NOT SUM: {', '.join(self.uneven)}" if self.uneven else ""
        return (
            f"{self.audience:,} decisions ({told}); {self.kills} planners killed, {self.in_the_middle} of them in the "
            f"middle of a plan, {self.begun_again} begun again for other reasons; {self.mails:,} mails to "
            f"{self.people:,} people, {self.at_most:,} of them at the cap, most to one person {self.most}, twice to "
            f"one person {self.twice}, without an end {self.unsettled}{uneven}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.caps", description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=12, help="SIGKILLs of planners")
    parser.add_argument("--cap", type=int, default=2, help="mails a person may get")
    parser.add_argument("--days", type=int, default=7, help="in so many days")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    held = True
    for name, capped, people, kills in (
        ("caps", True, chosen.people, chosen.kills),
        ("control", False, max(200, chosen.people // 10), 0),
    ):
        begun = time.monotonic()
        figures = _play(people, kills, chosen.cap, chosen.days, chosen.seed, capped)
        struck = figures.kills == kills and (figures.in_the_middle > 0 or not kills)
        proved = figures.whole() and struck and (figures.most > chosen.cap) != capped
        held = held and proved
        rule = f"at most {chosen.cap} in {chosen.days} days" if capped else "no cap, so it must be exceeded"
        print(
            f"{'held  ' if proved else 'FAILED'}  {name:<8}  {people:,} people, {len(SEGMENTS)} campaigns, {WORKERS} "
            f"senders, {rule}: {figures}  [{time.monotonic() - begun:.0f} s]",
            flush=True,
        )
    return 0 if held else 1


def _play(people: int, kills: int, cap: int, days: int, seed: int, capped: bool) -> Figures:
    with House(OPTIONS) as house:
        # Older than a day, so that every moment within its readers' day is past and all are due at once.
        slot = (datetime.now(UTC) - timedelta(hours=30)).replace(second=0, microsecond=0)
        settings = _prepare(house, people, slot, f"caps: [{{ max: {cap}, days: {days} }}]\n" if capped else "")
        crew = [house.spawn(children.dispatcher, settings, TIMES.limits, CONCURRENCY) for _ in range(WORKERS)]
        crew.append(house.spawn(children.reconciler, settings, TIMES, 0.5))
        figures = Figures()
        _plan_under_fire(house, settings, slot, kills, random.Random(seed), figures)
        _settle(house, figures)
        for member in crew:
            kill(member)
        _count(house, days, cap, figures)
        return figures


def _prepare(house: House, people: int, slot: datetime, caps: str) -> Settings:
    """An audience, a gate that passed, five campaigns that are all due at `slot`, and the shop's caps."""
    settings = house.settings.model_copy(update={"project_dir": house.directory / "project"})
    segments = settings.dbt_dir / "models" / "segments"
    segments.mkdir(parents=True)
    allow_automatic(settings)
    with (settings.campaigns_dir / "policy.yml").open("a") as policy:
        policy.write(caps)
    for name, (_, value) in SEGMENTS.items():
        (segments / f"{name}.sql").write_text("select 1")
        path = new(f"to_{name}", settings.campaigns_dir) / "campaign.yml"
        unwanted = ("segment:", "  cron:", "window:", "quiet_hours:", "expires_after:", "frequency_cap:", "repeat_")
        kept = [line for line in path.read_text().splitlines() if not line.startswith(unwanted)]
        at = kept.index("schedule:") + 1
        kept.insert(at, f'  cron: "{slot.minute} {slot.hour} * * *"')
        kept += [f"segment: {name}", f"value: {value}", "expires_after: 48h", "canary_wait: 0m", "holdout_percent: 5"]
        path.write_text("\n".join(kept) + "\n")
        state_automatic(path.parent)
    _fill(house, people, slot)
    return settings


def _fill(house: House, people: int, slot: datetime) -> None:
    """Of ten people one never agreed; of fifty one has unsubscribed."""
    with house.connect() as conn:
        conn.execute(AUDIENCE)
        conn.execute(SQL["grant_reading"])
        conn.execute(SQL["pass_gate"], {"gate_run_id": uuid4(), "ran_at": slot - timedelta(hours=1)})
        with conn.cursor() as cursor, cursor.copy(SQL["copy_audience"]) as copy:
            for number in range(people):
                segments = [
                    name
                    for at, (name, (share, _)) in enumerate(SEGMENTS.items())
                    if number * (7919 + 2 * at) % 1009 < share
                ]
                when = slot - timedelta(hours=2)
                copy.write_row((f"c{number}", _address(number), "Joe", "en", "en", "Europe/London", segments, when))
        keys = [recipient_key(house.settings, _address(number)) for number in range(people)]
        with conn.cursor() as cursor, cursor.copy(SQL["copy_facts"]) as copy:
            for key in (key for number, key in enumerate(keys) if number % 10 != 3):
                copy.write_row((key, "marketing", True, slot - timedelta(days=9), "shop", "form", key))
        with conn.cursor() as cursor, cursor.copy(SQL["copy_stops"]) as copy:
            for key in keys[7::50]:
                copy.write_row((key, "*", "unsubscribe", "shop", key, slot - timedelta(days=1)))


def _address(number: int) -> str:
    return f"person{number}@post.example"


def _plan_under_fire(
    house: House, settings: Settings, slot: datetime, kills: int, lot: random.Random, figures: Figures
) -> None:
    """Planners begin all at once. Killed ones, and those that Postgres sent away, begin again until all have ended."""
    wanted = [name for name in SEGMENTS for _ in range(PLANNERS_EACH)]
    lot.shuffle(wanted)

    def begin(name: str) -> tuple[str, BaseProcess]:
        return name, house.spawn(children.planner, settings, f"to_{name}", slot)

    at_work = [begin(name) for name in wanted]
    strike_at, deadline = time.monotonic() + 0.5, time.monotonic() + SETTLE_SECONDS
    while (at_work or figures.kills < kills) and time.monotonic() < deadline:
        if figures.kills < kills and time.monotonic() > strike_at:
            # Who finds everything planned may be killed as well.
            at_work = at_work or [begin(lot.choice(wanted))]
            _strike(house, [process for _, process in at_work], lot, figures)
            strike_at = time.monotonic() + lot.uniform(0.2, 1.0)
        ended = [one for one in at_work if not one[1].is_alive()]
        at_work = [one for one in at_work if one[1].is_alive()]
        for name, process in ended:
            if process.exitcode:
                figures.begun_again += process.exitcode != -signal.SIGKILL
                at_work.append(begin(name))
        time.sleep(0.02)
    figures.unsettled += len(at_work)


def _strike(house: House, at_work: list[BaseProcess], lot: random.Random, figures: Figures) -> None:
    """Kills the planner whose turn it is, or sometimes one that waits for its own."""
    with house.connect() as conn:
        row = conn.execute(SQL["whose_turn"]).fetchone()
    port = row["client_port"] if row else None
    planning = [one for one in at_work if port in _ports(one)]
    struck = kill(planning[0] if planning and lot.random() < 0.8 else lot.choice(at_work))
    figures.kills += struck
    figures.in_the_middle += struck and any(one.exitcode == -signal.SIGKILL for one in planning)


def _ports(process: BaseProcess) -> set[int]:
    try:
        return {one.laddr.port for one in psutil.Process(process.pid).net_connections() if one.laddr}
    except psutil.Error:
        return set()


def _settle(house: House, figures: Figures) -> None:
    """Until every send has an end."""
    deadline = time.monotonic() + SETTLE_SECONDS
    left = 1
    while left and time.monotonic() < deadline:
        time.sleep(0.5)
        with house.connect() as conn:
            left = (conn.execute(SQL["unsettled"]).fetchone() or {})["sends"]
    figures.unsettled += left


def _count(house: House, days: int, cap: int, figures: Figures) -> None:
    with house.connect() as conn:
        audience = {row["segment"]: row["people"] for row in conn.execute(SQL["segments"])}
        decided: dict[str, Counter[str]] = defaultdict(Counter)
        for row in conn.execute(SQL["decisions"]):
            decided[row["campaign_id"]][row["outcome"]] += row["people"]
        told = {row["campaign_id"]: row for row in conn.execute(SQL["occurrences"])}
        campaign_of = {str(row["send_id"]): row["campaign_id"] for row in conn.execute(SQL["sends"])}
    for name in SEGMENTS:
        outcomes, row = decided[f"to_{name}"], told.get(f"to_{name}")
        figures.outcomes += outcomes
        figures.audience += outcomes.total()
        whole = row is not None and outcomes.total() == audience[name] == row["waterfall"]["segment"]
        as_told = row is not None and all(row["waterfall"][outcome] == count for outcome, count in outcomes.items())
        if not (whole and as_told and row is not None and row["sends"] == outcomes["planned"]):
            figures.uneven.append(name)
    moments: dict[str, list[float]] = defaultdict(list)
    campaigns: Counter[tuple[str, str]] = Counter()
    for address, send_id, at in _accepted(house.mail):
        moments[address].append(at)
        campaigns[address, campaign_of[send_id]] += 1
    most = [_most_within(sorted(each), days * 86_400.0) for each in moments.values()]
    figures.mails, figures.people = campaigns.total(), len(moments)
    figures.most, figures.at_most = max(most, default=0), sum(number == cap for number in most)
    figures.twice = sum(count > 1 for count in campaigns.values())


def _most_within(moments: list[float], seconds: float) -> int:
    return max(sum(start <= at < start + seconds for at in moments) for start in moments)


def _accepted(mail: Path) -> list[tuple[Any, ...]]:
    """Address, send and time of every mail that the provider's own file holds."""
    con = sqlite3.connect(f"file:{mail / 'mail.db'}?mode=ro", uri=True, timeout=30)
    try:
        return con.execute("select to_email, send_id, accepted_at_real from accepted").fetchall()
    finally:
        con.close()


if __name__ == "__main__":
    sys.exit(main())
