"""How much each kind of event tells of when a person reads mail, and whether personal hours are better than one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rapport.scoring.history import Floats, Integers
from rapport.scoring.measures import Verdict
from rapport.scoring.send_time import SendTime, count_hours

REACTIONS = ("click", "open")
# A prompt reaction says something, yet it also says when we sent; held-out reactions are too few to tell how much.
DEFAULT_WEIGHTS = {"click": 1.0, "open": 1.0, "prompt": 0.2, "order": 0.5, "visit": 0.5}
FEWEST_REACTIONS = 100
_CANDIDATES = (1.0, 0.5, 0.2, 0.0)
_PROFILES = (6, 12, 24)
_CLIPPED = 1e-6


@dataclass(frozen=True)
class Choice:
    """How to learn hours in this shop: weight of an event by its kind, and number of kinds of people."""

    weights: dict[str, float]
    profiles: int


def judge(events: pd.DataFrame) -> tuple[Choice, Verdict]:
    """The choice that foretells best, and how well the last reaction of each person follows from what they did before.

    The figure is the mean logarithm of the chance given to the hour in which it came; beside it the shop's own
    distribution over the day, which gives everybody the same. The choice is made on one half of the people and judged
    on the other. Events have customer_id, hour, kind and at (epoch seconds).
    """
    last, before = _hold_out(events)
    choice = Choice(dict(DEFAULT_WEIGHTS), _PROFILES[0])
    if len(last) < FEWEST_REACTIONS:
        remark = f"{len(last)} reactions are too few to judge it ({FEWEST_REACTIONS} are needed)"
        return choice, _verdict(None, None, len(last), remark)
    customers = pd.Index(last["customer_id"])
    hour = last["hour"].to_numpy(dtype=np.int64)
    chosen_on = np.arange(len(last)) % 2 == 0
    personal = _log_chance(before, customers, hour, choice)
    rivals = [Choice(choice.weights, profiles) for profiles in _PROFILES[1:]]
    for kind in (None, *sorted(set(before["kind"]) - {*REACTIONS, "prompt"})):
        if kind is not None:
            rivals = [Choice(choice.weights | {kind: weight}, choice.profiles) for weight in _CANDIDATES]
        for rival in rivals:
            chances = _log_chance(before, customers, hour, rival)
            if chances[chosen_on].mean() > personal[chosen_on].mean():
                choice, personal = rival, chances
    same = np.bincount(hour[chosen_on], minlength=24) + 1.0
    everybody = np.log(same / same.sum())[hour]
    value, baseline = float(personal[~chosen_on].mean()), float(everybody[~chosen_on].mean())
    return choice, _verdict(value, baseline, int((~chosen_on).sum()))


def _hold_out(events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The last reaction of each person who did anything before it, and all events before it."""
    reactions = events[events["kind"].isin(REACTIONS)].sort_values(["customer_id", "at"])
    last = reactions.groupby("customer_id", as_index=False).tail(1)
    since = events["customer_id"].map(last.set_index("customer_id")["at"]).astype("float64")
    # An opening belongs to the click that follows it: the same visit must not foretell itself.
    before = events[events["at"] < since - 3600]
    return last[last["customer_id"].isin(before["customer_id"])], before


def _log_chance(before: pd.DataFrame, customers: pd.Index[str], hour: Integers, choice: Choice) -> Floats:
    counts = count_hours(before, customers, choice.weights)
    if not counts.any():
        return np.full(len(hour), -np.inf)
    chance = SendTime(choice.profiles).fit(counts).hours(counts)[np.arange(len(hour)), hour]
    return np.asarray(np.log(np.maximum(chance, _CLIPPED)))


def _verdict(value: float | None, baseline: float | None, rows: int, remark: str = "") -> Verdict:
    model = SendTime.version
    return Verdict("send_time", "log chance of hour", value, "hours of all", baseline, True, rows, model, remark)
