"""Reads a campaign's folder and says everything that is wrong with it at once."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from rapport.campaigns.folder import yamlfile
from rapport.campaigns.folder.model import (
    CONFIRMATION,
    TEXT_TAGS,
    Campaign,
    Confirmation,
    Mailing,
    Span,
)
from rapport.campaigns.folder.problems import CampaignError, Problem, suggestion
from rapport.campaigns.folder.schema import json_schema
from rapport.campaigns.lifecycle.flow import FLOW, Flow
from rapport.campaigns.mail.content import compile_campaign
from rapport.campaigns.outcome.variants import DECISION_MARGIN
from rapport.campaigns.planning import timing
from rapport.errors import PermanentError
from rapport.settings import Settings, get_settings

__all__ = [
    "Campaign",
    "CampaignError",
    "Confirmation",
    "Definition",
    "Flow",
    "Problem",
    "json_schema",
    "known_segments",
    "load_all",
    "load_campaign",
    "load_named",
]

FILE = "campaign.yml"
Definition = Campaign | Confirmation | Flow
_KINDS: dict[str, type[Campaign] | type[Confirmation] | type[Flow]] = {CONFIRMATION: Confirmation, FLOW: Flow}
# Relations beside the segments that bring them together.
_NO_SEGMENTS = {"customer_segments", "current_members", "segment_sizes"}


def load_campaign(path: Path, settings: Settings | None = None, *, now: datetime | None = None) -> Definition:
    """The campaign of a folder (or of its campaign.yml), checked whole.

    With `now`, a broadcast whose last moment is past is a problem too. Raises CampaignError naming file, line, field
    and remedy of every problem.
    """
    settings = settings or get_settings()
    folder = path.parent if path.name == FILE else path
    where = f"{folder.name}/{FILE}"
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CampaignError([Problem(where, None, "", "is not there; `rapport campaign new` makes one")]) from None
    except UnicodeDecodeError:
        raise CampaignError([Problem(where, None, "", "is not UTF-8; save it as UTF-8")]) from None
    document = yamlfile.read(text, where)
    problems = [
        Problem(where, line, _dotted(location), "stands twice; keep one") for location, line in document.repeated
    ]
    campaign: Definition | None = None
    model = _KINDS.get(str(document.data.get("kind")), Campaign)
    try:
        campaign = model.model_validate({**_with_zone(document.data, settings), "folder": folder})
    except ValidationError as error:
        problems += [_translate(fault, document, where, model) for fault in error.errors()]
    problems += _check_surroundings(document, folder, where, settings)
    if isinstance(campaign, Campaign):
        problems += _check_calendar(campaign, document, where, now)
    if isinstance(campaign, Flow):
        problems += _check_steps(campaign, document, where)
    if campaign is not None:
        try:
            compile_campaign(campaign)
        except CampaignError as error:
            problems += [_placed(problem, document, where) for problem in error.problems]
    if problems or campaign is None:
        raise CampaignError(sorted(problems, key=lambda problem: (problem.file, problem.line or 0)))
    return campaign


def load_named(name: str, settings: Settings) -> Definition:
    """The campaign of a folder under campaigns/. Raises PermanentError when there is none, else as load_campaign."""
    folder = settings.campaigns_dir / name
    if not folder.is_dir():
        there = ", ".join(sorted(p.name for p in settings.campaigns_dir.iterdir() if p.is_dir()))
        raise PermanentError(f"no campaign {name!r} under {settings.campaigns_dir}; there are: {there or 'none'}")
    return load_campaign(folder, settings)


def load_all(directory: Path, settings: Settings | None = None, *, now: datetime | None = None) -> list[Definition]:
    """Every campaign below a folder, by name; `archive` and names that begin with `_` or `.` are left alone.

    `now` as for load_campaign.

    Raises one CampaignError with the problems of all of them.
    """
    campaigns: list[Definition] = []
    problems: list[Problem] = []
    for file in sorted(directory.glob(f"*/{FILE}")):
        if file.parent.name == "archive" or file.parent.name.startswith(("_", ".")):
            continue
        try:
            campaigns.append(load_campaign(file, settings, now=now))
        except CampaignError as error:
            problems += error.problems
    if problems:
        raise CampaignError(problems)
    return campaigns


def known_segments(settings: Settings) -> set[str]:
    """Names of the segments that dbt builds."""
    folder = settings.dbt_dir / "models" / "segments"
    return {file.stem for file in folder.glob("*.sql")} - _NO_SEGMENTS


def _with_zone(data: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """A schedule without a zone is meant in the shop's own."""
    schedule = data.get("schedule")
    if isinstance(schedule, dict) and not schedule.get("time_zone"):
        return {**data, "schedule": {**schedule, "time_zone": settings.shop_time_zone}}
    return dict(data)


def _translate(fault: Mapping[str, Any], document: yamlfile.Document, where: str, whole: type[Mailing]) -> Problem:
    location = tuple(part for part in fault["loc"] if part not in (*TEXT_TAGS, "[key]"))
    kind = fault["type"]
    message = fault["msg"].removeprefix("Value error, ")
    line = document.line(location) if location else 1
    if kind == "extra_forbidden":
        model = _holder(whole, location[:-1])
        names = [field.alias or name for name, field in model.model_fields.items() if name != "folder"]
        hint = suggestion(str(location[-1]), names) or f" Known are: {', '.join(names)}."
        message = f"is no field.{hint}"
    elif kind == "missing":
        message = "is missing; add it"
    elif kind == "literal_error" and location == ("kind",):
        message = f"must be 'recurring', 'broadcast', 'flow' or 'confirmation', not {fault['input']!r}"
    elif kind == "literal_error":
        message = f"must be {fault['ctx']['expected']}, not {fault['input']!r}"
    elif kind == "string_pattern_mismatch":
        message = f"{fault['input']!r} does not fit the pattern {fault['ctx']['pattern']}"
    elif kind in ("time_parsing", "time_type"):
        message = f"{fault['input']!r} is no time of day; write it as 09:00"
    elif kind.startswith("datetime"):
        message = f"{fault['input']!r} is no date and time; write it as 2027-03-01T09:00"
    return Problem(where, line, _dotted(location), message)


def _holder(model: type[BaseModel], location: tuple[Any, ...]) -> type[BaseModel]:
    """The block of a definition that a location lies in. The key of a mapping is no block of its own."""
    for part in location:
        field = model.model_fields.get(str(part))
        model = (field and _block_in(field.annotation)) or model
    return model


def _block_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_block_in, get_args(annotation))), None)


def _check_surroundings(document: yamlfile.Document, folder: Path, where: str, settings: Settings) -> list[Problem]:
    problems = []
    name, segment = document.data.get("name"), document.data.get("segment")
    if name is not None and name != folder.name:
        told = f"{name!r} is not the folder's name {folder.name!r}; make them the same"
        problems.append(Problem(where, document.line(("name",)), "name", told))
    known = known_segments(settings)
    if isinstance(segment, str) and segment not in known:
        there = ", ".join(sorted(known)) or f"none under {settings.dbt_dir.name}/models/segments"
        told = f"there is no segment {segment!r}.{suggestion(segment, known)} Segments: {there}"
        problems.append(Problem(where, document.line(("segment",)), "segment", told))
    return problems


def _check_calendar(campaign: Campaign, document: yamlfile.Document, where: str, now: datetime | None) -> list[Problem]:
    problems = []
    stated = campaign.experiment.variants if campaign.experiment else {}
    windows = {("window",): campaign.window} | {
        ("experiment", "variants", name, "window"): variant.window for name, variant in stated.items() if variant.window
    }
    for location, window in windows.items():
        if not timing.has_opening(window, campaign.quiet_hours):
            told = "lies wholly within quiet_hours, so nothing could ever leave; widen one of them"
            problems.append(Problem(where, document.line(location), _dotted(location), told))
    for name, variant in stated.items():
        if variant.offer and campaign.coupon is None:
            problems.append(_no_coupon(document, where, ("experiment", "variants", name, "offer")))
    winner = campaign.experiment.winner if campaign.experiment else None
    if winner and winner.after + DECISION_MARGIN >= campaign.expires_after:
        place: yamlfile.Location = ("experiment", "winner", "after")
        told = (
            f"must end more than {DECISION_MARGIN.seconds // 60} minutes before expires_after: the rest leaves after it"
        )
        problems.append(Problem(where, document.line(place), _dotted(place), told))
    at = campaign.schedule.at
    if now is not None and at is not None:
        moment = timing.to_utc(at, ZoneInfo(campaign.schedule.time_zone or "UTC"))
        if moment + campaign.expires_after <= now.astimezone(UTC):
            told = f"{at.isoformat(timespec='minutes')} is past; set a later date, or move the folder to archive/"
            problems.append(Problem(where, document.line(("schedule", "at")), "schedule.at", told))
    return problems


def _check_steps(flow: Flow, document: yamlfile.Document, where: str) -> list[Problem]:
    told = "lies wholly within quiet_hours, so nothing could ever leave; widen one of them"
    windows: dict[yamlfile.Location, Span | None] = {("window",): flow.window}
    problems = []
    for number, step in enumerate(flow.steps):
        at: yamlfile.Location = ("steps", number)
        if step.window:
            windows[*at, "window"] = step.window
        for name, variant in (step.experiment.variants if step.experiment else {}).items():
            block = (*at, "experiment", "variants", name)
            if variant.window:
                windows[*block, "window"] = variant.window
            if variant.offer and flow.coupon is None:
                problems.append(_no_coupon(document, where, (*block, "offer")))
    return problems + [
        Problem(where, document.line(location), _dotted(location), told)
        for location, window in windows.items()
        if not timing.has_opening(window, flow.quiet_hours)
    ]


def _no_coupon(document: yamlfile.Document, where: str, offer: yamlfile.Location) -> Problem:
    told = "there is no coupon to hand out; add the block `coupon`"
    return Problem(where, document.line(offer), _dotted(offer), told)


def _placed(problem: Problem, document: yamlfile.Document, where: str) -> Problem:
    """A problem of the subject stands in campaign.yml: give it that line."""
    if problem.file != where or problem.line:
        return problem
    field, _, language = problem.field.partition(" ")
    location = (int(part) if part.isdigit() else part for part in field.split("."))
    line = document.line((*location, language.strip("()")))
    return Problem(where, line, problem.field, problem.message)


def _dotted(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location)
