"""The owner that Compose makes at first start is no superuser; it can migrate and take each role all the same."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from rapport.db import connect, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.settings import Settings

SCRIPT = Path(__file__).resolve().parents[3] / "deploy" / "postgres" / "10-databases.sh"
ROLES = ("loader", "transformer", "engine", "gateway", "bi_reader")


@pytest.fixture
def fresh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server of its own: roles belong to the whole server, and here they must not be there yet."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("fresh"))
    server.start()
    yield server
    server.stop("immediate")


def test_the_owner_can_migrate_and_take_each_role(fresh_server: EmbeddedPostgres, tmp_path: Path) -> None:
    statements = re.search(r"<<'SQL'\n(.*?)\nSQL", SCRIPT.read_text(), re.DOTALL)
    assert statements is not None
    owner, airflow, password = f"rapport_{uuid4().hex[:6]}", "airflow_owner", "pw"
    text = statements[1].replace(":'warehouse_password'", "'pw'").replace(":'airflow_password'", "'pw'")
    # The embedded server has these names already.
    text = re.sub(r"\brapport\b", owner, text)
    text = re.sub(r"\bairflow\b", airflow, text)
    with psycopg.connect(fresh_server.url("postgres"), autocommit=True) as conn:
        for statement in text.split(";"):
            if statement.strip():
                conn.execute(statement)  # type: ignore[arg-type]
    url = fresh_server.url(owner).split("@", 1)[1]
    settings = Settings(home=tmp_path, database_url=f"postgresql://{owner}:{password}@{url}")
    with connect(settings=settings) as conn:
        assert migrate(conn)
    for role in ROLES:
        with connect(role, settings=settings) as conn:  # type: ignore[arg-type]
            row = conn.execute(sql.SQL("select current_user as who")).fetchone()
            assert row == {"who": role}
