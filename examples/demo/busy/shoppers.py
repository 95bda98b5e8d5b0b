"""Who buys through the gateway, and who stands in the shops and hands things over: as any client would, over HTTP."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx2

SHOP, STOREFRONT, ADMIN = "demo-shop", "demo-storefront", "demo-admin"
LIVING = ((51.52, -0.15), (53.48, -2.24), (53.80, -1.55))
ERRORS = "userErrors { code message }"
ORDER = "order { id version status accessToken fulfillments { id version status method pickupCode } }"
FULFILLMENT = f"fulfillment {{ {ORDER} }}"
CART = "cart { token version total { amount } }"
OPTIONS = """
query ($cart: String!, $near: GeoPointInput) {
  fulfillmentOptions(cartToken: $cart, near: $near) { token price { amount } parts { method } uncovered { quantity } }
}"""
LOOK = f"query ($access: String!) {{ {ORDER.replace('order', 'order(by: {accessToken: $access})', 1)} }}"
VARIANTS = "query ($skus: [String!]) { productVariants(first: 100, filter: { skus: $skus }) { nodes { id } } }"
TRIES = 3
ADDRESS = {"line1": "3 Mill Lane", "city": "Leeds", "postalCode": "LS2 7EW", "countryCode": "GB"}


class UnansweredError(Exception):
    """The gateway broke its own contract: it gave an error where it should have said what is wrong."""


@dataclass(slots=True)
class Shoppers:
    """Everybody who talks to the gateway.

    Attributes:
        variants: what there is to buy.
        placed: the access tokens of orders that may still be handed over or canceled.
        said: how often something was done, and what was refused.
    """

    client: httpx2.AsyncClient
    dice: random.Random
    variants: list[str] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)

    async def look(self, skus: Sequence[str]) -> None:
        """See what there is."""
        found = await self._ask(VARIANTS, STOREFRONT, skus=skus)
        self.variants = [node["id"] for node in found["productVariants"]["nodes"]]

    async def buy(self) -> bool:
        """Somebody fills a cart, carries it elsewhere perhaps, and orders; whether it became an order."""
        cart = await self._filled()
        if cart is None:
            return False
        latitude, longitude = self.dice.choice(LIVING)
        near = {"latitude": latitude, "longitude": longitude}
        found = await self._ask(OPTIONS, SHOP, cart=cart["token"], near=near)
        whole = [one for one in found["fulfillmentOptions"] or () if not one["uncovered"]]
        if not whole:
            self.said["nobody has it"] += 1
            return False
        return await self._ordered(cart, self.dice.choice(whole))

    async def _filled(self) -> dict[str, Any] | None:
        channel = self.dice.choice(("till", "web"))
        chosen = self.dice.sample(self.variants, self.dice.choice((1, 1, 1, 2, 3)))
        lines = [{"variantId": variant, "quantity": self.dice.choice((1, 1, 2, 3))} for variant in chosen]
        made = await self._wish("cartCreate", "CartCreateInput", CART, STOREFRONT, channelKey=channel, lines=lines)
        cart: dict[str, Any] | None = made["cart"]
        if cart is None or self.dice.random() < 0.7:
            return cart
        other = "web" if channel == "till" else "till"
        moved = await self._wish("cartMove", "CartMoveInput", CART, SHOP, cartToken=cart["token"], channelKey=other)
        there: dict[str, Any] | None = moved["cart"]
        return there

    async def _ordered(self, cart: Mapping[str, Any], option: Mapping[str, Any]) -> bool:
        total = Decimal(cart["total"]["amount"]) + Decimal(option["price"]["amount"])
        money = {"amount": f"{total:.2f}", "currencyCode": "GBP"}
        methods = {part["method"] for part in option["parts"]}
        kinds = ("TENDERED",) if "IN_STORE" in methods else ("PROVIDER", "TENDERED")
        kind = "ON_COLLECTION" if methods == {"PICKUP"} and self.dice.random() < 0.5 else self.dice.choice(kinds)
        made = await self._wish(
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
        return True

    # -------------------------------------------------------------------------------------------- afterwards

    async def go_on(self) -> None:
        """Something happens to an order: it is handed over, canceled, or not found on the shelf."""
        if not self.placed:
            return
        access = self.placed.pop(self.dice.randrange(len(self.placed)))
        order = (await self._ask(LOOK, STOREFRONT, access=access))["order"]
        if order["status"] not in ("PENDING", "OPEN"):
            return
        self.placed.append(access)
        if self.dice.random() < 0.15:
            given = {"orderId": order["id"], "version": order["version"], "reason": "changed her mind"}
            await self._wish("orderCancel", "OrderCancelInput", ORDER, SHOP, **given)
            return
        for one in order["fulfillments"]:
            await self._handed(one)

    async def _handed(self, one: Mapping[str, Any]) -> None:
        given = {"fulfillmentId": one["id"], "version": one["version"]}
        waits = one["status"] in ("PENDING", "ACCEPTED")
        if waits and one["method"] == "SHIPPING" and self.dice.random() < 0.1:
            wish = "fulfillmentReject", "FulfillmentRejectInput", FULFILLMENT, SHOP
            await self._wish(*wish, **given, reason="not on the shelf")
        elif one["method"] == "SHIPPING" and waits:
            tracking = [{"carrier": "Royal Mail", "number": f"RM{self.dice.randrange(10**9)}"}]
            await self._wish("fulfillmentShip", "FulfillmentShipInput", FULFILLMENT, SHOP, **given, tracking=tracking)
        elif one["method"] == "PICKUP" and waits:
            await self._wish("fulfillmentMarkReady", "FulfillmentMarkReadyInput", FULFILLMENT, SHOP, **given)
        elif one["status"] == "READY_FOR_PICKUP":
            wish = "fulfillmentCollect", "FulfillmentCollectInput", FULFILLMENT, ADMIN
            await self._wish(*wish, fulfillmentId=one["id"], pickupCode=one["pickupCode"])

    # -------------------------------------------------------------------------------------------- asking

    async def _wish(self, name: str, kind: str, fields: str, token: str, **given: Any) -> dict[str, Any]:
        """What came of it."""
        document = f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {fields} {ERRORS} }} }}"
        key = f"{self.dice.getrandbits(128):032x}"
        found: dict[str, Any] = (await self._ask(document, token, input={**given, "idempotencyKey": key}))[name]
        self.said[name if not found["userErrors"] else f"{name}: {found['userErrors'][0]['code']}"] += 1
        return found

    async def _ask(self, document: str, token: str, **variables: Any) -> dict[str, Any]:
        said = (await self._sent({"query": document, "variables": variables}, token)).json()
        if "errors" in said:
            raise UnansweredError(said["errors"][0]["message"])
        found: dict[str, Any] = said["data"]
        return found

    async def _sent(self, asked: Mapping[str, Any], token: str) -> httpx2.Response:
        """The answer. What was lost, because the server had hung up, is sent again: each wish has its key."""
        headers = {"authorization": f"Bearer {token}"}
        for _ in range(TRIES):
            try:
                return await self.client.post("/graphql", json=asked, headers=headers)
            except (httpx2.NetworkError, httpx2.RemoteProtocolError):
                self.said["sent again"] += 1
        return await self.client.post("/graphql", json=asked, headers=headers)
