"""Runs the controls through the storm and counts what they did by the provider's own ledger."""

from collections import Counter
from collections.abc import Callable

from rapport.db import load_queries
from tests.chaos import rivals
from tests.chaos.checker import accepted_mails
from tests.chaos.faults import faulty_replies
from tests.chaos.house import House, retrying
from tests.chaos.schedule import schedule
from tests.chaos.storm import Crew, Storm
from tests.chaos.times import Times

SQL = load_queries("tests.chaos", "rivals.sql")
RECIPIENTS = 3000
FAULTS = {"kill dispatcher": 50, "freeze dispatcher": 4, "crash Postgres": 6}
WORKERS = 8
SENDS_PER_SECOND = 75.0
SETTLE_SECONDS = 60.0


def control(name: str, recipients: int, seed: int, times: Times) -> tuple[int, int, str]:
    """Duplicates, losses and a line about one design: `queue_with_retries` or `checkpoint_first`."""
    work = getattr(rivals, name)
    seconds = recipients / SENDS_PER_SECOND
    faults = {kind: max(1, round(count * recipients / RECIPIENTS)) for kind, count in FAULTS.items()}
    with House(times.options) as house:
        with house.connect() as conn:
            conn.execute(SQL["make"])
            conn.execute(SQL["plan"], {"recipients": recipients, "seconds": seconds})
        house.set_faults(faults=faulty_replies(times), seed=seed)
        crew = Crew(lambda: house.spawn(work, house.settings, times), WORKERS)
        storm = Storm(house, crew, schedule(seed, seconds, faults))
        while not storm.is_over or (_pending(house) and storm.elapsed < seconds + SETTLE_SECONDS):
            storm.tick()
        crew.dismiss()
        with house.connect() as conn:
            said = {row["send_id"] for row in conn.execute(SQL["said_sent"])}
        accepted = Counter(send_id for send_id, _, _ in accepted_mails(house.mail))
    duplicates = sum(count - 1 for count in accepted.values())
    losses = len(said - set(accepted))
    struck = sum(storm.injected.values())
    return duplicates, losses, f"N {recipients:,}, {struck} faults: {duplicates} sent twice, {losses} lost in silence"


def controls(recipients: int, seed: int, times: Times, say: Callable[[str], None]) -> tuple[bool, str]:
    """Whether each design fails in the way it must, and a line about both."""
    twice, _, queue = control("queue_with_retries", recipients, seed, times)
    say(f"  `skip locked` queue with retries: {queue}")
    _, lost, checkpoint = control("checkpoint_first", recipients, seed, times)
    say(f"  checkpoint first, then send: {checkpoint}")
    return (
        twice > 0 and lost > 0,
        f"the queue sent {twice} twice, the checkpoint lost {lost}: this storm finds what is wrong",
    )


def _pending(house: House) -> int:
    def ask() -> int:
        with house.connect() as conn:
            return int((conn.execute(SQL["pending"]).fetchone() or {})["n"])

    return retrying(ask)
