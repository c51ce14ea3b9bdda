"""What an edit changes: in the definition, in what readers see, and in who is meant."""

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from rapport.campaigns.folder.definition import Campaign, load_campaign
from rapport.campaigns.mail import content
from rapport.campaigns.mail.fields import SAMPLE_CONTEXT
from rapport.campaigns.planning.record import version_of
from rapport.db import Connection, connect, load_queries
from rapport.errors import PermanentError
from rapport.settings import Settings

SQL = load_queries("rapport.campaigns.rehearsal", "diff.sql")
Key = tuple[str, str]


@dataclass(frozen=True)
class _Side:
    """One version: what it states, and its templates by variant and language."""

    told: str
    version: str
    definition: Mapping[str, Any]
    templates: Mapping[Key, Any]


@dataclass(frozen=True)
class Difference:
    """`definition`: old and new value by field; `content`: lines of a unified diff by variant and language;
    `stay`, `come`, `leave`: people of today's audience, before consent, caps and lots."""

    against: str
    definition: dict[str, tuple[Any, Any]]
    content: dict[Key, list[str]]
    stay: int
    come: int
    leave: int
    unchanged: bool


def diff(campaign: Campaign, settings: Settings, against: str | None = None) -> Difference:
    """The folder as it is, against what was planned last, or against a commit (any name that git knows).

    Raises PermanentError when there is nothing to compare with, CampaignError when the older folder cannot be read.
    """
    templates = content.compile_campaign(campaign)
    new = _side("the folder", campaign, templates)
    with connect("engine", settings=settings) as conn:
        old = _stored(conn, campaign.name, against) or _of_commit(campaign, settings, against)
        counts = _audiences(conn, old.definition, new.definition)
    return Difference(
        old.told,
        _changes(_flat(old.definition), _flat(new.definition)),
        {key: lines for key in sorted({*old.templates, *new.templates}) if (lines := _lines(key, old, new, settings))},
        counts["stay"],
        counts["come"],
        counts["leave"],
        old.version == new.version,
    )


def _side(told: str, campaign: Campaign, templates: Sequence[content.Template]) -> _Side:
    definition = campaign.model_dump(mode="json", by_alias=True)
    by_key = {(template.variant, template.language): template for template in templates}
    return _Side(told, version_of(campaign, templates), definition, by_key)


def _stored(conn: Connection, name: str, against: str | None) -> _Side | None:
    row = conn.execute(SQL["stored"], {"campaign_id": name}).fetchone()
    if row is None or (against is not None and not row["version"].startswith(against)):
        return None
    templates = conn.execute(SQL["stored_templates"], {"campaign_id": name}).fetchall()
    by_key = {(template["variant"], template["language"]): template for template in templates}
    told = f"what was planned last (version {row['version'][:12]}, since {row['updated_at']:%Y-%m-%d %H:%M} UTC)"
    return _Side(told, row["version"], row["definition"], by_key)


def _of_commit(campaign: Campaign, settings: Settings, ref: str | None) -> _Side:
    if ref is None:
        raise PermanentError(f"{campaign.name} was never planned; compare it with a commit: --against HEAD")
    if ref.startswith("-"):
        raise PermanentError(f"--against {ref}: no version and no commit begins with a dash")
    folder = campaign.folder
    command = ["git", "-C", str(folder), "archive", "--format=tar", ref, "."]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PermanentError(f"git cannot be asked for {ref}: {type(error).__name__}") from error
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines()[:1]
        raise PermanentError(f"{ref} is neither the version planned last nor a commit that holds {folder.name}: {told}")
    with tempfile.TemporaryDirectory() as name:
        old = Path(name) / folder.name
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(old, filter="data")
        loaded = load_campaign(old, settings)
        if not isinstance(loaded, Campaign):
            raise PermanentError(f"{campaign.name} was no campaign to a segment at {ref}")
        return _side(f"commit {ref}", loaded, content.compile_campaign(loaded))


def _audiences(conn: Connection, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, int]:
    values = {
        f"{side}_{name}": value
        for side, definition in (("old", old), ("new", new))
        for name, value in (
            ("segment", definition["segment"]),
            ("excluded", list(definition.get("exclude_segments") or [])),
        )
    }
    return conn.execute(SQL["audiences"], values).fetchone() or {"stay": 0, "come": 0, "leave": 0}


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested blocks as dotted names; what is left out is None."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        flat |= _flat(inner, f"{prefix}.{name}" if prefix else str(name))
    return flat


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys([*new, *old])
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def _lines(key: Key, old: _Side, new: _Side, settings: Settings) -> list[str]:
    """What the sample reader sees: subject and text, and whether the HTML part differs."""
    before, after = (_seen(side.templates.get(key), settings) for side in (old, new))
    lines = list(unified_diff(before[:-1], after[:-1], "before", "after", lineterm="", n=1))
    if before[-1] != after[-1]:
        lines.append("(the HTML part differs)" if lines else "(only the HTML part differs)")
    return lines


def _seen(template: Any, settings: Settings) -> list[str]:
    if template is None:
        return [""]
    links = {
        "shop_url": settings.shop_url,
        "shop_name": settings.shop_name,
        "shop_postal_address": settings.shop_postal_address or "(RAPPORT_SHOP_POSTAL_ADDRESS is not set)",
        "unsubscribe_url": f"{settings.gateway_url}/u/preview",
        "preferences_url": f"{settings.gateway_url}/p/preview",
    }
    message = content.render(template, SAMPLE_CONTEXT, links)
    return [f"Subject: {message.subject}", *message.text.strip().splitlines(), message.html]


def render(found: Difference) -> Iterator[str]:
    """In lines, for a terminal."""
    yield f"Against {found.against}:"
    if found.unchanged:
        yield "nothing has changed"
        return
    for name, (old, new) in found.definition.items():
        yield f"  {name}: {_told(old)} -> {_told(new)}"
    for (variant, language), lines in found.content.items():
        yield f"\nversion {variant}, {language}"
        yield from (f"  {line}" for line in lines)
    yield f"\nSegment today: {found.stay:,} stay, {found.come:,} come, {found.leave:,} leave"


def _told(value: Any) -> str:
    return "not stated" if value is None else str(value)
