"""Before anything is sent: do DNS, links, keys and clocks allow it? See docs/preflight.md for every check."""

from rapport.delivery.preflight.run import refresh_preflight, run_preflight
from rapport.delivery.preflight.store import require_preflight
from rapport.delivery.preflight.verdict import CannotTell, PreflightReport, Verdict

__all__ = ["CannotTell", "PreflightReport", "Verdict", "refresh_preflight", "require_preflight", "run_preflight"]
