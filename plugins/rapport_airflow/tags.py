"""The only tags a DAG may carry."""

from enum import StrEnum


class Tag(StrEnum):
    """What a DAG is for, and how urgent its failure is."""

    INGEST = "ingest"
    TRANSFORM = "transform"
    CAMPAIGN = "campaign"
    DELIVERY = "delivery"
    MAINTENANCE = "maintenance"
    # A failure that a person should look at within the hour: mail stands still or leaves late.
    URGENT = "urgent"
    # The campaign's folder cannot be read; the DAG only says why.
    BROKEN = "broken"
