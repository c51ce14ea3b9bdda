"""YAML with line numbers, in which every scalar stays the text that was written."""

from dataclasses import dataclass, field
from typing import Any

import yaml

from rapport.campaigns.folder.problems import CampaignError, Problem

Location = tuple[str | int, ...]


@dataclass
class Document:
    """Nested dicts, lists and strings, with the line (from 1) at which each key stands."""

    data: dict[str, Any]
    lines: dict[Location, int] = field(default_factory=dict)
    repeated: list[tuple[Location, int]] = field(default_factory=list)

    def line(self, location: Location) -> int | None:
        """Line of a location, or of the nearest thing that holds it."""
        for end in range(len(location), 0, -1):
            if location[:end] in self.lines:
                return self.lines[location[:end]]
        return 1


def read(text: str, file: str) -> Document:
    """Parses one YAML mapping. Raises CampaignError for broken syntax and for anything but a mapping."""
    try:
        # Composed, not loaded: YAML 1.1 would turn 12:30 into 750 and `no` into false.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise CampaignError([Problem(file, line, "", f"not valid YAML: {error.problem or error.context}")]) from None
    except yaml.YAMLError as error:
        raise CampaignError([Problem(file, None, "", f"not valid YAML: {error}")]) from None
    if not isinstance(node, yaml.MappingNode):
        raise CampaignError([Problem(file, 1, "", "holds no fields; see `rapport campaign new` for an example")])
    document = Document({})
    document.data = _mapping(node, (), document)
    return document


def _value(node: yaml.Node, location: Location, document: Document) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, location, document)
    if isinstance(node, yaml.SequenceNode):
        values = []
        for index, child in enumerate(node.value):
            document.lines[(*location, index)] = child.start_mark.line + 1
            values.append(_value(child, (*location, index), document))
        return values
    return None if node.tag == "tag:yaml.org,2002:null" else node.value


def _mapping(node: yaml.MappingNode, location: Location, document: Document) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        here = (*location, str(key_node.value))
        line = key_node.start_mark.line + 1
        if here in document.lines:
            document.repeated.append((here, line))
        document.lines[here] = line
        result[str(key_node.value)] = _value(value_node, here, document)
    return result
