"""Removes what is kept for a time only. Of what marts are rebuilt from, only visitors' events have such a time."""

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from rapport.clock import Clock
from rapport.db import connect, load_queries
from rapport.gateway import erase_addresses
from rapport.settings import Settings

# Quarantined records hold personal data that nobody could use: long enough to repair the source, no longer.
QUARANTINE_FOR = timedelta(days=90)
BUILDS_FOR = timedelta(days=90)
GATE_RUNS_FOR = timedelta(days=400)
FILES_FOR = timedelta(days=30)


def clean_up(settings: Settings, clock: Clock, folders: Sequence[Path] = ()) -> str:
    """Removes old rows and files (old results of gates, and all below `folders`); returns one line with the counts."""
    queries = load_queries("rapport.maintenance", "queries.sql")
    now = clock.now()
    with connect("loader", settings=settings) as conn:
        records = conn.execute(queries["delete_quarantine"], {"before": now - QUARANTINE_FOR}).rowcount
        records += conn.execute(queries["delete_web_quarantine"], {"before": now - QUARANTINE_FOR}).rowcount
        web = conn.execute(queries["delete_web_events"], {"before": now - timedelta(settings.web_keep_days)}).rowcount
    with connect("engine", settings=settings) as conn:
        conn.execute(queries["delete_build_nodes"], {"before": now - BUILDS_FOR})
        builds = conn.execute(queries["delete_builds"], {"before": now - BUILDS_FOR}).rowcount
        gates = conn.execute(queries["delete_gate_runs"], {"before": now - GATE_RUNS_FOR}).rowcount
    addresses = erase_addresses(settings, clock)
    docs = settings.home / "data_docs"
    files = sum(_remove_old_files(folder) for folder in (docs / ".gx" / "results", docs / "validations", *folders))
    return (
        f"removed {records} quarantined records, {builds} builds, {gates} gate results, "
        f"{addresses} addresses of old requests for mail, {web} web events, {files} files"
    )


def _remove_old_files(folder: Path) -> int:
    """File times are the machine's own, so they are held against its clock, not against the injected one."""
    oldest = time.time() - FILES_FOR.total_seconds()
    old = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    # Deepest first, so that a folder emptied now does not keep its parent.
    for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
        if not any(path.iterdir()) and path.stat().st_mtime < oldest:
            path.rmdir()
    return len(old)
