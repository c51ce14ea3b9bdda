"""SPF as receivers read it, out of zone files."""

import pytest

from rapport.delivery.preflight.spf import check_spf
from rapport.delivery.preflight.testing import ZoneResolver
from rapport.delivery.preflight.verdict import CannotTell


def spf(*records: str, zone: str = "") -> tuple[str, str]:
    """Level and finding for a domain with these TXT records beside the rest of a zone."""
    lines = "\n".join(f'shop.example. 300 IN TXT "{record}"' for record in records)
    verdict = check_spf(ZoneResolver(f"{lines}\n{zone}\n"), "shop.example")
    assert verdict.check == "spf"
    assert bool(verdict.todo) == (verdict.level != "green")
    return verdict.level, verdict.found


def chain(length: int) -> str:
    """a1.example includes a2.example and so on; the last one names a network."""
    links = [f'a{at}.example. 300 IN TXT "v=spf1 include:a{at + 1}.example -all"' for at in range(1, length)]
    return "\n".join([*links, f'a{length}.example. 300 IN TXT "v=spf1 ip4:192.0.2.1 -all"'])


@pytest.mark.parametrize(
    ("record", "lookups"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", 0),
        ("v=spf1 ip6:2001:db8::/32 ~all", 0),
        ("V=SPF1 IP4:192.0.2.1 -ALL", 0),
        ("v=spf1 a mx:mail.example a:www.example/24//64 mx/28 ptr exists:%{i}.x.example -all", 6),
        ("v=spf1 include:%{d}.x.example ip4:192.0.2.1 -all", 1),
        ("v=spf1 ip4:192.0.2.1 exp=why.example -all", 0),
        ("v=spf1 include:a1.example -all", 2),
    ],
    ids=["ip4", "ip6", "upper-case", "counted", "macro", "modifier", "include"],
)
def test_a_record_that_lets_the_provider_send(record: str, lookups: int) -> None:
    level, found = spf("another text", record, zone=chain(2))
    assert level == "green"
    assert f"{lookups} of 10" in found


def test_one_record_in_several_strings_is_put_together_without_spaces() -> None:
    zone = 'shop.example. 300 IN TXT "v=spf1 ip4:192." "0.2.1 -a" "ll"'
    assert check_spf(ZoneResolver(zone), "shop.example").level == "green"


def test_an_alias_is_followed() -> None:
    zone = (
        'bounces.shop.example. 300 IN CNAME u1.mail.example.\nu1.mail.example. 300 IN TXT "v=spf1 ip4:192.0.2.1 -all"'
    )
    assert check_spf(ZoneResolver(zone), "bounces.shop.example").level == "green"


@pytest.mark.parametrize(("links", "level"), [(10, "green"), (11, "red")], ids=["ten", "eleven"])
def test_ten_lookups_are_allowed_over_all_includes(links: int, level: str) -> None:
    found = spf("v=spf1 include:a1.example -all", zone=chain(links))
    assert found[0] == level
    if level == "red":
        assert "more than 10" in found[1]


def test_lookups_that_cost_no_include_count_too() -> None:
    wide = " ".join(f"a:h{at}.example" for at in range(11))
    assert spf(f"v=spf1 {wide} -all")[0] == "red"
    assert spf("v=spf1 a mx a:b.example redirect=a1.example", zone=chain(8)) == ("red", spf_too_many())


def spf_too_many() -> str:
    return "shop.example needs more than 10 DNS look-ups; receivers take that as no SPF at all"


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([], "no SPF record"),
        (["google-site-verification=x"], "no SPF record"),
        (["v=spf10 -all"], "no SPF record"),
        (["v=spf1 ip4:192.0.2.1 -all", "v=spf1 -all"], "2 SPF records"),
        (["v=spf1 ip4:192.0.2.1 +all"], "+all"),
        (["v=spf1 all"], "+all"),
        (["v=spf1 -all"], "lets nobody send"),
        (["v=spf1 ip4:192.0.2.999 -all"], "no such network"),
        (["v=spf1 ip6:192.0.2.1 -all"], "no such network"),
        (["v=spf1 includes:a1.example -all"], "no SPF term"),
        (["v=spf1 include: -all"], "without a domain"),
        (["v=spf1 include:nowhere.example -all"], "nowhere.example has no SPF record"),
        (["v=spf1 include:shop.example -all"], "includes itself"),
        (["v=spf1 include:loop1.example -all"], "includes itself: shop.example > loop1.example > loop2.example"),
        (["v=spf1 include:open.example -all"], "lets everybody in"),
        (["v=spf1 redirect=open.example"], "+all"),
        (["v=spf1 redirect=nowhere.example"], "nowhere.example has no SPF record"),
    ],
    ids=[
        *("none", "other-text", "other-version", "two", "plus-all", "bare-all", "nobody", "bad-ip4", "bad-ip6", "typo"),
        *("empty", "include-missing", "self", "loop", "include-open", "redirect-open", "redirect-missing"),
    ],
)
def test_what_receivers_reject_is_red(records: list[str], told: str) -> None:
    zone = """
        loop1.example. 300 IN TXT "v=spf1 include:loop2.example -all"
        loop2.example. 300 IN TXT "v=spf1 include:loop1.example -all"
        open.example. 300 IN TXT "v=spf1 +all"
    """
    level, found = spf(*records, zone="\n".join(line.strip() for line in zone.splitlines()))
    assert level == "red"
    assert told in found


@pytest.mark.parametrize("record", ["v=spf1 ip4:192.0.2.1 ?all", "v=spf1 ip4:192.0.2.1"], ids=["neutral", "no-all"])
def test_a_record_that_leaves_strangers_open_is_yellow(record: str) -> None:
    assert spf(record)[0] == "yellow"


def test_terms_after_all_and_a_redirect_beside_it_are_never_read() -> None:
    assert spf("v=spf1 ip4:192.0.2.1 -all include:nowhere.example")[0] == "green"
    assert spf("v=spf1 redirect=nowhere.example ip4:192.0.2.1 ~all")[0] == "green"


def test_a_redirect_that_only_receivers_can_follow_is_counted_and_its_end_is_unknown() -> None:
    assert spf("v=spf1 redirect=%{d}.x.example")[0] == "yellow"


def test_a_redirect_brings_the_other_ones_end() -> None:
    assert spf("v=spf1 redirect=a1.example", zone=chain(1)) == (
        "green",
        "shop.example: 1 of 10 look-ups, ends in -all",
    )


@pytest.mark.parametrize("where", ["shop.example", "a2.example"])
def test_a_server_that_fails_is_not_an_empty_answer(where: str) -> None:
    zone = 'shop.example. 300 IN TXT "v=spf1 include:a1.example -all"\n' + chain(3)
    with pytest.raises(CannotTell):
        check_spf(ZoneResolver(zone, failing=[where]), "shop.example")
    with pytest.raises(CannotTell):
        check_spf(ZoneResolver(zone, silent=[where]), "shop.example")


def test_what_others_publish_cannot_steer_the_terminal() -> None:
    level, found = spf("v=spf1 include:\\027[31mred.example -all")
    assert level == "red"
    assert found.isprintable()
