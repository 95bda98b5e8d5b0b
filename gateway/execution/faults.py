"""What is wrong with a document under a schema, and where it stands: for those who ship apps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from gateway.execution.documents import Prepared
from gateway.settings import LimitsTable

Definition = OperationDefinitionNode | FragmentDefinitionNode


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        operation: in which one; or in all of a document's, and their fragment; None: it is not even GraphQL.
        field: the path of answer names down to the field; None: of no single one.
    """

    operation: str | None
    field: str | None
    message: str

    def __str__(self) -> str:
        place = [part for part in (self.operation, self.field) if part]
        return ": ".join([*place, self.message])


def faults(prepared: Prepared, limits: LimitsTable) -> list[Fault]:
    """What is wrong with a document; also where it costs more than anybody may ask for, with no variables given."""
    most = max(limits.anonymous.cost, limits.known.cost)
    costs = {name: prices.cost({}) for name, prices in prepared.prices.items()}
    too_much = [Fault(name, None, f"costs {cost}, of at most {most}.") for name, cost in costs.items() if cost > most]
    return [*(_placed(prepared, error) for error in prepared.errors), *too_much]


def operations(prepared: Prepared) -> list[str]:
    """The names of a document's operations."""
    return [_title(node) for node in _definitions(prepared) if isinstance(node, OperationDefinitionNode)]


def _placed(prepared: Prepared, error: GraphQLError) -> Fault:
    for start in error.positions or ():
        for definition in _definitions(prepared):
            if definition.loc is not None and definition.loc.start <= start < definition.loc.end:
                path = _path(definition.selection_set, start)
                return Fault(_where(definition, prepared), ".".join(path) or None, error.message)
    return Fault(", ".join(operations(prepared)) or None, None, error.message)


def _definitions(prepared: Prepared) -> Iterator[Definition]:
    for node in () if prepared.document is None else prepared.document.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            yield node


def _where(definition: Definition, prepared: Prepared) -> str:
    if isinstance(definition, OperationDefinitionNode):
        return _title(definition)
    return ", ".join([*operations(prepared), f"fragment {definition.name.value}"])


def _title(operation: OperationDefinitionNode) -> str:
    return operation.operation.value if operation.name is None else operation.name.value


def _path(within: SelectionSetNode | None, start: int) -> list[str]:
    """The fields around a place, from the outside to the inside."""
    for node in () if within is None else within.selections:
        if node.loc is not None and node.loc.start <= start < node.loc.end:
            if isinstance(node, FieldNode):
                return [(node.alias or node.name).value, *_path(node.selection_set, start)]
            if isinstance(node, InlineFragmentNode):
                return _path(node.selection_set, start)
    return []
