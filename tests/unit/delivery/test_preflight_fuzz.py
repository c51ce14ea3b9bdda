"""Whatever stands in DNS, a check ends in a verdict that can be printed and stored."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

import dns.rdtypes.ANY.TXT
from dns.rdata import Rdata
from dns.rdataclass import IN
from dns.rdatatype import TXT
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.delivery.preflight.dkim import check_dkim
from rapport.delivery.preflight.dmarc import check_alignment, check_dmarc
from rapport.delivery.preflight.lookup import Kind
from rapport.delivery.preflight.spf import check_spf
from rapport.delivery.preflight.verdict import Verdict

SEEN = (
    "v=spf1 include:shop.example include: +all -all redirect=x.example ip4:1 ip6::: a/ mx: %{i} ; ="
    " v=DMARC1; p=none; sp=%; psd=y; psd=n; adkim=s; v=DKIM1; p= p=AAAA; k=rsa; k=ed25519; h=sha1; s= t=y"
)
WORDS = st.sampled_from(SEEN.split())
PIECES = st.one_of(WORDS.map(str.encode), st.binary(max_size=20), st.just(b" "))
RECORDS = st.lists(st.lists(PIECES, max_size=8).map(lambda parts: b"".join(parts)[:255]), max_size=3)


class Everywhere:
    """Answers every TXT question with the same records."""

    def __init__(self, records: Sequence[bytes]) -> None:
        self._records = [dns.rdtypes.ANY.TXT.TXT(IN, TXT, [record]) for record in records]

    def find(self, name: str, kind: Kind) -> Sequence[Rdata]:
        return self._records if kind == "TXT" else []


CHECKS: dict[str, Callable[[Everywhere], Verdict]] = {
    "spf": lambda resolver: check_spf(resolver, "shop.example"),
    "dkim s1": lambda resolver: check_dkim(resolver, "s1", "shop.example"),
    "dmarc": lambda resolver: check_dmarc(resolver, "news.shop.example"),
    "alignment": lambda resolver: check_alignment(resolver, "shop.example", "a.shop.example", "b.example"),
}


@settings(deadline=None)
@given(RECORDS)
def test_any_record_ends_in_a_verdict(records: list[bytes]) -> None:
    for name, check in CHECKS.items():
        verdict = check(Everywhere(records))
        assert verdict.check == name
        assert verdict.found.isprintable()
        assert bool(verdict.todo) == (verdict.level != "green")
        json.dumps(asdict(verdict)).encode("utf-8")
