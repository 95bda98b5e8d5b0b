"""Costs of input values: what the values of arguments add to the cost of an operation, and the limits of their lists.

Both are declared where the argument or the input field is: a value costs its `@cost`, and each item of a list the
`weight` of its `@maxItems`. It makes no difference whether a value is in the document or in the variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    Undefined,
    ValueNode,
    get_named_type,
    value_from_ast_untyped,
)

from gateway.execution.directives import Cost, MaxItems
from gateway.execution.errors import BadUserInputError

Variables = Mapping[str, Any]


class MaxItemsError(BadUserInputError):
    """A list has more items than its argument accepts."""

    def __init__(self, path: str, limit: int, actual: int) -> None:
        super().__init__(f"{path}: at most {limit:,} items. This request has {actual:,}.")


@dataclass(frozen=True, slots=True, eq=False)
class InputCost:
    """Cost of a value of an argument or of an input field.

    Attributes:
        weight: cost of a value other than null.
        max_items: maximum number of items if it is a list; None: not limited.
        item_weight: cost of each item.
        fields: costs of the fields of an input object, or of each one in the list.
    """

    weight: int = 0
    max_items: int | None = None
    item_weight: int = 0
    fields: Mapping[str, InputCost] = field(default_factory=dict)

    @property
    def is_free(self) -> bool:
        """Whether no value costs anything or exceeds a limit."""
        return not (self.weight or self.fields) and self.max_items is None

    def compute(self, value: Any, path: str) -> int:
        """Compute the cost of a value. `path`: of the argument, for the message of an error.

        Raises:
            MaxItemsError: a list is too long.
        """
        if value is None or value is Undefined:
            return 0
        items: Sequence[Any] = value if isinstance(value, list) else [value]
        if self.max_items is not None and len(items) > self.max_items:
            raise MaxItemsError(path, self.max_items, len(items))
        return self.weight + self.item_weight * len(items) + sum(self._compute_fields(item, path) for item in items)

    def _compute_fields(self, item: Any, path: str) -> int:
        if not self.fields or not isinstance(item, dict):
            return 0
        return sum(cost.compute(item.get(name), f"{path}.{name}") for name, cost in self.fields.items())


@dataclass(frozen=True, slots=True, eq=False)
class ArgumentCost:
    """Cost of one argument of a field in a document."""

    name: str
    value: ValueNode
    cost: InputCost

    def compute(self, variables: Variables) -> int:
        """Compute the cost with these variables. Raises as `InputCost.compute`."""
        return self.cost.compute(value_from_ast_untyped(self.value, dict(variables)), self.name)


def build_input_cost(definition: GraphQLArgument | GraphQLInputField) -> InputCost:
    """Build the cost of the values of an argument or an input field from its directives."""
    directives = get_input_directives(definition)
    weight = sum(one.weight for one in directives if isinstance(one, Cost))
    limit = next((one for one in directives if isinstance(one, MaxItems)), None)
    fields = _build_fields(get_named_type(definition.type))
    return (
        InputCost(weight, None, 0, fields) if limit is None else InputCost(weight, limit.max, limit.item_weight, fields)
    )


def get_input_directives(definition: GraphQLArgument | GraphQLInputField) -> Sequence[object]:
    """Return the directives of an argument or an input field."""
    declared = definition.extensions.get("strawberry-definition")
    return tuple(getattr(declared, "directives", ()))


def _build_fields(kind: object) -> dict[str, InputCost]:
    if not isinstance(kind, GraphQLInputObjectType):
        return {}
    costs = {name: build_input_cost(definition) for name, definition in kind.fields.items()}
    return {name: cost for name, cost in costs.items() if not cost.is_free}
