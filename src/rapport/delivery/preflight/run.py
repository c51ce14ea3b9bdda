"""All checks in their order, each of which may fail to tell without stopping the others."""

from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import urlsplit

from rapport.clock import Clock
from rapport.db import Connection, connect
from rapport.delivery.preflight.dkim import check_dkim
from rapport.delivery.preflight.dmarc import check_alignment, check_dmarc
from rapport.delivery.preflight.endpoints import HttpWeb, Web, check_gateway, check_tls
from rapport.delivery.preflight.installation import (
    check_clock,
    check_identity,
    check_provider_key,
    check_webhook_keys,
    provider_is_local,
)
from rapport.delivery.preflight.lookup import DnsResolver, Resolver
from rapport.delivery.preflight.replies import check_mx
from rapport.delivery.preflight.spf import check_spf
from rapport.delivery.preflight.store import SQL, is_due, record_run
from rapport.delivery.preflight.verdict import CannotTell, PreflightReport, Verdict
from rapport.errors import DataError
from rapport.keys import canonical_address
from rapport.settings import Settings

SKIPPED = "skipped: the provider is on this machine"
_AGAIN = "see that the other side is up and reachable from here, then run `rapport preflight` again"


def run_preflight(
    settings: Settings, clock: Clock, *, resolver: Resolver | None = None, web: Web | None = None
) -> PreflightReport:
    """Runs every check and records the result for the dispatcher. `resolver` and `web` stand in for the network.

    Raises TransientError when Postgres is away, PermanentError when this machine has no name server.
    """
    with connect("engine", autocommit=True, settings=settings) as conn:
        ours, database = _clocks(conn, clock)
        now = clock.now()
        local = provider_is_local(settings)
        verdicts = [check_clock(settings, ours, database, local=local)]
        verdicts += [check_identity(settings, local=local), check_provider_key(settings), check_webhook_keys(settings)]
        web = web or HttpWeb()
        verdicts.append(_told("unsubscribe host", lambda: check_gateway(web, settings.gateway_url)))
        if local:
            verdicts += [
                Verdict(name, "skipped", SKIPPED) for name in ("tls", "spf", "dkim", "dmarc", "alignment", "mx")
            ]
        else:
            verdicts += _tls(settings, web, now)
            verdicts += _domain(settings, resolver or DnsResolver())
        report = PreflightReport(now, tuple(verdicts))
        record_run(conn, settings, report)
    return report


def refresh_preflight(
    settings: Settings, clock: Clock, *, resolver: Resolver | None = None, web: Web | None = None
) -> PreflightReport | None:
    """Runs preflight when it is time again; None when it is not. Raises as `run_preflight`."""
    with connect("engine", autocommit=True, settings=settings) as conn:
        due = is_due(settings, conn, clock.now())
    return run_preflight(settings, clock, resolver=resolver, web=web) if due else None


def _clocks(conn: Connection, clock: Clock) -> tuple[datetime, datetime]:
    """Our time halfway through the question, and the database's."""
    before = clock.now()
    row = conn.execute(SQL["database_clock"]).fetchone() or {}
    return before + (clock.now() - before) / 2, row["now"]


def _tls(settings: Settings, web: Web, now: datetime) -> Iterator[Verdict]:
    urls = {urlsplit(url).hostname: url for url in (settings.shop_url, settings.gateway_url)}
    for host, url in urls.items():
        yield _told(f"tls {host or '?'}", lambda url=url: check_tls(web, url, now))  # type: ignore[misc]


def _domain(settings: Settings, resolver: Resolver) -> Iterator[Verdict]:
    try:
        sender = canonical_address(settings.mail_from).rpartition("@")[2]
        signer, return_path = (
            canonical_address(f"x@{domain}").rpartition("@")[2] if domain else sender
            for domain in (settings.dkim_domain, settings.return_path_domain)
        )
    except DataError:
        todo = "set RAPPORT_MAIL_FROM to an address, RAPPORT_DKIM_DOMAIN and RAPPORT_RETURN_PATH_DOMAIN to a domain"
        yield Verdict("sender", "red", "the From address or a domain beside it is none", todo)
        return
    yield _told("spf", lambda: check_spf(resolver, return_path))
    if not settings.dkim_selectors:
        yield Verdict(
            "dkim", "red", "no selector is named", "set RAPPORT_DKIM_SELECTORS as your mail provider shows them"
        )
    for selector in settings.dkim_selectors:
        yield _told(f"dkim {selector}", lambda selector=selector: check_dkim(resolver, selector, signer))  # type: ignore[misc]
    yield _told("dmarc", lambda: check_dmarc(resolver, sender))
    yield _told("alignment", lambda: check_alignment(resolver, sender, signer, return_path))
    yield _told("mx", lambda: check_mx(resolver, sender))


def _told(check: str, look: Callable[[], Verdict]) -> Verdict:
    try:
        return look()
    except CannotTell as error:
        return Verdict(check, "red", f"cannot tell: {error}", _AGAIN)
