"""An export holds all of the person by the list that erasing walks, nothing of anybody else, and no token."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import DataError
from rapport.keys import recipient_key, sign_token
from rapport.privacy import erase, export
from rapport.privacy.tables import HELD
from rapport.settings import Settings

ADA = "ada@example.com"
AT = FixedClock(datetime(2026, 4, 1, tzinfo=UTC))


def read(path: Path) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    told = texts.pop("README.txt")
    return told, {
        name.removesuffix(".jsonl"): [json.loads(line) for line in text.splitlines()] for name, text in texts.items()
    }


def test_the_person_is_in_it_and_nobody_else(shop: Settings, tmp_path: Path) -> None:
    done = export(shop, AT, tmp_path / "ada.zip", address="Ada@Example.com")
    told, tables = read(done.path)
    assert {name: len(rows) for name, rows in tables.items()} == done.rows
    assert {row["id"] for row in tables["raw_shopify.orders"]} == {"o1", "o2"}
    assert tables["raw_shopify.customers"][0]["first_name"] == "Ada"
    assert tables["raw_files.loyalty"][0]["points"] == 5
    assert tables["ops.recipient"][0]["address"] == ADA
    assert len(tables["raw_web.events"]) == 9
    everything = json.dumps(tables).lower()
    assert not [mark for mark in ("ben@", "customer/2", "ben stone", "zendesk:7", "stays") if mark in everything]
    assert "raw_shopify.orders.jsonl" in told
    assert "1 more records are probably yours" in told
    assert done.path.stat().st_mode & 0o077 == 0


def test_what_is_exported_is_what_erasing_touches(shop: Settings, tmp_path: Path) -> None:
    exported = export(shop, AT, tmp_path / "ada.zip", address=ADA).rows
    erased = erase(shop, AT, ADA).rows
    walked = {held.table for held in HELD if held.about and held.fate in ("deleted", "emptied")}
    assert {name: exported.get(name, 0) for name in walked} == {name: erased[name] for name in walked}
    assert sum(exported.values()) > 25


def test_figures_of_a_customer_who_may_be_two_people_are_nobodys(shop: Settings, tmp_path: Path) -> None:
    first = export(shop, AT, tmp_path / "1.zip", address=ADA)
    assert "scores.churn" not in first.rows
    with connect(settings=shop) as conn:
        conn.execute("delete from identity.members where profile_key = 'zendesk:7'")
    assert export(shop, AT, tmp_path / "2.zip", address=ADA).rows["scores.churn"] == 1


def test_tokens_of_mails_are_left_out(shop: Settings, tmp_path: Path) -> None:
    with connect("engine", settings=shop) as conn:
        send = conn.execute(
            "select send_id from ops.send where recipient_key = %s", (recipient_key(shop, ADA),)
        ).fetchone()
        assert send is not None
        token = sign_token(shop, "unsubscribe", str(send["send_id"]))
        conn.execute(
            "update ops.webhook_inbox set raw = raw || jsonb_build_object('url', %s::text) where send_id = %s",
            (f"https://shop.example/u/{token}?utm_source=mail", send["send_id"]),
        )
    _, tables = read(export(shop, AT, tmp_path / "ada.zip", address=ADA).path)
    assert tables["ops.webhook_inbox"][0]["raw"]["url"] == "https://shop.example/u/(removed)?utm_source=mail"
    assert token not in json.dumps(tables)


def test_a_customer_id_finds_the_same_person_even_after_a_merge(shop: Settings, tmp_path: Path) -> None:
    with connect(settings=shop) as conn:
        conn.execute("insert into identity.customer_ids values ('c-old', 'x', '2026-01-01', 'c-ada')")
    by_address = export(shop, AT, tmp_path / "1.zip", address=ADA)
    for number in ("c-ada", "c-old"):
        by_number = export(shop, AT, tmp_path / f"{number}.zip", customer_id=number)
        assert (by_number.rows, by_number.profiles) == (by_address.rows, by_address.profiles)


def test_the_log_says_that_somebody_asked_and_not_who(shop: Settings, tmp_path: Path) -> None:
    export(shop, AT, tmp_path / "ada.zip", address=ADA)
    with connect("engine", settings=shop) as conn:
        logged = conn.execute("select action, object, detail from ops.audit_log").fetchall()
    assert [(row["action"], row["object"], set(row["detail"])) for row in logged] == [("export", "privacy", {"rows"})]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"address": "nobody@example.com"}, "Ask which other address"),
        ({"customer_id": "c-none"}, "nothing is held"),
        ({"address": "front@office.example"}, "name the customer by `--customer`"),
        ({"address": "nobody"}, "not an e-mail address"),
    ],
    ids=["nobody", "no_customer", "shared", "no_address"],
)
def test_what_cannot_be_answered_writes_no_file(
    shop: Settings, tmp_path: Path, asked: dict[str, str], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        export(shop, AT, tmp_path / "none.zip", **asked)
    assert not (tmp_path / "none.zip").exists()


def test_the_command(shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rapport.cli import privacy

    monkeypatch.setattr(privacy, "get_settings", lambda: shop)
    path = tmp_path / "ada.zip"
    done = CliRunner().invoke(privacy.app, ["export", ADA, "--output", str(path)])
    assert done.exit_code == 0
    assert "not exported, only probably this person's: 1 profiles" in done.output
    before = path.read_bytes()
    again = CliRunner().invoke(privacy.app, ["export", "--customer", "c-ada", "--output", str(path)])
    assert isinstance(again.exception, DataError)
    assert path.read_bytes() == before
    for wrong in ([], [ADA, "--customer", "c-ada"]):
        assert CliRunner().invoke(privacy.app, ["export", *wrong]).exit_code == 2
