"""The files of a mail: which body belongs to which variant and language, and what is wrong with their words."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import minijinja

from rapport.campaigns.folder.model import Confirmation, Mailing
from rapport.campaigns.folder.problems import Problem, suggestion
from rapport.campaigns.lifecycle import triggers
from rapport.campaigns.lifecycle.flow import Flow
from rapport.campaigns.mail import blocks, fields, markup, sandbox, templating
from rapport.campaigns.outcome import variants

_NAME = re.compile(r"^(body(?:_[a-z0-9_]{1,30})?)(?:\.([a-z]{2,3}))?\.(mjml|html|txt)$")


def strays(campaign: Mailing, versions: Sequence[variants.Version]) -> list[Problem]:
    """Bodies that no variant has, and languages that only some variants have."""
    languages: dict[str, set[str]] = {version.stem: set() for version in versions}
    problems = []
    for path, stem, language in _files(campaign):
        if stem in languages:
            languages[stem].add(language)
        else:
            told = "no variant or step has this body; name it in `experiment` or `steps`, or remove it"
            problems.append(Problem(f"{campaign.name}/{path.name}", None, "", told))
    spoken = set().union(*languages.values())
    for stem, known in languages.items():
        # Else readers of a language would be compared with readers of another.
        told = f"missing: every variant needs the languages {', '.join(sorted(spoken))}"
        # Without any body at all, `read` says so.
        lacking = sorted(spoken - known - {campaign.language})
        problems += [Problem(f"{campaign.name}/{stem}.{language}.mjml", None, "", told) for language in lacking]
    return problems


def read(version: variants.Version) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """Text by file name by language of one variant, and what is missing."""
    campaign = version.mailing
    bodies: dict[str, dict[str, str]] = {campaign.language: {}}
    problems = []
    for path, stem, language in _files(campaign):
        if stem == version.stem:
            bodies.setdefault(language, {})[path.name] = path.read_text(encoding="utf-8")
    for language, files in bodies.items():
        ends = sorted(name.rsplit(".", 1)[1] for name in files)
        stem = version.stem if language == campaign.language else f"{version.stem}.{language}"
        if ends.count("mjml") + ends.count("html") != 1:
            told = "one of them only" if ends else "add it"
            where = f"{campaign.name}/{stem}.mjml"
            problems.append(Problem(where, None, "", f"needs {stem}.mjml or {stem}.html: {told}"))
        if ends.count("txt") != 1:
            problems.append(Problem(f"{campaign.name}/{stem}.txt", None, "", "missing: add the plain text body"))
        if campaign.subject_for(language) is None:
            place = version.place("subject")
            told = f"has no text in {language!r}, but there is a {stem}; add {place}.{language}"
            problems.append(Problem(f"{campaign.name}/campaign.yml", None, place, told))
    return bodies, problems


def check(version: variants.Version, language: str, files: Mapping[str, str]) -> list[Problem]:
    """What is wrong with the words of one variant in one language: bodies, subject and preheader."""
    campaign = version.mailing
    sources = {name: (text, name) for name, text in files.items()}
    for field in ("subject", "preheader"):
        text = getattr(campaign, f"{field}_for")(language)
        if text:
            sources[version.place(field)] = (text, "campaign.yml")
    allowed = _allowed(campaign)
    problems = []
    for field, (text, file) in sources.items():
        where = f"{campaign.name}/{file}"
        label = "" if file == field else f"{field} ({language})"
        problems += [
            Problem(where, line if not label else None, label, message)
            for line, message in _source_faults(text, allowed)
        ]
        problems += [
            Problem(where, line, "", f"there is no block {name!r}. Blocks: {', '.join(blocks.BLOCKS)}")
            for line, name in blocks.unknown(text)
        ]
        if field.endswith(".mjml"):
            problems += [Problem(where, line, "", message) for line, message in markup.mjml_faults(text)]
    return problems


def _allowed(campaign: Mailing) -> frozenset[str]:
    if isinstance(campaign, Confirmation):
        return fields.CONFIRMATION_FIELDS
    allowed = fields.ALLOWED_FIELDS | ({fields.COUPON} if getattr(campaign, fields.COUPON, None) else set())
    if isinstance(campaign, Flow):
        return allowed | {triggers.FIELD} | ({triggers.SURVEY_LINK} if campaign.survey else set())
    return allowed


def _files(campaign: Mailing) -> list[tuple[Path, str, str]]:
    """Each body with its stem and language."""
    found = [(path, _NAME.match(path.name)) for path in sorted(campaign.folder.iterdir())]
    return [(path, match[1], match[2] or campaign.language) for path, match in found if match]


def _source_faults(text: str, allowed: frozenset[str]) -> list[tuple[int | None, str]]:
    forbidden = sandbox.faults(text)
    if forbidden:
        return forbidden
    try:
        names = templating.names_in(text) - ({blocks.NAME} if blocks.uses(text) else set())
    except minijinja.TemplateError as error:
        return [(error.line, templating.explain(error))]
    return [
        (
            templating.line_of(text, name),
            f"there is no field {name!r}.{suggestion(name, allowed)} Fields: {', '.join(sorted(allowed))}",
        )
        for name in sorted(names - allowed)
    ]
