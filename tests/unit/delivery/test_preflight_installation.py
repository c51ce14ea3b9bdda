"""Certificates, the unsubscribe host, keys, names and clocks."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rapport.delivery.preflight.endpoints import UntrustedError, check_gateway, check_tls
from rapport.delivery.preflight.installation import (
    check_clock,
    check_identity,
    check_provider_key,
    check_webhook_keys,
    provider_is_local,
)
from rapport.settings import Settings

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


@dataclass
class FixedWeb:
    ends: datetime | str = NOW + timedelta(days=90)
    answer: int = 200
    asked: str = ""

    def certificate_ends(self, host: str, port: int) -> datetime:
        self.asked = f"{host}:{port}"
        if isinstance(self.ends, str):
            raise UntrustedError(self.ends)
        return self.ends

    def status(self, url: str) -> int:
        self.asked = url
        return self.answer


def changed(settings: Settings, **values: Any) -> Settings:
    return settings.model_copy(update=values)


def public_key(curve: ec.EllipticCurve) -> str:
    key = ec.generate_private_key(curve).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.mark.parametrize(
    ("left", "level"),
    [
        (timedelta(days=90), "green"),
        (timedelta(days=14), "green"),
        (timedelta(days=13, hours=23), "yellow"),
        (timedelta(days=3), "yellow"),
        (timedelta(days=2, hours=23), "red"),
        (timedelta(seconds=-1), "red"),
    ],
    ids=["fresh", "two-weeks", "less", "three-days", "last-days", "over"],
)
def test_a_certificate_is_renewed_in_time(left: timedelta, level: str) -> None:
    verdict = check_tls(FixedWeb(NOW + left), "https://shop.example/sale", NOW)
    assert (verdict.check, verdict.level) == ("tls shop.example", level)
    assert bool(verdict.todo) == (level != "green")


def test_an_untrusted_certificate_says_why() -> None:
    verdict = check_tls(FixedWeb("Hostname mismatch"), "https://shop.example", NOW)
    assert verdict.level == "red"
    assert "Hostname mismatch" in verdict.found


@pytest.mark.parametrize("url", ["http://shop.example", "shop.example", "", "https://"])
def test_links_are_https(url: str) -> None:
    assert check_tls(FixedWeb(), url, NOW).level == "red"


def test_the_port_of_a_link_is_the_one_asked() -> None:
    web = FixedWeb()
    check_tls(web, "https://mail.shop.example:8443/u/", NOW)
    assert web.asked == "mail.shop.example:8443"


@pytest.mark.parametrize(("answer", "level"), [(200, "green"), (204, "red"), (301, "red"), (404, "red"), (503, "red")])
def test_the_unsubscribe_host_is_the_gateway_itself(answer: int, level: str) -> None:
    web = FixedWeb(answer=answer)
    verdict = check_gateway(web, "https://mail.shop.example/")
    assert web.asked == "https://mail.shop.example/healthz"
    assert verdict.level == level
    assert bool(verdict.todo) == (level != "green")


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8081", True),
        ("http://127.9.9.9", True),
        ("http://localhost:8081", True),
        ("http://[::1]:8081", True),
        ("https://api.sendgrid.com", False),
        ("http://sandbox:8081", False),
        ("http://10.0.0.1", False),
        ("https://localhost.shop.example", False),
        ("127.0.0.1:8081", False),
        ("", False),
    ],
)
def test_only_a_loopback_address_is_this_machine(settings: Settings, url: str, local: bool) -> None:
    assert provider_is_local(changed(settings, sendgrid_url=url)) is local


def test_the_provider_key_is_there_and_never_shown(settings: Settings) -> None:
    assert check_provider_key(changed(settings, sendgrid_api_key=None)).level == "red"
    assert check_provider_key(changed(settings, sendgrid_api_key="")).level == "red"
    verdict = check_provider_key(changed(settings, sendgrid_api_key="SG.secret"))
    assert verdict.level == "green"
    assert "secret" not in repr(verdict)


def test_a_mail_server_on_this_machine_passes_mail_on(settings: Settings) -> None:
    relay = changed(settings, mail_provider="smtp", smtp_host="127.0.0.1", sendgrid_url="http://127.0.0.1:8081")
    assert not provider_is_local(relay)


@pytest.mark.parametrize(
    ("values", "level"),
    [
        ({"smtp_host": None}, "red"),
        ({"smtp_host": "mail.example"}, "green"),
        ({"smtp_host": "mail.example", "smtp_user": "ada"}, "red"),
        ({"smtp_host": "mail.example", "smtp_user": "ada", "smtp_password": "secret"}, "green"),
    ],
    ids=["nothing", "open", "no-password", "account"],
)
def test_a_mail_server_needs_a_name_and_a_whole_account(settings: Settings, values: dict[str, Any], level: str) -> None:
    relay = changed(settings, mail_provider="smtp", **values)
    verdict = check_provider_key(relay)
    assert verdict.level == level
    assert "secret" not in repr(verdict)
    assert check_webhook_keys(relay).level == "skipped"


def test_webhook_keys_are_p256_each(settings: Settings) -> None:
    good, other = public_key(ec.SECP256R1()), public_key(ec.SECP384R1())
    assert check_webhook_keys(settings).level == "red"
    assert check_webhook_keys(changed(settings, sendgrid_webhook_public_keys=(good,))).level == "green"
    assert check_webhook_keys(changed(settings, sendgrid_webhook_public_keys=(good, good))).level == "green"
    for bad in ("not a key", good[:-8], other):
        verdict = check_webhook_keys(changed(settings, sendgrid_webhook_public_keys=(good, bad)))
        assert verdict.level == "red"
        assert "key 2 of 2" in verdict.found


@pytest.mark.parametrize(
    ("name", "address", "local", "level"),
    [
        ("Ada & Co Ltd", "1 Street, Town", False, "green"),
        ("The Shop", "1 Street, Town", False, "red"),
        ("The Shop", "1 Street, Town", True, "yellow"),
        (" ", "1 Street, Town", True, "red"),
        ("Ada & Co Ltd", " ", False, "red"),
        ("Ada & Co Ltd", "", True, "red"),
    ],
    ids=["set", "placeholder", "placeholder-local", "no-name", "blank-address", "no-address-local"],
)
def test_the_shop_says_who_writes(settings: Settings, name: str, address: str, local: bool, level: str) -> None:
    shop = changed(settings, shop_name=name, shop_postal_address=address)
    assert check_identity(shop, local=local).level == level


@pytest.mark.parametrize(("seconds", "level"), [(0, "green"), (30, "green"), (31, "red"), (-31, "red")])
def test_clocks_agree_within_thirty_seconds(settings: Settings, seconds: int, level: str) -> None:
    assert check_clock(settings, NOW, NOW + timedelta(seconds=seconds), local=False).level == level


def test_a_made_up_clock_is_for_the_demo_only(settings: Settings) -> None:
    demo = changed(settings, clock_file=Path("clock.json"))
    assert check_clock(demo, NOW, NOW + timedelta(days=9), local=True).level == "skipped"
    real = check_clock(demo, NOW, NOW + timedelta(days=9), local=False)
    assert real.level == "red"
    assert "RAPPORT_CLOCK_FILE" in real.todo
