"""The pages' texts: one file a language, so that a translator touches no code."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

DEFAULT = "en"
# Of an Accept-Language header nobody writes by hand.
MAX_ACCEPTED_CHARS = 500


@dataclass(frozen=True, slots=True)
class Texts:
    """What the pages say in one language. `direction` is HTML's: ltr or rtl."""

    language: str
    direction: str
    lines: Mapping[str, str]

    def say(self, name: str, **values: str) -> str:
        """The named text with `{key}` replaced. Raises KeyError for a name that no file has."""
        text = self.lines[name]
        for key, value in values.items():
            text = text.replace(f"{{{key}}}", value)
        return text


@cache
def all_texts() -> Mapping[str, Texts]:
    """By language code. Raises KeyError when a file states no direction."""
    found = {}
    for entry in (files("rapport.gateway") / "texts").iterdir():
        language, _, kind = entry.name.partition(".")
        if kind == "yml":
            lines = yaml.safe_load(entry.read_text(encoding="utf-8"))
            found[language] = Texts(language, lines.pop("direction"), lines)
    return found


def choose(asked: str | None, accepted: str | None) -> Texts:
    """As asked for in the address, else the first known language that the browser accepts, else English."""
    known = all_texts()
    for entry in [asked or "", *(accepted or "")[:MAX_ACCEPTED_CHARS].split(",")]:
        code = entry.partition(";")[0].strip().replace("_", "-").partition("-")[0].lower()
        if code in known:
            return known[code]
    return known[DEFAULT]
