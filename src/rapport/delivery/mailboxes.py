"""Which mailbox provider stands behind a domain, so that each can be given its own pace."""

from collections.abc import Iterable

from rapport.db import connect, load_queries
from rapport.delivery.preflight.lookup import DnsResolver, Resolver
from rapport.delivery.preflight.verdict import CannotTell
from rapport.settings import Settings

SQL = load_queries("rapport.delivery", "mailboxes.sql")
REST = "rest"
# One run's share: the look-ups are answered one after the other.
MOST = 500
# So many domains one after the other without an answer: it is our own name server that is away.
PATIENCE = 5


def learn_mailboxes(settings: Settings, *, resolver: Resolver | None = None, most: int = MOST) -> int:
    """Looks up the mail exchangers of at most `most` domains that were not met before; returns how many were learned.
    A domain whose name servers do not answer is asked again next time. Raises TransientError when Postgres is away."""
    resolver = resolver or DnsResolver()
    learned = silent = 0
    with connect("engine", settings=settings, autocommit=True) as conn:
        suffixes = [(row["suffix"], row["family"]) for row in conn.execute(SQL["exchangers"])]
        for row in conn.execute(SQL["unmet_domains"], {"most": most}).fetchall():
            try:
                records = resolver.find(row["domain"], "MX")
            except CannotTell:
                silent += 1
                if silent == PATIENCE:
                    break
                continue
            silent = 0
            hosts = [str(record.exchange).rstrip(".").lower() for record in records]  # type: ignore[attr-defined]
            values = {"domain": row["domain"], "family": family_of(hosts, suffixes)}
            learned += conn.execute(SQL["add_domain"], values).rowcount
    return learned


def family_of(hosts: Iterable[str], suffixes: Iterable[tuple[str, str]]) -> str:
    """The family of the first exchanger that ends in a known suffix, as whole labels; `rest` when none does."""
    suffixes = list(suffixes)
    for host in hosts:
        for suffix, family in suffixes:
            if host == suffix or host.endswith(f".{suffix}"):
                return family
    return REST
