"""Cost analysis: what an operation costs, computed from its document and variables before it is executed.

A field of an object type costs 1, a field of a scalar type nothing, a mutation 10, unless the schema declares
otherwise (`@cost`). The cost inside a list is multiplied by its size: `first` or `last` of a connection (20 by
default), the length of a list of ids, or `@listSize`, of which at most 10 count, because sizes multiply and such
lists are seldom full. The actual size of a response is limited during execution. Arguments add what their values cost
(`input_costs`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    value_from_ast_untyped,
)
from strawberry.types.field import StrawberryField

from gateway.execution.directives import Cost, ListSize
from gateway.execution.input_costs import ArgumentCost, Variables, build_input_cost

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_ASSUMED_SIZE = 10
"""Assumed size of a list whose declared size is larger."""

MUTATION_WEIGHT = 10
"""Cost of a mutation: a transaction, and possibly a request to a channel."""

INTROSPECTION_WEIGHT = 5_000
"""Cost of each introspection field, whatever it selects: the schema is constant, and large."""

INTROSPECTION_FIELDS = ("__schema", "__type", "types")

Size = Callable[[Variables], int]
Condition = Callable[[Variables], bool]


@dataclass(frozen=True, slots=True)
class FieldCost:
    """Cost of a field.

    Attributes:
        weight: cost of one item, without its fields.
        size: how many items it has at most, or None if that is the size of the page that contains it.
        page_size: size of the page if the field is a connection, else None.
        children: fields of one item.
        arguments: its arguments that cost something.
        conditions: its @skip and @include directives. The field costs nothing if one of them excludes it.
    """

    weight: int
    size: Size | None
    page_size: Size | None
    children: Sequence[FieldCost]
    arguments: Sequence[ArgumentCost]
    conditions: Sequence[Condition]

    def compute(self, variables: Variables, page: int) -> int:
        """Compute the cost with these variables, inside a page of this size.

        Raises:
            MaxItemsError: a list in an argument is too long.
        """
        if not all(condition(variables) for condition in self.conditions):
            return 0
        times = page if self.size is None else self.size(variables)
        inner = DEFAULT_PAGE_SIZE if self.page_size is None else self.page_size(variables)
        selected = sum(part.compute(variables, inner) for part in self.children)
        if self.page_size is not None:  # its page is loaded, whatever is selected of it
            selected = max(selected, inner)
        items = times * (self.weight + selected)
        return items + sum(argument.compute(variables) for argument in self.arguments)


@dataclass(frozen=True, slots=True)
class OperationCost:
    """Cost of one operation.

    Attributes:
        fields: its root fields.
        defaults: default values of its variables.
    """

    fields: Sequence[FieldCost]
    defaults: Variables

    def compute(self, variables: Variables) -> int:
        """Compute the cost with these variables. Raises as `FieldCost.compute`."""
        values = {**self.defaults, **variables}
        return sum(part.compute(values, DEFAULT_PAGE_SIZE) for part in self.fields)


def analyze_operation(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> OperationCost:
    """Analyze the cost of an operation of a valid document."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    root = schema.get_root_type(operation.operation)
    parts = _CostAnalyzer(schema, fragments).analyze([(root, operation.selection_set)]) if root is not None else ()
    defaults = {
        node.variable.name.value: value_from_ast_untyped(node.default_value)
        for node in operation.variable_definitions or ()
        if node.default_value is not None
    }
    return OperationCost(parts, defaults)


SelectionSets = Sequence[tuple[GraphQLNamedType, SelectionSetNode]]


@dataclass(frozen=True, slots=True)
class _CostAnalyzer:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]

    @property
    def _mutation_name(self) -> str | None:
        return None if self.schema.mutation_type is None else self.schema.mutation_type.name

    def analyze(self, sets: SelectionSets) -> list[FieldCost]:
        """Analyze the fields of selection sets that are merged in the response. Repeated fields count once."""
        merged: dict[tuple[str, str], list[tuple[GraphQLField, FieldNode]]] = {}
        for parent, node in self._flatten(sets):
            definition = self.schema.get_field(parent, node.name.value)
            if definition is not None:
                key = (parent.name, (node.alias or node.name).value)
                merged.setdefault(key, []).append((definition, node))
        return [self._analyze_field(parent, fields) for (parent, _), fields in merged.items()]

    def _analyze_field(self, parent: str, fields: Sequence[tuple[GraphQLField, FieldNode]]) -> FieldCost:
        definition, node = fields[0]
        kind = get_named_type(definition.type)
        children = [
            (kind, field_node.selection_set) for _, field_node in fields if field_node.selection_set is not None
        ]
        return FieldCost(
            weight=get_weight(definition, node.name.value, is_mutation=parent == self._mutation_name),
            size=_make_constant(1) if kind.name.startswith("__") else _build_size(definition, node),
            page_size=_build_page_size(definition, node),
            children=self.analyze(children),
            arguments=tuple(_list_argument_costs(definition, node)),
            conditions=() if len(fields) > 1 else tuple(_list_conditions(node)),
        )

    def _flatten(self, sets: SelectionSets) -> Iterator[tuple[GraphQLCompositeType, FieldNode]]:
        pending, spread = list(sets), set[str]()
        while pending:
            parent, selections = pending.pop()
            for node in selections.selections:
                if isinstance(node, FieldNode) and is_composite_type(parent):
                    yield parent, node
                elif isinstance(node, InlineFragmentNode):
                    pending.append((self._narrow(parent, node), node.selection_set))
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                    spread.add(node.name.value)
                    fragment = self.fragments[node.name.value]
                    pending.append((self._narrow(parent, fragment), fragment.selection_set))

    def _narrow(self, parent: GraphQLNamedType, node: InlineFragmentNode | FragmentDefinitionNode) -> GraphQLNamedType:
        condition = node.type_condition
        return parent if condition is None else self.schema.type_map[condition.name.value]


def get_weight(definition: GraphQLField, name: str, *, is_mutation: bool = False) -> int:
    """Return the cost of one item of a field, without its own fields."""
    if get_named_type(definition.type).name.startswith("__"):
        return INTROSPECTION_WEIGHT if name in INTROSPECTION_FIELDS else 0
    for directive in _get_directives(definition):
        if isinstance(directive, Cost):
            return directive.weight
    if is_mutation:
        return MUTATION_WEIGHT
    return 1 if is_composite_type(get_named_type(definition.type)) else 0


def is_list(definition: GraphQLField) -> bool:
    """Whether a field returns a list."""
    kind = definition.type
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def is_page(definition: GraphQLField) -> bool:
    """Whether a field is a connection: its items are in the lists inside it."""
    return not is_list(definition) and "first" in definition.args


def get_assumed_size(definition: GraphQLField) -> int | None:
    """Return the declared maximum size of a list, or None."""
    return next(
        (directive.assumed_size for directive in _get_directives(definition) if isinstance(directive, ListSize)), None
    )


def find_ids_argument(definition: GraphQLField) -> str | None:
    """Return the name of the argument that is a list with one entry per item of the result, or None."""
    names = [
        name for name, argument in definition.args.items() if isinstance(_unwrap_non_null(argument.type), GraphQLList)
    ]
    return names[0] if len(names) == 1 else None


def _unwrap_non_null(kind: Any) -> Any:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def _get_directives(definition: GraphQLField) -> Sequence[object]:
    field = definition.extensions.get("strawberry-definition")
    return field.directives if isinstance(field, StrawberryField) else ()


def _list_argument_costs(definition: GraphQLField, node: FieldNode) -> Iterator[ArgumentCost]:
    for argument in node.arguments or ():
        name = argument.name.value
        cost = build_input_cost(definition.args[name])
        if not cost.is_free:
            yield ArgumentCost(name, argument.value, cost)


def _build_size(definition: GraphQLField, node: FieldNode) -> Size | None:
    if not is_list(definition):
        return _make_constant(1)
    assumed = get_assumed_size(definition)
    if assumed is not None:
        return _make_constant(min(assumed, MAX_ASSUMED_SIZE))
    name = find_ids_argument(definition)
    return (
        None if name is None else _read_length(_find_argument(node, name))
    )  # without such an argument it is a list of a connection, or short


def _build_page_size(definition: GraphQLField, node: FieldNode) -> Size | None:
    if not is_page(definition):
        return None
    sizes = [_read_page_size(value) for name in ("first", "last") if (value := _find_argument(node, name)) is not None]
    return (lambda variables: max(size(variables) for size in sizes)) if sizes else _make_constant(DEFAULT_PAGE_SIZE)


def _find_argument(node: FieldNode, name: str) -> ValueNode | None:
    return next((argument.value for argument in node.arguments or () if argument.name.value == name), None)


def _make_constant(value: int) -> Size:
    return lambda _: value


def _read_page_size(value: ValueNode) -> Size:
    """Read the size of a page. The field itself rejects an invalid size later."""
    if isinstance(value, VariableNode):
        name = value.name.value
        return lambda variables: _clamp_page_size(variables.get(name))
    return _make_constant(_clamp_page_size(int(value.value)) if isinstance(value, IntValueNode) else DEFAULT_PAGE_SIZE)


def _clamp_page_size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return DEFAULT_PAGE_SIZE
    return int(min(max(value, 1), MAX_PAGE_SIZE))


def _read_length(value: ValueNode | None) -> Size:
    if isinstance(value, VariableNode):
        name = value.name.value
        return lambda variables: _count_items(variables.get(name))
    return _make_constant(len(value.values) if isinstance(value, ListValueNode) else 1)


def _count_items(value: Any) -> int:
    return len(value) if isinstance(value, list) else 1


def _list_conditions(node: FieldNode) -> Iterator[Condition]:
    for directive in node.directives or ():
        if directive.name.value in ("skip", "include") and directive.arguments:
            yield _build_condition(directive.arguments[0].value, expected=directive.name.value == "include")


def _build_condition(value: ValueNode, *, expected: bool) -> Condition:
    if isinstance(value, VariableNode):
        name = value.name.value
        return lambda variables: variables.get(name) is expected
    return lambda _: isinstance(value, BooleanValueNode) and value.value is expected
