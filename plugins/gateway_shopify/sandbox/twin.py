"""A store that is sold from, subscribed to and broken, over the HTTP that it speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.sdk.testing.sandbox import FAULTS, SandboxError, World
from gateway.sdk.testing.server import Server
from gateway_shopify.sandbox import routes, selling
from gateway_shopify.sandbox.api import Api, topics
from gateway_shopify.sandbox.bucket import Bucket
from gateway_shopify.sandbox.deliveries import Deliveries
from gateway_shopify.sandbox.loading import load, priced
from gateway_shopify.sandbox.server import Manners, application
from gateway_shopify.sandbox.shop import Node, Shop, number, utc_now

DOMAIN = "sandbox-store.myshopify.com"
TOKEN = "shpat_sandbox"  # noqa: S105 of a twin that holds nothing
SECRET = "sandbox-client-secret"  # noqa: S105 likewise
POINTS, POINTS_PER_SECOND = 1000.0, 100.0


async def start(
    world: World,
    directory: Path,
    port: int | None = None,
    webhooks_to: str | None = None,
    *,
    scale: float = 1,
    now: Callable[[], datetime] = utc_now,
) -> ShopSandbox:
    """A store that lives as long as this process. `scale`: how much faster than time its cost bucket fills."""
    shop = Shop(world.currency, taxes_included=True, tax_rate=world.tax_rate, now=now)
    places = load(shop, world)
    sandbox = ShopSandbox(shop, world, places, Bucket(POINTS, POINTS_PER_SECOND * scale), port)
    if webhooks_to is not None:
        sandbox.subscribe(webhooks_to)
    await sandbox.open()
    return sandbox


class ShopSandbox:
    """See `gateway.sdk.testing.sandbox.Sandbox`.

    Attributes:
        places: the number of each location, by the world's place.
        manners: how it behaves; what it was asked.
    """

    def __init__(self, shop: Shop, world: World, places: Mapping[str, str], bucket: Bucket, port: int | None) -> None:
        self.shop = shop
        self.places = places
        self.api = Api(shop, bucket)
        self.manners = Manners()
        self.deliveries = Deliveries(shop, DOMAIN, SECRET, shop.now)
        shop.emit = self.deliveries.emit
        self._world = world
        self._server = Server(application(self.api, TOKEN, self.manners), port)
        self._mending: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen."""
        await self._server.open()

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "shop": DOMAIN,
            "access_token": TOKEN,
            "currency": self._world.currency,
            "time_zone": self._world.time_zone,
            "webhook_secrets": [SECRET],
            "address": f"http://127.0.0.1:{self._server.port}",
        }

    def subscribe(self, url: str) -> None:
        """Send every topic to this address."""
        for topic in topics():
            self.shop.add("WebhookSubscription", topic=topic, uri=url)

    async def sell(
        self, sku: str, quantity: int, place: str, *, customer: str | None = None, at: datetime | None = None
    ) -> str:
        """An order over the web, to be sent from this place: promised, and not yet gone."""
        if quantity < 1:
            raise SandboxError(f"quantity: expected 1 or more, found {quantity}")
        variant, location = self.shop.variant(sku), self._place(place)
        buyer = None if customer is None else self._customer(customer)
        sold = selling.Sold(variant, quantity, Decimal(variant["price"]))
        order = selling.take_order(self.shop, [sold], customer=buyer, at=at or self.shop.now())
        lines = [(line, line["quantity"]) for line in order["lineItems"]]
        routes.route(self.shop, order, location, lines)
        routes.claim(self.shop, order, location, lines)
        self.shop.touch(order, "orders/create")
        return str(number(order["id"]))

    async def fulfill(self, order: str) -> None:
        """Send everything of an order that has not left yet."""
        routes.send_all(self.shop, self._node("Order", order))

    async def refund(self, order: str, sku: str, quantity: int) -> None:
        """Take units back that were sent, and pay for them."""
        node = self._node("Order", order)
        selling.refund(self.shop, node, {sku: quantity}, at=self.shop.now())
        line = next(line for line in node["lineItems"] if line["sku"] == sku)
        place = next(
            routes.place_of(one)
            for one in node["fulfillmentOrders"]
            if any(item["lineItem"] is line for item in one["lineItems"])
        )
        self.shop.stock(line["variant"]["inventoryItem"], place, available=quantity, on_hand=quantity)
        self.shop.touch(node, "orders/updated")
        body = {"id": number(node["refunds"][-1]["id"]), "order_id": number(node["id"])}
        self.shop.emit("refunds/create", body)

    async def cancel(self, order: str) -> None:
        """Cancel an order that has not been sent."""
        routes.cancel(self.shop, self._node("Order", order))

    async def count(self, sku: str, place: str, units: int) -> None:
        """Set what is available, as after a count."""
        item, location = self.shop.variant(sku)["inventoryItem"], self._place(place)
        level = self.shop.levels.get(number(item["id"]), {}).get(number(location["id"]))
        difference = units - (0 if level is None else level["counts"].get("available", 0))
        self.shop.stock(item, location, available=difference, on_hand=difference)

    async def merge(self, gone: str, kept: str) -> None:
        """Merge one customer into another, by their numbers."""
        old, new = self._node("Customer", gone), self._node("Customer", kept)
        job = f"gid://shopify/Job/{gone}-{kept}"
        self.shop.merges[job] = number(new["id"])
        for order in self.shop.all("Order"):
            order["customer"] = new if order["customer"] is old else order["customer"]
        self.shop.remove(old)
        self.shop.touch(new, "customers/update")
        ids = {f"admin_graphql_api_customer_{name}_id": node["id"] for name, node in (("kept", new), ("deleted", old))}
        self.shop.emit("customers/merge", {**ids, "admin_graphql_api_job_id": job})

    async def price(self, sku: str, amount: Decimal) -> None:
        variant = self.shop.variant(sku)
        variant["price"] = str(priced(self.shop, amount))
        self._changed(variant)

    async def product(self, sku: str, *, title: str | None = None, deleted: bool = False) -> None:
        if deleted == (title is not None):
            raise SandboxError("expected either a title or deleted")
        product = self.shop.variant(sku)["product"]
        if title is not None:
            product["title"] = title
            return self.shop.touch(product, "products/update")
        for variant in product["variants"]:
            self.shop.remove(variant)
            self.shop.remove(variant["inventoryItem"])
            self.shop.levels.pop(number(variant["inventoryItem"]["id"]), None)
        self.shop.remove(product)
        return self.shop.emit("products/delete", {"id": number(product["id"])})

    def _changed(self, variant: Node) -> None:
        self.shop.touch(variant)
        self.shop.touch(variant["product"], "products/update")

    async def fault(self, mode: str, seconds: float | None = None) -> None:
        if mode not in FAULTS:
            raise SandboxError(f"mode: expected one of {', '.join(FAULTS)}, found {mode}")
        if self._mending is not None:
            self._mending.cancel()
        self.manners.behave(mode)
        await (self._server.close() if mode == "down" else self._server.open())
        if mode != "ok" and seconds is not None:
            self._mending = asyncio.get_running_loop().call_later(seconds, self._mend_later)

    def _mend_later(self) -> None:
        task = asyncio.get_running_loop().create_task(self.fault("ok"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        if self._mending is not None:
            self._mending.cancel()
        await asyncio.gather(*self._tasks)
        self.manners.behave("ok")
        await self.deliveries.close()
        await self._server.close()

    def _place(self, place: str) -> Node:
        return self.shop.place(self.places.get(place, place))

    def _customer(self, customer: str) -> Node:
        return self._node("Customer", customer)

    def _node(self, kind: str, key: str) -> Node:
        found = self.shop.nodes.get(kind, {}).get(int(key)) if key.isdigit() else None
        if found is None:
            raise SandboxError(f"{kind.lower()}: the shop has no {kind.lower()} {key}")
        return found
