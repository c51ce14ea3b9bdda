"""A campaign's mail rendered for many readers before it may go to any: real ones of its segment, and nasty ones."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.lifecycle import triggers
from rapport.campaigns.lifecycle.flow import Flow
from rapport.campaigns.mail import content, nasty
from rapport.db import Connection, load_queries
from rapport.settings import Settings

REAL_PROFILES = 200
# Gmail cuts what is longer, and with it the way out.
HTML_LIMIT_BYTES = 102 * 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# What the nasty profiles try to bring into a page.
_FORGED = re.compile(r'<script>alert|"\s+onmouseover="alert|<!-- <script|href="javascript:', re.IGNORECASE)
_MOST_FAULTS = 20


@dataclass(frozen=True)
class SampleReport:
    """What became of the samples. Holds ids, names of fields and of nasty profiles, and no text of anybody's.

    `real` and `nasty` count profiles, `rendered` mails (a profile has one in each variant). `missing` counts real
    profiles by the field without which they would get no mail: a decision of the marketer's, not a fault. `faults` must
    be mended: a mail that would be wrong, or an error that is not the reader's.
    """

    real: int
    nasty: int
    rendered: int
    missing: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong and at least one real reader, if there is any, would get a mail."""
        return not self.faults and (not self.real or sum(self.missing.values()) < self.real)

    def __str__(self) -> str:
        lines = [f"{self.rendered:,} mails for {self.real:,} real and {self.nasty} nasty profiles"]
        lines += [f"  {count:,} would get none: {name} is missing" for name, count in self.missing.items()]
        lines += [f"  fault: {fault}" for fault in self.faults]
        if self.real and not self.faults and not self.ok:
            lines.append("  fault: nobody of the segment would get a mail; state fallbacks")
        return "\n".join(lines)


def render_samples(campaign: Campaign | Flow, conn: Connection, settings: Settings) -> SampleReport:
    """Renders every variant or step for 200 real profiles of the segment (of a flow: of the whole audience) and all
    nasty ones. Sends and writes nothing.

    `conn` must be allowed to read the audience, as the engine is. Raises CampaignError when the content does not even
    compile, PermanentError when something every mail needs is not set.
    """
    versions = content.compile_versions(campaign)
    happened = {triggers.FIELD: triggers.SAMPLES[campaign.trigger]} if isinstance(campaign, Flow) else {}
    segment = campaign.segment if isinstance(campaign, Campaign) else None
    base = settings.gateway_url.rstrip("/")
    links = content.standard_links(settings, f"{base}/u/sample", f"{base}/p/sample")
    rows = conn.execute(
        load_queries(__package__, "samples.sql")["profiles"], {"segment": segment, "most": REAL_PROFILES}
    ).fetchall()
    wicked = nasty.profiles()
    trial = _Trial(list(versions.values()), links)
    for row in rows:
        trial.real(f"customer {row['customer_id']}", {**row["fields"], **happened})
    for name, context in wicked.items():
        trial.nasty(f"nasty profile {name}", {**context, **happened})
    missing = dict(trial.missing.most_common())
    return SampleReport(len(rows), len(wicked), trial.rendered, missing, tuple(trial.faults[:_MOST_FAULTS]))


@dataclass
class _Trial:
    versions: Sequence[Sequence[content.Template]]
    links: Mapping[str, str]
    rendered: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def real(self, name: str, context: Mapping[str, Any]) -> None:
        refusals: list[content.ContentError] = []
        for templates in self.versions:
            template = content.choose(templates, context.get("language"), templates[0].variant)
            refusal = self._render(name, template, context)
            if refusal:
                refusals.append(refusal)
        lacking = next((error for error in refusals if isinstance(error, content.MissingFieldError)), None)
        if lacking:
            self.missing[lacking.field] += 1
        elif refusals:
            self.faults.append(f"{name}: {refusals[0]}")

    def nasty(self, name: str, context: Mapping[str, Any]) -> None:
        """In every language. A refusal is a right answer here."""
        for template in chain.from_iterable(self.versions):
            self._render(name, template, context)

    def _render(self, name: str, template: content.Template, context: Mapping[str, Any]) -> content.ContentError | None:
        told = f"{name}, variant {template.variant} in {template.language}"
        try:
            needed = {key: context.get(key) for key in template.fields}
            message = content.render(template, {**needed, **template.stand_ins}, self.links)
        except content.ContentError as error:
            return error
        except Exception as error:  # whatever else a profile raises would stop a whole planning
            self.faults.append(f"{told}: {type(error).__name__} is no refusal of one message")
            return None
        self.rendered += 1
        self.faults += [f"{told}: {fault}" for fault in _faults(message, self.links)]
        return None


def _faults(message: content.RenderedMessage, links: Mapping[str, str]) -> list[str]:
    faults = []
    if _CONTROL.search(message.subject):
        faults.append("the subject holds a control character, which could forge headers")
    if _FORGED.search(message.html):
        faults.append("a reader's text became markup; is there a `|safe`?")
    if (size := len(message.html.encode("utf-8", "replace"))) > HTML_LIMIT_BYTES:
        faults.append(f"the HTML has {size:,} bytes; Gmail cuts it after {HTML_LIMIT_BYTES:,}: shorten it")
    if not message.text.strip():
        faults.append("the text part is empty")
    faults += [
        f"the {part} part lacks the unsubscribe link"
        for part, body in (("HTML", message.html.replace("&#x2f;", "/")), ("text", message.text))
        if links["unsubscribe_url"] not in body
    ]
    return faults
