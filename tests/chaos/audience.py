"""Sends planned straight into the ledger, with consent, as a plan of three campaigns would have left them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from rapport.db import Connection
from rapport.keys import recipient_key, uuid7
from rapport.settings import Settings

OCCURRENCE = "2026-11-25"
HTML = (
    "<html lang='en' dir='ltr'><body><p>Hello {{ first_name }}</p><p>{{ shop_name }}, {{ shop_postal_address }}"
    " <a href='{{ unsubscribe_url }}'>Unsubscribe</a></p></body></html>"
)
TEXT = "Hello {{ first_name }}\n{{ shop_name }}, {{ shop_postal_address }}\n{{ unsubscribe_url }}\n"


@dataclass(frozen=True)
class Campaign:
    """`share` of the audience."""

    name: str
    topic: str
    policy: str
    share: float


CAMPAIGNS = (
    Campaign("promotion", "marketing", "at_most_once", 0.5),
    Campaign("newsletter", "news", "at_most_once", 0.3),
    Campaign("receipt", "service", "at_least_once", 0.2),
)


@dataclass(frozen=True)
class Planned:
    """`due_in` and `lives` are seconds: from now until it is due, and from then until it expires."""

    address: str
    campaign: Campaign
    due_in: float = -1.0
    lives: float = 7200.0
    consent: bool = True
    first_name: str | None = "Ada"


def mixed(number: int, seed: int, seconds: float, prefix: str = "r") -> list[Planned]:
    """An audience that falls due over `seconds`: a few never consented, a few expire soon after they are due."""
    draw = random.Random(f"audience {seed}")
    campaigns = [campaign for campaign in CAMPAIGNS for _ in range(round(number * campaign.share))]
    campaigns += [CAMPAIGNS[0]] * (number - len(campaigns))
    draw.shuffle(campaigns)
    return [
        Planned(
            address=f"{prefix}{at}@post.example",
            campaign=campaign,
            due_in=seconds * at / number,
            lives=draw.uniform(1, 5) if draw.random() < 0.03 else 7200.0,
            consent=draw.random() > 0.01,
            # Those without a name of their own share a text, and so a request.
            first_name="Ada" if draw.random() < 0.3 else f"Ada {at}",
        )
        for at, campaign in enumerate(campaigns[:number])
    ]


def add_campaigns(conn: Connection) -> None:
    now = datetime.now(UTC)
    for campaign in CAMPAIGNS:
        conn.execute(
            "insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)"
            " values (%s, 'broadcast', %s, %s, '{}', '1', %s)",
            (campaign.name, campaign.topic, campaign.policy, now),
        )
        conn.execute(
            "insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)"
            " values (%s, %s, 'Hello {{ first_name }}', %s, %s, 'en', %s)",
            (f"{campaign.name}-1", campaign.name, HTML, TEXT, now),
        )


def plan(conn: Connection, settings: Settings, planned: Iterable[Planned], occurrence: str = OCCURRENCE) -> list[UUID]:
    """Writes them in one transaction; returns their ids, in order."""
    now = datetime.now(UTC)
    rows = [(one, uuid7(), recipient_key(settings, one.address)) for one in planned]
    with conn.transaction(), conn.cursor() as cursor:
        for campaign in CAMPAIGNS:
            cursor.execute(
                "insert into ops.occurrence values (%s, %s, %s, '{}') on conflict do nothing",
                (campaign.name, occurrence, now),
            )
        cursor.executemany(
            "insert into ops.recipient values (%s, %s, %s) on conflict do nothing",
            [(key, one.address, now) for one, _, key in rows],
        )
        with cursor.copy(
            "copy ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id)"
            " from stdin"
        ) as facts:
            for one, send_id, key in rows:
                if one.consent:
                    facts.write_row(
                        (key, one.campaign.topic, True, now - timedelta(days=9), "shop", "form", str(send_id))
                    )
        with cursor.copy(
            "copy ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy, due_at,"
            " expires_at, template_version, context, planned_at) from stdin"
        ) as sends:
            for one, send_id, key in rows:
                sends.write_row(_send(one, send_id, key, occurrence, now))
    return [send_id for _, send_id, _ in rows]


def _send(one: Planned, send_id: UUID, key: str, occurrence: str, now: datetime) -> Sequence[object]:
    due = now + timedelta(seconds=one.due_in)
    name = one.campaign.name
    context = Jsonb({"first_name": one.first_name} if one.first_name else {})
    head = (send_id, name, occurrence, key, one.address, one.campaign.topic, one.campaign.policy)
    return (*head, due, due + timedelta(seconds=one.lives), f"{name}-1", context, now)
