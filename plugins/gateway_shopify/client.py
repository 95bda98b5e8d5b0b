"""Client of the Admin GraphQL API: calls operations within the cost bucket and maps errors to those of the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.sdk import Answer, ChannelError, Context, ContractError, OutcomeUnknownError, Request, UnavailableError
from gateway_shopify import errors
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.graphql_values import convert_number, convert_object
from gateway_shopify.read_documents import VERSION, Operation

COST_BUDGET = "points"
MAX_COST_FACTOR = 10.0
"""Maximum ratio of the shop's cost of an operation to the estimated one."""

GRAPHQL_PATH = f"/admin/api/{VERSION}/graphql.json"


class ShopifyClient:
    """Client of the Admin GraphQL API of one shop."""

    def __init__(self, config: ShopifyConfig, context: Context) -> None:
        self._shop = config.shop
        self._token = config.access_token
        self._context = context
        self._http = context.http(config.base_url, self._authorize)
        self._cost_factors: dict[str, float] = {}

    async def call(self, operation: Operation, **variables: Any) -> Mapping[str, Any]:
        """Call an operation and return the `data` of the response."""
        spent = operation.estimate_cost(variables) * self._cost_factors.get(operation.name, 1)
        answer = await self._http.send(
            Request(
                method="POST",
                path=GRAPHQL_PATH,
                json={"query": operation.text, "operationName": operation.name, "variables": variables},
                budget=COST_BUDGET,
                cost=spent,
                repeatable=not operation.writes,
            )
        )
        body = self._parse_body(answer, operation)
        cost = convert_object(convert_object(body.get("extensions")).get("cost"))
        await self._update_budget(operation, variables, spent, cost)
        if body.get("errors"):
            raise _mark_unknown(errors.map_errors(body["errors"], cost, operation.name), operation)
        if not isinstance(body.get("data"), Mapping):
            raise ContractError(f"the response of {operation.name} has no data")
        return convert_object(body["data"])

    async def _authorize(self) -> Mapping[str, str]:
        return {"x-shopify-access-token": self._token.get_secret_value(), "accept": "application/json"}

    def _parse_body(self, answer: Answer, operation: Operation) -> Mapping[str, Any]:
        if (error := errors.map_status(answer.status, self._shop)) is not None:
            raise error
        body = answer.json()
        if not isinstance(body, Mapping):
            raise ContractError(f"the response of {operation.name} is not an object")
        return body

    async def _update_budget(self, operation: Operation, variables: Any, spent: float, cost: Mapping[str, Any]) -> None:
        """Apply the bucket status of the response to the budget, and refund unused points."""
        requested, actual = (convert_number(cost.get(f"{name}QueryCost")) for name in ("requested", "actual"))
        if requested is None or requested < 0:
            return
        self._cost_factors[operation.name] = min(MAX_COST_FACTOR, requested / operation.estimate_cost(variables))
        if (unused := spent - max(0.0, actual or 0.0)) > 0:
            await self._context.spend(COST_BUDGET, -unused)
        available, rate, capacity = errors.get_bucket(cost)
        if available is None or not rate or not capacity:
            return
        await self._context.correct(COST_BUDGET, left=max(0.0, available), per_second=rate, capacity=capacity)


def _mark_unknown(error: ChannelError, operation: Operation) -> ChannelError:
    """Map an internal error of a mutation to an unknown outcome: the change may have been applied."""
    is_internal = isinstance(error, UnavailableError | ContractError)
    return OutcomeUnknownError(str(error)) if operation.writes and is_internal else error
