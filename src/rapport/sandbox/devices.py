"""The phones and computers people browse with, the same for a world's whole life."""

from __future__ import annotations

import random
from dataclasses import dataclass
from uuid import UUID

# What a device's browser calls itself, and how many people of a hundred have one.
_KINDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "phone": (
        82,
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " Version/18.5 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0"
            " Mobile Safari/537.36",
        ),
    ),
    "computer": (
        58,
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0"
            " Safari/537.36",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
            " Safari/605.1.15",
        ),
    ),
    "tablet": (
        11,
        (
            "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
            " Mobile/15E148 Safari/604.1",
        ),
    ),
    "app": (14, ("ShopApp/4.2 (iPhone; iOS 18.5)",)),
}
CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
)
CONSENTING, LOGGING_IN = 0.72, 0.75


@dataclass(frozen=True)
class Device:
    """`consents` to being measured; `logs_in`: the share of visits in which its user says who they are."""

    device_id: str
    kind: str
    user_agent: str
    consents: bool
    logs_in: float


def devices_of(seed: str, person_id: int, household: int | None = None) -> list[Device]:
    """At least one. `household`: the first person of a home whose members share its computer too."""
    rng = random.Random(f"{seed}:devices:{person_id}")
    own = [_device(rng, kind) for kind, (share, _) in _KINDS.items() if rng.random() * 100 < share]
    own = own or [_device(rng, "phone")]
    if household is not None:
        own.append(_device(random.Random(f"{seed}:household:{household}"), "computer", logs_in=0.7))
    # In the shop stands a tablet for everybody.
    if rng.random() < 0.01:
        own.append(_device(random.Random(f"{seed}:terminal"), "tablet", logs_in=0.9))
    return own


def stranger(rng: random.Random) -> Device:
    """A visitor whom the shop does not know."""
    return _device(rng, rng.choice(("phone", "phone", "computer")), logs_in=0.0)


def crawler(rng: random.Random) -> Device:
    """A machine; some of them press every button, the one of consent too."""
    return Device(_id(rng), "computer", rng.choice(CRAWLERS), rng.random() < 0.4, 0.0)


def _device(rng: random.Random, kind: str, *, logs_in: float | None = None) -> Device:
    agent = rng.choice(_KINDS[kind][1])
    consents, draws = rng.random() < CONSENTING, rng.random() < LOGGING_IN
    if logs_in is None:
        logs_in = 0.95 if kind == "app" else 0.55 if draws else 0.0
    return Device(_id(rng), kind, agent, consents, logs_in)


def _id(rng: random.Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))
