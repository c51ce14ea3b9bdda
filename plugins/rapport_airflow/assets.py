"""The hand-offs between DAGs. Each is emitted by a gate task, so whoever waits for it starts on checked data."""

from airflow.sdk import Asset

from rapport.pipeline import AUDIENCE_GATE

SOURCES = ("shopify", "zendesk", "bluesky", "web", "files")

RAW = {source: Asset(name=f"raw_{source}", group="warehouse") for source in SOURCES}
CAMPAIGN_AUDIENCE = Asset(name=AUDIENCE_GATE, group="warehouse")
