"""A folder to start a campaign from."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from rapport.campaigns.folder.definition import FILE
from rapport.campaigns.folder.problems import CampaignError, Problem, suggestion

EXAMPLES = "examples"


def new(name: str, directory: Path, example: str | None = None) -> Path:
    """Makes `directory/name` with a definition and bodies that pass the check, as `directory/examples/<example>` has
    them if one is named. Raises CampaignError when it cannot."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,62}", name):
        told = "use small letters, digits and underscores, beginning with a letter, such as spring_sale"
        raise CampaignError([Problem(name, None, "name", told)])
    folder = directory / name
    if folder.exists():
        raise CampaignError([Problem(name, None, "", "is there already; choose another name")])
    sources = _sources(directory, example)
    folder.mkdir(parents=True)
    for source in sources:
        text = source.read_text(encoding="utf-8").replace("__name__", name)
        if example and source.name == FILE:
            text = re.sub(r"(?m)^name: .*$", f"name: {name}", text)
        text = text.replace("__title__", name.replace("_", " ").capitalize())
        (folder / source.name).write_text(text, encoding="utf-8")
    return folder


def _sources(directory: Path, example: str | None) -> list[Traversable]:
    if example is None:
        return list((files("rapport.campaigns.folder") / "template").iterdir())
    known = sorted(file.parent.name for file in (directory / EXAMPLES).glob(f"*/{FILE}"))
    if example not in known:
        told = f"there is no example {example!r}.{suggestion(example, known)} Examples: {', '.join(known) or 'none'}"
        raise CampaignError([Problem(example, None, "", told)])
    return [*sorted((directory / EXAMPLES / example).iterdir())]
