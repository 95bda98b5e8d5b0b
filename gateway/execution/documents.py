"""Documents: parsed, weighed and validated once, and remembered.

Validation compares every two fields that answer to the same name: a small document can cost seconds. So a document is
weighed first, and refused where those pairs, its depth or what its fragments unfold to are beyond all use.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    validate,
)

from gateway.execution.asked import Asked
from gateway.execution.caller import Caller
from gateway.execution.codes import Code
from gateway.execution.errors import MalformedError

MOST_DEPTH = 30
MOST_FIELDS = 20_000
MOST_PAIRS = 20_000
MOST_ERRORS = 20
REMEMBERED = 500_000
"""Characters of all documents together. Parsed they take some 150 times as many bytes."""
LONGEST_REMEMBERED = 20_000


class WeightError(Exception):
    """The document asks for more than anybody needs."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that can be run, or the errors that it has and their code."""

    document: DocumentNode | None
    errors: Sequence[GraphQLError] = ()
    code: Code | None = None


class Documents:
    """The documents of one schema. Holds the ones used last."""

    def __init__(self, schema: GraphQLSchema, max_tokens: int) -> None:
        self._schema = schema
        self._max_tokens = max_tokens
        self._known: OrderedDict[str, Prepared] = OrderedDict()
        self._remembered = 0

    async def resolve(self, asked: Asked, _caller: Caller) -> Prepared:
        """The document that is asked for.

        Raises:
            QueryError: there is none, or it may not be asked for.
        """
        if asked.query is None:
            raise MalformedError("The key query is missing.")
        return self.prepare(asked.query)

    def prepare(self, text: str) -> Prepared:
        """The document that this text is."""
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        prepared = self._prepare(text)
        if not prepared.errors and len(text) <= LONGEST_REMEMBERED:
            self._remember(text, prepared)
        return prepared

    def _remember(self, text: str, prepared: Prepared) -> None:
        self._known[text] = prepared
        self._remembered += len(text)
        while self._remembered > REMEMBERED:
            forgotten, _ = self._known.popitem(last=False)
            self._remembered -= len(forgotten)

    def _prepare(self, text: str) -> Prepared:
        try:
            document = parse(text, max_lexical_tokens=self._max_tokens, max_comments=self._max_tokens)
        except GraphQLError as error:
            return Prepared(None, [error], Code.GRAPHQL_PARSE_FAILED)
        try:
            weigh(document)
        except WeightError as error:
            return Prepared(None, [GraphQLError(str(error))], Code.GRAPHQL_VALIDATION_FAILED)
        errors = validate(self._schema, document, max_errors=MOST_ERRORS)
        return Prepared(document, errors, Code.GRAPHQL_VALIDATION_FAILED)


def weigh(document: DocumentNode) -> None:
    """Check that the document can be validated and run in reasonable time.

    Raises:
        WeightError: it is too deep, too large, or repeats too many fields.
    """
    fragments = {
        node.name.value: node.selection_set for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    scales = Scales(fragments)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            scales.put([node.selection_set])


@dataclass(slots=True)
class Scales:
    """What a document comes to, with its fragments unfolded."""

    fragments: dict[str, SelectionSetNode]
    fields: int = 0
    pairs: int = 0
    _open: list[tuple[int, list[SelectionSetNode]]] = field(default_factory=list)

    def put(self, merged: list[SelectionSetNode]) -> None:
        """Weigh selection sets that answer as one, level by level."""
        self._open.append((1, merged))
        while self._open:
            depth, sets = self._open.pop()
            if depth > MOST_DEPTH:
                raise WeightError(f"The document is nested more than {MOST_DEPTH} levels deep.")
            for same in self._by_name(sets).values():
                self._count(same)
                if below := [node.selection_set for node in same if node.selection_set is not None]:
                    self._open.append((depth + 1, below))

    def _count(self, same: Sequence[FieldNode]) -> None:
        self.fields += len(same)
        self.pairs += len(same) * (len(same) - 1) // 2
        if self.fields > MOST_FIELDS or self.pairs > MOST_PAIRS:
            raise WeightError("The document repeats too many fields.")

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
