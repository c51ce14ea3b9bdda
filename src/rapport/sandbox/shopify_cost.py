"""What a query costs before it runs, and what it turned out to cost.

Objects cost one point, scalars nothing, a mutation ten. For a list the vendor publishes no formula; two points and
twice the natural logarithm of its length times one record's cost fits the figures that its users report.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

MUTATION_COST = 10
_LIST_PARTS = {"nodes", "edges", "pageInfo"}


def requested_cost(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> int:
    """Points of the dearest answer the operation could get."""
    fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
    if operation.operation is OperationType.MUTATION:
        return MUTATION_COST
    root = schema.query_type
    return math.ceil(_Requested(schema, fragments, variables).of(operation.selection_set, root))


def actual_cost(data: Mapping[str, Any] | None) -> int:
    """Points of the answer itself."""
    return math.ceil(_of_answer(data or {}))


def list_weight(length: int) -> float:
    """How many records' cost a list of this length counts for."""
    return max(1.0, 2 * math.log(length)) if length > 0 else 0.0


class _Requested:
    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables

    def of(self, selections: SelectionSetNode | None, parent: Any) -> float:
        total = 0.0
        for part in selections.selections if selections is not None else ():
            if isinstance(part, FieldNode):
                total += self._field(part, parent)
            elif isinstance(part, FragmentSpreadNode):
                fragment = self._fragments[part.name.value]
                total += self.of(fragment.selection_set, self._type(fragment.type_condition.name.value))
            elif isinstance(part, InlineFragmentNode):
                inner = parent if part.type_condition is None else self._type(part.type_condition.name.value)
                total += self.of(part.selection_set, inner)
        return total

    def _type(self, name: str) -> Any:
        return self._schema.type_map[name]

    def _field(self, node: FieldNode, parent: Any) -> float:
        described = getattr(parent, "fields", {}).get(node.name.value)
        if described is None or node.selection_set is None:
            return 0.0
        type_ = get_named_type(described.type)
        inner = self.of(node.selection_set, type_)
        if type_.name.endswith("Connection"):
            return 2 + list_weight(self._first(node)) * inner
        if type_.name == "PageInfo" or type_.name.endswith("Edge"):
            return inner
        return 1 + inner if isinstance(type_, GraphQLObjectType) or hasattr(type_, "fields") else 0.0

    def _first(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                if isinstance(argument.value, IntValueNode):
                    return int(argument.value.value)
                if isinstance(argument.value, VariableNode):
                    return int(self._variables.get(argument.value.name.value) or 0)
        return 0


def _of_answer(value: Any) -> float:
    if isinstance(value, Mapping):
        return sum(_of_part(part) for part in value.values())
    return 0.0


def _of_part(value: Any) -> float:
    if isinstance(value, list):
        return sum(_of_part(part) for part in value)
    if not isinstance(value, Mapping):
        return 0.0
    if value and value.keys() <= _LIST_PARTS:
        nodes = value.get("nodes") or [edge.get("node") for edge in value.get("edges", ())]
        mean = sum(_of_part(node) for node in nodes) / len(nodes) if nodes else 0.0
        return 2 + list_weight(len(nodes)) * mean
    return 1 + _of_answer(value)
