"""What holds a campaign, on record for whoever looks: written when planning is held up, removed when it is not."""

from collections.abc import Iterator
from contextlib import contextmanager

from rapport.campaigns.approving.approval import ApprovalNeeded, ApprovalRefused
from rapport.campaigns.folder.problems import CampaignError
from rapport.clock import Clock
from rapport.db import connect, load_queries
from rapport.errors import GateFailed, PermanentError
from rapport.settings import Settings

SQL = load_queries("rapport.campaigns.planning", "holds.sql")
# The first that fits. What may pass by itself holds nobody.
_KINDS: tuple[tuple[type[PermanentError], str], ...] = (
    (ApprovalNeeded, "approval"),
    (ApprovalRefused, "refused"),
    (GateFailed, "data"),
    (CampaignError, "folder"),
    (PermanentError, "error"),
)


@contextmanager
def on_record(name: str, settings: Settings, clock: Clock) -> Iterator[None]:
    """Around planning: what stops it for good stands in ops.campaign_hold, and is raised as it was."""
    try:
        yield
    except PermanentError as error:
        kind = next(kind for family, kind in _KINDS if isinstance(error, family))
        key = error.question.occurrence_key if isinstance(error, ApprovalNeeded) else None
        hold(settings, name, key, kind, str(error), clock)
        raise
    with connect("engine", settings=settings) as conn:
        conn.execute(SQL["unhold"], {"campaign_id": name})


def hold(settings: Settings, name: str, occurrence_key: str | None, held_by: str, reason: str, clock: Clock) -> None:
    """Puts on record that nothing of the campaign is planned, and why. `reason` holds no personal data."""
    values = {"campaign_id": name, "occurrence_key": occurrence_key, "held_by": held_by, "reason": reason[:2000]}
    with connect("engine", settings=settings) as conn:
        conn.execute(SQL["hold"], {**values, "now": clock.now()})
