"""Compatibility of documents with a schema: problems and their locations, for developers of apps."""

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

from gateway.execution.document_cache import PreparedDocument
from gateway.settings.schema import LimitsTable

Definition = OperationDefinitionNode | FragmentDefinitionNode


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """A problem of a document.

    Attributes:
        operation: the operation; or all operations of the document and the fragment; None if the document cannot be
            parsed.
        field: path of response names to the field, or None if it is not a problem of a single field.
    """

    operation: str | None
    field: str | None
    message: str

    def __str__(self) -> str:
        location = [part for part in (self.operation, self.field) if part]
        return ": ".join([*location, self.message])


def find_problems(prepared: PreparedDocument, limits: LimitsTable) -> list[DocumentProblem]:
    """Find the problems of a document. A cost above the limit of every caller, without variables, is one of them."""
    limit = max(limits.anonymous.cost, limits.known.cost)
    costs = {name: prices.compute({}) for name, prices in prepared.costs.items()}
    too_expensive = [
        DocumentProblem(name, None, f"costs {cost}, of at most {limit}.")
        for name, cost in costs.items()
        if cost > limit
    ]
    return [*(_locate_problem(prepared, error) for error in prepared.errors), *too_expensive]


def list_operations(prepared: PreparedDocument) -> list[str]:
    """Return the names of a document's operations."""
    return [_get_title(node) for node in _list_definitions(prepared) if isinstance(node, OperationDefinitionNode)]


def _locate_problem(prepared: PreparedDocument, error: GraphQLError) -> DocumentProblem:
    for start in error.positions or ():
        for definition in _list_definitions(prepared):
            if definition.loc is not None and definition.loc.start <= start < definition.loc.end:
                path = _find_path(definition.selection_set, start)
                return DocumentProblem(
                    _describe_definition(definition, prepared), ".".join(path) or None, error.message
                )
    return DocumentProblem(", ".join(list_operations(prepared)) or None, None, error.message)


def _list_definitions(prepared: PreparedDocument) -> Iterator[Definition]:
    for node in () if prepared.document is None else prepared.document.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            yield node


def _describe_definition(definition: Definition, prepared: PreparedDocument) -> str:
    if isinstance(definition, OperationDefinitionNode):
        return _get_title(definition)
    return ", ".join([*list_operations(prepared), f"fragment {definition.name.value}"])


def _get_title(operation: OperationDefinitionNode) -> str:
    return operation.operation.value if operation.name is None else operation.name.value


def _find_path(selection_set: SelectionSetNode | None, start: int) -> list[str]:
    """Return the path of fields around a position, outermost first."""
    for node in () if selection_set is None else selection_set.selections:
        if node.loc is not None and node.loc.start <= start < node.loc.end:
            if isinstance(node, FieldNode):
                return [(node.alias or node.name).value, *_find_path(node.selection_set, start)]
            if isinstance(node, InlineFragmentNode):
                return _find_path(node.selection_set, start)
    return []
