"""DKIM, DMARC, alignment and MX, out of zone files."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rapport.delivery.preflight.dkim import check_dkim
from rapport.delivery.preflight.dmarc import check_alignment, check_dmarc, find_policy
from rapport.delivery.preflight.replies import check_mx
from rapport.delivery.preflight.testing import ZoneResolver
from rapport.delivery.preflight.verdict import CannotTell

ED25519 = base64.b64encode(bytes(range(32))).decode()


def rsa(bits: int, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    key = RSAPublicNumbers(65537, (1 << (bits - 1)) + 12345).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, form)).decode()


def txt(name: str, text: str) -> str:
    """A TXT line, cut into strings of 255 octets as servers store it."""
    parts = [text[at : at + 255] for at in range(0, len(text), 255)] or [""]
    return f"{name}. 300 IN TXT " + " ".join(f'"{part}"' for part in parts)


def dkim(record: str) -> tuple[str, str]:
    verdict = check_dkim(ZoneResolver(txt("s1._domainkey.shop.example", record)), "s1", "shop.example")
    assert verdict.check == "dkim s1"
    assert bool(verdict.todo) == (verdict.level != "green")
    return verdict.level, verdict.found


@pytest.mark.parametrize(
    ("record", "level", "told"),
    [
        (f"v=DKIM1; k=rsa; p={rsa(2048)}", "green", "2048 bits"),
        (f"p={rsa(4096)}", "green", "4096 bits"),
        (f"v=DKIM1; p={rsa(2048, PublicFormat.PKCS1)}", "green", "2048 bits"),
        (f"v=DKIM1; h=sha1:sha256; s=email; t=s; n=hi; p={rsa(2048)};", "green", "2048 bits"),
        (f"k=rsa; t=s; p={rsa(2048)[:100]} {rsa(2048)[100:]}", "green", "2048 bits"),
        (f"v=DKIM1; k=ed25519; p={ED25519}", "green", "ed25519"),
        (f"v=DKIM1; t=y; p={rsa(2048)}", "yellow", "test"),
        (f"v=DKIM1; p={rsa(1024)}", "yellow", "1024 bits"),
        (f"v=DKIM1; p={rsa(2047)}", "yellow", "2047 bits"),
        (f"v=DKIM1; p={rsa(1023)}", "red", "1023 bits"),
        (f"v=DKIM1; p={rsa(512)}", "red", "512 bits"),
        ("v=DKIM1; k=rsa; p=", "red", "revoked"),
        ("v=DKIM1; k=rsa", "red", "no key (p=)"),
        ("v=DKIM1; p=not*base64", "red", "not base64"),
        (f"v=DKIM1; p={ED25519}", "red", "no RSA public key"),
        (f"v=DKIM1; k=ed25519; p={rsa(1024)}", "red", "ed25519 key has 32 bytes"),
        (f"v=DKIM1; k=dsa; p={ED25519}", "red", "neither rsa nor ed25519"),
        (f"v=DKIM2; p={rsa(2048)}", "red", "v=DKIM1"),
        (f"p={rsa(2048)}; v=DKIM1", "red", "v=DKIM1"),
        (f"v=DKIM1; h=sha1; p={rsa(2048)}", "red", "not sha256"),
        (f"v=DKIM1; s=tlsrpt; p={rsa(2048)}", "red", "not for mail"),
        (f"v=DKIM1; p={rsa(2048)}; p=", "red", "cannot be read"),
        ("some other text", "red", "cannot be read"),
    ],
    ids=[
        *(
            "rsa-2048",
            "bare",
            "pkcs1",
            "all-tags",
            "folded",
            "ed25519",
            "test-mode",
            "rsa-1024",
            "rsa-2047",
            "rsa-1023",
        ),
        *("rsa-512", "revoked", "no-p", "not-base64", "not-rsa", "not-ed25519", "dsa", "other-version", "version-last"),
        *("sha1", "not-mail", "twice", "other-text"),
    ],
)
def test_the_signing_key(record: str, level: str, told: str) -> None:
    found = dkim(record)
    assert found[0] == level
    assert told in found[1]


def test_a_key_behind_an_alias_is_found_and_a_dead_alias_is_named() -> None:
    alias = "s1._domainkey.shop.example. 300 IN CNAME s1.u1.mail.example.\n"
    key = txt("s1.u1.mail.example", f"v=DKIM1; p={rsa(2048)}")
    assert check_dkim(ZoneResolver(alias + key), "s1", "shop.example").level == "green"
    dead = check_dkim(ZoneResolver(alias), "s1", "shop.example")
    assert dead.level == "red"
    assert "points to s1.u1.mail.example" in dead.found


def test_a_selector_without_record_or_with_two_is_red() -> None:
    assert "has no key" in check_dkim(ZoneResolver(""), "s2", "shop.example").found
    two = txt("s1._domainkey.shop.example", f"p={rsa(2048)}") + "\n" + txt("s1._domainkey.shop.example", "p=")
    assert "2 TXT records" in check_dkim(ZoneResolver(two), "s1", "shop.example").found


def zone(**records: str) -> ZoneResolver:
    """DMARC records by domain, dots written as underscores."""
    return ZoneResolver("\n".join(txt(f"_dmarc.{name.replace('_', '.')}", text) for name, text in records.items()))


@pytest.mark.parametrize(
    ("record", "level", "told"),
    [
        ("v=DMARC1; p=reject; rua=mailto:d@shop.example", "green", "reject"),
        ("v=DMARC1;p=Quarantine;rua=mailto:d@shop.example;adkim=s", "green", "quarantine"),
        ("v=DMARC1; p=none; rua=mailto:d@shop.example", "yellow", "only watches"),
        ("v=DMARC1; p=reject", "yellow", "nobody gets reports"),
        ("v=DMARC1; rua=mailto:d@shop.example", "red", "no valid policy"),
        ("v=DMARC1; p=block", "red", "no valid policy"),
        ("v=DMARC1; p=reject; sp=; rua=mailto:d@shop.example", "green", "reject"),
        ("v=DMARC1; p=reject p=none", "red", "no valid policy"),
        ("v=DMARC1; p=reject; p=none", "red", "_dmarc.shop.example"),
        ("v=DMARC2; p=reject", "red", "neither"),
        ("p=reject; v=DMARC1", "red", "neither"),
        ("", "red", "neither"),
    ],
    ids=[
        *(
            "reject",
            "quarantine",
            "none",
            "no-reports",
            "no-policy",
            "other-policy",
            "empty-sub",
            "no-semicolon",
            "twice",
        ),
        *("other-version", "version-last", "empty"),
    ],
)
def test_the_policy_of_the_domain_itself(record: str, level: str, told: str) -> None:
    verdict = check_dmarc(zone(shop_example=record), "shop.example")
    assert verdict.level == level
    assert told in verdict.found
    assert bool(verdict.todo) == (level != "green")


def test_two_records_at_one_name_count_as_none() -> None:
    two = "\n".join(txt("_dmarc.shop.example", f"v=DMARC1; p={policy}") for policy in ("none", "reject"))
    assert "2 DMARC records" in check_dmarc(ZoneResolver(two), "shop.example").found


def test_other_texts_beside_the_record_do_not_matter() -> None:
    record = txt("_dmarc.shop.example", "v=DMARC1; p=reject; rua=mailto:d@shop.example")
    assert (
        check_dmarc(ZoneResolver(record + "\n" + txt("_dmarc.shop.example", "other")), "shop.example").level == "green"
    )


@pytest.mark.parametrize(
    ("record", "level", "told"),
    [
        ("v=DMARC1; p=reject; rua=mailto:d@shop.example", "green", "_dmarc.shop.example: reject"),
        ("v=DMARC1; p=reject; sp=none; rua=mailto:d@shop.example", "yellow", "only watches"),
        ("v=DMARC1; p=none; sp=reject; rua=mailto:d@shop.example", "green", "reject"),
    ],
    ids=["inherited", "weaker-below", "stronger-below"],
)
def test_a_subdomain_takes_its_organisations_policy(record: str, level: str, told: str) -> None:
    verdict = check_dmarc(zone(shop_example=record), "news.eu.shop.example")
    assert verdict.level == level
    assert told in verdict.found


def test_where_the_organisation_begins() -> None:
    tree = zone(
        a_b_shop_example="v=DMARC1; p=none",
        b_shop_example="v=DMARC1; p=quarantine",
        shop_example="v=DMARC1; p=reject",
        bank="v=DMARC1; p=reject; psd=y",
        own_shop_example="v=DMARC1; p=none; psd=n",
    )
    assert find_policy(tree, "a.b.shop.example").organisation == "shop.example"
    assert find_policy(tree, "a.b.shop.example").at == "a.b.shop.example"
    # A record half way up is neither the domain's own nor the organisation's.
    assert find_policy(tree, "x.b.shop.example").at == "shop.example"
    assert find_policy(tree, "mail.our.bank").organisation == "our.bank"
    assert find_policy(tree, "x.own.shop.example").organisation == "own.shop.example"
    assert find_policy(tree, "nowhere.invalid").organisation == "nowhere.invalid"


def test_a_long_name_causes_few_questions() -> None:
    tree = zone(shop_example="v=DMARC1; p=reject")
    assert find_policy(tree, "a.b.c.d.e.f.g.h.i.shop.example").at == "shop.example"
    assert len(tree.asked) == 8


@pytest.mark.parametrize(
    ("record", "signer", "return_path", "level", "told"),
    [
        ("p=none", "shop.example", "shop.example", "green", "agrees"),
        ("p=none", "mail.shop.example", "em1.shop.example", "green", "agrees"),
        ("p=none; adkim=s; aspf=s", "shop.example", "shop.example", "green", "agrees"),
        ("p=none; aspf=s", "shop.example", "em1.shop.example", "yellow", "rests on the signature alone"),
        ("p=none; adkim=s", "mail.shop.example", "em1.shop.example", "yellow", "fails for every forwarded mail"),
        ("p=none", "provider.example", "em1.shop.example", "yellow", "fails for every forwarded mail"),
        ("p=none", "shop.example", "provider.example", "yellow", "rests on the signature alone"),
        ("p=none; adkim=s; aspf=s", "mail.shop.example", "em1.shop.example", "red", "fails for every mail"),
        ("p=none", "provider.example", "provider.example", "red", "fails for every mail"),
        ("p=none", "notshop.example", "xshop.example", "red", "fails for every mail"),
    ],
    ids=[
        *("same", "relaxed", "strict-same", "strict-spf", "strict-dkim", "foreign-signer", "foreign-bounces"),
        *("strict-both", "foreign", "similar-names"),
    ],
)
def test_alignment(record: str, signer: str, return_path: str, level: str, told: str) -> None:
    tree = zone(shop_example=f"v=DMARC1; {record}", provider_example="v=DMARC1; p=reject")
    verdict = check_alignment(tree, "shop.example", signer, return_path)
    assert verdict.level == level
    assert told in verdict.found


def test_a_subdomain_and_its_parent_agree_when_relaxed() -> None:
    tree = zone(shop_example="v=DMARC1; p=none")
    assert check_alignment(tree, "news.shop.example", "shop.example", "shop.example").level == "green"


def test_without_a_policy_nothing_aligns() -> None:
    assert check_alignment(ZoneResolver(""), "shop.example", "shop.example", "shop.example").level == "red"


@pytest.mark.parametrize(
    ("records", "level", "told"),
    [
        ("shop.example. 300 IN MX 10 mx1.mail.example.", "green", "mx1.mail.example"),
        ("shop.example. 300 IN MX 10 mx6.mail.example.", "green", "mx6.mail.example"),
        ("shop.example. 300 IN MX 10 alias.mail.example.", "green", "alias.mail.example"),
        ("shop.example. 300 IN MX 10 mx1.mail.example.\nshop.example. 300 IN MX 20 gone.example.", "yellow", "gone"),
        ("shop.example. 300 IN MX 10 gone.example.", "red", "has no address"),
        ("shop.example. 300 IN MX 0 .", "red", "takes no mail"),
        ("shop.example. 300 IN A 192.0.2.9", "yellow", "has no MX"),
        ("", "red", "nobody can answer"),
    ],
    ids=["mx", "mx-ipv6", "mx-alias", "one-dead", "all-dead", "null-mx", "address-only", "nothing"],
)
def test_replies_must_arrive(records: str, level: str, told: str) -> None:
    hosts = (
        "mx1.mail.example. 300 IN A 192.0.2.1\nmx6.mail.example. 300 IN AAAA 2001:db8::1\n"
        "alias.mail.example. 300 IN CNAME mx1.mail.example.\n"
    )
    verdict = check_mx(ZoneResolver(hosts + records), "shop.example")
    assert verdict.level == level
    assert told in verdict.found


def test_a_server_that_fails_tells_nothing() -> None:
    names = ["s1._domainkey.shop.example", "_dmarc.shop.example", "shop.example"]
    for faults in ({"failing": names}, {"silent": names}):
        broken = ZoneResolver("", **faults)
        with pytest.raises(CannotTell):
            check_dkim(broken, "s1", "shop.example")
        with pytest.raises(CannotTell):
            check_dmarc(broken, "shop.example")
        with pytest.raises(CannotTell):
            check_alignment(broken, "shop.example", "shop.example", "shop.example")
        with pytest.raises(CannotTell):
            check_mx(broken, "shop.example")


def test_a_mail_server_whose_address_cannot_be_asked_for_tells_nothing() -> None:
    record = "shop.example. 300 IN MX 10 mx1.mail.example.\n"
    with pytest.raises(CannotTell):
        check_mx(ZoneResolver(record, failing=["mx1.mail.example"]), "shop.example")
