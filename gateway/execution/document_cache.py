"""Document cache: documents are parsed, checked, validated and analyzed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

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

from gateway.execution.caching.cache_sizes import SizedCache
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.compiler.plan import MAX_PLAN_CHARACTERS, DocumentPlans, PlanCache
from gateway.execution.cost_analysis import OperationCost, analyze_operation
from gateway.execution.error_codes import Code
from gateway.execution.limits import LimitError, check_complexity, iterate_nodes
from gateway.execution.request import GraphQLRequest
from gateway.model.documents import DocumentPolicy
from gateway.settings.schema import LimitsTable

MAX_ERRORS = 20
MAX_CACHED_CHARACTERS = 500_000
"""Characters of all published documents together, and twice the limit of all others."""
DOCUMENT_BYTES, PLAN_BYTES, COST_BYTES, OPERATION_BYTES = 150, 1.5, 4, 8
"""Bytes that each character takes: of a parsed document, of the source of a plan, of the key of a cost, and of the
weight of a prepared operation.
"""
MAX_CACHED_DOCUMENT = 20_000


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document that can be executed, or its errors and their code."""

    document: DocumentNode | None
    errors: Sequence[GraphQLError] = ()
    code: Code | None = None
    costs: Mapping[str, OperationCost] = field(
        default_factory=dict
    )  # by operation name; the name of an anonymous operation is empty
    has_introspection: bool = False
    policy: DocumentPolicy | None = None  # of a published document
    plans: DocumentPlans | None = None  # of a document without introspection


class DocumentCache:
    """Documents of one schema, least recently used first out. Published documents have their own cache, so that
    requests of unauthenticated clients do not evict them.

    Args:
        suggests: whether validation errors suggest names of the schema.
    """

    def __init__(self, schema: GraphQLSchema, limits: LimitsTable, *, suggests: bool = True) -> None:
        self._schema = schema
        self._limits = limits
        self._suggests = suggests
        self._published: WeightedLRU[PreparedDocument] = WeightedLRU(MAX_CACHED_CHARACTERS)
        self._others: WeightedLRU[PreparedDocument] = WeightedLRU(MAX_CACHED_CHARACTERS // 2, MAX_CACHED_DOCUMENT)
        self._published_plans = PlanCache(MAX_PLAN_CHARACTERS)
        self._other_plans = PlanCache(MAX_PLAN_CHARACTERS // 2)

    def list_sizes(self) -> Sequence[SizedCache]:
        """List its caches, with what they take."""
        plans = (self._published_plans, self._other_plans)
        return (
            SizedCache("documents", (self._published, self._others), DOCUMENT_BYTES),
            SizedCache("plans", [cache.plans for cache in plans], PLAN_BYTES),
            SizedCache("costs", [cache.costs for cache in plans], COST_BYTES),
            SizedCache("operations", [cache.operations for cache in plans], OPERATION_BYTES),
        )

    def get(self, text: str, *, published: bool = False) -> PreparedDocument | None:
        """Return a document that is prepared already, or None."""
        return (self._published if published else self._others).get(text)

    def prepare(self, text: str, *, published: bool = False, suggests: bool = False) -> PreparedDocument:
        """Parse and validate a document, or return it from the cache.

        Args:
            published: whether the document is published.
            suggests: whether errors suggest names of the schema to this caller, even if they do not by default.
        """
        cache = self._published if published else self._others
        if (cached := cache.get(text)) is not None:
            return cached
        prepared = self._prepare(text, suggests or self._suggests)
        if prepared.document is not None and not prepared.errors:
            plans = self._published_plans if published else self._other_plans
            if not prepared.has_introspection:
                prepared = replace(prepared, plans=plans.add_document(prepared.document))
            cache.put(text, prepared, len(text))
        return prepared

    def _prepare(self, text: str, suggests: bool) -> PreparedDocument:
        try:
            max_tokens = self._limits.tokens
            _check_lines(text, 2 * max_tokens)
            document = parse(text, max_lexical_tokens=max_tokens, max_comments=max_tokens)
        except GraphQLError as error:
            return PreparedDocument(None, [error], Code.GRAPHQL_PARSE_FAILED)
        try:
            check_complexity(document, self._limits)
        except LimitError as error:
            return PreparedDocument(None, [GraphQLError(str(error))], error.code)
        errors = validate(self._schema, document, max_errors=MAX_ERRORS, hide_suggestions=not suggests)
        prices = {} if errors else _analyze_costs(self._schema, document)
        return PreparedDocument(document, errors, Code.GRAPHQL_VALIDATION_FAILED, prices, _has_introspection(document))


def _check_lines(text: str, limit: int) -> None:
    """Check the number of lines, because every error counts the lines before its location."""
    if text.count("\n") + text.count("\r") - text.count("\r\n") > limit:
        raise GraphQLError(f"The document has more than {limit:,} lines.")


def _has_introspection(document: DocumentNode) -> bool:
    return any(
        isinstance(node, FieldNode) and node.name.value in ("__schema", "__type") for node in iterate_nodes(document)
    )


def _analyze_costs(schema: GraphQLSchema, document: DocumentNode) -> dict[str, OperationCost]:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return {node.name.value if node.name else "": analyze_operation(schema, document, node) for node in operations}


def compute_cost(prepared: PreparedDocument, request: GraphQLRequest) -> int:
    """Compute the cost of the operation that the request selects, or 0 if the document has no such operation.

    It is cached by the variables: to compute it takes a third of the time of a cached response.
    """
    if prepared.plans is None or request.operation_key is None:
        return _compute_cost(prepared, request)
    key = f"{prepared.plans.key} {request.operation_key}"
    cost = prepared.plans.costs.get(key)
    if cost is None:
        cost = _compute_cost(prepared, request)
        if cost:  # 0: there is no such operation
            prepared.plans.costs.put(key, cost, len(key))
    return cost


def _compute_cost(prepared: PreparedDocument, request: GraphQLRequest) -> int:
    if prepared.document is None or prepared.errors:
        return 0
    operation = get_operation_ast(prepared.document, request.operation_name)
    if operation is None:
        return 0
    return prepared.costs[operation.name.value if operation.name else ""].compute(request.variables)


def list_empty_caches(limits: LimitsTable) -> Sequence[SizedCache]:
    """List the caches of documents as they are before the first request, for their limits."""
    return DocumentCache(GraphQLSchema(), limits).list_sizes()
