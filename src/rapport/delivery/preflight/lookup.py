"""Name look-ups, as the checks ask for them and as dnspython answers them."""

from collections.abc import Sequence
from typing import Literal, Protocol

import dns.exception
import dns.resolver
from dns.rdata import Rdata

from rapport.delivery.preflight.verdict import CannotTell
from rapport.errors import PermanentError

Kind = Literal["TXT", "MX", "A", "AAAA", "CNAME"]
# One question to one server, and all tries at one question together.
TRY_SECONDS = 2.0
QUESTION_SECONDS = 5.0
# What fits into a packet on every path; longer answers come over TCP.
UDP_BYTES = 1232


class Resolver(Protocol):
    def find(self, name: str, kind: Kind) -> Sequence[Rdata]:
        """The records at `name`, aliases (CNAME) followed; empty when there are none. Raises CannotTell when no server
        answers, which is not the same as an empty answer."""
        ...


class DnsResolver:
    """Asks the name servers of this machine, each question once a run: a dead server costs its timeout only once."""

    def __init__(self, resolver: dns.resolver.Resolver | None = None) -> None:
        """Raises PermanentError when this machine has no name server configured."""
        try:
            self._resolver = resolver or dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration:
            raise PermanentError("this machine names no DNS server (/etc/resolv.conf): preflight cannot look") from None
        if resolver is None:
            self._resolver.timeout, self._resolver.lifetime = TRY_SECONDS, QUESTION_SECONDS
            self._resolver.use_edns(0, 0, UDP_BYTES)
        self._known: dict[tuple[str, Kind], list[Rdata] | CannotTell] = {}

    def find(self, name: str, kind: Kind) -> Sequence[Rdata]:
        key = (name.lower().rstrip("."), kind)
        if key not in self._known:
            self._known[key] = self._ask(*key)
        known = self._known[key]
        if isinstance(known, CannotTell):
            raise known
        return known

    def _ask(self, name: str, kind: Kind) -> list[Rdata] | CannotTell:
        try:
            return list(self._resolver.resolve(f"{name}.", kind, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.Timeout:
            return CannotTell(f"no name server answered in time for {kind} of {name}")
        except dns.resolver.NoNameservers:
            return CannotTell(f"the name servers failed (SERVFAIL or refused) for {kind} of {name}")
        except dns.exception.DNSException as error:
            return CannotTell(f"{name} cannot be looked up ({type(error).__name__})")


def texts(resolver: Resolver, name: str) -> list[str]:
    """TXT records, the strings of each put together, fit to be shown: anybody may publish a terminal's control codes.
    Raises CannotTell."""
    whole = [b"".join(record.strings).decode("utf-8", "replace") for record in resolver.find(name, "TXT")]  # type: ignore[attr-defined]
    return ["".join(character if character.isprintable() else "?" for character in text) for text in whole]


def tags(record: str) -> dict[str, str]:
    """`name=value; …` as DKIM and DMARC write it. Raises ValueError for anything else and for a tag given twice."""
    found: dict[str, str] = {}
    for part in filter(str.strip, record.split(";")):
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not equals or not name or name in found:
            raise ValueError("it is not a list of name=value, each once, divided by semicolons")
        found[name] = value.strip()
    return found
