"""A retailer whose channels take what they are told at once, and shoppers who are about to order."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from tests.bench.house import Client

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
PLACE = """mutation ($input: OrderPlaceInput!) { orderPlace(input: $input) {
  order { id number status total { amount } lines { nodes { sku quantity } } fulfillments { status location { key } } }
  userErrors { code } } }"""


class ApartStore(MemoryStore):
    """Stands for a store that several processes talk to: what is ordered in each has numbers of its own."""

    def count(self, feed: str) -> int:
        return super().count(feed) + os.getpid() * 1_000_000


def stores() -> dict[str, MemoryStore]:
    """A till and a web store with the same things."""
    found = {"till": MemoryStore(), "store": ApartStore()}
    for key, place in (("till", "shop"), ("store", "depot")):
        for n in range(THINGS):
            found[key].put("products", rows.product(f"{key}-{n}", sku=sku(n), price="2.50", title=f"Thing {n}"))
            found[key].put("stock", rows.stock(f"{key}-{n}", place, PLENTY))
    return found


def sku(n: int) -> str:
    return f"THING-{n}"


@dataclass(frozen=True)
class Shoppers:
    """They fill carts with a few things each, half of them to take away, half of them to be sent."""

    client: Client
    variants: list[str]
    chance: random.Random

    @classmethod
    async def of(cls, client: Client, seed: int) -> Shoppers:
        """Shoppers who know what there is."""
        found = await client.data(VARIANTS, skus=[sku(n) for n in range(100)])
        return cls(client, [node["id"] for node in found["productVariants"]["nodes"]], random.Random(seed))

    async def wish(self) -> dict[str, Any]:
        """The input of an order that can be placed."""
        some = self.chance.sample(self.variants, self.chance.randint(1, MOST_LINES))
        lines = [{"variantId": variant, "quantity": 1} for variant in some]
        created = {"channelKey": "store", "lines": lines, "idempotencyKey": str(uuid4())}
        cart = (await self.client.data(CART, input=created))["cartCreate"]["cart"]
        options = (await self.client.data(OPTIONS, cart=cart["token"]))["fulfillmentOptions"]
        return _input(cart, _of(options, self.chance.choice(("IN_STORE", "SHIPPING"))))

    async def order(self, wish: Mapping[str, Any]) -> None:
        """Place it."""
        payload = (await self.client.data(PLACE, input=wish))["orderPlace"]
        if payload["userErrors"] or payload["order"]["status"] == "PENDING":
            raise AssertionError(payload)


def _of(options: list[Any], method: str) -> Any:
    return next(one for one in options if [part["method"] for part in one["parts"]] == [method])


def _input(cart: Mapping[str, Any], option: Mapping[str, Any]) -> dict[str, Any]:
    pence = round(100 * (float(cart["total"]["amount"]) + float(option["price"]["amount"])))
    money = {"amount": f"{pence // 100}.{pence % 100:02}", "currencyCode": "GBP"}
    return {
        "cartToken": cart["token"],
        "cartVersion": cart["version"],
        "fulfillmentOptionToken": option["token"],
        "contact": {"name": "Ada Lovelace", "email": "ada@example.com"},
        "shippingAddress": {"line1": "12 St James's Square", "city": "London", "countryCode": "GB"},
        "payments": [{"kind": "PROVIDER", "provider": "bank", "amount": money}],
        "expectedTotal": money,
        "idempotencyKey": str(uuid4()),
    }
