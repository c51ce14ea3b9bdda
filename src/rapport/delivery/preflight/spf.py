"""SPF (RFC 7208): may the provider's servers send for the envelope domain?"""

import ipaddress
import re
from dataclasses import dataclass

from rapport.delivery.preflight.lookup import Resolver, texts
from rapport.delivery.preflight.verdict import Verdict

MAX_LOOKUPS = 10
_TERM = re.compile(r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:([:/])(.*))?", re.IGNORECASE)
_MODIFIER = re.compile(r"([a-z][a-z0-9._-]*)=(.*)", re.IGNORECASE)
_PUBLISH = "publish the one SPF record that your mail provider names, as TXT at this domain"


class _BrokenError(Exception):
    """Receivers stop with an error and treat the mail as if there were no SPF."""


@dataclass
class _Reading:
    """What one record says, its includes and redirects followed. `all` is how it ends: +, -, ~, ? or nothing."""

    all: str = ""
    allows_somebody: bool = False


class _Walk:
    """Counts look-ups over one whole evaluation, as a receiver does."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self.lookups = 0

    def read(self, domain: str, above: tuple[str, ...] = ()) -> _Reading:
        name = domain.lower().rstrip(".")
        if name in above:
            raise _BrokenError(f"{name} includes itself: {' > '.join((*above, name))}")
        reading, redirect = _Reading(), ""
        for term in self._record(name).split()[1:]:
            modifier = _MODIFIER.fullmatch(term)
            if modifier:
                redirect = modifier[2] if modifier[1].lower() == "redirect" else redirect
                continue
            match = _TERM.fullmatch(term)
            if match is None:
                raise _BrokenError(f"{name} holds {term!r}, which is no SPF term")
            qualifier, mechanism, argument = match[1] or "+", match[2].lower(), match[4] or ""
            if mechanism == "all":
                reading.all, redirect = qualifier, ""
                break
            self._mechanism(mechanism, match[3] or "", argument, (*above, name))
            reading.allows_somebody |= qualifier == "+"
        if redirect:
            self._count((*above, name)[0])
            rest = _Reading("", True) if "%" in redirect else self.read(redirect, (*above, name))
            reading.all, reading.allows_somebody = rest.all, reading.allows_somebody or rest.allows_somebody
        return reading

    def _record(self, name: str) -> str:
        found = [text for text in texts(self._resolver, name) if re.match(r"v=spf1(?: |$)", text, re.IGNORECASE)]
        if not found:
            raise _BrokenError(f"{name} has no SPF record")
        if len(found) > 1:
            raise _BrokenError(f"{name} has {len(found)} SPF records where one is allowed")
        return found[0]

    def _mechanism(self, mechanism: str, divider: str, argument: str, path: tuple[str, ...]) -> None:
        if mechanism in ("ip4", "ip6"):
            _network(mechanism, argument, path[-1])
            return
        self._count(path[0])
        if mechanism not in ("include", "exists"):
            return
        if divider != ":" or not argument:
            raise _BrokenError(f"{path[-1]} has {mechanism} without a domain")
        # A macro stands for the sender's or the receiver's data; only the receiver can follow it.
        if mechanism == "include" and "%" not in argument and self.read(argument, path).all == "+":
            raise _BrokenError(f"{argument}, which is included, lets everybody in (+all)")

    def _count(self, name: str) -> None:
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            raise _BrokenError(f"{name} needs more than {MAX_LOOKUPS} DNS look-ups")


def check_spf(resolver: Resolver, domain: str) -> Verdict:
    """SPF of the envelope domain, where bounces go. Raises CannotTell."""
    walk = _Walk(resolver)
    try:
        reading = walk.read(domain)
    except _BrokenError as broken:
        return Verdict("spf", "red", f"{broken}; receivers take that as no SPF at all", _PUBLISH)
    if reading.all == "+":
        return Verdict(
            "spf", "red", f"{domain} ends in +all: everybody may send as you", "end the record in -all or ~all"
        )
    if not reading.allows_somebody:
        return Verdict("spf", "red", f"{domain} lets nobody send", _PUBLISH)
    if reading.all not in ("-", "~"):
        found = f"{domain} does not say what becomes of other senders ({reading.all or 'no '}all)"
        return Verdict("spf", "yellow", found, "end the record in -all or ~all")
    return Verdict("spf", "green", f"{domain}: {walk.lookups} of {MAX_LOOKUPS} look-ups, ends in {reading.all}all")


def _network(mechanism: str, argument: str, name: str) -> None:
    network = ipaddress.IPv4Network if mechanism == "ip4" else ipaddress.IPv6Network
    try:
        network(argument, strict=False)
    except ValueError:
        raise _BrokenError(f"{name} holds {mechanism}:{argument}, which is no such network") from None
