"""Content: compiled once per version, rendered once per message, checked before it may leave."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Any

import minijinja

from rapport.campaigns.folder.model import Confirmation, Mailing
from rapport.campaigns.folder.problems import CampaignError, Problem
from rapport.campaigns.lifecycle import triggers
from rapport.campaigns.lifecycle.flow import Flow, steps
from rapport.campaigns.mail import blocks, bodies, fields, links, markup, templating
from rapport.campaigns.mail.templating import ContentError, MissingFieldError
from rapport.campaigns.offers.coupons import Coupon
from rapport.campaigns.outcome import variants
from rapport.settings import Settings

__all__ = [
    "ContentError",
    "MissingFieldError",
    "RenderedMessage",
    "Template",
    "choose",
    "compile_campaign",
    "render",
    "standard_links",
]

_SPACE = re.compile(r"\s+")
FOOTER = {
    "shop_name": "the shop's legal name: {{ shop_name }}",
    "shop_postal_address": "the postal address: {{ shop_postal_address }}",
    "unsubscribe_url": "the unsubscribe link: {{ unsubscribe_url }}",
}

CONFIRM_LINK = {"confirm_url": "the link to confirm by: {{ confirm_url }}"}
ANSWER_LINK = {triggers.SURVEY_LINK: "the link to answer by: {{ survey_url }}?answer=9"}


@dataclass(frozen=True)
class Template:
    """A variant in one language, in one version: a row of ops.template. `fields` are the audience fields it reads."""

    campaign_id: str
    template_version: str
    language: str
    subject: str
    preheader: str
    html: str
    body_text: str
    variant: str = variants.CONTROL
    # The pool that each mail takes a code of its own from when it is claimed; see rapport.campaigns.offers.coupons.
    coupon: str = ""
    coupon_valid_seconds: int = 0

    @property
    def fields(self) -> frozenset[str]:
        return _fields(self.subject, self.preheader, self.html, self.body_text)

    @property
    def stand_ins(self) -> Mapping[str, Any]:
        """What only claiming gives to a mail, for renderings that are not sent."""
        return {"coupon": fields.SAMPLE_COUPON} if self.coupon else {}


@dataclass(frozen=True)
class RenderedMessage:
    """What the provider gets. Holds personal data: never log it."""

    subject: str
    html: str
    text: str


@lru_cache(maxsize=256)
def _fields(*sources: str) -> frozenset[str]:
    return frozenset(templating.used_fields(sources) & (fields.AUDIENCE_FIELDS | {triggers.FIELD}))


def compile_campaign(campaign: Mailing) -> list[Template]:
    """Every variant in every language, the control and the default language first.

    Raises CampaignError with all problems of all files.
    """
    return [template for made in compile_versions(campaign).values() for template in made]


def compile_versions(campaign: Mailing) -> dict[str, list[Template]]:
    """As compile_campaign, by the version's name; see variants.version_name."""
    versions = versions_of(campaign)
    problems = bodies.strays(campaign, versions)
    templates: dict[str, list[Template]] = {}
    for version in versions:
        templates[version.name], found = _compile_version(version)
        problems += found
    if problems:
        # Variants share files, and so their problems.
        raise CampaignError(dict.fromkeys(problems))
    if getattr(campaign, fields.COUPON, None) and not any(made.coupon for each in templates.values() for made in each):
        told = "no body prints the code; write {{ coupon.code }} and {{ coupon.expires_at|date }}"
        raise CampaignError([Problem(f"{campaign.name}/campaign.yml", None, fields.COUPON, told)])
    return templates


def trigger_read(templates: Iterable[Template]) -> frozenset[str] | None:
    """Which parts of what set off a flow any of its mails prints; None when it may be any."""
    sources = [text for each in templates for text in (each.subject, each.preheader, each.html, each.body_text)]
    return templating.parts_read(sources, triggers.FIELD)


def versions_of(campaign: Mailing) -> list[variants.Version]:
    """All that is compiled of a campaign: its variants, or those of each step of a flow."""
    return steps(campaign) if isinstance(campaign, Flow) else variants.versions(campaign)


def render(
    template: Template | Mapping[str, Any], context: Mapping[str, Any], links: Mapping[str, str]
) -> RenderedMessage:
    """One message from a template (or its row of ops.template), a send's context and `standard_links`.

    Raises MissingFieldError when a printed field is absent, ContentError when the result may not be sent.
    """
    if not isinstance(template, Template):
        row = {key: template[key] for key in Template.__dataclass_fields__ if key in template}
        template = Template(**row)
    values = templating.template_values(context, links, template.language)
    prefix = f"{template.campaign_id}.{template.language}"
    subject = templating.render_source(template.subject, f"{prefix}.subject", values).strip()
    if not subject or any(ord(ch) < 32 or ch in "\x7f\u2028\u2029" for ch in subject):
        raise ContentError(f"{prefix}: the subject is empty or holds a line break, which could forge headers")
    # Escaped with the HTML: the preheader is a part of it by now.
    html = templating.render_source(template.html, f"{prefix}.html", values)
    text = templating.render_source(template.body_text, f"{prefix}.txt", values)
    return RenderedMessage(subject, html, text)


def standard_links(settings: Settings, unsubscribe_url: str, preferences_url: str | None = None) -> dict[str, str]:
    """What every mail carries beside the person's own fields.

    Raises PermanentError when the shop's postal address, which the law asks for, is not set.
    """
    return {
        "shop_url": settings.shop_url,
        "shop_name": settings.require("shop_name"),
        "shop_postal_address": settings.require("shop_postal_address"),
        "unsubscribe_url": unsubscribe_url,
        "preferences_url": preferences_url or unsubscribe_url,
        # Of a survey's mail the renderer puts the person's own in its place; nothing else may print it.
        "survey_url": unsubscribe_url,
    }


def choose(templates: Sequence[Template], language: str | None, variant: str = variants.CONTROL) -> Template:
    """The variant's template in the reader's language, else in the default one, which comes first."""
    wanted = (language or "").replace("_", "-").split("-")[0].lower()
    own = [template for template in templates if template.variant == variant]
    return next((template for template in own if template.language == wanted), own[0])


def _compile_version(version: variants.Version) -> tuple[list[Template], list[Problem]]:
    written, problems = bodies.read(version)
    templates: list[Template] = []
    default = version.mailing.language
    for language in sorted(written, key=lambda code: (code != default, code)):
        problems += bodies.check(version, language, written[language])
        if not problems:
            try:
                templates.append(_compile(version, language, written[language]))
            except CampaignError as error:
                problems += error.problems
    return templates, problems


def _compile(version: variants.Version, language: str, files: Mapping[str, str]) -> Template:
    campaign = version.mailing
    rich_name, text_name = sorted(files, key=lambda name: name.endswith(".txt"))
    preheader = campaign.preheader_for(language) or ""
    query = _query(campaign)
    try:
        html = markup.to_html(files[rich_name], rich_name.endswith(".mjml"), language, preheader)
        html = links.mark(blocks.expand(html, language, query, html=True), query, html=True)
        text = links.mark(blocks.expand(files[text_name], language, query, html=False), query, html=False)
    except ValueError as error:
        raise CampaignError([Problem(f"{campaign.name}/{rich_name}", None, "", str(error))]) from None
    prelude = _prelude(campaign)
    parts: dict[str, Any] = {
        "subject": campaign.subject_for(language) or "",
        "preheader": preheader,
        "html": prelude + html,
        "body_text": prelude + text,
    }
    # The control's version is what it would be without an experiment.
    told = [] if version.variant == variants.CONTROL else [version.variant]
    coupon = _coupon(version, parts.values())
    told += [f"{name}={value}" for name, value in coupon.items()]
    identity = json.dumps([campaign.name, language, *parts.values(), *told], ensure_ascii=False)
    template_version = hashlib.sha256(identity.encode()).hexdigest()
    template = Template(campaign.name, template_version, language, **parts, variant=version.variant, **coupon)
    _try_out(campaign, template, rich_name)
    return template


def _coupon(version: variants.Version, sources: Iterable[str]) -> dict[str, Any]:
    """The pool and validity of a version that prints a code; nothing of one that does not."""
    stated: Coupon | None = getattr(version.mailing, fields.COUPON, None)
    if stated is None or not any(fields.COUPON in templating.names_in(source) for source in sources):
        return {}
    return {"coupon": version.offer or stated.name, "coupon_valid_seconds": int(stated.valid_for.total_seconds())}


def _prelude(campaign: Mailing) -> str:
    """Marks the shop's link inside the template, so that a stored version needs nothing from the definition."""
    return "{% set shop_url = shop_url|with_query('" + _query(campaign) + "') -%}\n"


def _query(campaign: Mailing) -> str:
    utm = campaign.utm
    query = f"utm_source={utm.source}&utm_medium={utm.medium}&utm_campaign={utm.campaign or campaign.name}"
    if utm.content:
        query += f"&utm_content={utm.content}"
    return query


def _try_out(campaign: Mailing, template: Template, rich_name: str) -> None:
    sample_links = {
        "shop_url": "https://shop.example",
        "shop_name": "Sample Shop Ltd",
        "shop_postal_address": "1 Sample Street, Sampleton",
        "unsubscribe_url": "https://mail.shop.example/u/sample-token",
        "preferences_url": "https://mail.shop.example/p/sample-token",
    }
    context, needed = fields.SAMPLE_CONTEXT, FOOTER
    if isinstance(campaign, Confirmation):
        sample_links["confirm_url"] = "https://mail.shop.example/c/sample-token"
        context, needed = fields.SAMPLE_REQUEST, FOOTER | CONFIRM_LINK
    if isinstance(campaign, Flow):
        context = {**context, triggers.FIELD: triggers.SAMPLES[campaign.trigger]}
        if campaign.survey:
            sample_links[triggers.SURVEY_LINK] = "https://mail.shop.example/s/sample-token"
            needed = needed | ANSWER_LINK
    try:
        sample = render(template, {**context, **template.stand_ins}, sample_links)
        # Of every mail that leaves, delivery checks it once more, as it was rendered.
        _check_footer(f"{campaign.name}.{template.language}", sample.html, sample.text, sample_links, needed)
    except ContentError as error:
        raise CampaignError([Problem(f"{campaign.name}/{rich_name}", None, template.language, str(error))]) from None


def _check_footer(prefix: str, html: str, text: str, links: Mapping[str, str], needed: Mapping[str, str]) -> None:
    for part, body in (("HTML", html), ("text", text)):
        for name, told in needed.items():
            value = links.get(name, "").strip()
            written = str(minijinja.escape(value)) if part == "HTML" else value
            if not value or not (written in body or _SPACE.sub(" ", value) in _SPACE.sub(" ", unescape(body))):
                raise ContentError(f"{prefix}: the {part} body lacks {told}")
