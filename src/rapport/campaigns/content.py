"""Content: compiled once per version, rendered once per message, checked before it may leave."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Any

import minijinja

from rapport.campaigns import fields, markup, templating
from rapport.campaigns.model import Confirmation, Mailing
from rapport.campaigns.problems import CampaignError, Problem, suggestion
from rapport.campaigns.templating import ContentError, MissingFieldError
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

_BODY = re.compile(r"^body(?:\.([a-z]{2,3}))?\.(mjml|html|txt)$")
_SPACE = re.compile(r"\s+")
FOOTER = {
    "shop_name": "the shop's legal name: {{ shop_name }}",
    "shop_postal_address": "the postal address: {{ shop_postal_address }}",
    "unsubscribe_url": "the unsubscribe link: {{ unsubscribe_url }}",
}

CONFIRM_LINK = {"confirm_url": "the link to confirm by: {{ confirm_url }}"}


@dataclass(frozen=True)
class Template:
    """One language of one version, as stored in ops.template. `fields` are the audience fields it reads."""

    campaign_id: str
    template_version: str
    language: str
    subject: str
    preheader: str
    html: str
    body_text: str

    @property
    def fields(self) -> frozenset[str]:
        return _fields(self.subject, self.preheader, self.html, self.body_text)


@dataclass(frozen=True)
class RenderedMessage:
    """What the provider gets. Holds personal data: never log it."""

    subject: str
    html: str
    text: str


@lru_cache(maxsize=256)
def _fields(*sources: str) -> frozenset[str]:
    return frozenset(templating.used_fields(sources) & fields.AUDIENCE_FIELDS)


def compile_campaign(campaign: Mailing) -> list[Template]:
    """Every language of a campaign, the default one first. Raises CampaignError with all problems of all files."""
    bodies, problems = _bodies(campaign)
    templates: list[Template] = []
    for language in sorted(bodies, key=lambda code: (code != campaign.language, code)):
        found = _check_sources(campaign, language, bodies[language])
        problems += found
        if not problems:
            try:
                templates.append(_compile(campaign, language, bodies[language]))
            except CampaignError as error:
                problems += error.problems
    if problems:
        raise CampaignError(problems)
    return templates


def render(
    template: Template | Mapping[str, Any], context: Mapping[str, Any], links: Mapping[str, str]
) -> RenderedMessage:
    """One message from a template (or its row of ops.template), a send's context and `standard_links`.

    Raises MissingFieldError when a printed field is absent, ContentError when the result may not be sent.
    """
    if not isinstance(template, Template):
        row = {key: template[key] for key in Template.__dataclass_fields__}
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
    }


def choose(templates: Sequence[Template], language: str | None) -> Template:
    """The template in the reader's language, else the default one, which comes first."""
    wanted = (language or "").replace("_", "-").split("-")[0].lower()
    return next((template for template in templates if template.language == wanted), templates[0])


def _bodies(campaign: Mailing) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    bodies: dict[str, dict[str, str]] = {campaign.language: {}}
    problems = []
    for path in sorted(campaign.folder.iterdir()):
        match = _BODY.match(path.name)
        if match:
            language = match[1] or campaign.language
            bodies.setdefault(language, {})[path.name] = path.read_text(encoding="utf-8")
    for language, files in bodies.items():
        ends = sorted(name.rsplit(".", 1)[1] for name in files)
        stem = "body" if language == campaign.language else f"body.{language}"
        if ends.count("mjml") + ends.count("html") != 1:
            told = "one of them only" if ends else "add it"
            where = f"{campaign.name}/{stem}.mjml"
            problems.append(Problem(where, None, "", f"needs {stem}.mjml or {stem}.html: {told}"))
        if ends.count("txt") != 1:
            problems.append(Problem(f"{campaign.name}/{stem}.txt", None, "", "missing: add the plain text body"))
        if campaign.subject_for(language) is None:
            told = f"has no text in {language!r}, but there is a {stem}; add subject.{language}"
            problems.append(Problem(f"{campaign.name}/campaign.yml", None, "subject", told))
    return bodies, problems


def _check_sources(campaign: Mailing, language: str, files: Mapping[str, str]) -> list[Problem]:
    sources = {name: (text, name) for name, text in files.items()}
    for field in ("subject", "preheader"):
        text = getattr(campaign, f"{field}_for")(language)
        if text:
            sources[field] = (text, "campaign.yml")
    allowed = fields.CONFIRMATION_FIELDS if isinstance(campaign, Confirmation) else fields.ALLOWED_FIELDS
    problems = []
    for field, (text, file) in sources.items():
        where = f"{campaign.name}/{file}"
        label = "" if file == field else f"{field} ({language})"
        problems += [
            Problem(where, line if not label else None, label, message)
            for line, message in _source_faults(text, allowed)
        ]
        if field.endswith(".mjml"):
            problems += [Problem(where, line, "", message) for line, message in markup.mjml_faults(text)]
    return problems


def _source_faults(text: str, allowed: frozenset[str]) -> list[tuple[int | None, str]]:
    if len(text) > templating.SOURCE_LIMIT:
        return [(None, f"longer than {templating.SOURCE_LIMIT:,} characters")]
    repeated = templating.repeats_literal(text)
    if repeated:
        return [(repeated, "a text may not be multiplied; write it out")]
    try:
        names = templating.names_in(text)
    except minijinja.TemplateError as error:
        return [(error.line, templating.explain(error))]
    return [
        (
            templating.line_of(text, name),
            f"there is no field {name!r}.{suggestion(name, allowed)} Fields: {', '.join(sorted(allowed))}",
        )
        for name in sorted(names - allowed)
    ]


def _compile(campaign: Mailing, language: str, files: Mapping[str, str]) -> Template:
    rich_name, text_name = sorted(files, key=lambda name: name.endswith(".txt"))
    preheader = campaign.preheader_for(language) or ""
    try:
        html = markup.to_html(files[rich_name], rich_name.endswith(".mjml"), language, preheader)
    except ValueError as error:
        raise CampaignError([Problem(f"{campaign.name}/{rich_name}", None, "", str(error))]) from None
    prelude = _prelude(campaign)
    parts = {
        "subject": campaign.subject_for(language) or "",
        "preheader": preheader,
        "html": prelude + html,
        "body_text": prelude + files[text_name],
    }
    identity = json.dumps([campaign.name, language, *parts.values()], ensure_ascii=False)
    template = Template(campaign.name, hashlib.sha256(identity.encode()).hexdigest(), language, **parts)
    _try_out(campaign, template, rich_name)
    return template


def _prelude(campaign: Mailing) -> str:
    """Marks the shop's link inside the template, so that a stored version needs nothing from the definition."""
    utm = campaign.utm
    query = f"utm_source={utm.source}&utm_medium={utm.medium}&utm_campaign={utm.campaign or campaign.name}"
    if utm.content:
        query += f"&utm_content={utm.content}"
    return "{% set shop_url = shop_url|with_query('" + query + "') -%}\n"


def _try_out(campaign: Mailing, template: Template, rich_name: str) -> None:
    links = {
        "shop_url": "https://shop.example",
        "shop_name": "Sample Shop Ltd",
        "shop_postal_address": "1 Sample Street, Sampleton",
        "unsubscribe_url": "https://mail.shop.example/u/sample-token",
        "preferences_url": "https://mail.shop.example/p/sample-token",
    }
    context, needed = fields.SAMPLE_CONTEXT, FOOTER
    if isinstance(campaign, Confirmation):
        links["confirm_url"] = "https://mail.shop.example/c/sample-token"
        context, needed = fields.SAMPLE_REQUEST, FOOTER | CONFIRM_LINK
    try:
        sample = render(template, context, links)
        # Of every mail that leaves, delivery checks it once more, as it was rendered.
        _check_footer(f"{campaign.name}.{template.language}", sample.html, sample.text, links, needed)
    except ContentError as error:
        raise CampaignError([Problem(f"{campaign.name}/{rich_name}", None, template.language, str(error))]) from None


def _check_footer(prefix: str, html: str, text: str, links: Mapping[str, str], needed: Mapping[str, str]) -> None:
    for part, body in (("HTML", html), ("text", text)):
        for name, told in needed.items():
            value = links.get(name, "").strip()
            written = str(minijinja.escape(value)) if part == "HTML" else value
            if not value or not (written in body or _SPACE.sub(" ", value) in _SPACE.sub(" ", unescape(body))):
                raise ContentError(f"{prefix}: the {part} body lacks {told}")
