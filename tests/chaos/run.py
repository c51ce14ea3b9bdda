"""The seeded chaos run: many workers, one storm, and nobody is written to twice."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

from rapport.db import load_queries
from rapport.errors import TransientError
from rapport.keys import sign_token
from tests.chaos import audience, children
from tests.chaos.checker import Verdict, accepted_requests, check, upper_bound
from tests.chaos.faults import faulty_replies, faulty_share, not_injected
from tests.chaos.house import House
from tests.chaos.schedule import Strike, schedule, share
from tests.chaos.storm import Crew, Storm
from tests.chaos.times import Times

SQL = load_queries("tests.chaos", "run.sql")
DISPATCHERS = 8
CONCURRENCY = 4
# What two cores send while everything is being killed.
SENDS_PER_SECOND = 50.0
SHORTEST_SECONDS = 8.0
SETTLE_SECONDS = 150.0
LATER = "later"
PAUSED = audience.CAMPAIGNS[1].name


@dataclass
class Run:
    """One run and what happened in it. `say` takes lines of detail."""

    house: House
    recipients: int
    seed: int
    times: Times
    say: Callable[[str], None]
    planned: int = 0
    ids: list[UUID] = field(default_factory=list)
    polls: int = 0
    uneven_polls: int = 0
    waited_at_shut_gate: int = 0

    def __post_init__(self) -> None:
        self.seconds = max(SHORTEST_SECONDS, self.recipients / SENDS_PER_SECOND)
        self.counts = share(self.recipients)
        self._polled_at = 0.0
        self._progress: dict[str, int] = {}

    def proceed(self) -> bool:
        """The whole run; whether it proves what it should."""
        self._prepare()
        strikes = sorted(schedule(self.seed, self.seconds, self.counts) + self._switches())
        house, times = self.house, self.times
        dispatchers = Crew(
            lambda: house.spawn(children.dispatcher, house.settings, times.limits, CONCURRENCY), DISPATCHERS
        )
        reconcilers = Crew(lambda: house.spawn(children.reconciler, house.settings, times, 0.2), 1)
        self.storm = Storm(house, dispatchers, strikes)
        self.storm.crews.append(reconcilers)
        self.storm.actions |= {
            "kill reconciler": lambda strike: reconcilers.kill(strike.slot),
            "unsubscribe": self._unsubscribe,
            "switch": self._switch,
        }
        while not self.storm.is_over or self.storm.elapsed < self.seconds:
            self.storm.tick()
            self._poll()
        self._settle()
        for crew in self.storm.crews:
            crew.dismiss()
        return self._report()

    def _prepare(self) -> None:
        with self.house.connect() as conn:
            audience.add_campaigns(conn)
            conn.execute(SQL["make_stops"])
            people = audience.mixed(self.recipients, self.seed, self.seconds * 0.9)
            self.ids = audience.plan(conn, self.house.settings, people)
        self.planned = len(self.ids)
        self.house.set_faults(faults=faulty_replies(self.times), seed=self.seed)

    def _switches(self) -> list[Strike]:
        """People and outages: at fixed shares of the time, so that they never meet each other's window."""
        at = {0: 0.20, 1: 0.30, 2: 0.40, 3: 0.50, 4: 0.60, 5: 0.70}
        return [Strike(self.seconds * moment, "switch", number, 0) for number, moment in at.items()]

    def _switch(self, strike: Strike) -> bool:
        def throw(campaign: str, on: bool) -> None:
            values = {"campaign_id": campaign, "on": on}
            with self.house.connect() as conn:
                if not on:
                    conn.execute(SQL["stop_ended"], values)
                conn.execute(SQL["kill_switch" if campaign == "*" else "pause"], values)
                if on:
                    conn.execute(SQL["stop_begun"], values)

        (
            lambda: throw(PAUSED, True),
            lambda: throw(PAUSED, False),
            lambda: self.house.set_faults(events={"lost_share": 0.2}),
            lambda: self.house.set_faults(events={"lost_share": 0.0}),
            lambda: throw("*", True),
            lambda: throw("*", False),
        )[strike.slot]()
        return True

    def _unsubscribe(self, strike: Strike) -> bool:
        """By the link of a mail, as a mail program's button does it; False while the gateway is away."""
        token = sign_token(self.house.settings, "unsubscribe", str(self.ids[strike.slot % len(self.ids)]))
        url = f"{self.house.settings.gateway_url}/u/{token}"
        try:
            with urllib.request.urlopen(url, b"List-Unsubscribe=One-Click", timeout=3) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _poll(self) -> None:
        """Once a second: the states must sum to the audience at any moment."""
        if time.monotonic() - self._polled_at < 1.0:
            return
        self._polled_at = time.monotonic()
        try:
            with self.house.connect() as conn:
                self._progress = dict(conn.execute(SQL["progress"]).fetchone() or {})
        except (psycopg.Error, TransientError):
            return
        self.polls += 1
        self.uneven_polls += not (self._progress["planned"] == self._progress["in_a_state"] == self.planned)

    def _settle(self) -> None:
        """Until every send has an end. Evidence needs later mail to be told of, so a little goes on being planned."""
        end, found = self.storm.elapsed + SETTLE_SECONDS, False
        self._find_at = self.storm.elapsed + self.times.limits.window_seconds + self.times.limits.lease_seconds
        while self.storm.elapsed < end:
            polls = self.polls
            self.storm.tick()
            self._poll()
            if polls == self.polls:
                continue
            if not found and self.storm.elapsed > self._find_at:
                self.waited_at_shut_gate = self._progress["doubtful"]
                self.house.set_faults(faults=[])
                self.house.resend_events()
                found = True
            if self._progress["doubtful"]:
                self._plan_later()
            elif found and not (self._progress["unsettled"] or self._progress["unread"] or self._waiting()):
                return

    def _plan_later(self) -> None:
        people = [audience.Planned(f"later{self.planned + at}@post.example", audience.CAMPAIGNS[0]) for at in (0, 1)]
        with self.house.connect() as conn:
            audience.plan(conn, self.house.settings, people, LATER)
        self.planned += len(people)

    def _waiting(self) -> int:
        return int(self.house.provider_state()["waiting"])

    def _report(self) -> bool:
        state = self.house.provider_state()
        with self.house.connect() as conn:
            verdict = check(conn, self.house.mail, self.times, self.planned)
            attempts = dict(conn.execute(SQL["attempts"]).fetchone() or {})
        self._details(verdict, state["injected"], attempts)
        missing = [kind for kind, count in self.counts.items() if self.storm.injected[kind] != count]
        missing += not_injected(state["injected"], verdict.accepted)
        if missing:
            self.say(f"  NOT INJECTED as planned: {', '.join(missing)}")
        proved = verdict.holds and not missing and not self.uneven_polls and self.polls > 0
        bound = upper_bound(verdict.accepted)
        self.result = (
            f"N {self.planned:,}, seed {self.seed}: {verdict}; duplicates are below {bound:.3%} with 95 % confidence"
        )
        return proved

    def _details(self, verdict: Verdict, faulty: dict[str, int], attempts: dict[str, int]) -> None:
        strikes = ", ".join(f"{count} {kind}" for kind, count in self.storm.injected.items() if kind != "switch")
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(faulty.items()))
        share_faulty = faulty_share(faulty, accepted_requests(self.house.mail))
        self.say(f"  struck: {strikes}; campaign paused and resumed, kill switch thrown and lifted, events lost")
        self.say(f"  provider: {sum(faulty.values())} faulty replies ({share_faulty:.1%} of all): {kinds}")
        self.say(
            f"  {attempts['attempts']:,} attempts; {attempts['orphaned']} sends lost their worker; repeated:"
            f" {verdict.repeats['not_sent']} certainly not sent, {verdict.repeats['by_evidence']} by evidence;"
            f" {self.waited_at_shut_gate} at-least-once sends waited while events were lost"
        )
        self.say(f"  states summed to the audience at {self.polls - self.uneven_polls} of {self.polls} polls")


def chaos_run(recipients: int, seed: int, times: Times, say: Callable[[str], None]) -> tuple[bool, str]:
    """Whether it holds, and its line."""
    with House(times.options) as house:
        run = Run(house, recipients, seed, times, say)
        proved = run.proceed()
        return proved, run.result
