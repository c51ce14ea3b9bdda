"""How much each kind of event tells of when a person reads mail, and whether personal hours are better than one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rapport.scoring.history import Floats, Integers
from rapport.scoring.measures import Verdict
from rapport.scoring.send_time import SendTime, count_hours

REACTIONS = ("click", "open")
DEFAULT_WEIGHTS = {"click": 1.0, "open": 1.0, "order": 0.5, "visit": 0.5}
FEWEST_REACTIONS = 100
_CANDIDATES = (1.0, 0.5, 0.2, 0.0)
_CLIPPED = 1e-6


def judge(events: pd.DataFrame) -> tuple[dict[str, float], Verdict]:
    """Weights by kind, and how well the last reaction of each person is foretold from what they did before it.

    The figure is the mean logarithm of the chance given to the hour in which it came; beside it the shop's own
    distribution over the day, which gives everybody the same. Weights are chosen on one half of the people and judged
    on the other.
    """
    last, before = _hold_out(events)
    model, remark = SendTime.version, f"{len(last)} reactions are too few to judge it ({FEWEST_REACTIONS} are needed)"
    if len(last) < FEWEST_REACTIONS:
        return dict(DEFAULT_WEIGHTS), _verdict(None, None, len(last), model, remark)
    customers = pd.Index(last["customer_id"])
    hour = last["hour"].to_numpy(dtype=np.int64)
    chosen_on = np.arange(len(last)) % 2 == 0
    weights = dict(DEFAULT_WEIGHTS)
    personal = _log_chance(before, customers, hour, weights)
    for kind in sorted(set(before["kind"]) - set(REACTIONS)):
        tried = [_log_chance(before, customers, hour, weights | {kind: weight}) for weight in _CANDIDATES]
        best = int(np.argmax([chances[chosen_on].mean() for chances in tried]))
        weights[kind], personal = _CANDIDATES[best], tried[best]
    same = np.bincount(hour[chosen_on], minlength=24) + 1.0
    everybody = np.log(same / same.sum())[hour]
    value, baseline = float(personal[~chosen_on].mean()), float(everybody[~chosen_on].mean())
    return weights, _verdict(value, baseline, int((~chosen_on).sum()), model)


def _hold_out(events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The last reaction of each person who did anything before it, and all events before it."""
    reactions = events[events["kind"].isin(REACTIONS)].sort_values(["customer_id", "at"])
    last = reactions.groupby("customer_id", as_index=False).tail(1)
    since = events["customer_id"].map(last.set_index("customer_id")["at"]).astype("float64")
    # An opening belongs to the click that follows it: the same visit must not foretell itself.
    before = events[events["at"] < since - 3600]
    return last[last["customer_id"].isin(before["customer_id"])], before


def _log_chance(before: pd.DataFrame, customers: pd.Index[str], hour: Integers, weights: dict[str, float]) -> Floats:
    counts = count_hours(before, customers, weights)
    if not counts.any():
        return np.full(len(hour), -np.inf)
    chance = SendTime().fit(counts).hours(counts)[np.arange(len(hour)), hour]
    return np.asarray(np.log(np.maximum(chance, _CLIPPED)))


def _verdict(value: float | None, baseline: float | None, rows: int, model: str, remark: str = "") -> Verdict:
    return Verdict("send_time", "log chance of hour", value, "hours of all", baseline, True, rows, model, remark)
