"""Reads a mapping file; what is wrong in it is told with file, line and remedy."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from rapport.errors import PermanentError
from rapport.sources.files.mapping import Mapping
from rapport.sources.files.relations import Relation

NULL = "tag:yaml.org,2002:null"


class Plain(yaml.SafeLoader):
    """YAML whose plain words stay text: NO is Norway, 007 keeps its zeros, 12:30 is no number."""


Plain.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] == NULL]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

REMEDIES = {
    "extra_forbidden": "no such setting; docs/importing.md lists them all",
    "missing": "this setting is required",
}


def shipped_mappings() -> dict[str, str]:
    """Name to text of the mappings that come with Rapport."""
    folder = files("rapport.sources.files") / "mappings"
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".yml")), key=lambda e: e.name)
    return {entry.name.removesuffix(".yml"): entry.read_text(encoding="utf-8") for entry in found}


def load_mapping(source: Path | str, relation: Relation | None = None) -> Mapping:
    """A mapping from a file, or a shipped one by its name; `relation` overrides the one it states.

    Raises PermanentError that names file, line and remedy.
    """
    path = Path(source)
    shipped = shipped_mappings()
    if path.is_file():
        try:
            return parse_mapping(path.read_text(encoding="utf-8-sig"), str(path), relation)
        except UnicodeDecodeError:
            raise PermanentError(f"{path}: is not UTF-8 text; save the mapping as UTF-8") from None
    if str(source) in shipped:
        return parse_mapping(shipped[str(source)], f"{source}.yml", relation)
    raise PermanentError(
        f"{source}: no such mapping file, and no shipped mapping of that name (there are: {', '.join(shipped)})"
    )


def parse_mapping(text: str, name: str, relation: Relation | None = None) -> Mapping:
    """A mapping from the text of its file; `name` stands in error messages. Raises PermanentError."""
    try:
        root = yaml.compose(text, Loader=Plain)
        if not isinstance(root, yaml.MappingNode):
            raise PermanentError(f"{name}:1: a mapping starts with settings such as `feed: my_shop`")
        _refuse_doubles(root, name)
        said = yaml.load(text, Loader=Plain)  # noqa: S506 (a SafeLoader with fewer guesses)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error)
        raise PermanentError(f"{name}:{line}: not YAML: {problem}") from None
    if relation is not None:
        said["relation"] = relation
    try:
        return Mapping.model_validate(said)
    except ValidationError as error:
        raise PermanentError("\n".join(_explain(item, root, name) for item in error.errors())) from None


def _explain(item: Any, root: yaml.MappingNode, name: str) -> str:
    place = [part for part in item["loc"] if not isinstance(part, str) or not part.startswith("function-")]
    words = item["msg"].removeprefix("Value error, ")
    # A rule over the whole file names the setting in its first word.
    if not place:
        first = words.split(":")[0].split()[0]
        place = first.split(".")
    line, found = _line(root, place)
    told = ".".join(str(part) for part in found)
    remedy = REMEDIES.get(item["type"], words)
    missing = item["type"] == "missing"
    told = ".".join(map(str, item["loc"])) if missing else told
    return f"{name}:{line}: {told + ': ' if told and not words.startswith(told) else ''}{remedy}"


def _line(root: yaml.Node, place: Sequence[Any]) -> tuple[int, list[Any]]:
    """Line of the deepest node on the way, and the part of the way that exists in the file."""
    node, line, found = root, 1, []
    for part in place:
        step = _step(node, part)
        if step is None:
            # A union's branch names stand in the way and in no file.
            continue
        node, line = step
        found.append(part)
    return line, found


def _step(node: yaml.Node, part: Any) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item, item.start_mark.line + 1
    return None


def _refuse_doubles(node: yaml.Node, name: str) -> None:
    """YAML lets the last of two equal keys win in silence; here that is a mistake."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_doubles(item, name)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise PermanentError(
                    f"{name}:{line}: {key.value} stands twice, first on line {seen[key.value]}; keep one"
                )
            seen[str(key.value)] = line
            _refuse_doubles(value, name)
