"""The canary wave: the rest of a large occurrence leaves only after a few mails have proved it harmless."""

import logging
from datetime import datetime
from math import ceil
from typing import Any

from rapport.db import Connection, load_queries

log = logging.getLogger(__name__)

SQL = load_queries("rapport.delivery", "canary.sql")
# Of the canaries that were tried so many must have been accepted, and of those so many told of by events.
SHARE = 0.9


def release(conn: Connection, now: datetime) -> int:
    """Lets go every occurrence whose canary wave has ended well, and writes on the others why they are held; returns
    how many were let go. Whatever is not known holds, however long: a person may pause or cancel."""
    released = 0
    for wave in conn.execute(SQL["held"], {"now": now}).fetchall():
        because = held_because(wave)
        values = {"campaign_id": wave["campaign_id"], "occurrence_key": wave["occurrence_key"]}
        if because is not None:
            conn.execute(SQL["hold"], {**values, "because": because})
        elif conn.execute(SQL["release"], {**values, "now": now}).fetchone() is not None:
            log.info("canary wave of %s %s ended well: the rest follows", *values.values())
            released += 1
    return released


def held_because(wave: dict[str, Any]) -> str | None:
    """Why the rest must wait, in words; None when it may leave. Pure."""
    if wave["paused"]:
        return f"the campaign is paused: {wave['paused_because'] or 'by hand'}"
    if wave["stopped"]:
        return "all marketing is stopped"
    if wave["waiting"]:
        return f"{wave['waiting']} canaries are due and not sent yet"
    if wave["doubtful"]:
        return f"of {wave['doubtful']} canaries it is not known whether they left"
    accepted, tried = wave["accepted"], wave["accepted"] + wave["lost"]
    if accepted == 0 or accepted < SHARE * tried:
        return f"only {accepted} of {tried} canaries were accepted"
    needed = ceil(SHARE * accepted)
    if wave["told"] < needed:
        return f"events have come for {wave['told']} of {accepted} canaries, {needed} are needed"
    if wave["quiet_seconds"] is None or wave["quiet_seconds"] < wave["canary_wait_seconds"]:
        return f"it waits {wave['canary_wait_seconds']} s after the last canary for complaints and bounces"
    return None
