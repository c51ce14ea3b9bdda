"""A folder to start a campaign from, and the check that a marketer runs on it."""

import re
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from rapport.campaigns.definition import Definition, load_all
from rapport.campaigns.problems import CampaignError, Problem
from rapport.settings import Settings


def new(name: str, directory: Path) -> Path:
    """Makes `directory/name` with a definition and bodies that pass the check. Raises CampaignError when it cannot."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,62}", name):
        told = "use small letters, digits and underscores, beginning with a letter, such as spring_sale"
        raise CampaignError([Problem(name, None, "name", told)])
    folder = directory / name
    if folder.exists():
        raise CampaignError([Problem(name, None, "", "is there already; choose another name")])
    folder.mkdir(parents=True)
    for source in (files("rapport.campaigns") / "template").iterdir():
        text = source.read_text(encoding="utf-8").replace("__name__", name)
        text = text.replace("__title__", name.replace("_", " ").capitalize())
        (folder / source.name).write_text(text, encoding="utf-8")
    return folder


def check(directory: Path, settings: Settings, now: datetime) -> list[Definition]:
    """All campaigns of a folder, past broadcasts refused too. Raises CampaignError with every problem found."""
    return load_all(directory, settings, now=now)
