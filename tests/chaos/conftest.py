"""A Postgres of its own, which tests may crash, and a fresh ledger on it."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from rapport.db import connect, migrate
from rapport.settings import Settings

from .house import Postgres


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    postgres = Postgres(tmp_path_factory.mktemp("chaos"))
    postgres.start()
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as conn:
        conn.execute("alter system set track_commit_timestamp = on")
    postgres.crash()
    yield postgres
    postgres.stop("immediate")


@pytest.fixture
def ledger(server: Postgres, tmp_path: Path) -> Settings:
    """Settings of an installation whose ledger is empty."""
    name = tmp_path.name[:60]
    with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    settings = Settings(
        home=tmp_path / "home",
        database_url=server.url(name),
        environment="test",
        installation_id="chaos",
        secret_key="a-key-for-tests-only",
        shop_postal_address="1 Test Street, Testville",
        sendgrid_url="http://127.0.0.1:9",
        sendgrid_api_key="SG.test",
    )
    with connect(settings=settings) as conn:
        migrate(conn)
    return settings
