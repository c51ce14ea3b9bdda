import json
import os
import socket
from pathlib import Path

import psycopg
import pytest

from rapport.db import connect, embedded
from rapport.db.embedded import PREFERRED_PORT, EmbeddedPostgres, awake, free_port
from rapport.errors import PermanentError, TransientError
from rapport.settings import Settings


def test_it_keeps_its_data_over_a_restart_and_takes_another_port_when_its_own_is_taken(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    first = server.start()
    try:
        assert server.start() == first, "a running server is left alone"
        with psycopg.connect(server.url()) as conn:
            conn.execute("create table kept as select 42 as answer")
        server.stop()
        with socket.socket() as squatter:
            # Connections of the stopped server may still linger on its port.
            squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            squatter.bind(("127.0.0.1", 0 if first != 5433 else 5433))
            squatter.listen()
            server.start()
        with psycopg.connect(server.url()) as conn:
            assert conn.execute("select answer from kept").fetchone() == (42,)
            names = {row[0] for row in conn.execute("select datname from pg_database")}
            durable = conn.execute("select current_setting('fsync'), current_setting('synchronous_commit')").fetchone()
    finally:
        server.stop("immediate")
    assert {"rapport", "airflow"} <= names
    assert durable == ("on", "on")


def test_a_port_that_somebody_took_in_the_meantime_is_given_up_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        # Free when it was asked for, taken when the server starts.
        monkeypatch.setattr(embedded, "free_port", lambda wanted: taken if wanted == PREFERRED_PORT else free_port(0))
        server = EmbeddedPostgres(tmp_path)
        try:
            assert server.start() != taken
            assert server.port() is not None
        finally:
            server.stop("immediate")


def test_a_server_that_was_off_is_off_again_and_a_running_one_is_left_alone(settings: Settings) -> None:
    server = EmbeddedPostgres(settings.home)
    with awake(settings):
        with psycopg.connect(server.url()) as conn:
            assert conn.execute("select 1").fetchone() == (1,)
        with awake(settings):
            pass
        assert server.port() is not None
    assert server.port() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that the server's user cannot enter")
def test_it_runs_below_a_folder_that_only_root_may_enter(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    server = EmbeddedPostgres(private / "clone" / ".rapport")
    server.start()
    try:
        with psycopg.connect(server.url()) as conn:
            assert conn.execute("select 1").fetchone() == (1,)
    finally:
        server.stop("immediate")


def test_without_a_server_the_error_says_how_to_start_one(settings: Settings) -> None:
    with pytest.raises(PermanentError, match="rapport db start"):
        connect(settings=settings)


def test_a_server_that_is_away_is_a_passing_fault(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": f"postgresql://u:p@127.0.0.1:{free_port(0)}/x"})
    with pytest.raises(TransientError, match="Postgres cannot be reached"):
        connect(settings=away)


def test_the_password_is_readable_by_its_owner_only(settings: Settings) -> None:
    path = settings.home / "secrets.json"
    from rapport.settings import local_secrets

    assert local_secrets(settings.home)["database_password"] == json.loads(path.read_text())["database_password"]
    assert path.stat().st_mode & 0o077 == 0
