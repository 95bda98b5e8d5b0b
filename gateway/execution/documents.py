"""Documents: parsed, weighed, validated and priced once, and remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    validate,
)

from gateway.execution.asked import Asked
from gateway.execution.codes import Code
from gateway.execution.costs import PriceList, price_list
from gateway.execution.limits import LimitError, nodes, weigh
from gateway.execution.memory import Memory
from gateway.settings import LimitsTable

MOST_ERRORS = 20
REMEMBERED = 500_000
"""Characters of all documents of shipped apps together; of all others half as many. Parsed they take some 150 times as
many bytes."""
LONGEST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that can be run, or the errors that it has and their code."""

    document: DocumentNode | None
    errors: Sequence[GraphQLError] = ()
    code: Code | None = None
    prices: Mapping[str, PriceList] = field(default_factory=dict)  # by the operation's name, if only an empty one
    introspects: bool = False


class Documents:
    """The documents of one schema. Holds the ones used last, those of shipped apps apart: strangers displace none.

    Args:
        suggests: whether errors tell what may have been meant.
    """

    def __init__(self, schema: GraphQLSchema, limits: LimitsTable, *, suggests: bool = True) -> None:
        self._schema = schema
        self._limits = limits
        self._suggests = suggests
        self._shipped: Memory[Prepared] = Memory(REMEMBERED)
        self._others: Memory[Prepared] = Memory(REMEMBERED // 2, LONGEST_REMEMBERED)

    def prepare(self, text: str, *, shipped: bool = False, suggests: bool = False) -> Prepared:
        """The document that this text is. `suggests`: errors tell what may have been meant, to this caller at least."""
        memory = self._shipped if shipped else self._others
        if (known := memory.get(text)) is not None:
            return known
        prepared = self._prepare(text, suggests or self._suggests)
        if not prepared.errors:
            memory.put(text, prepared, len(text))
        return prepared

    def _prepare(self, text: str, suggests: bool) -> Prepared:
        try:
            most = self._limits.tokens
            _check_lines(text, 2 * most)
            document = parse(text, max_lexical_tokens=most, max_comments=most)
        except GraphQLError as error:
            return Prepared(None, [error], Code.GRAPHQL_PARSE_FAILED)
        try:
            weigh(document, self._limits)
        except LimitError as error:
            return Prepared(None, [GraphQLError(str(error))], error.code)
        errors = validate(self._schema, document, max_errors=MOST_ERRORS, hide_suggestions=not suggests)
        prices = {} if errors else _priced(self._schema, document)
        return Prepared(document, errors, Code.GRAPHQL_VALIDATION_FAILED, prices, _introspects(document))


def _check_lines(text: str, most: int) -> None:
    """Every error counts lines up to its place."""
    if text.count("\n") + text.count("\r") - text.count("\r\n") > most:
        raise GraphQLError(f"The document has more than {most:,} lines.")


def _introspects(document: DocumentNode) -> bool:
    return any(isinstance(node, FieldNode) and node.name.value in ("__schema", "__type") for node in nodes(document))


def _priced(schema: GraphQLSchema, document: DocumentNode) -> dict[str, PriceList]:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return {node.name.value if node.name else "": price_list(schema, document, node) for node in operations}


def cost_of(prepared: Prepared, asked: Asked) -> int:
    """What the operation that is asked for costs; nothing, where there is none that can be run."""
    if prepared.document is None or prepared.errors:
        return 0
    operation = get_operation_ast(prepared.document, asked.operation_name)
    if operation is None:
        return 0
    return prepared.prices[operation.name.value if operation.name else ""].cost(asked.variables)
