"""The client: asks one operation, pays for it, and says what went wrong in the family's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.sdk import Answer, ChannelError, Context, ContractError, OutcomeUnknownError, Request, UnavailableError
from gateway_shopify import faults
from gateway_shopify.answers import figure, mapping
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.operations import VERSION, Operation

BUDGET = "points"
DEAREST = 10.0
"""Times our own reckoning. The shop's may differ from it, but not beyond all measure."""

PATH = f"/admin/api/{VERSION}/graphql.json"


class Client:
    """Shopify's Admin API, for one shop."""

    def __init__(self, config: ShopifyConfig, context: Context) -> None:
        self._shop = config.shop
        self._token = config.access_token
        self._context = context
        self._http = context.http(config.base_url, self._authorize)
        self._dearer: dict[str, float] = {}

    async def ask(self, operation: Operation, **variables: Any) -> Mapping[str, Any]:
        """The answer's `data`."""
        paid = operation.points(variables) * self._dearer.get(operation.name, 1)
        answer = await self._http.send(
            Request(
                method="POST",
                path=PATH,
                json={"query": operation.text, "operationName": operation.name, "variables": variables},
                budget=BUDGET,
                cost=paid,
                repeatable=not operation.writes,
            )
        )
        body = self._body(answer, operation)
        cost = mapping(mapping(body.get("extensions")).get("cost"))
        await self._learn(operation, variables, paid, cost)
        if body.get("errors"):
            raise _perhaps_done(faults.of_errors(body["errors"], cost, operation.name), operation)
        if not isinstance(body.get("data"), Mapping):
            raise ContractError(f"the answer to {operation.name} holds no data")
        return mapping(body["data"])

    async def _authorize(self) -> Mapping[str, str]:
        return {"x-shopify-access-token": self._token.get_secret_value(), "accept": "application/json"}

    def _body(self, answer: Answer, operation: Operation) -> Mapping[str, Any]:
        if (error := faults.of_status(answer.status, self._shop)) is not None:
            raise error
        body = answer.json()
        if not isinstance(body, Mapping):
            raise ContractError(f"the answer to {operation.name} is no object")
        return body

    async def _learn(self, operation: Operation, variables: Any, paid: float, cost: Mapping[str, Any]) -> None:
        """What the shop says of its bucket is so, whatever was estimated; what was not used is given back."""
        requested, actual = (figure(cost.get(f"{name}QueryCost")) for name in ("requested", "actual"))
        if requested is None or requested < 0:
            return
        self._dearer[operation.name] = min(DEAREST, requested / operation.points(variables))
        if (unused := paid - max(0.0, actual or 0.0)) > 0:
            await self._context.spend(BUDGET, -unused)
        left, rate, most = faults.bucket(cost)
        if left is None or not rate or not most:
            return
        await self._context.correct(BUDGET, left=max(0.0, left), per_second=rate, capacity=most)


def _perhaps_done(error: ChannelError, operation: Operation) -> ChannelError:
    """What failed inside while something was to be changed may have been changed all the same."""
    inside = isinstance(error, UnavailableError | ContractError)
    return OutcomeUnknownError(str(error)) if operation.writes and inside else error
