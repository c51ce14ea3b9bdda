"""MX of the From domain: a reply, a complaint to postmaster, a bounce of a careless server must arrive."""

from rapport.delivery.preflight.lookup import Resolver
from rapport.delivery.preflight.verdict import CannotTell, Verdict

_PUBLISH = "publish an MX record that names the server on which you read mail"


def check_mx(resolver: Resolver, domain: str) -> Verdict:
    """Raises CannotTell."""
    hosts = [str(record.exchange).rstrip(".") for record in resolver.find(domain, "MX")]  # type: ignore[attr-defined]
    if not hosts:
        if _addresses(resolver, domain):
            return Verdict("mx", "yellow", f"{domain} has no MX; replies go to its web server's address", _PUBLISH)
        return Verdict("mx", "red", f"{domain} has neither MX nor address: nobody can answer", _PUBLISH)
    if "" in hosts:
        return Verdict("mx", "red", f"{domain} says that it takes no mail (null MX)", _PUBLISH)
    dead = [host for host in hosts if not _addresses(resolver, host)]
    if len(dead) == len(hosts):
        return Verdict("mx", "red", f"{domain} names {', '.join(hosts)}, which has no address", _PUBLISH)
    if dead:
        return Verdict(
            "mx", "yellow", f"{', '.join(dead)} of {domain}'s MX has no address", "take it out of the MX records"
        )
    return Verdict("mx", "green", f"{domain}: {', '.join(hosts)}")


def _addresses(resolver: Resolver, host: str) -> bool:
    if resolver.find(host, "A"):
        return True
    try:
        return bool(resolver.find(host, "AAAA"))
    except CannotTell:
        # Some name servers fail on AAAA for hosts that never had one.
        return False
