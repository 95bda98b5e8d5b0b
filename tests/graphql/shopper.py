"""A client of the GraphQL API that fills carts and places orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.mutation_documents import build_document, run_mutation
from tests.graphql.world import ADMIN, World, build_till, build_web_store
from tests.graphql.writable_channels import WRITES, select_variant_id

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
        "sold_by": ["web"],
        "buffer": 2,
        "fulfillment_methods": ["IN_STORE", "PICKUP"],
        "point": {"latitude": 53.8, "longitude": -1.55},
    },
    "depot": {
        "name": "Depot",
        "kind": "WAREHOUSE",
        "authority": "web",
        "channels": {"web": "D"},
        "sold_by": ["till"],
        "fulfillment_methods": ["SHIPPING"],
        "point": {"latitude": 53.79, "longitude": -1.54},
    },
}
SELLING = {"tax_rate": "0.2", "shipping": {"GBP": "3.00"}}
TABLES: Mapping[str, Any] = {"channels": WRITES, "locations": LOCATIONS, "selling": SELLING}
UNCAPPED = {"unpaid_orders": 1_000_000, "unpaid_units": 1_000_000, "unpaid_share": "1"}
TRUSTING: Mapping[str, Any] = {
    **TABLES,
    "selling": {**SELLING, **UNCAPPED, "send_unpaid": ["till", "web"], "pay_within": "30d"},
}
"""A retailer who sends orders to the channels before they are paid, and lets clients hold what they like."""

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


def build_stores() -> dict[str, MemoryStore]:
    """Build a till and a web store, which both list mugs and red tees."""
    shop = build_web_store()
    shop.put("stock", {"id": "w-mug@D", "item": "w-mug", "place": "D", "on_hand": 5})
    return {"till": build_till(), "web": shop}


def make_key() -> str:
    """Make a unique idempotency key."""
    return str(uuid4())


@dataclass
class Shopper:
    """A client with a cart. `token`: the customer's token, or None for an anonymous client."""

    world: World
    token: str | None = None
    cart: dict[str, Any] = field(default_factory=dict)

    async def ask(self, name: str, *, by: str | None = None, **given: Any) -> dict[str, Any]:
        """Run a mutation as this client and return its payload."""
        answer = await self.world.client.ask(
            build_document(name), by or self.token, input={"idempotencyKey": make_key(), **given}
        )
        payload: dict[str, Any] = answer.data[name]
        if payload.get("cart"):
            self.cart = payload["cart"]
        return payload

    async def fill(self, channel: str, **skus: int) -> dict[str, Any]:
        """Create a cart with these quantities, by SKU; `_` stands for a hyphen."""
        lines = [
            {"variantId": await select_variant_id(self.world, sku.replace("_", "-")), "quantity": quantity}
            for sku, quantity in skus.items()
        ]
        return await self.ask("cartCreate", channelKey=channel, lines=lines)

    async def list_options(self, **near: float) -> list[dict[str, Any]]:
        """Fetch the fulfillment options of the cart."""
        where = near or None
        found = await self.world.client.fetch_data(OPTIONS, self.token, cart=self.cart["token"], near=where)
        options: list[dict[str, Any]] = found["fulfillmentOptions"]
        return options

    async def find_option(self, method: str, location: str) -> dict[str, Any]:
        """Find the option that consists of one shipment by this method from this location."""
        return next(
            one
            for one in await self.list_options()
            if {(part["method"], part["location"]["key"]) for part in one["parts"]} == {(method, location)}
        )

    async def buy(self, option: Mapping[str, Any], *, by: str | None = None, **other: Any) -> dict[str, Any]:
        """Place an order for the cart with this option, let its provider pay, and return the payload."""
        payload = await self.submit(option, by=by, **other)
        return await pay_provider(self.world, payload)

    async def submit(self, option: Mapping[str, Any], *, by: str | None = None, **other: Any) -> dict[str, Any]:
        """Place an order for the cart with this option and return the payload."""
        total = f"{(to_cents(self.cart['total']) + to_cents(option['price'])) / 100:.2f}"
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


def to_cents(money: Mapping[str, str]) -> int:
    """Convert an amount to the smallest unit of its currency."""
    return round(float(money["amount"]) * 100)


async def pay_provider(world: World, payload: dict[str, Any]) -> dict[str, Any]:
    """Record the payments that an order waits for, and return the payload with the order as its customer sees it."""
    placed = payload["order"] or {}
    for payment in placed.get("payments", ()):
        if (payment["kind"], payment["status"]) == ("PROVIDER", "PENDING"):
            paid = await record_payment(world, placed["id"], payment["amount"]["amount"])
            codes = {one["id"]: one["pickupCode"] for one in placed["fulfillments"]}
            parts = [one | {"pickupCode": codes.get(one["id"])} for one in paid["order"]["fulfillments"]]
            seen = {"accessToken": placed["accessToken"], "fulfillments": parts}
            payload = {**payload, "order": {**paid["order"], **seen}}
    return payload


async def record_payment(
    world: World, order: str, amount: str, reference: str | None = None, provider: str = "stripe"
) -> dict[str, Any]:
    """Record a payment through a provider, and return the payload."""
    money = {"amount": amount, "currencyCode": "GBP"}
    payment = {"kind": "PROVIDER", "provider": provider, "reference": reference, "amount": money}
    return await run_as_staff(world, "orderPaymentRecord", orderId=order, payment=payment)


async def run_as_staff(world: World, name: str, **given: Any) -> dict[str, Any]:
    """Run a mutation with every scope and return its payload."""
    return await run_mutation(world, name, make_key(), ADMIN, **given)
