"""DMARC (RFC 9989): is there a policy, and do SPF and DKIM speak for the domain that the reader sees?"""

from dataclasses import dataclass

from rapport.delivery.preflight.lookup import Resolver, tags, texts
from rapport.delivery.preflight.verdict import Verdict

# Of a longer name only the last labels are asked for; the rule that keeps one message from causing many questions.
MAX_LABELS = 7
POLICIES = ("none", "quarantine", "reject")
_EXAMPLE = "v=DMARC1; p=none; rua=mailto:dmarc@{domain}"


@dataclass(frozen=True)
class Policy:
    """The record that counts for a domain. `at` is where it stands, `organisation` the domain that relaxed alignment
    compares; without any record `at` is empty and the organisation is the domain itself."""

    domain: str
    at: str
    organisation: str
    record: dict[str, str]

    @property
    def wanted(self) -> str:
        """What receivers shall do with mail that fails: the subdomains' own word where the record stands above."""
        own = self.record.get("p", "")
        return (self.record.get("sp", own) if self.at != self.domain else own).lower()


def find_policy(resolver: Resolver, domain: str) -> Policy:
    """Walks from the domain up to its top, as receivers do. Raises CannotTell, and ValueError for a record that
    receivers cannot use: at one name there may be one."""
    labels = domain.split(".")
    names = [domain] + [".".join(labels[start:]) for start in range(max(1, len(labels) - MAX_LABELS), len(labels))]
    found: list[tuple[str, dict[str, str]]] = []
    organisation = ""
    for below, name in zip(["", *names], names, strict=False):
        record = _record(resolver, name, strict=name == domain)
        if record is None:
            continue
        found.append((name, record))
        boundary = record.get("psd", "").lower()
        if boundary == "n" or (boundary == "y" and name != domain):
            organisation = name if boundary == "n" else below
            break
    organisation = organisation or (found[-1][0] if found else domain)
    chosen = {name: record for name, record in found if name in (domain, organisation)}
    at = domain if domain in chosen else organisation if organisation in chosen else ""
    return Policy(domain, at, organisation, chosen.get(at, {}))


def check_dmarc(resolver: Resolver, domain: str) -> Verdict:
    """The policy of the From domain. Raises CannotTell."""
    example = _EXAMPLE.format(domain=domain)
    try:
        policy = find_policy(resolver, domain)
    except ValueError as error:
        return Verdict("dmarc", "red", str(error), f"leave one TXT record at _dmarc.{domain}, such as {example}")
    if not policy.at:
        found = f"neither _dmarc.{domain} nor its organisation's domain has a DMARC record"
        return Verdict("dmarc", "red", found, f"publish {example} as TXT at _dmarc.{domain}")
    where = f"_dmarc.{policy.at}"
    if policy.record.get("p", "").lower() not in POLICIES or policy.wanted not in POLICIES:
        return Verdict(
            "dmarc", "red", f"{where} has no valid policy (p=)", f"write p=none, quarantine or reject: {example}"
        )
    if policy.wanted == "none":
        todo = "read the reports; once all your own mail passes, move to p=quarantine, then p=reject"
        return Verdict("dmarc", "yellow", f"{where} only watches (none): others may still write as you", todo)
    if not policy.record.get("rua"):
        found = f"{where}: {policy.wanted}, but nobody gets reports (rua=)"
        return Verdict("dmarc", "yellow", found, "add rua=mailto: and an address that you read")
    return Verdict("dmarc", "green", f"{where}: {policy.wanted}, reports are sent")


def check_alignment(resolver: Resolver, sender: str, signer: str, return_path: str) -> Verdict:
    """Whether the From domain agrees with the signature's domain (d=) and with the envelope's. Raises CannotTell."""
    try:
        policy = find_policy(resolver, sender)
        if not policy.at:
            raise ValueError("without a DMARC record no mail passes DMARC")
        dkim = _aligned(resolver, policy, signer, policy.record.get("adkim", "r"))
        spf = _aligned(resolver, policy, return_path, policy.record.get("aspf", "r"))
    except ValueError as error:
        return Verdict("alignment", "red", str(error), "settle the check 'dmarc' first")
    found = f"From {sender}; signed by {signer} ({_word(dkim)}); bounces to {return_path} ({_word(spf)})"
    if dkim and spf:
        return Verdict("alignment", "green", found)
    if dkim:
        todo = f"let your mail provider use a return path below {sender} and name it in RAPPORT_RETURN_PATH_DOMAIN"
        return Verdict("alignment", "yellow", f"{found}: DMARC rests on the signature alone", todo)
    todo = f"let your mail provider sign as {sender} and name that in RAPPORT_DKIM_DOMAIN"
    if spf:
        return Verdict("alignment", "yellow", f"{found}: DMARC fails for every forwarded mail", todo)
    return Verdict("alignment", "red", f"{found}: DMARC fails for every mail", todo)


def _record(resolver: Resolver, name: str, *, strict: bool) -> dict[str, str] | None:
    """The one DMARC record at a name. What stands above our own domain is not ours to mend: receivers pass over it."""
    there = texts(resolver, f"_dmarc.{name}")
    found = [text for text in there if text.partition(";")[0].replace(" ", "") == "v=DMARC1"]
    try:
        if len(found) > 1:
            raise ValueError(f"it has {len(found)} DMARC records, so none counts")
        return tags(found[0]) if found else None
    except ValueError as error:
        if strict:
            raise ValueError(f"_dmarc.{name}: {error}") from None
        return None


def _aligned(resolver: Resolver, policy: Policy, other: str, mode: str) -> bool:
    if other == policy.domain:
        return True
    return mode.lower() != "s" and find_policy(resolver, other).organisation == policy.organisation


def _word(aligned: bool) -> str:
    return "agrees" if aligned else "does not agree"
