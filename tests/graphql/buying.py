"""Buying something through the gateway, in tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from gateway.sdk.testing.memory import MemoryStore
from tests.graphql.mutating import document, wish
from tests.graphql.selling import WRITES, variant_id
from tests.graphql.world import ADMIN, World, till, web

LOCATIONS: Mapping[str, Any] = {
    "london": {
        "name": "London",
        "kind": "STORE",
        "authority": "till",
        "channels": {"till": "L", "web": "l-web"},
        "fulfillment_methods": ["IN_STORE", "PICKUP"],
        "point": {"latitude": 51.5, "longitude": -0.15},
    },
    "leeds": {
        "name": "Leeds",
        "kind": "STORE",
        "authority": "till",
        "channels": {"till": "M"},
        "buffer": 2,
        "fulfillment_methods": ["IN_STORE", "PICKUP"],
        "point": {"latitude": 53.8, "longitude": -1.55},
    },
    "depot": {
        "name": "Depot",
        "kind": "WAREHOUSE",
        "authority": "web",
        "channels": {"web": "D"},
        "fulfillment_methods": ["SHIPPING"],
        "point": {"latitude": 53.79, "longitude": -1.54},
    },
}
SELLING = {"tax_rate": "0.2", "shipping": {"GBP": "3.00"}}
TABLES: Mapping[str, Any] = {"channels": WRITES, "locations": LOCATIONS, "selling": SELLING}
CONTACT = {"name": "Ada Lovelace", "email": "ada@example.com"}
ADDRESS = {"line1": "12 St James's Square", "city": "London", "countryCode": "GB"}

OPTIONS = """
query ($cart: String!, $near: GeoPointInput) {
  fulfillmentOptions(cartToken: $cart, near: $near) {
    token label price { amount } readyAt distanceKm expiresAt
    parts { method location { key } transferFrom { key } lines { quantity line { sku } } readyAt }
    uncovered { quantity line { sku } }
  }
}
"""


def stores() -> dict[str, MemoryStore]:
    """A till and a web store, which both list mugs and red tees."""
    shop = web()
    shop.put("stock", {"id": "w-mug@D", "item": "w-mug", "place": "D", "on_hand": 5})
    return {"till": till(), "web": shop}


def key() -> str:
    """A key that no other wish has."""
    return str(uuid4())


@dataclass
class Shopper:
    """Somebody with a cart. `token`: hers, if she has one."""

    world: World
    token: str | None = None
    cart: dict[str, Any] = field(default_factory=dict)

    async def ask(self, name: str, *, by: str | None = None, **given: Any) -> dict[str, Any]:
        """A wish of hers; the payload."""
        answer = await self.world.client.ask(document(name), by or self.token, input={"idempotencyKey": key(), **given})
        payload: dict[str, Any] = answer.data[name]
        if payload.get("cart"):
            self.cart = payload["cart"]
        return payload

    async def fill(self, channel: str, **skus: int) -> dict[str, Any]:
        """Begin a cart with these, by SKU; `_` stands for a hyphen."""
        lines = [
            {"variantId": await variant_id(self.world, sku.replace("_", "-")), "quantity": quantity}
            for sku, quantity in skus.items()
        ]
        return await self.ask("cartCreate", channelKey=channel, lines=lines)

    async def options(self, **near: float) -> list[dict[str, Any]]:
        """How it could reach her."""
        where = near or None
        found = await self.world.client.data(OPTIONS, self.token, cart=self.cart["token"], near=where)
        options: list[dict[str, Any]] = found["fulfillmentOptions"]
        return options

    async def option(self, method: str, location: str) -> dict[str, Any]:
        """The option of one part by this method from there."""
        return next(
            one
            for one in await self.options()
            if {(part["method"], part["location"]["key"]) for part in one["parts"]} == {(method, location)}
        )

    async def buy(self, option: Mapping[str, Any], *, by: str | None = None, **other: Any) -> dict[str, Any]:
        """Order what is in the cart so; the payload."""
        total = f"{(cents(self.cart['total']) + cents(option['price'])) / 100:.2f}"
        money = {"amount": total, "currencyCode": "GBP"}
        return await self.ask(
            "orderPlace",
            by=by,
            **{
                "cartToken": self.cart["token"],
                "cartVersion": self.cart["version"],
                "fulfillmentOptionToken": option["token"],
                "contact": CONTACT,
                "shippingAddress": ADDRESS,
                "payments": [{"kind": "PROVIDER", "provider": "stripe", "amount": money}],
                "expectedTotal": money,
                **other,
            },
        )


def cents(money: Mapping[str, str]) -> int:
    """An amount in the smallest unit."""
    return round(float(money["amount"]) * 100)


async def staff(world: World, name: str, **given: Any) -> dict[str, Any]:
    """A wish of somebody who may do everything; the payload."""
    return await wish(world, name, key(), ADMIN, **given)
