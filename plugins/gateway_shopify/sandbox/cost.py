"""What a query costs by Shopify's rules: an object 1, a connection 2 and what its page holds, values nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLCompositeType,
    GraphQLNamedType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    value_from_ast_untyped,
)

CONNECTION = 2
OBJECT = 1
MUTATION = 10
FREE = ("pageInfo",)
NAMED = ("ids", "names")


@dataclass(frozen=True, slots=True)
class Bill:
    """A query to be paid for, before it is answered, or by its answer."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def operation(self, operation: OperationDefinitionNode, data: Mapping[str, Any] | None = None) -> int:
        """The points of an operation: at most, or given its answer."""
        root = self.schema.get_root_type(operation.operation)
        if root is None:
            return 0
        writes = MUTATION if operation.operation.value == "mutation" else 0
        most = writes + self._selected(operation.selection_set, root, None)
        return most if data is None else min(most, writes + self._selected(operation.selection_set, root, data))

    def _selected(self, selection: SelectionSetNode | None, kind: GraphQLNamedType, data: Any) -> int:
        return sum(self._field(node, parent, data) for node, parent in self._fields(selection, kind, data))

    def _fields(
        self, selection: SelectionSetNode | None, kind: GraphQLNamedType, data: Any
    ) -> Iterator[tuple[FieldNode, GraphQLNamedType]]:
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                yield node, kind
                continue
            condition = getattr(node, "type_condition", None)
            chosen = self.schema.type_map[condition.name.value] if condition else kind
            if not isinstance(data, Mapping) or data.get("__typename") in (None, chosen.name):
                yield from self._fields(getattr(node, "selection_set", None), chosen, data)

    def _field(self, node: FieldNode, parent: GraphQLNamedType, data: Any) -> int:
        name = node.name.value
        if name.startswith("__") or name in FREE:
            return 0
        kind: GraphQLNamedType = get_named_type(parent.fields[name].type)  # type: ignore[attr-defined, assignment]
        if not is_composite_type(kind):
            return 0
        value = None if data is None else data.get(node.alias.value if node.alias else name)
        if kind.name.endswith("Connection"):
            return self._connection(node, kind, value, data is None)
        if data is None:
            return self._length(node) * (OBJECT + self._selected(node.selection_set, kind, None))
        each: Sequence[Any] = value if isinstance(value, list) else [value]
        return sum(OBJECT + self._selected(node.selection_set, kind, one) for one in each if one is not None)

    def _connection(self, node: FieldNode, kind: GraphQLCompositeType, value: Any, before: bool) -> int:
        if not before and value is None:
            return 0
        inner = [found for found, _ in self._fields(node.selection_set, kind, value) if found.name.value == "nodes"]
        if not inner:
            return CONNECTION
        named: GraphQLNamedType = get_named_type(kind.fields["nodes"].type)  # type: ignore[union-attr, assignment]
        if before:
            size = int(self._argument(node, "first", 0))
            return CONNECTION + size * (OBJECT + self._selected(inner[0].selection_set, named, None))
        each = value.get("nodes") or []
        return CONNECTION + sum(OBJECT + self._selected(inner[0].selection_set, named, one) for one in each)

    def _length(self, node: FieldNode) -> int:
        """Of a list as many as are named, else one."""
        return next((len(named) for name in NAMED if (named := self._argument(node, name, None)) is not None), 1)

    def _argument(self, node: FieldNode, name: str, default: Any) -> Any:
        found = next((argument for argument in node.arguments or () if argument.name.value == name), None)
        value = None if found is None else value_from_ast_untyped(found.value, dict(self.variables))
        return default if value is None else value


def bill(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> Bill:
    """The bill of the operations in a document."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    return Bill(schema, fragments, variables)
