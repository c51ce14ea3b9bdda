"""A shop of a few rows in which Ada asks; Ben is somebody else."""

from pathlib import Path

import pytest

from rapport.db import connect
from rapport.keys import recipient_key
from rapport.landing import prepare_raw
from rapport.settings import Settings

HERE = Path(__file__).parent
ADA = "ada@example.com"


@pytest.fixture
def shop(database: Settings) -> Settings:
    prepare_raw(database)
    with connect(settings=database) as conn:
        conn.execute((HERE.parent / "warehouse" / "raw_defaults.sql").read_text())
        conn.execute("reset role")
        conn.execute((HERE / "rows.sql").read_text())
        conn.execute((HERE / "visits.sql").read_text())
        for name in (ADA, "ben@example.com"):
            key = recipient_key(database, name)
            conn.execute("insert into ops.recipient values (%s, %s, '2026-03-01')", (key, name))
            conn.execute(
                "insert into ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy,"
                " state, due_at, expires_at, template_version, context, planned_at) values (gen_random_uuid(), 'news',"
                " 'o1', %s, 'c', 'marketing', 'at_most_once', 'accepted', '2026-03-20', '2026-03-21', 't1', %s,"
                " '2026-03-19')",
                (key, f'{{"first_name": "{name}"}}'),
            )
            conn.execute(
                "insert into ops.webhook_inbox (event_id, event, send_id, raw, occurred_at, received_at)"
                " select %s, 'open', send_id, jsonb_build_object('email', %s::text, 'ip', '10.0.0.1', 'sg', 1),"
                " '2026-03-20', '2026-03-20' from ops.send where recipient_key = %s",
                (f"e-{name[:3]}", name, key),
            )
    return database
