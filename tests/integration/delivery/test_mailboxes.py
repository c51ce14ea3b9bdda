"""The family of a mailbox provider is found by its mail exchanger, not by the look of a domain."""

from typing import Any

from rapport.delivery.mailboxes import PATIENCE, learn_mailboxes
from rapport.delivery.preflight.testing import ZoneResolver

ZONE = """
shop-a.example. 300 IN MX 10 aspmx.l.google.com.
shop-b.example. 300 IN MX 0 shop-b-example.mail.protection.outlook.com.
shop-c.example. 300 IN MX 5 mta7.am0.yahoodns.net.
own.example. 300 IN MX 5 mail.own.example.
trick.example. 300 IN MX 5 notgoogle.com.
nomail.example. 300 IN A 192.0.2.1
"""


def families(shop: Any) -> dict[str, str]:
    query = "select domain, family from ops.mailbox_domain where found_by = 'mx'"
    return {row["domain"]: row["family"] for row in shop.conn.execute(query)}


def test_domains_are_learned_once_by_their_exchanger(shop: Any) -> None:
    hosts = ("shop-a", "shop-b", "shop-c", "own", "trick", "nomail", "gone", "silent")
    for host in hosts:
        shop.conn.execute("insert into ops.recipient values (%s, %s, now())", (host, f"ada@{host}.example"))
    shop.conn.execute("insert into ops.recipient values ('known', 'ada@gmail.com', now()), ('erased', null, now())")
    resolver = ZoneResolver(ZONE, failing=["silent.example"])
    assert learn_mailboxes(shop.settings, resolver=resolver) == 7
    assert families(shop) == {
        "shop-a.example": "gmail",
        "shop-b.example": "outlook",
        "shop-c.example": "yahoo",
        "own.example": "rest",
        "trick.example": "rest",
        "nomail.example": "rest",
        "gone.example": "rest",
    }
    asked = len(resolver.asked)
    assert learn_mailboxes(shop.settings, resolver=resolver) == 0
    assert len(resolver.asked) == asked + 1


def test_a_name_server_that_is_away_is_not_asked_for_every_domain(shop: Any) -> None:
    hosts = [f"host-{number}.example" for number in range(20)]
    for host in hosts:
        shop.conn.execute("insert into ops.recipient values (%s, %s, now())", (host, f"ada@{host}"))
    resolver = ZoneResolver(ZONE, failing=hosts)
    assert learn_mailboxes(shop.settings, resolver=resolver) == 0
    assert len(resolver.asked) == PATIENCE
