"""Fixtures shared by all tests: a real Postgres for the whole run and a fresh database for each test."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from rapport.db import connect, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.settings import CHECKOUT, Settings

TEMPLATE = "rapport_template"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One server a pytest process, with a migrated template database."""
    home = tmp_path_factory.mktemp("postgres")
    server = EmbeddedPostgres(home)
    server.start()
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
        with connect(settings=_settings(home, server.url(TEMPLATE))) as conn:
            migrate(conn)
        yield server
    finally:
        server.stop("immediate")


def make_database(postgres: EmbeddedPostgres, home: Path) -> tuple[str, Settings]:
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        # A copy of a template leaves the rights on the database itself behind.
        grant = sql.SQL("grant create, temporary on database {} to loader, transformer")
        conn.execute(grant.format(sql.Identifier(name)))
    return name, _settings(home, postgres.url(name))


def drop_database(postgres: EmbeddedPostgres, name: str) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def database(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Settings]:
    """Settings whose database is fresh and migrated, and whose home is the test's own folder."""
    name, settings = make_database(postgres, tmp_path)
    yield settings
    drop_database(postgres, name)


@pytest.fixture(scope="module")
def module_database(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """As `database`, shared by a module whose tests only read what one slow build made."""
    name, settings = make_database(postgres, tmp_path_factory.mktemp("home"))
    yield settings
    drop_database(postgres, name)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings without a database."""
    return _settings(tmp_path, None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets, or a skip that says why."""
    folder = Path(os.environ.get("RAPPORT_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data sets are not here: {folder} (set RAPPORT_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Airflow reads its environment at import, so this comes before the first import of it; SQLite is enough here."""
    home = tmp_path_factory.mktemp("airflow")
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "RAPPORT_HOME": str(home / "rapport"),
    }
    sys.path.append(str(CHECKOUT / "plugins"))
    yield home
    sys.path.remove(str(CHECKOUT / "plugins"))


def _settings(home: Path, url: str | None) -> Settings:
    return Settings(
        home=home / ".rapport",
        database_url=url,
        environment="test",
        installation_id="test-installation",
        secret_key="a-key-for-tests-only",
        shop_name="Test Shop Ltd",
        shop_postal_address="1 Test Street, Testville",
    )
