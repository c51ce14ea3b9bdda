"""Preflight against real servers on loopback: a name server over UDP, TLS with a private authority, Postgres."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import dns.message
import dns.resolver
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rapport.clock import FixedClock, SystemClock
from rapport.db import Connection, connect
from rapport.delivery.preflight import (
    CannotTell,
    PreflightReport,
    refresh_preflight,
    require_preflight,
    run_preflight,
)
from rapport.delivery.preflight.lookup import DnsResolver
from rapport.delivery.preflight.testing import ZoneResolver
from rapport.errors import PermanentError
from rapport.settings import Settings

KEY = "k=ed25519; p=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ZONE = f"""
shop.example. 300 IN TXT "v=spf1 include:mail.example -all"
mail.example. 300 IN TXT "v=spf1 ip4:192.0.2.1 -all"
s1._domainkey.shop.example. 300 IN CNAME s1.u1.mail.example.
s2._domainkey.shop.example. 300 IN CNAME s2.u1.mail.example.
s1.u1.mail.example. 300 IN TXT "v=DKIM1; {KEY}"
s2.u1.mail.example. 300 IN TXT "v=DKIM1; {KEY}"
_dmarc.shop.example. 300 IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@shop.example"
shop.example. 300 IN MX 10 mx.shop.example.
mx.shop.example. 300 IN A 192.0.2.2
"""
WEBHOOK_KEY = ec.generate_private_key(ec.SECP256R1()).public_key()


class GoodWeb:
    def certificate_ends(self, host: str, port: int) -> datetime:
        return datetime.now(UTC) + timedelta(days=60)

    def status(self, url: str) -> int:
        return 200


class NoResolver:
    def find(self, name: str, kind: str) -> Any:
        raise AssertionError("a provider on this machine needs no name server")


@pytest.fixture
def production(database: Settings) -> Settings:
    der = WEBHOOK_KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return database.model_copy(
        update={
            "sendgrid_url": "https://api.sendgrid.com",
            "sendgrid_api_key": "SG.very-secret",
            "sendgrid_webhook_public_keys": (base64.b64encode(der).decode(),),
            "mail_from": "hello@shop.example",
            "gateway_url": "https://mail.shop.example",
        }
    )


@pytest.fixture
def engine(database: Settings) -> Iterator[Connection]:
    with connect("engine", autocommit=True, settings=database) as conn:
        yield conn


def run(settings: Settings, zone: str = ZONE, **faults: Any) -> PreflightReport:
    return run_preflight(settings, SystemClock(), resolver=ZoneResolver(zone, **faults), web=GoodWeb())


def levels(report: PreflightReport) -> dict[str, str]:
    return {verdict.check: verdict.level for verdict in report.verdicts}


def test_where_all_is_well_mail_may_leave_and_the_run_is_kept(production: Settings, engine: Connection) -> None:
    report = run(production)
    assert levels(report) == dict.fromkeys(
        [
            *("clock", "shop", "provider key", "webhook key", "unsubscribe host", "tls shop.example"),
            *("tls mail.shop.example", "spf", "dkim s1", "dkim s2", "dmarc", "alignment", "mx"),
        ],
        "green",
    )
    require_preflight(production, engine, datetime.now(UTC))
    [row] = engine.execute("select * from ops.preflight_run").fetchall()
    assert row["passed"] is True
    assert row["ran_at"] == report.ran_at
    assert [verdict["check"] for verdict in row["verdicts"]] == [verdict.check for verdict in report.verdicts]
    assert "very-secret" not in json.dumps(row["verdicts"])


def test_a_red_verdict_stops_sending_until_a_later_run_is_free_of_it(production: Settings, engine: Connection) -> None:
    run(production)
    broken = run(production, ZONE.replace("v=DMARC1", "v=DMARC9").replace("-all", "+all"))
    assert {verdict.check for verdict in broken.red} == {"spf", "dmarc", "alignment"}
    with pytest.raises(PermanentError) as refused:
        require_preflight(production, engine, datetime.now(UTC))
    for check in ("spf", "dmarc", "alignment"):
        assert f"- {check}: " in str(refused.value)
    assert "- mx: " not in str(refused.value)
    assert "To do: publish" in str(refused.value)
    run(production)
    require_preflight(production, engine, datetime.now(UTC))


def test_yellow_does_not_stop_sending(production: Settings, engine: Connection) -> None:
    assert levels(run(production, ZONE.replace("p=reject", "p=none")))["dmarc"] == "yellow"
    require_preflight(production, engine, datetime.now(UTC))


def test_nothing_is_sent_before_the_first_run(production: Settings, engine: Connection) -> None:
    with pytest.raises(PermanentError, match="before `rapport preflight` has passed"):
        require_preflight(production, engine, datetime.now(UTC))


def test_a_run_counts_for_a_day_and_not_from_the_future(production: Settings, engine: Connection) -> None:
    at = run(production).ran_at
    require_preflight(production, engine, at + timedelta(hours=26))
    require_preflight(production, engine, at - timedelta(minutes=5))
    for now in (at + timedelta(hours=26, seconds=1), at - timedelta(minutes=6)):
        with pytest.raises(PermanentError, match="run it again"):
            require_preflight(production, engine, now)
    require_preflight(production.model_copy(update={"preflight_max_age_hours": 48.0}), engine, at + timedelta(hours=27))


@pytest.mark.parametrize(
    "change",
    [
        {"mail_from": "hello@other.example"},
        {"dkim_selectors": ("s1",)},
        {"return_path_domain": "em1.shop.example"},
        {"gateway_url": "https://other.shop.example"},
        {"shop_postal_address": "2 Other Street"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_run_counts_for_the_settings_it_looked_at(
    production: Settings, engine: Connection, change: dict[str, Any]
) -> None:
    run(production)
    with pytest.raises(PermanentError, match="present settings"):
        require_preflight(production.model_copy(update=change), engine, datetime.now(UTC))


def test_a_green_run_is_repeated_some_times_a_day_and_a_red_one_soon(production: Settings) -> None:
    at = run(production).ran_at

    def refreshed(hours: float) -> bool:
        # Far from the real time, so that every run of it is red for its clock.
        clock = FixedClock(at + timedelta(hours=hours))
        return refresh_preflight(production, clock, resolver=ZoneResolver(ZONE), web=GoodWeb()) is not None

    assert [refreshed(hours) for hours in (5.9, 6.1, 6.2, 6.3)] == [False, True, False, True]


def test_what_a_run_said_is_never_changed(production: Settings, engine: Connection) -> None:
    run(production)
    for statement in ("update ops.preflight_run set passed = true", "delete from ops.preflight_run"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            engine.execute(statement)


def test_a_provider_on_this_machine_needs_no_name_server(production: Settings, engine: Connection) -> None:
    local = production.model_copy(update={"sendgrid_url": "http://127.0.0.1:8081"})
    report = run_preflight(local, SystemClock(), resolver=NoResolver(), web=GoodWeb())
    assert report.passed
    skipped = {verdict.check: verdict.found for verdict in report.verdicts if verdict.level == "skipped"}
    assert skipped == dict.fromkeys(
        ["tls", "spf", "dkim", "dmarc", "alignment", "mx"], "skipped: the provider is on this machine"
    )
    require_preflight(local.model_copy(update={"mail_from": "x@never.example"}), engine, datetime.now(UTC))


def test_a_clock_that_is_wrong_stops_sending(production: Settings) -> None:
    clock = FixedClock(datetime.now(UTC) - timedelta(minutes=2))
    report = run_preflight(production, clock, resolver=ZoneResolver(ZONE), web=GoodWeb())
    assert [verdict.check for verdict in report.red] == ["clock"]


def test_an_address_that_is_none_and_selectors_that_are_missing(production: Settings) -> None:
    assert levels(run(production.model_copy(update={"mail_from": "nobody"})))["sender"] == "red"
    assert levels(run(production.model_copy(update={"dkim_selectors": ()})))["dkim"] == "red"


def test_a_failing_name_server_is_red_and_the_other_checks_go_on(production: Settings) -> None:
    report = run(production, failing=["_dmarc.shop.example"], silent=["s2.u1.mail.example"])
    red = {verdict.check: verdict.found for verdict in report.red}
    assert set(red) == {"dmarc", "alignment", "dkim s2"}
    assert all(found.startswith("cannot tell: ") for found in red.values())
    assert levels(report)["mx"] == "green"


@contextmanager
def name_server(zone: ZoneResolver) -> Iterator[int]:
    """Answers over UDP on loopback; yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                packet, client = server.recvfrom(4096)
                if not packet:
                    return
                answer = zone.respond(dns.message.from_wire(packet))
                if answer is not None:
                    server.sendto(answer.to_wire(), client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", server.getsockname())
        thread.join(10)


def client(port: int, seconds: float) -> DnsResolver:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    resolver.timeout = resolver.lifetime = seconds
    return DnsResolver(resolver)


def test_the_real_client_asks_a_real_name_server_each_question_once(production: Settings) -> None:
    zone = ZoneResolver(ZONE)
    with name_server(zone) as port:
        report = run_preflight(production, SystemClock(), resolver=client(port, 30), web=GoodWeb())
    assert set(levels(report).values()) == {"green"}
    assert len(zone.asked) == len(set(zone.asked))


def test_the_real_client_tells_nothing_there_from_no_answer() -> None:
    zone = ZoneResolver(ZONE, failing=["failing.example"], silent=["silent.example"])
    with name_server(zone) as port:
        patient, hasty = client(port, 30), client(port, 0.2)
        assert patient.find("nowhere.example", "TXT") == []
        assert patient.find("mx.shop.example", "TXT") == []
        with pytest.raises(CannotTell, match="SERVFAIL"):
            patient.find("failing.example", "TXT")
        for _ in range(2):
            with pytest.raises(CannotTell, match="in time"):
                hasty.find("silent.example", "A")
        with pytest.raises(CannotTell, match="cannot be looked up"):
            patient.find("a..b", "TXT")
        with pytest.raises(CannotTell, match="cannot be looked up"):
            patient.find("a" * 64, "TXT")
