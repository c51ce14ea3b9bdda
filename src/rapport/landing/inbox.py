"""Imports what lies under `.rapport/inbox/`: a folder is named as a mapping that ships, or holds its mapping.yml."""

from pathlib import Path

from rapport.clock import Clock
from rapport.landing.files import import_file
from rapport.settings import Settings
from rapport.sources.files import load_mapping

FOLDER = "inbox"
MAPPING_FILE = "mapping.yml"


def import_inbox(settings: Settings, clock: Clock) -> list[str]:
    """Imports every file not imported before; returns a report for each. Raises PermanentError naming what is wrong."""
    reports = []
    for folder in sorted(path for path in (settings.home / FOLDER).glob("*") if path.is_dir()):
        own = folder / MAPPING_FILE
        mapping = load_mapping(own if own.exists() else folder.name)
        for path in _exports(folder):
            report = import_file(path, mapping, settings, clock)
            if not report.already_imported:
                reports.append("\n".join(report.lines()))
    return reports


def _exports(folder: Path) -> list[Path]:
    """Files by name, but for the mapping and for what is still being copied (hidden, or named *.part)."""
    files = (path for path in folder.iterdir() if path.is_file() and path.name != MAPPING_FILE)
    return sorted(path for path in files if not path.name.startswith(".") and path.suffix != ".part")
