"""What one person does with one mail, decided at once from the seed and the message id, never from when it is asked."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rapport.sandbox.mail.links import campaign_of, codes_in, one_click_url, shop_links

MINUTE, HOUR = 60.0, 3600.0
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/137.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/137.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15",
)
UNKNOWN = {"reason": "550 5.1.1 The address does not exist", "status": "5.1.1", "type": "bounce"}
FULL = {"reason": "552 5.2.2 The mailbox is full", "status": "5.2.2", "type": "blocked"}
BUSY = {"response": "451 4.3.2 Please try again later"}


@dataclass(frozen=True)
class Step:
    """One thing to happen at `at` (epoch seconds). `kind` is a webhook event, `unsubscribe` or `buy`."""

    kind: str
    at: float
    payload: dict[str, Any] = field(default_factory=dict)


def plan(mail: Mapping[str, Any], person: Mapping[str, Any] | None, seed: int) -> list[Step]:
    """All steps that follow from accepting `mail` (a decoded ledger row) for `person` (a `persons` row or None)."""
    draw = random.Random(f"{seed} {mail['sg_message_id']}")
    start = max(mail["accepted_at"], mail["send_at"] or 0.0) + draw.uniform(1, 20)
    if person is None or person["bounces"] == "hard":
        return [Step("bounce", start, UNKNOWN)]
    if person["bounces"] == "soft":
        tries = [Step("deferred", start + wait, BUSY | {"attempt": str(n)}) for n, wait in ((1, 0.0), (2, 15 * MINUTE))]
        return [*tries, Step("bounce", start + 40 * MINUTE, FULL)]
    steps = []
    if draw.random() < 0.03:
        steps.append(Step("deferred", start, BUSY | {"attempt": "1"}))
        start += draw.uniform(5 * MINUTE, 30 * MINUTE)
    steps.append(Step("delivered", start, {"response": "250 2.0.0 OK", "tls": 1}))
    # Whom a campaign annoys it annoys whenever it comes: complaints are so rare that one by chance would pause a demo.
    annoyed = random.Random(f"{seed} {person['person_id']} {mail['categories']}").random()
    return steps + _reading(mail, person, draw, start, complaint=annoyed < person["complaint_propensity"])


def _reading(
    mail: Mapping[str, Any], person: Mapping[str, Any], draw: random.Random, delivered: float, *, complaint: bool
) -> list[Step]:
    # Every draw is made whatever the outcome of the others, so that one propensity does not shift another's luck.
    opens, clicks, leaves = (draw.random() for _ in range(3))
    seen_at = reading_time(delivered, person, draw)
    agent = {"useragent": draw.choice(AGENTS), "ip": f"203.0.113.{draw.randrange(1, 255)}"}
    steps = []
    if person["machine_opens"]:
        proxy = {"useragent": "Mozilla/5.0", "ip": f"198.51.100.{draw.randrange(1, 255)}"}
        steps.append(_open(delivered + draw.uniform(5, 30 * MINUTE), proxy, machine=True))
    leaving = leaves < person["unsubscribe_propensity"]
    if not (opens < person["open_propensity"] or complaint or leaving):
        return steps
    if not person["machine_opens"]:  # a privacy proxy has fetched the pixel already; its owner's reading is not seen
        steps.append(_open(seen_at, agent))
        if draw.random() < 0.18:
            steps.append(_open(seen_at + draw.uniform(HOUR, 20 * HOUR), agent, ordinal=1))
    if complaint:
        return [*steps, Step("spamreport", seen_at + draw.uniform(5, 90))]
    clicking = clicks * max(person["open_propensity"], 1e-9) < person["click_propensity"]
    if clicking:
        steps += _shopping(mail, person, draw, seen_at, agent)
    if leaving:
        kind = "unsubscribe" if one_click_url(mail["headers"]) or mail["group_id"] is not None else "spamreport"
        steps.append(Step(kind, seen_at + draw.uniform(20, 240), agent if kind == "unsubscribe" else {}))
    return steps


def _shopping(
    mail: Mapping[str, Any], person: Mapping[str, Any], draw: random.Random, seen_at: float, agent: dict[str, Any]
) -> list[Step]:
    links = shop_links(mail["html"], mail["headers"])
    if not links:
        return []
    link = links[0] if draw.random() < 0.7 else draw.choice(links)
    clicked_at = seen_at + draw.uniform(5, 3 * MINUTE)
    extra = agent | {"url": link.url, "url_offset": {"index": link.index, "type": "html"}}
    steps = [Step("click", clicked_at, extra)]
    if draw.random() < person["buy_propensity"]:
        campaign = campaign_of(link.url, mail["categories"])
        buy = {"person_id": person["person_id"], "campaign": campaign, "landing": link.url, "email": mail["to_email"]}
        buy["codes"] = codes_in(mail["html"])
        steps.append(Step("buy", clicked_at + draw.uniform(3 * MINUTE, 90 * MINUTE), buy))
    return steps


def _open(at: float, agent: dict[str, Any], *, machine: bool = False, ordinal: int = 0) -> Step:
    return Step("open", at, agent | {"sg_machine_open": machine, "sg_content_type": "html", "ordinal": ordinal})


def reading_time(delivered: float, person: Mapping[str, Any], draw: random.Random) -> float:
    """When the person looks: soon if awake, else around the preferred hour of their own day, within about two days."""
    style, soon, spread = draw.random(), draw.expovariate(1 / (1.5 * HOUR)), draw.gauss(0, 45)
    zone = ZoneInfo(person["time_zone"])
    arrived = datetime.fromtimestamp(delivered, zone)
    if style < 0.4:
        at = delivered + MINUTE + min(soon, 8 * HOUR)
        if 7 <= datetime.fromtimestamp(at, zone).hour < 23:
            return at
    target = arrived.replace(hour=person["preferred_hour"], minute=0, second=0) + timedelta(minutes=spread)
    if target <= arrived:
        target += timedelta(days=1)
    if style > 0.85:
        target += timedelta(days=1)
    return target.timestamp()
