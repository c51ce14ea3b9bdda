"""Name look-ups out of a zone file, with the faults of real name servers, for tests."""

from collections.abc import Collection, Sequence

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone
from dns.rdata import Rdata

from rapport.delivery.preflight.lookup import Kind
from rapport.delivery.preflight.verdict import CannotTell

MAX_ALIASES = 8


class ZoneResolver:
    """Answers from one zone file with absolute names, aliases followed. `failing` names answer SERVFAIL; a question
    under a `silent` name is never answered."""

    def __init__(self, zone: str, failing: Collection[str] = (), silent: Collection[str] = ()) -> None:
        self._zone = dns.zone.from_text(zone, origin=".", relativize=False, check_origin=False)
        self._failing = {dns.name.from_text(name) for name in failing}
        self._silent = {dns.name.from_text(name) for name in silent}
        self.asked: list[tuple[str, str]] = []

    def find(self, name: str, kind: Kind) -> Sequence[Rdata]:
        """As the resolver of the checks. Raises CannotTell for failing and silent names."""
        query = dns.message.make_query(name, kind)
        answer = self.respond(query)
        if answer is None or answer.rcode() == dns.rcode.SERVFAIL:
            raise CannotTell(f"no answer for {kind} of {name}")
        wanted = dns.rdatatype.from_text(kind)
        return [record for rrset in answer.answer if rrset.rdtype == wanted for record in rrset]

    def respond(self, query: dns.message.Message) -> dns.message.Message | None:
        """The answer of a recursive server; None when it keeps silent."""
        question = query.question[0]
        self.asked.append((question.name.to_text(True), dns.rdatatype.to_text(question.rdtype)))
        answer = dns.message.make_response(query, recursion_available=True)
        name = question.name
        for _ in range(MAX_ALIASES):
            if name in self._silent:
                return None
            if name in self._failing:
                answer.set_rcode(dns.rcode.SERVFAIL)
                return answer
            node = self._zone.get_node(name)
            if node is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
                return answer
            wanted = self._zone.get_rdataset(name, question.rdtype)
            alias = self._zone.get_rdataset(name, dns.rdatatype.CNAME)
            found = wanted or alias
            if found is None:
                return answer
            answer.answer.append(dns.rrset.from_rdata_list(name, found.ttl, list(found)))
            if wanted is not None or alias is None:
                return answer
            name = alias[0].target
        return answer
