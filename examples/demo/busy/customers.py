"""Customers and shop staff who use the gateway over HTTP."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import httpx2

SHOP, STOREFRONT, ADMIN = "demo-shop", "demo-storefront", "demo-admin"
CUSTOMER_POINTS = ((51.52, -0.15), (53.48, -2.24), (53.80, -1.55))
ERRORS = "userErrors { code message }"
ORDER = "order { id version status accessToken fulfillments { id version status method pickupCode } }"
FULFILLMENT = f"fulfillment {{ {ORDER} }}"
CART = "cart { token version total { amount } }"
OPTIONS = """
query ($cart: String!, $near: GeoPointInput) {
  fulfillmentOptions(cartToken: $cart, near: $near) { token price { amount } parts { method } uncovered { quantity } }
}"""
ORDER_QUERY = f"query ($access: String!) {{ {ORDER.replace('order', 'order(by: {accessToken: $access})', 1)} }}"
VARIANTS = "query ($skus: [String!]) { productVariants(first: 100, filter: { skus: $skus }) { nodes { id } } }"
MAX_RETRIES = 10
ADDRESS = {"line1": "3 Mill Road", "city": "Leeds", "postalCode": "LS2 7EW", "countryCode": "GB"}


class ContractViolationError(Exception):
    """The gateway returned a GraphQL error instead of a `userError`."""


@dataclass(slots=True)
class ApiCustomers:
    """The clients of the gateway.

    Attributes:
        variants: ids of the variants on sale.
        placed: access tokens of orders that can be fulfilled or canceled.
        counts: how often each action succeeded or was rejected.
    """

    client: httpx2.AsyncClient
    dice: random.Random
    variants: list[str] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    async def load_variants(self, skus: Sequence[str]) -> None:
        """Load the variants on sale."""
        data = await self._query(VARIANTS, STOREFRONT, skus=skus)
        self.variants = [node["id"] for node in data["productVariants"]["nodes"]]

    async def buy(self) -> bool:
        """Fill a cart, perhaps move it, and place an order; return whether it was placed."""
        cart = await self._fill_cart()
        if cart is None:
            return False
        latitude, longitude = self.dice.choice(CUSTOMER_POINTS)
        near = {"latitude": latitude, "longitude": longitude}
        data = await self._query(OPTIONS, SHOP, cart=cart["token"], near=near)
        options = [option for option in data["fulfillmentOptions"] or () if not option["uncovered"]]
        if not options:
            self.counts["not available"] += 1
            return False
        return await self._submit_order(cart, self.dice.choice(options))

    async def _fill_cart(self) -> dict[str, Any] | None:
        channel = self.dice.choice(("till", "web"))
        chosen = self.dice.sample(self.variants, self.dice.choice((1, 1, 1, 2, 3)))
        lines = [{"variantId": variant, "quantity": self.dice.choice((1, 1, 2, 3))} for variant in chosen]
        made = await self._mutate("cartCreate", "CartCreateInput", CART, STOREFRONT, channelKey=channel, lines=lines)
        cart: dict[str, Any] | None = made["cart"]
        if cart is None or self.dice.random() < 0.7:
            return cart
        other = "web" if channel == "till" else "till"
        moved = await self._mutate("cartMove", "CartMoveInput", CART, SHOP, cartToken=cart["token"], channelKey=other)
        there: dict[str, Any] | None = moved["cart"]
        return there

    async def _submit_order(self, cart: Mapping[str, Any], option: Mapping[str, Any]) -> bool:
        total = Decimal(cart["total"]["amount"]) + Decimal(option["price"]["amount"])
        money = {"amount": f"{total:.2f}", "currencyCode": "GBP"}
        methods = {part["method"] for part in option["parts"]}
        kinds = ("TENDERED",) if "IN_STORE" in methods else ("PROVIDER", "TENDERED")
        kind = "ON_COLLECTION" if methods == {"PICKUP"} and self.dice.random() < 0.5 else self.dice.choice(kinds)
        made = await self._mutate(
            "orderPlace",
            "OrderPlaceInput",
            ORDER,
            SHOP,
            cartToken=cart["token"],
            cartVersion=cart["version"],
            fulfillmentOptionToken=option["token"],
            contact={"name": "Ivy Jackson"},
            shippingAddress=ADDRESS,
            payments=[{"kind": kind, "provider": "cash", "amount": money}],
            expectedTotal=money,
        )
        if made["order"] is None:
            return False
        self.placed.append(made["order"]["accessToken"])
        if kind == "PROVIDER":
            await self._pay(made["order"]["id"], money)
        return True

    async def _pay(self, order_id: str, money: Mapping[str, str]) -> None:
        """Let the provider pay: the channels receive the order then."""
        payment = {"kind": "PROVIDER", "provider": "cash", "amount": money}
        mutation = "orderPaymentRecord", "OrderPaymentRecordInput", ORDER, SHOP
        await self._mutate(*mutation, orderId=order_id, payment=payment)

    # -------------------------------------------------------------------------------------------- fulfillment

    async def progress_order(self) -> None:
        """Continue with an order: fulfill, cancel or reject it."""
        if not self.placed:
            return
        access = self.placed.pop(self.dice.randrange(len(self.placed)))
        order = (await self._query(ORDER_QUERY, STOREFRONT, access=access))["order"]
        if order["status"] not in ("PENDING", "OPEN"):
            return
        self.placed.append(access)
        if self.dice.random() < 0.15:
            given = {"orderId": order["id"], "version": order["version"], "reason": "changed their mind"}
            await self._mutate("orderCancel", "OrderCancelInput", ORDER, SHOP, **given)
            return
        for one in order["fulfillments"]:
            await self._progress_fulfillment(one)

    async def _progress_fulfillment(self, fulfillment: Mapping[str, Any]) -> None:
        given = {"fulfillmentId": fulfillment["id"], "version": fulfillment["version"]}
        waits = fulfillment["status"] in ("PENDING", "ACCEPTED")
        if waits and fulfillment["method"] == "SHIPPING" and self.dice.random() < 0.1:
            mutation = "fulfillmentReject", "FulfillmentRejectInput", FULFILLMENT, SHOP
            await self._mutate(*mutation, **given, reason="not found")
        elif fulfillment["method"] == "SHIPPING" and waits:
            tracking = [{"carrier": "Royal Mail", "number": f"RM{self.dice.randrange(10**9)}"}]
            await self._mutate("fulfillmentShip", "FulfillmentShipInput", FULFILLMENT, SHOP, **given, tracking=tracking)
        elif fulfillment["method"] == "PICKUP" and waits:
            await self._mutate("fulfillmentMarkReady", "FulfillmentMarkReadyInput", FULFILLMENT, SHOP, **given)
        elif fulfillment["status"] == "READY_FOR_PICKUP":
            mutation = "fulfillmentCollect", "FulfillmentCollectInput", FULFILLMENT, ADMIN
            await self._mutate(*mutation, fulfillmentId=fulfillment["id"], pickupCode=fulfillment["pickupCode"])

    # -------------------------------------------------------------------------------------------- requests

    async def _mutate(self, name: str, kind: str, fields: str, token: str, **values: Any) -> dict[str, Any]:
        """Execute a mutation, and return its payload."""
        document = f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {fields} {ERRORS} }} }}"
        key = f"{self.dice.getrandbits(128):032x}"
        payload: dict[str, Any] = (await self._query(document, token, input={**values, "idempotencyKey": key}))[name]
        self.counts[name if not payload["userErrors"] else f"{name}: {payload['userErrors'][0]['code']}"] += 1
        return payload

    async def _query(self, document: str, token: str, **variables: Any) -> dict[str, Any]:
        response = (await self._post({"query": document, "variables": variables}, token)).json()
        if "errors" in response:
            raise ContractViolationError(response["errors"][0]["message"])
        data: dict[str, Any] = response["data"]
        return data

    async def _post(self, request: Mapping[str, Any], token: str) -> httpx2.Response:
        """Post a request; retry after a network failure or if the gateway is overloaded, because each mutation has an
        idempotency key.
        """
        headers = {"authorization": f"Bearer {token}"}
        for _ in range(MAX_RETRIES):
            try:
                response = await self.client.post("/graphql", json=request, headers=headers)
                if response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                    return response
                await asyncio.sleep(float(response.headers.get("retry-after", 1)))
            except (httpx2.NetworkError, httpx2.RemoteProtocolError):
                pass
            self.counts["retries"] += 1
        return await self.client.post("/graphql", json=request, headers=headers)
