"""Limits of requests, checked before validation and execution. Every error has a code, and names the limit and the
actual value. The codes are those of the Apollo router, where it has one.

Validation compares all pairs of fields with the same response name, so a small document can take seconds. The
complexity of a document is therefore checked first, level by level, with its fragments expanded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
)

from gateway.execution.error_codes import Code
from gateway.execution.errors import QueryError
from gateway.settings.schema import LimitsTable

MAX_DOCUMENT_FIELDS = 20_000
MAX_FIELD_PAIRS = 20_000


class LimitError(QueryError):
    """A request exceeds a limit. `code` tells which one."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def build_limit_error(code: Code, label: str, limit: int, actual: int) -> LimitError:
    """Build the error for a limit that is exceeded."""
    return LimitError(code, f"At most {limit:,} {label}. This request has {actual:,}.")


def check_complexity(document: DocumentNode, limits: LimitsTable) -> None:
    """Check that the document can be validated and executed in reasonable time.

    Raises:
        LimitError: the document is too deep or too large, or repeats too many fields.
    """
    _check_aliases(document, limits)
    fragments = {
        node.name.value: node.selection_set for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    scales = ComplexityCounter(fragments, limits)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            scales.add([node.selection_set], is_operation=isinstance(node, OperationDefinitionNode))


def _check_aliases(document: DocumentNode, limits: LimitsTable) -> None:
    """Count aliases and directives of the document's text, with fragments not expanded."""
    aliases = directives = 0
    for node in iterate_nodes(document):
        directives += isinstance(node, DirectiveNode)
        aliases += isinstance(node, FieldNode) and node.alias is not None
    if aliases > limits.aliases:
        raise build_limit_error(Code.MAX_ALIASES_LIMIT, "aliases", limits.aliases, aliases)
    if directives > limits.directives:
        raise build_limit_error(Code.MAX_DIRECTIVES_LIMIT, "directives", limits.directives, directives)


def iterate_nodes(document: DocumentNode) -> Iterator[Node]:
    """Iterate over all fields, fragments and directives of a document. It is not recursive, because nesting may be
    deep.
    """
    pending: list[Node] = list(document.definitions)
    while pending:
        node = pending.pop()
        yield node
        pending.extend(getattr(node, "directives", None) or ())
        selections = getattr(node, "selection_set", None)
        if selections is not None:
            pending.extend(selections.selections)


@dataclass(slots=True)
class ComplexityCounter:
    """Counts the complexity of a document with its fragments expanded."""

    fragments: dict[str, SelectionSetNode]
    limits: LimitsTable
    fields: int = 0
    pairs: int = 0
    height: int = 0
    _open: list[tuple[int, list[SelectionSetNode]]] = field(default_factory=list)

    def add(self, merged: list[SelectionSetNode], *, is_operation: bool) -> None:
        """Add selection sets that are merged in the response, level by level."""
        self.height = 0
        self._open.append((1, merged))
        while self._open:
            depth, sets = self._open.pop()
            if depth > self.limits.depth:
                raise LimitError(
                    Code.MAX_DEPTH_LIMIT, f"At most {self.limits.depth:,} levels. This document is nested deeper."
                )
            by_name = self._group_by_name(sets)
            if is_operation:
                self._check_level(depth, len(by_name))
            for nodes in by_name.values():
                self._count_fields(nodes)
                if children := [node.selection_set for node in nodes if node.selection_set is not None]:
                    self._open.append((depth + 1, children))

    def _check_level(self, depth: int, fields: int) -> None:
        if depth == 1 and fields > self.limits.root_fields:
            raise build_limit_error(Code.MAX_ROOT_FIELDS_LIMIT, "root fields", self.limits.root_fields, fields)
        self.height += fields
        if self.height > self.limits.height:
            raise LimitError(
                Code.MAX_HEIGHT_LIMIT, f"At most {self.limits.height:,} distinct fields. This document has more."
            )

    def _count_fields(self, nodes: Sequence[FieldNode]) -> None:
        self.fields += len(nodes)
        self.pairs += len(nodes) * (len(nodes) - 1) // 2
        if self.fields > MAX_DOCUMENT_FIELDS or self.pairs > MAX_FIELD_PAIRS:
            raise LimitError(Code.MAX_REPETITIONS_LIMIT, "The document repeats too many fields.")

    def _group_by_name(self, sets: Sequence[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        groups: dict[str, list[FieldNode]] = {}
        for node in self._flatten(sets):
            groups.setdefault((node.alias or node.name).value, []).append(node)
        return groups

    def _flatten(self, sets: Sequence[SelectionSetNode]) -> Iterator[FieldNode]:
        """Iterate over the fields of selection sets and their fragments. A fragment counts once per level."""
        pending, spread = list(sets), set[str]()
        while pending:
            for node in pending.pop().selections:
                if isinstance(node, FieldNode):
                    yield node
                elif isinstance(node, InlineFragmentNode):
                    pending.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                    spread.add(node.name.value)
                    if node.name.value in self.fragments:
                        pending.append(self.fragments[node.name.value])


def check_variables(variables: Mapping[str, Any], limits: LimitsTable) -> None:
    """Check the number of variables and of the values in them. Each list item and each object field is a value.

    Raises:
        LimitError: there are too many.
    """
    if len(variables) > limits.variables:
        raise build_limit_error(Code.MAX_VARIABLES_LIMIT, "variables", limits.variables, len(variables))
    pending, values = list(variables.values()), 0
    while pending:
        value = pending.pop()
        values += 1
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        if values + len(pending) > limits.values:
            actual = values + len(pending)
            raise LimitError(
                Code.MAX_VARIABLES_LIMIT,
                f"At most {limits.values:,} values in variables. This request has {actual:,} or more.",
            )


def check_cost(cost: int, limit: int) -> None:
    """Check that the cost of an operation does not exceed the limit.

    Raises:
        LimitError: it does.
    """
    if cost > limit:
        message = f"At most {limit:,} cost. This operation costs {cost:,}: request shorter or fewer lists."
        raise LimitError(Code.COST_ESTIMATED_TOO_EXPENSIVE, message)
