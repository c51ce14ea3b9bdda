"""Forged links: none may open a page, let alone end somebody's mail; and link scanners must not either."""

import asyncio
import base64
from collections import Counter
from collections.abc import Callable
from random import Random
from urllib.parse import quote
from uuid import UUID

from starlette.types import ASGIApp

from rapport.clock import SystemClock
from rapport.db import connect
from rapport.gateway import create_app
from rapport.keys import sign_token
from rapport.settings import Settings

from .house import call, sizes_of, spread

PLACES = {"unsubscribe": "/u/", "preferences": "/p/", "opt_in": "/c/"}
FORMS = [b"List-Unsubscribe=One-Click", b"confirm=yes", b"action=off"]
FORM_HEADERS = [(b"content-type", b"application/x-www-form-urlencoded")]
PEOPLE = 200
HONEST_EVERY = 1_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _flip(random: Random, token: str, other: str) -> str:
    at = random.randrange(len(token))
    return token[:at] + random.choice(ALPHABET) + token[at + 1 :]


def _cut(random: Random, token: str, other: str) -> str:
    return token[: random.randrange(len(token))]


def _mix(random: Random, token: str, other: str) -> str:
    """One person's signature under another's id."""
    mine, theirs = token.split("."), other.split(".")
    return ".".join(random.choice([[mine[0], mine[1], theirs[2]], [mine[0], theirs[1], mine[2]]]))


def _encoding(random: Random, token: str, other: str) -> str:
    key, payload, signature = token.split(".")
    unused = ALPHABET[(ALPHABET.index(signature[-1]) & 0x30) | random.randrange(1, 16)]
    forms = [
        f"{key}.{payload}=.{signature}",
        f"{key}.{payload}.{signature}==",
        f"{key}.{payload}.{signature[:-1]}{unused}",
        f" {token}",
        f"{key}.{payload}..{signature}",
        f"{token}.",
        f".{token}",
        f"{key}.{payload}.",
        f"{key}..{signature}",
        f"{token}\0",
        token.swapcase(),
        quote(token, safe="").replace(".", "%2E"),
        token.replace("-", "+").replace("_", "/") + "=",
        token.translate({ord("."): "．"}),
        f"{token}/{other}",
    ]
    return random.choice(forms)


def _payload(random: Random, token: str, other: str) -> str:
    """The same id in another spelling."""
    key, payload, signature = token.split(".")
    about = base64.urlsafe_b64decode(payload + "==").decode()
    spelled = random.choice(
        [about.upper(), about.replace("-", ""), "{" + about + "}", f"urn:uuid:{about}", f" {about}"]
    )
    return f"{key}.{base64.urlsafe_b64encode(spelled.encode()).decode().rstrip('=')}.{signature}"


def _guess(random: Random, token: str, other: str) -> str:
    """Right in everything but the sixteen bytes that cannot be guessed."""
    key, payload, _ = token.split(".")
    guess = random.choice([random.randbytes(16), b"\0" * 16, b"", random.randbytes(32)])
    return f"{key}.{payload}.{base64.urlsafe_b64encode(guess).decode().rstrip('=')}"


FORGERIES: dict[str, Callable[[Random, str, str], str]] = {
    "flip": _flip,
    "cut": _cut,
    "mix": _mix,
    "encoding": _encoding,
    "payload": _payload,
    "guess": _guess,
}
KINDS = [*FORGERIES, "other key", "other purpose"]


def forge(settings: Settings, count: int, seed: int, processes: int) -> tuple[bool, str]:
    """Whether `count` forged links all led to the same page that helps, and changed nothing."""
    sends = people(settings, PEOPLE)
    jobs = [(settings, sends, size, seed + number) for number, size in enumerate(sizes_of(count))]
    told: Counter[str] = Counter()
    wrong: list[str] = []
    for counts, faults in spread(chunk, jobs, processes):
        told += counts
        wrong += faults
    with connect(settings=settings) as conn:
        changed = conn.execute(
            "select count(*) as n from ops.suppression where recipient_key not like 'honest%%'"
        ).fetchone()
    if changed is None or changed["n"]:
        wrong.append("somebody was suppressed by a forged link")
    wrong += [f"{kind}: was never tried" for kind in (*KINDS, "honest") if not told[kind]]
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in sorted(told.items()))
    shown = "".join(f"\n    {line}" for line in wrong[:10])
    return not wrong, f"{count:,} forged links, {len(wrong)} answers wrong ({kinds}){shown}"


def chunk(settings: Settings, sends: list[UUID], size: int, seed: int) -> tuple[Counter[str], list[str]]:
    return asyncio.run(_chunk(settings, sends, size, seed))


async def _chunk(settings: Settings, sends: list[UUID], size: int, seed: int) -> tuple[Counter[str], list[str]]:
    random, told, wrong = Random(seed), Counter[str](), list[str]()
    app = create_app(settings, SystemClock())
    stranger = settings.model_copy(update={"link_key": "a-key-of-somebody-else", "link_key_previous": None})
    helps = await call(app, "GET", "/u/x", [], b"")
    async with app.router.lifespan_context(app):
        for number in range(size):
            purpose = random.choice(list(PLACES))
            # The honest ones are kept apart: what they change must not hide what a forged one changes.
            forgeable = sends[: len(sends) // 2]
            about, other = (str(one) for one in random.sample(forgeable, 2))
            kind = KINDS[number % len(KINDS)]
            if kind == "other key":
                token = sign_token(stranger, purpose, about)
            elif kind == "other purpose":
                token = sign_token(settings, random.choice(["survey", "", "Unsubscribe", "opt-in"]), about)
            else:
                pair = (sign_token(settings, purpose, one) for one in (about, other))
                token = FORGERIES[kind](random, *pair)
            true = {sign_token(settings, purpose, str(one)) for one in (about, other)}
            if token in true:
                continue
            answer = await _call(app, random.choice(["GET", "POST"]), PLACES[purpose] + token, random.choice(FORMS))
            told[kind] += 1
            if answer != (404, helps.body):
                wrong.append(f"{kind}: status {answer[0]} for {purpose} (seed {seed})")
            if number % HONEST_EVERY == 0:
                link = PLACES["unsubscribe"] + sign_token(settings, "unsubscribe", str(random.choice(sends[-50:])))
                told["honest"] += 1
                if (await _call(app, "POST", link, FORMS[0]))[0] != 200:
                    wrong.append(f"an honest link was refused (seed {seed})")
    return told, wrong


async def _call(app: ASGIApp, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    try:
        answer = await call(app, method, path, FORM_HEADERS, body)
    except Exception as error:
        return 599, repr(error).encode()
    return answer.status, answer.body


def scan(settings: Settings, count: int, seed: int) -> tuple[bool, str]:
    """Whether `count` visits of link scanners to true links left everybody's mail as it was."""
    statuses = asyncio.run(_scan(settings, people(settings, PEOPLE), count, Random(seed)))
    with connect(settings=settings) as conn:
        changed = conn.execute(
            "select (select count(*) from ops.suppression) + (select count(*) from ops.consent_fact) as n"
        ).fetchone()
    held = statuses == {200: count} and changed is not None and changed["n"] == 0
    return held, f"{count:,} visits of link scanners: statuses {dict(statuses)}, {changed and changed['n']} changes"


async def _scan(settings: Settings, sends: list[UUID], count: int, random: Random) -> Counter[int]:
    app, statuses = create_app(settings, SystemClock()), Counter[int]()
    async with app.router.lifespan_context(app):
        for _ in range(count):
            purpose = random.choice(["unsubscribe", "preferences"])
            link = PLACES[purpose] + sign_token(settings, purpose, str(random.choice(sends)))
            method = random.choice(["GET", "GET", "HEAD"])
            statuses[(await _call(app, method, link, b""))[0]] += 1
    return statuses


def people(settings: Settings, number: int) -> list[UUID]:
    """Sends to as many people; the last fifty are the honest ones'."""
    with connect(settings=settings) as conn:
        conn.execute(
            "insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)"
            " values ('c', 'broadcast', 'marketing', 'at_most_once', '{}', '1', now())"
        )
        conn.execute(
            "insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)"
            " values ('v', 'c', 's', 'h', 't', 'en', now())"
        )
        conn.execute(
            "insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall)"
            " values ('c', 'o', now(), '{}')"
        )
        conn.execute(
            "insert into ops.recipient (recipient_key, address, created_at)"
            " select case when n > %(last)s then 'honest' else 'reader' end || n, null, now()"
            " from generate_series(1, %(number)s) as n",
            {"number": number, "last": number - 50},
        )
        rows = conn.execute(
            "insert into ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy,"
            " due_at, expires_at, template_version, context, planned_at)"
            " select gen_random_uuid(), 'c', 'o', recipient_key, recipient_key, 'marketing', 'at_most_once',"
            " now(), now() + interval '1 day', 'v', '{}', now()"
            " from ops.recipient order by right(recipient_key, -6)::integer returning send_id"
        ).fetchall()
    return [row["send_id"] for row in rows]
