import pytest
from psycopg import errors

from rapport.db import connect, migrate
from rapport.errors import PermanentError
from rapport.settings import Settings


def test_migrating_again_applies_nothing(database: Settings) -> None:
    with connect(settings=database) as conn:
        assert migrate(conn) == []


def test_an_edited_migration_is_refused(database: Settings) -> None:
    with connect(settings=database) as conn:
        conn.execute("update rapport_meta.migration set sha256 = 'other' where name like '0001%'")
        with pytest.raises(PermanentError, match=r"0001_\w+\.sql was edited"):
            migrate(conn)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("loader", "insert into ops.control (name, value) values ('x', '1')"),
        ("transformer", "update ops.send set state = 'accepted'"),
        ("gateway", "update ops.webhook_inbox set processed_at = now()"),
        ("gateway", "select context from ops.send"),
        ("engine", "delete from ops.suppression"),
        ("bi_reader", "select * from ops.recipient"),
    ],
)
def test_each_role_is_kept_out_of_what_is_not_its_own(database: Settings, role: str, statement: str) -> None:
    with connect(role, settings=database) as conn, pytest.raises(errors.InsufficientPrivilege):  # type: ignore[arg-type]
        conn.execute(statement)  # type: ignore[arg-type]
