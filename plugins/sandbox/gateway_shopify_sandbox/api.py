"""The GraphQL API: validates, costs and executes documents against the state of the shop."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    assert_enum_type,
    build_schema,
    execute_sync,
    get_operation_ast,
    get_variable_values,
    parse,
    validate,
)

from gateway_shopify_sandbox.query_cost import CostCalculator, build_calculator
from gateway_shopify_sandbox.rate_limit import CostBucket
from gateway_shopify_sandbox.resolvers import resolve
from gateway_shopify_sandbox.scalars import assign_parsers
from gateway_shopify_sandbox.state import Shop

MAX_QUERY_COST = 1_000

Answer = dict[str, Any]


@cache
def load_sandbox_schema() -> GraphQLSchema:
    """Load the schema of the sandbox."""
    text = files("gateway_shopify_sandbox").joinpath("schema.graphql").read_text(encoding="utf-8")
    return assign_parsers(build_schema(text))


@lru_cache(maxsize=100)
def parse_document(query: str) -> DocumentNode | tuple[Answer, ...]:
    """Parse and validate a document; return its errors if it is invalid."""
    try:
        document = parse(query, max_tokens=10_000)
        problems = tuple({**error.formatted} for error in validate(load_sandbox_schema(), document))
    except GraphQLError as error:
        return ({**error.formatted},)
    except RecursionError:
        return ({"message": "The query is nested too deeply."},)
    return problems or document


def find_operation(query: str, name: str | None) -> OperationDefinitionNode | None:
    """Return the operation with this name, or without a name the only one."""
    document = parse_document(query)
    return get_operation_ast(document, name or None) if isinstance(document, DocumentNode) else None


def list_topics() -> list[str]:
    """List the webhook topics."""
    return list(assert_enum_type(load_sandbox_schema().type_map["WebhookSubscriptionTopic"]).values)


@dataclass(slots=True)
class Api:
    """The API of a shop.

    Attributes:
        is_drained: another client empties the bucket as fast as it fills.
        internal_errors: what went wrong in the sandbox itself; clients see that something did, and no more.
    """

    shop: Shop
    bucket: CostBucket = field(default_factory=CostBucket)
    is_drained: bool = False
    internal_errors: list[BaseException] = field(default_factory=list)

    def execute(self, query: str, name: str | None, variables: Mapping[str, Any]) -> Answer:
        """Execute a document and return the response."""
        parsed = parse_document(query)
        if not isinstance(parsed, DocumentNode):
            return {"errors": list(parsed)}
        self.shop.run_due()
        operation = find_operation(query, name)
        if operation is None:
            return {
                "errors": [{"message": f"No operation named {name!r}" if name else "An operation name is required"}]
            }
        values = get_variable_values(load_sandbox_schema(), operation.variable_definitions or (), dict(variables))
        if isinstance(values, list):
            return {"errors": [{**error.formatted, "extensions": {"code": "INVALID_VARIABLE"}} for error in values]}
        calculator = build_calculator(load_sandbox_schema(), parsed, values.coerced)
        return self._execute_operation(parsed, operation, variables, calculator)

    def _execute_operation(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        calculator: CostCalculator,
    ) -> Answer:
        max_cost = calculator.compute_cost(operation)
        if max_cost > MAX_QUERY_COST:
            message = f"query cost is {max_cost}, which exceeds {MAX_QUERY_COST}"
            return self._build_error("MAX_COST_EXCEEDED", message, max_cost)
        if self.is_drained:
            self.bucket.drain()
        if self.is_drained or not self.bucket.take(max_cost):
            return self._build_error("THROTTLED", "Throttled", max_cost)
        name = operation.name.value if operation.name else None
        result = execute_sync(
            load_sandbox_schema(),
            document,
            self.shop,
            None,
            dict(variables),
            operation_name=name,
            field_resolver=resolve,
        )
        actual = max_cost if result.data is None else calculator.compute_cost(operation, result.data)
        self.bucket.refund(max_cost - actual)
        answer: Answer = {"data": result.data, "extensions": self._build_cost(max_cost, actual)}
        if result.errors:
            answer["errors"] = self._format_errors(result.errors)
        return answer

    def _format_errors(self, errors: Sequence[GraphQLError]) -> list[Answer]:
        return [self._format_error(error) for error in errors]

    def _format_error(self, error: GraphQLError) -> Answer:
        """Format an error. Of one in the sandbox itself, clients see an ID, as at Shopify."""
        cause = error.original_error
        if cause is None or isinstance(cause, GraphQLError):
            return {**error.formatted}
        self.internal_errors.append(cause)
        message = f"Internal error. Looks like something went wrong on our end. Request ID: {uuid.uuid4()}"
        return {"message": message, "extensions": {"code": "INTERNAL_SERVER_ERROR"}}

    def _build_error(self, code: str, message: str, most: int) -> Answer:
        error = {"message": message, "extensions": {"code": code}}
        return {"errors": [error], "extensions": self._build_cost(most, None)}

    def _build_cost(self, most: int, actual: int | None) -> Answer:
        status = {
            "maximumAvailable": float(self.bucket.capacity),
            "currentlyAvailable": int(self.bucket.left),
            "restoreRate": float(self.bucket.per_second),
        }
        return {"cost": {"requestedQueryCost": most, "actualQueryCost": actual, "throttleStatus": status}}
