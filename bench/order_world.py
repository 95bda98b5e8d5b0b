"""A retailer whose channels accept commands immediately, and clients that place orders."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore

THINGS = 200
MOST_LINES = 3
PLENTY = 1_000_000

TABLES: Mapping[str, Any] = {
    "channels": {
        "till": {
            "plugin": "memory",
            "required": True,
            "config": {"writes": ["adjust"], "read_your_writes": True},
        },
        "store": {
            "plugin": "memory",
            "required": True,
            "config": {"writes": ["place", "cancel", "ship"], "read_your_writes": True},
        },
    },
    "locations": {
        "shop": {
            "name": "The shop",
            "kind": "STORE",
            "authority": "till",
            "channels": {"till": "shop", "store": "pickup"},
            "fulfillment_methods": ["IN_STORE"],
        },
        "depot": {
            "name": "The depot",
            "kind": "WAREHOUSE",
            "authority": "store",
            "channels": {"store": "depot"},
            "fulfillment_methods": ["SHIPPING"],
        },
    },
    "selling": {"tax_rate": "0.2", "shipping": {"GBP": "3.00"}},
}

VARIANTS = """query ($skus: [String!]) { productVariants(first: 100, filter: { skus: $skus }) { nodes { id } } }"""
CART = """mutation ($input: CartCreateInput!) { cartCreate(input: $input) {
  cart { token version total { amount } } userErrors { code } } }"""
OPTIONS = """query ($cart: String!) { fulfillmentOptions(cartToken: $cart) {
  token price { amount } parts { method } } }"""
ORDER_MUTATION = """mutation ($input: OrderPlaceInput!) { orderPlace(input: $input) {
  order { id number status total { amount } lines { nodes { sku quantity } } fulfillments { status location { key } } }
  userErrors { code } } }"""


class SharedStore(MemoryStore):
    """A store that several processes use: orders of each process have separate numbers."""

    def count(self, feed: str) -> int:
        return super().count(feed) + os.getpid() * 1_000_000


def create_stores() -> dict[str, MemoryStore]:
    """Create a till and a web store with the same products."""
    found = {"till": MemoryStore(), "store": SharedStore()}
    for key, location in (("till", "shop"), ("store", "depot")):
        for n in range(THINGS):
            found[key].put(
                "products",
                record_builders.build_product(f"{key}-{n}", sku=build_sku(n), price="2.50", title=f"Thing {n}"),
            )
            found[key].put("stock", record_builders.build_stock(f"{key}-{n}", location, PLENTY))
    return found


def build_sku(n: int) -> str:
    return f"THING-{n}"


class Asker(Protocol):
    """Sends requests, and returns the data of their responses."""

    async def query(self, query: str, **variables: Any) -> Any: ...


@dataclass(frozen=True)
class OrderClients:
    """Clients that fill carts with a few products each; half of the orders are taken away, half are shipped."""

    client: Asker
    variants: list[str]
    chance: random.Random

    @classmethod
    async def create(cls, client: Asker, seed: int) -> OrderClients:
        """Create clients with the variants on sale."""
        found = await client.query(VARIANTS, skus=[build_sku(n) for n in range(100)])
        return cls(client, [node["id"] for node in found["productVariants"]["nodes"]], random.Random(seed))

    async def prepare_order(self) -> dict[str, Any]:
        """Prepare the input of an order that can be placed."""
        some = self.chance.sample(self.variants, self.chance.randint(1, MOST_LINES))
        lines = [{"variantId": variant, "quantity": 1} for variant in some]
        created = {"channelKey": "store", "lines": lines, "idempotencyKey": str(uuid4())}
        cart = (await self.client.query(CART, input=created))["cartCreate"]["cart"]
        options = (await self.client.query(OPTIONS, cart=cart["token"]))["fulfillmentOptions"]
        return _build_order_input(cart, _pick_option(options, self.chance.choice(("IN_STORE", "SHIPPING"))))

    async def submit_order(self, order_input: Mapping[str, Any]) -> None:
        """Place an order."""
        payload = (await self.client.query(ORDER_MUTATION, input=order_input))["orderPlace"]
        if payload["userErrors"] or payload["order"]["status"] == "PENDING":
            raise AssertionError(payload)


def _pick_option(options: list[Any], method: str) -> Any:
    return next(one for one in options if [part["method"] for part in one["parts"]] == [method])


def _build_order_input(cart: Mapping[str, Any], option: Mapping[str, Any]) -> dict[str, Any]:
    pence = round(100 * (float(cart["total"]["amount"]) + float(option["price"]["amount"])))
    money = {"amount": f"{pence // 100}.{pence % 100:02}", "currencyCode": "GBP"}
    return {
        "cartToken": cart["token"],
        "cartVersion": cart["version"],
        "fulfillmentOptionToken": option["token"],
        "contact": {"name": "Ada Lovelace", "email": f"ada.{uuid4().hex[:12]}@example.com"},
        "shippingAddress": {"line1": "12 St James's Square", "city": "London", "countryCode": "GB"},
        "payments": [{"kind": "TENDERED", "provider": "bank", "amount": money}],
        "expectedTotal": money,
        "idempotencyKey": str(uuid4()),
    }
