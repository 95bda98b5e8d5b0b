"""What a request may be, known before it is validated or run. Every refusal has a code, and says the limit and what was
asked; the codes are those of the Apollo router, where it has one.

Validation compares every two fields that answer to the same name: a small document can cost seconds. So a document is
weighed first, with its fragments unfolded, level by level.
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

from gateway.execution.codes import Code
from gateway.execution.errors import QueryError
from gateway.settings import LimitsTable

MOST_FIELDS = 20_000
MOST_PAIRS = 20_000


class LimitError(QueryError):
    """More is asked for than a request may. `code` says of what."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def exceeded(code: Code, what: str, most: int, found: int) -> LimitError:
    """The refusal: at most so many, and there are more."""
    return LimitError(code, f"At most {most:,} {what}; this has {found:,}.")


def weigh(document: DocumentNode, limits: LimitsTable) -> None:
    """Check that the document can be validated and run in reasonable time.

    Raises:
        LimitError: it is too deep or too large, or repeats too much.
    """
    _check_marks(document, limits)
    fragments = {
        node.name.value: node.selection_set for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    scales = Scales(fragments, limits)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            scales.put([node.selection_set], is_operation=isinstance(node, OperationDefinitionNode))


def _check_marks(document: DocumentNode, limits: LimitsTable) -> None:
    """Aliases and directives, as they stand in the text."""
    aliases = directives = 0
    for node in nodes(document):
        directives += isinstance(node, DirectiveNode)
        aliases += isinstance(node, FieldNode) and node.alias is not None
    if aliases > limits.aliases:
        raise exceeded(Code.MAX_ALIASES_LIMIT, "aliases", limits.aliases, aliases)
    if directives > limits.directives:
        raise exceeded(Code.MAX_DIRECTIVES_LIMIT, "directives", limits.directives, directives)


def nodes(document: DocumentNode) -> Iterator[Node]:
    """Every field, fragment and directive of a document, without recursion: it may be nested deeply."""
    waiting: list[Node] = list(document.definitions)
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(getattr(node, "directives", None) or ())
        selections = getattr(node, "selection_set", None)
        if selections is not None:
            waiting.extend(selections.selections)


@dataclass(slots=True)
class Scales:
    """What a document comes to, with its fragments unfolded."""

    fragments: dict[str, SelectionSetNode]
    limits: LimitsTable
    fields: int = 0
    pairs: int = 0
    height: int = 0
    _open: list[tuple[int, list[SelectionSetNode]]] = field(default_factory=list)

    def put(self, merged: list[SelectionSetNode], *, is_operation: bool) -> None:
        """Weigh selection sets that answer as one, level by level."""
        self.height = 0
        self._open.append((1, merged))
        while self._open:
            depth, sets = self._open.pop()
            if depth > self.limits.depth:
                raise LimitError(Code.MAX_DEPTH_LIMIT, f"At most {self.limits.depth:,} levels; this is nested deeper.")
            by_name = self._by_name(sets)
            if is_operation:
                self._check(depth, len(by_name))
            for same in by_name.values():
                self._count(same)
                if below := [node.selection_set for node in same if node.selection_set is not None]:
                    self._open.append((depth + 1, below))

    def _check(self, depth: int, fields: int) -> None:
        if depth == 1 and fields > self.limits.root_fields:
            raise exceeded(Code.MAX_ROOT_FIELDS_LIMIT, "fields of the root", self.limits.root_fields, fields)
        self.height += fields
        if self.height > self.limits.height:
            raise LimitError(Code.MAX_HEIGHT_LIMIT, f"At most {self.limits.height:,} different fields; this has more.")

    def _count(self, same: Sequence[FieldNode]) -> None:
        self.fields += len(same)
        self.pairs += len(same) * (len(same) - 1) // 2
        if self.fields > MOST_FIELDS or self.pairs > MOST_PAIRS:
            raise LimitError(Code.MAX_REPETITIONS_LIMIT, "The document repeats too many fields.")

    def _by_name(self, sets: Sequence[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        found: dict[str, list[FieldNode]] = {}
        for node in self._flat(sets):
            found.setdefault((node.alias or node.name).value, []).append(node)
        return found

    def _flat(self, sets: Sequence[SelectionSetNode]) -> Iterator[FieldNode]:
        """The fields of selection sets, those of their fragments among them; each fragment once per level."""
        waiting, spread = list(sets), set[str]()
        while waiting:
            for node in waiting.pop().selections:
                if isinstance(node, FieldNode):
                    yield node
                elif isinstance(node, InlineFragmentNode):
                    waiting.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                    spread.add(node.name.value)
                    if node.name.value in self.fragments:
                        waiting.append(self.fragments[node.name.value])


def check_variables(variables: Mapping[str, Any], limits: LimitsTable) -> None:
    """Check how many there are, and how many values they hold: each item of a list is one, each field of an object.

    Raises:
        LimitError: too many.
    """
    if len(variables) > limits.variables:
        raise exceeded(Code.MAX_VARIABLES_LIMIT, "variables", limits.variables, len(variables))
    waiting, values = list(variables.values()), 0
    while waiting:
        value = waiting.pop()
        values += 1
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        if values + len(waiting) > limits.values:
            found = values + len(waiting)
            raise LimitError(
                Code.MAX_VARIABLES_LIMIT, f"At most {limits.values:,} values in variables; there are {found:,} or more."
            )


def check_cost(cost: int, most: int) -> None:
    """Check that one operation costs no more than it may.

    Raises:
        LimitError: it may not.
    """
    if cost > most:
        message = f"At most {most:,} cost; this comes to {cost:,}: ask for shorter lists, or for fewer."
        raise LimitError(Code.COST_ESTIMATED_TOO_EXPENSIVE, message)
