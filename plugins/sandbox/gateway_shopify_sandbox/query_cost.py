"""Cost of queries by Shopify's rules: an object costs 1, a connection 2 plus its page, a scalar nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLNamedType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    value_from_ast_untyped,
)

CONNECTION_COST = 2
OBJECT_COST = 1
MUTATION_COST = 10
FREE_FIELDS = ("pageInfo",)
LIST_ARGUMENTS = ("ids", "names")


@dataclass(frozen=True, slots=True)
class CostCalculator:
    """Computes the cost of operations, before execution or from the response."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def compute_cost(self, operation: OperationDefinitionNode, data: Mapping[str, Any] | None = None) -> int:
        """Compute the points of an operation: the maximum, or the actual cost of its response."""
        root = self.schema.get_root_type(operation.operation)
        if root is None:
            return 0
        writes = MUTATION_COST if operation.operation.value == "mutation" else 0
        most = writes + self._sum_selection(operation.selection_set, root, None)
        return most if data is None else min(most, writes + self._sum_selection(operation.selection_set, root, data))

    def _sum_selection(self, selection: SelectionSetNode | None, kind: GraphQLNamedType, data: Any) -> int:
        return sum(self._compute_field(node, parent, data) for node, parent in self._list_fields(selection, kind, data))

    def _list_fields(
        self, selection: SelectionSetNode | None, kind: GraphQLNamedType, data: Any
    ) -> Iterator[tuple[FieldNode, GraphQLNamedType]]:
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                yield node, kind
                continue
            fragment = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            condition = getattr(fragment, "type_condition", None)
            chosen = self.schema.type_map[condition.name.value] if condition else kind
            if not isinstance(data, Mapping) or data.get("__typename") in (None, chosen.name):
                yield from self._list_fields(getattr(fragment, "selection_set", None), chosen, data)

    def _compute_field(self, node: FieldNode, parent: GraphQLNamedType, data: Any) -> int:
        name = node.name.value
        if name.startswith("__") or name in FREE_FIELDS:
            return 0
        kind: GraphQLNamedType = get_named_type(parent.fields[name].type)  # type: ignore[attr-defined, assignment]
        if not is_composite_type(kind):
            return 0
        value = None if data is None else data.get(node.alias.value if node.alias else name)
        if kind.name.endswith("Connection"):
            return self._compute_connection(node, kind, value, data is None)
        if data is None:
            return self._count_listed(node) * (OBJECT_COST + self._sum_selection(node.selection_set, kind, None))
        each: Sequence[Any] = value if isinstance(value, list) else [value]
        return sum(
            OBJECT_COST + self._sum_selection(node.selection_set, kind, entry) for entry in each if entry is not None
        )

    def _compute_connection(self, node: FieldNode, kind: GraphQLCompositeType, value: Any, before: bool) -> int:
        if not before and value is None:
            return 0
        inner = [
            field for field, _ in self._list_fields(node.selection_set, kind, value) if field.name.value == "nodes"
        ]
        if not inner:
            return CONNECTION_COST
        named: GraphQLNamedType = get_named_type(kind.fields["nodes"].type)  # type: ignore[union-attr, assignment]
        if before:
            size = max(0, int(self._get_argument(node, "first", 0)))
            return CONNECTION_COST + size * (OBJECT_COST + self._sum_selection(inner[0].selection_set, named, None))
        each = value.get("nodes") or []
        return CONNECTION_COST + sum(
            OBJECT_COST + self._sum_selection(inner[0].selection_set, named, entry) for entry in each
        )

    def _count_listed(self, node: FieldNode) -> int:
        """Return the number of objects that an argument lists, otherwise 1."""
        return next(
            (len(named) for name in LIST_ARGUMENTS if isinstance(named := self._get_argument(node, name, None), list)),
            1,
        )

    def _get_argument(self, node: FieldNode, name: str, default: Any) -> Any:
        match = next((argument for argument in node.arguments or () if argument.name.value == name), None)
        value = None if match is None else value_from_ast_untyped(match.value, dict(self.variables))
        return default if value is None else value


def build_calculator(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> CostCalculator:
    """Build the calculator of a document."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    return CostCalculator(schema, fragments, variables)
