"""A query's selections compiled once and applied to many documents, for bulk operations.

The executor of graphql-core checks and completes every field anew, which for a whole history takes half a minute of
processor time. The resolvers here are the schema's own, so a bulk file says what paging says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    value_from_ast_untyped,
)

from rapport.sandbox.shopify_schema import Context, resolve

Doc = dict[str, Any]


@dataclass(frozen=True)
class _Info:
    """As much of a resolve info as the schema's resolvers read."""

    field_name: str
    context: Context
    return_type: Any


@dataclass(frozen=True)
class _Field:
    key: str
    name: str
    resolver: Callable[..., Any] | None
    info: Any
    arguments: dict[str, Any]
    inner: list[_Field] | None


class Projection:
    """The one field at the top of a query, ready to be resolved and rendered page by page in `context`."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, top: SelectionSetNode, context: Context) -> None:
        self._schema = schema
        self._context = context
        self._fragments = {
            part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)
        }
        (self._top,) = self._compile(top, schema.query_type)

    def page(self) -> Any:
        """What the executor would answer under the top field."""
        return _value(None, self._top)

    def _compile(self, selections: SelectionSetNode, type_: Any) -> list[_Field]:
        return self._merged(list(self._nodes(selections, type_)), type_)

    def _merged(self, nodes: list[FieldNode], type_: Any) -> list[_Field]:
        by_key: dict[str, list[FieldNode]] = {}
        for node in nodes:
            by_key.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return [self._field(key, same, type_) for key, same in by_key.items()]

    def _nodes(self, selections: SelectionSetNode, type_: Any) -> Iterator[FieldNode]:
        for part in selections.selections:
            if isinstance(part, FieldNode):
                yield part
            elif isinstance(part, FragmentSpreadNode):
                yield from self._nodes(self._fragments[part.name.value].selection_set, type_)
            elif isinstance(part, InlineFragmentNode):
                condition = part.type_condition.name.value if part.type_condition else type_.name
                if condition in (type_.name, "Node"):
                    yield from self._nodes(part.selection_set, type_)

    def _field(self, key: str, nodes: list[FieldNode], parent: Any) -> _Field:
        name = nodes[0].name.value
        if name == "__typename":
            return _Field(key, name, lambda *_: parent.name, None, {}, None)
        described = parent.fields[name]
        type_ = get_named_type(described.type)
        below = [part for node in nodes if node.selection_set for part in self._nodes(node.selection_set, type_)]
        return _Field(
            key=key,
            name=name,
            resolver=described.resolve if described.resolve is not resolve else None,
            info=_Info(name, self._context, described.type),
            arguments={part.name.value: value_from_ast_untyped(part.value) for part in nodes[0].arguments or ()},
            inner=self._merged(below, type_) if below else None,
        )


def _value(source: Any, field: _Field) -> Any:
    if field.resolver is not None:
        value = field.resolver(source, field.info, **field.arguments)
    else:
        value = source.get(field.name) if type(source) is dict else source[field.name]
    if value is None:
        return None
    if field.inner is None:
        return value
    if isinstance(value, list):
        return [_render(item, field.inner) for item in value]
    return _render(value, field.inner)


def _render(source: Doc, fields: list[_Field]) -> Doc:
    return {field.key: _value(source, field) for field in fields}
