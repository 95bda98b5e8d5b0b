"""What is wrong with a document under a schema, and where it stands: for those who ship apps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from gateway.execution.documents import Prepared

Definition = OperationDefinitionNode | FragmentDefinitionNode


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        operation: of which operation or fragment; None: of no single one.
        field: the path of answer names down to the field; None: of no single one.
    """

    operation: str | None
    field: str | None
    message: str

    def __str__(self) -> str:
        place = [part for part in (self.operation, self.field) if part]
        return ": ".join([*place, self.message])


def faults(prepared: Prepared) -> list[Fault]:
    """What is wrong with a document."""
    return [_placed(prepared.document, error) for error in prepared.errors]


def _placed(document: DocumentNode | None, error: GraphQLError) -> Fault:
    starts = error.positions or ()
    for start in starts if document is not None else ():
        for definition in _definitions(document):
            if definition.loc is not None and definition.loc.start <= start < definition.loc.end:
                path = _path(definition.selection_set, start)
                return Fault(_title(definition), ".".join(path) or None, error.message)
    return Fault(None, None, error.message)


def _definitions(document: DocumentNode | None) -> Iterator[Definition]:
    for node in () if document is None else document.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            yield node


def _title(definition: Definition) -> str:
    if isinstance(definition, FragmentDefinitionNode):
        return f"fragment {definition.name.value}"
    return definition.operation.value if definition.name is None else definition.name.value


def _path(within: SelectionSetNode | None, start: int) -> list[str]:
    """The fields around a place, from the outside to the inside."""
    for node in () if within is None else within.selections:
        if node.loc is not None and node.loc.start <= start < node.loc.end:
            if isinstance(node, FieldNode):
                return [(node.alias or node.name).value, *_path(node.selection_set, start)]
            if isinstance(node, InlineFragmentNode):
                return _path(node.selection_set, start)
    return []
