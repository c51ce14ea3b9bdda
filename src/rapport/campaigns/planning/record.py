"""A campaign on record in the ledger: what its folder said, and the content that its sends will be rendered from."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from psycopg.types.json import Jsonb

from rapport.campaigns.folder.model import Mailing
from rapport.campaigns.mail.content import Template
from rapport.db import Connection, load_queries


def version_of(campaign: Mailing, templates: Sequence[Template]) -> str:
    """Names what the folder states and says; every edit makes another version."""
    definition = campaign.model_dump(mode="json", by_alias=True)
    stated = json.dumps([definition, [template.template_version for template in templates]], sort_keys=True)
    return hashlib.sha256(stated.encode()).hexdigest()


def record(conn: Connection, campaign: Mailing, templates: Sequence[Template], now: datetime) -> None:
    """Writes what has changed, in the transaction of the caller. A pause set by hand stays."""
    queries = load_queries(__package__, "occurrence.sql")
    values = {
        "campaign_id": campaign.name,
        "kind": campaign.kind,
        "topic": campaign.topic,
        "policy": campaign.policy,
        "priority": campaign.priority,
        "rate_per_hour": campaign.rate_per_hour,
        "definition": Jsonb(campaign.model_dump(mode="json", by_alias=True)),
        "version": version_of(campaign, templates),
        "now": now,
    }
    conn.execute(queries["upsert_campaign"], values)
    if campaign.rate_per_hour is not None:
        conn.execute(queries["campaign_rate"], values)
    for template in templates:
        conn.execute(queries["insert_template"], {**vars(template), "now": now})
