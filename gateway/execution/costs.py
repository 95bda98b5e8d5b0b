"""What a query costs, known from its document and variables before it is run.

A field that gives an object costs 1, one that gives a plain value nothing, a mutation 10, unless the schema says
otherwise (`@cost`).
What is inside a list counts as often as the list may have items: `first` or `last` of a connection (20 without them),
as many as a list of ids has, or `@listSize`; of the latter at most 10, because caps multiply and such lists are seldom
full. How large the answer really becomes is bounded while it is made.
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

PAGE = 20
LARGEST_PAGE = 100
ASSUMED = 10
"""Items that a list is assumed to have whose cap is larger."""

CHANGE = 10
"""What a mutation costs: a transaction, and perhaps a word to a channel."""

INTROSPECTION = 5_000
"""What each of these costs, whatever is asked about it: the schema is what it is, and large."""

INTROSPECTED = ("__schema", "__type", "types")

Variables = Mapping[str, Any]
Size = Callable[[Variables], int]
Condition = Callable[[Variables], bool]


@dataclass(frozen=True, slots=True)
class Price:
    """What a field costs.

    Attributes:
        weight: of one of its items.
        times: how many items it has at most; None: as many as the page that it stands in.
        page: how many items the page has that it is; None: it is none.
        parts: the fields of one item.
        wanted: whether its @skip and @include have it answered.
    """

    weight: int
    times: Size | None
    page: Size | None
    parts: Sequence[Price]
    wanted: Sequence[Condition]

    def cost(self, variables: Variables, page: int) -> int:
        """With these variables, in a page of so many items."""
        if not all(wanted(variables) for wanted in self.wanted):
            return 0
        times = page if self.times is None else self.times(variables)
        inner = PAGE if self.page is None else self.page(variables)
        return times * (self.weight + sum(part.cost(variables, inner) for part in self.parts))


@dataclass(frozen=True, slots=True)
class PriceList:
    """The fields of one operation, and what its variables are where a request leaves them out."""

    parts: Sequence[Price]
    defaults: Variables

    def cost(self, variables: Variables) -> int:
        """What the operation costs with these variables."""
        given = {**self.defaults, **variables}
        return sum(part.cost(given, PAGE) for part in self.parts)


def price_list(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> PriceList:
    """The prices of an operation of a valid document."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    root = schema.get_root_type(operation.operation)
    parts = _Pricing(schema, fragments).parts([(root, operation.selection_set)]) if root is not None else ()
    defaults = {
        node.variable.name.value: value_from_ast_untyped(node.default_value)
        for node in operation.variable_definitions or ()
        if node.default_value is not None
    }
    return PriceList(parts, defaults)


Sets = Sequence[tuple[GraphQLNamedType, SelectionSetNode]]


@dataclass(frozen=True, slots=True)
class _Pricing:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]

    @property
    def _changing(self) -> str | None:
        return None if self.schema.mutation_type is None else self.schema.mutation_type.name

    def parts(self, sets: Sets) -> list[Price]:
        """The prices of all fields of selection sets that answer as one; what is asked twice is answered once."""
        same: dict[tuple[str, str], list[tuple[GraphQLField, FieldNode]]] = {}
        for parent, node in self._flat(sets):
            definition = self.schema.get_field(parent, node.name.value)
            if definition is not None:
                key = (parent.name, (node.alias or node.name).value)
                same.setdefault(key, []).append((definition, node))
        return [self._price(parent, found) for (parent, _), found in same.items()]

    def _price(self, parent: str, same: Sequence[tuple[GraphQLField, FieldNode]]) -> Price:
        definition, node = same[0]
        kind = get_named_type(definition.type)
        below = [(kind, one.selection_set) for _, one in same if one.selection_set is not None]
        return Price(
            weight=weight_of(definition, node.name.value, changes=parent == self._changing),
            times=_always(1) if kind.name.startswith("__") else _times(definition, node),
            page=_page(definition, node),
            parts=self.parts(below),
            wanted=() if len(same) > 1 else tuple(_conditions(node)),
        )

    def _flat(self, sets: Sets) -> Iterator[tuple[GraphQLCompositeType, FieldNode]]:
        waiting, spread = list(sets), set[str]()
        while waiting:
            parent, selections = waiting.pop()
            for node in selections.selections:
                if isinstance(node, FieldNode) and is_composite_type(parent):
                    yield parent, node
                elif isinstance(node, InlineFragmentNode):
                    waiting.append((self._narrowed(parent, node), node.selection_set))
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                    spread.add(node.name.value)
                    fragment = self.fragments[node.name.value]
                    waiting.append((self._narrowed(parent, fragment), fragment.selection_set))

    def _narrowed(
        self, parent: GraphQLNamedType, node: InlineFragmentNode | FragmentDefinitionNode
    ) -> GraphQLNamedType:
        condition = node.type_condition
        return parent if condition is None else self.schema.type_map[condition.name.value]


def weight_of(definition: GraphQLField, name: str, *, changes: bool = False) -> int:
    """What one item of a field costs, without what is inside. `changes`: it is a mutation."""
    if get_named_type(definition.type).name.startswith("__"):
        return INTROSPECTION if name in INTROSPECTED else 0
    for directive in _directives(definition):
        if isinstance(directive, Cost):
            return directive.weight
    if changes:
        return CHANGE
    return 1 if is_composite_type(get_named_type(definition.type)) else 0


def is_list(definition: GraphQLField) -> bool:
    """Whether a field gives several items."""
    kind = definition.type
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def is_page(definition: GraphQLField) -> bool:
    """Whether a field is a connection: its items stand in the lists inside."""
    return not is_list(definition) and "first" in definition.args


def assumed_size(definition: GraphQLField) -> int | None:
    """How many items the schema says that a list has at most."""
    return next((one.assumed_size for one in _directives(definition) if isinstance(one, ListSize)), None)


def ids_argument(definition: GraphQLField) -> str | None:
    """The argument that holds a list with an item for each of the answer's."""
    names = [name for name, one in definition.args.items() if isinstance(_nullable(one.type), GraphQLList)]
    return names[0] if len(names) == 1 else None


def _nullable(kind: Any) -> Any:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def _directives(definition: GraphQLField) -> Sequence[object]:
    declared = definition.extensions.get("strawberry-definition")
    return declared.directives if isinstance(declared, StrawberryField) else ()


def _times(definition: GraphQLField, node: FieldNode) -> Size | None:
    if not is_list(definition):
        return _always(1)
    assumed = assumed_size(definition)
    if assumed is not None:
        return _always(min(assumed, ASSUMED))
    name = ids_argument(definition)
    return None if name is None else _length(_argument(node, name))  # without one it is a connection's, or short


def _page(definition: GraphQLField, node: FieldNode) -> Size | None:
    if not is_page(definition):
        return None
    sizes = [_number(value) for name in ("first", "last") if (value := _argument(node, name)) is not None]
    return (lambda variables: max(size(variables) for size in sizes)) if sizes else _always(PAGE)


def _argument(node: FieldNode, name: str) -> ValueNode | None:
    return next((one.value for one in node.arguments or () if one.name.value == name), None)


def _always(value: int) -> Size:
    return lambda _: value


def _number(value: ValueNode) -> Size:
    """A page's size. One that cannot be is refused later, by the field itself."""
    if isinstance(value, VariableNode):
        name = value.name.value
        return lambda variables: _bounded(variables.get(name))
    return _always(_bounded(int(value.value)) if isinstance(value, IntValueNode) else PAGE)


def _bounded(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return PAGE
    return int(min(max(value, 1), LARGEST_PAGE))


def _length(value: ValueNode | None) -> Size:
    if isinstance(value, VariableNode):
        name = value.name.value
        return lambda variables: _counted(variables.get(name))
    return _always(len(value.values) if isinstance(value, ListValueNode) else 1)


def _counted(value: Any) -> int:
    return len(value) if isinstance(value, list) else 1


def _conditions(node: FieldNode) -> Iterator[Condition]:
    for directive in node.directives or ():
        if directive.name.value in ("skip", "include") and directive.arguments:
            yield _condition(directive.arguments[0].value, wanted=directive.name.value == "include")


def _condition(value: ValueNode, *, wanted: bool) -> Condition:
    if isinstance(value, VariableNode):
        name = value.name.value
        return lambda variables: variables.get(name) is wanted
    return lambda _: isinstance(value, BooleanValueNode) and value.value is wanted
