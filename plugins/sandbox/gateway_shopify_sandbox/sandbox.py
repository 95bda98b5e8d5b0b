"""The sandbox of a store: sales, changes, webhooks and faults, over the HTTP API."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.sdk.testing.fault_timer import FaultTimer, check_fault
from gateway.sdk.testing.sandbox import SandboxError, World
from gateway.sdk.testing.sandbox_server import Server
from gateway_shopify_sandbox import fulfillment_orders, order_edits, orders, refunds
from gateway_shopify_sandbox.api import Api, list_topics
from gateway_shopify_sandbox.collections import put_collection, remove_from_collections
from gateway_shopify_sandbox.customers import customer_erasure
from gateway_shopify_sandbox.customers.customer_accounts import PATH, CustomerLogins
from gateway_shopify_sandbox.http_app import HttpBehavior, build_app
from gateway_shopify_sandbox.oauth import AppAuthorization
from gateway_shopify_sandbox.rate_limit import CostBucket
from gateway_shopify_sandbox.seed import compute_price, load_world
from gateway_shopify_sandbox.state import Node, Shop, get_utc_now, parse_number
from gateway_shopify_sandbox.webhook_delivery import WebhookSender

DOMAIN = "sandbox-store.myshopify.com"
TOKEN = "shpat_sandbox"  # noqa: S105 of a sandbox without secrets
CLIENT_ID = "sandbox-client-id"
SECRET = "sandbox-client-secret"  # noqa: S105 likewise
POINTS, POINTS_PER_SECOND = 1000.0, 100.0


async def start(
    world: World,
    directory: Path,
    port: int | None = None,
    webhooks_to: str | None = None,
    *,
    scale: float = 1,
    now: Callable[[], datetime] = get_utc_now,
) -> ShopifySandbox:
    """Start a store, which exists as long as the process. `scale`: speed at which the cost bucket fills, relative to
    real time.
    """
    shop = Shop(world.currency, taxes_included=True, tax_rate=world.tax_rate, now=now)
    locations = load_world(shop, world)
    sandbox = ShopifySandbox(shop, world, locations, CostBucket(POINTS, POINTS_PER_SECOND * scale), port)
    if webhooks_to is not None:
        sandbox.subscribe(webhooks_to)
    await sandbox.open()
    return sandbox


class ShopifySandbox:
    """Sandbox of a store; see `gateway.sdk.testing.sandbox.Sandbox`.

    Attributes:
        locations: Number of each location, by the world's location ID.
        logins: Customers who have logged in.
        behavior: Faults and overrides, and the executed operations.
    """

    def __init__(
        self, shop: Shop, world: World, locations: Mapping[str, str], bucket: CostBucket, port: int | None
    ) -> None:
        self.shop = shop
        self.locations = locations
        self.api = Api(shop, bucket)
        self.behavior = HttpBehavior()
        self.logins = CustomerLogins()
        self.deliveries = WebhookSender(shop, DOMAIN, SECRET, shop.now)
        shop.emit = self.deliveries.emit
        self._world = world
        app = AppAuthorization(DOMAIN, CLIENT_ID, SECRET, TOKEN, shop.now)
        self._server = Server(build_app(self.api, app, self.behavior, self.logins), port)
        self._fault_timer = FaultTimer(lambda: self.fault("ok"))

    async def open(self) -> None:
        """Start listening."""
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
            "customer_account_url": f"http://127.0.0.1:{self._server.port}{PATH}",
        }

    def log_in(self, customer: str) -> str:
        """Log a customer of the world in, by ID, and return the access token of the Customer Account API."""
        return self.logins.add_login(self._get_customer(customer))

    def subscribe(self, url: str) -> None:
        """Subscribe a URL to every topic, and name it in the app for those about personal data."""
        self.deliveries.compliance_url = url
        for topic in list_topics():
            self.shop.add("WebhookSubscription", topic=topic, uri=url)

    async def sell(
        self,
        sku: str,
        quantity: int,
        place: str,
        *,
        customer: str | None = None,
        at: datetime | None = None,
        test: bool = False,
    ) -> str:
        """Create an unshipped order at a location, and commit its stock. `test`: paid with a test payment."""
        if quantity < 1:
            raise SandboxError(f"quantity: expected 1 or more, found {quantity}")
        variant, location = self.shop.get_variant(sku), self._get_location(place)
        buyer = None if customer is None else self._get_customer(customer)
        sold = orders.SoldLine(variant, quantity, Decimal(variant["price"]))
        order = orders.create_order(self.shop, [sold], customer=buyer, at=at or self.shop.now())
        order["test"] = test
        lines = [(line, line["quantity"]) for line in order["lineItems"]]
        fulfillment_orders.create_fulfillment_order(self.shop, order, location, lines)
        fulfillment_orders.claim_stock(self.shop, order, location, lines)
        self.shop.touch(order, "orders/create")
        return str(parse_number(order["id"]))

    async def put_collection(self, title: str, skus: Sequence[str]) -> str:
        """Create a collection of the products of these SKUs, or replace its products. Returns its number."""
        products = {id(product): product for sku in skus for product in [self.shop.get_variant(sku)["product"]]}
        return str(parse_number(put_collection(self.shop, title, list(products.values()))["id"]))

    async def delete_collection(self, collection: str) -> None:
        """Delete a collection."""
        node = self._get_node("Collection", collection)
        self.shop.remove(node)
        self.shop.emit("collections/delete", {"id": parse_number(node["id"])})

    async def fulfill_order(self, order: str) -> None:
        """Ship all units of an order."""
        fulfillment_orders.ship_order(self.shop, self._get_node("Order", order))

    async def ship_units(self, order: str, sku: str, quantity: int, place: str | None = None) -> None:
        """Ship some units of a line. `place`: the location that ships them; None: any."""
        node, location = self._get_node("Order", order), None if place is None else self._get_location(place)
        fulfillment_orders.ship_units(self.shop, node, _get_line(node, sku), quantity, location)

    async def move_units(self, order: str, sku: str, quantity: int, place: str) -> None:
        """Assign unshipped units of a line, which are at one other location, to this location."""
        node, location = self._get_node("Order", order), self._get_location(place)
        if not fulfillment_orders.move_units(self.shop, node, _get_line(node, sku), quantity, location):
            raise SandboxError(f"quantity: {quantity} units cannot be moved to {place}")

    async def refund_order(
        self, order: str, sku: str, quantity: int, restock_type: str = "RETURN", place: str | None = None
    ) -> None:
        """Refund units with their price. `restock_type`: `RETURN` of shipped units, `CANCEL` of others, or
        `NO_RESTOCK`. `place`: the location where they are available again; None: where the line leaves from.
        """
        node, location = self._get_node("Order", order), None if place is None else self._get_location(place)
        line = _get_line(node, sku)
        refunded = refunds.RefundedUnits(line, quantity, restock_type, location)
        if not 0 < quantity <= refunds.count_refundable(refunded):
            raise SandboxError(f"quantity: {quantity} units cannot be refunded with {restock_type}")
        amount = refunds.compute_value(self.shop, node, line, quantity)
        refunds.refund_units(self.shop, node, [refunded], amount)

    async def edit_order(self, order: str, sku: str, quantity: int, *, restock: bool = True) -> None:
        """Set how many units of an order there are, or add a line with them. No money is refunded."""
        session = order_edits.begin_edit(self.shop, self._get_node("Order", order)["id"])["calculatedOrder"]
        if session is None:
            raise SandboxError(f"order: {order} cannot be edited")
        line = next((entry for entry in session["lineItems"] if entry["sku"] == sku), None)
        if line is None:
            answer = order_edits.add_variant(self.shop, session["id"], self.shop.get_variant(sku)["id"], quantity)
        else:
            answer = order_edits.set_quantity(self.shop, session["id"], line["id"], quantity, restock)
        for error in [*answer["userErrors"], *order_edits.commit_edit(self.shop, session["id"])["userErrors"]]:
            raise SandboxError(f"quantity: {error['message']}")

    async def cancel_order(self, order: str) -> None:
        """Cancel an unshipped order."""
        fulfillment_orders.cancel_order(self.shop, self._get_node("Order", order))

    async def count_stock(self, sku: str, place: str, units: int) -> None:
        """Set the available units, as after a count."""
        item, location = self.shop.get_variant(sku)["inventoryItem"], self._get_location(place)
        level = self.shop.levels.get(parse_number(item["id"]), {}).get(parse_number(location["id"]))
        difference = units - (0 if level is None else level["counts"].get("available", 0))
        self.shop.add_stock(item, location, available=difference, on_hand=difference)

    async def activate_location(self, place: str, *, active: bool) -> None:
        """Activate or deactivate a location. A deactivated one is not listed, and has no levels."""
        self._get_location(place)["isActive"] = active

    async def merge_customers(self, customer: str, into: str) -> None:
        """Merge one customer into another, by their numbers."""
        old, new = self._get_node("Customer", customer), self._get_node("Customer", into)
        job = f"gid://shopify/Job/{customer}-{into}"
        self.shop.merges[job] = parse_number(new["id"])
        for order in self.shop.list_nodes("Order"):
            order["customer"] = new if order["customer"] is old else order["customer"]
        self.shop.remove(old)
        self.shop.touch(new, "customers/update")
        ids = {f"admin_graphql_api_customer_{name}_id": node["id"] for name, node in (("kept", new), ("deleted", old))}
        self.shop.emit("customers/merge", {**ids, "admin_graphql_api_job_id": job})

    async def erase_customer(self, customer: str) -> None:
        """Erase the personal data of a customer, as the staff of the store does."""
        customer_erasure.request_erasure(self.shop, self._get_customer(customer)["id"])

    async def request_data(self, customer: str) -> None:
        """Ask the apps for the data of a customer."""
        node = self._get_customer(customer)
        orders = customer_erasure.list_orders(self.shop, node)
        body = customer_erasure.build_privacy_request(node, "orders_requested", orders)
        self.shop.emit("customers/data_request", {**body, "data_request": {"id": self.shop.take_number()}})

    async def redact_shop(self) -> None:
        """Ask an app to erase all data of the shop, as Shopify does 48 hours after it was uninstalled."""
        self.shop.emit("shop/redact", {})

    async def price(self, sku: str, amount: Decimal) -> None:
        variant = self.shop.get_variant(sku)
        variant["price"] = str(compute_price(self.shop, amount))
        self._touch_variant(variant)

    async def product(self, sku: str, *, title: str | None = None, deleted: bool = False) -> None:
        if deleted == (title is not None):
            raise SandboxError("expected either a title or deleted")
        product = self.shop.get_variant(sku)["product"]
        if title is not None:
            product["title"] = title
            return self.shop.touch(product, "products/update")
        for variant in product["variants"]:
            self.shop.remove(variant)
            self.shop.remove(variant["inventoryItem"])
            self.shop.levels.pop(parse_number(variant["inventoryItem"]["id"]), None)
        self.shop.remove(product)
        remove_from_collections(self.shop, product)
        return self.shop.emit("products/delete", {"id": parse_number(product["id"])})

    def _touch_variant(self, variant: Node) -> None:
        self.shop.touch(variant)
        self.shop.touch(variant["product"], "products/update")

    async def fault(self, mode: str, seconds: float | None = None) -> None:
        check_fault(mode)
        self._fault_timer.cancel()
        self.behavior.set_fault(mode)
        await (self._server.close() if mode == "down" else self._server.open())
        if mode != "ok" and seconds is not None:
            self._fault_timer.start(seconds)

    def save(self, path: Path) -> None:
        """Save the shop to a file, without its subscriptions to webhooks: their URLs are those of this run."""
        self.shop.nodes.pop("WebhookSubscription", None)
        path.write_bytes(pickle.dumps((self.locations, self.shop.export_state())))

    def load(self, path: Path) -> None:
        """Load what `save` has written on this machine, instead of the world."""
        self.locations, state = pickle.loads(path.read_bytes())  # noqa: S301 the demo's own file
        self.shop.import_state(state)

    async def close(self) -> None:
        await self._fault_timer.close()
        self.behavior.set_fault("ok")
        await self.deliveries.close()
        await self._server.close()

    def _get_location(self, location: str) -> Node:
        return self.shop.get_location(self.locations.get(location, location))

    def _get_customer(self, customer: str) -> Node:
        return self._get_node("Customer", customer)

    def _get_node(self, kind: str, key: str) -> Node:
        node = self.shop.nodes.get(kind, {}).get(int(key)) if key.isdigit() else None
        if node is None:
            raise SandboxError(f"{kind.lower()}: the shop has no {kind.lower()} {key}")
        return node


def _get_line(order: Node, sku: str) -> Node:
    line: Node | None = next((line for line in order["lineItems"] if line["sku"] == sku), None)
    if line is None:
        raise SandboxError(f"sku: the order has no line with {sku}")
    return line
