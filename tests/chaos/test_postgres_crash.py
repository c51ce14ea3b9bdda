"""What the restore guard must not take for a restore: a crash of Postgres, and another worker's claim."""

import psycopg
import pytest

from rapport.clock import SystemClock
from rapport.db import connect
from rapport.delivery import restore, run_dispatcher
from rapport.settings import Settings

from .house import Postgres


def test_fences_that_a_crash_took_back_are_no_sign_of_a_restore(server: Postgres, ledger: Settings) -> None:
    """A sequence may go back over a crash to what was last flushed: a claim that never committed drew the rest. A
    worker that looks at the sequence in that moment has seen more than the ledger will ever know of."""
    assert ledger.database_url is not None
    run_dispatcher(ledger, SystemClock(), until_idle=True)
    claiming = psycopg.connect(ledger.database_url)
    claiming.execute("select nextval('ops.fence') from generate_series(1, 100)")
    run_dispatcher(ledger, SystemClock(), until_idle=True)
    server.crash()
    claiming.close()
    report = run_dispatcher(ledger, SystemClock(), until_idle=True)
    assert report.accepted == 0


def test_a_claim_between_two_looks_is_no_sign_of_a_restore(ledger: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one worker compares the ledger with the mark, another claims: its fence is in both, but was in neither."""
    real = restore.Mark.read

    def read(mark: restore.Mark) -> int:
        with monkeypatch.context() as patch, connect("engine", settings=ledger, autocommit=True) as other:
            patch.setattr(restore.Mark, "read", real)
            row = other.execute("select nextval('ops.fence') as fence").fetchone()
            assert row is not None
            restore.Mark.of(ledger, other).raise_to(row["fence"])
        return real(mark)

    monkeypatch.setattr(restore.Mark, "read", read)
    with connect("engine", settings=ledger, autocommit=True) as conn:
        assert restore.suspicion(conn, ledger) is None
