"""The sandbox of a seller account: sales, changes and faults."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.sdk.testing.fault_timer import FaultTimer, check_fault
from gateway.sdk.testing.sandbox import SandboxError, World
from gateway.sdk.testing.sandbox_server import Server
from gateway_amazon_sandbox.factories import (
    FBA_LOCATION,
    NO_CHARGES,
    Charges,
    Sale,
    SaleLine,
    ShapeFactory,
    build_order_id,
    build_shapes,
    format_instant,
)
from gateway_amazon_sandbox.feed_processing import FeedQueue
from gateway_amazon_sandbox.http_app import HttpApp, RecordedRequest, ResponseOverride
from gateway_amazon_sandbox.login import CLIENT_ID, CLIENT_SECRET, REFRESH
from gateway_amazon_sandbox.offers import MerchantOffers
from gateway_amazon_sandbox.operations import Operations
from gateway_amazon_sandbox.rate_limits import SandboxClock
from gateway_amazon_sandbox.state import KINDS, Account, Shape

SELLER, STORE = "A2SANDBOXSELLER", "A1F83G8C2ARO7P"
FIRST_ORDER_NUMBER = 9_000_000_000_000


def get_utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


async def start(
    world: World,
    directory: Path,
    port: int | None = None,
    webhooks_to: str | None = None,
    *,
    delay: float = 0.0,
    scale: float = 1.0,
    store: str = STORE,
    now: Callable[[], datetime] = get_utc_now,
    ticks: Callable[[], float] | None = None,
) -> AmazonSandbox:
    """Start an account with a world. FBA stock is at the location `fba`; all other locations are the merchant's.

    Args:
        directory, webhooks_to: Unused: the account has no files and sends no webhooks.
        delay: Seconds until a change becomes visible.
        scale: Speed of the clock for rates, tokens and delays, relative to real time.
        store: The marketplace.
        now: Returns the current time.
        ticks: Returns the seconds for tokens and delays, instead of that clock.
    """
    sandbox = AmazonSandbox(world, port, SandboxClock(delay, scale, now, ticks), store)
    await sandbox.open()
    return sandbox


class AmazonSandbox:
    """Sandbox of a seller account; see `gateway.sdk.testing.sandbox.Sandbox`.

    Attributes:
        offers: The merchant's quantities, and the delay of their patches.
        feeds: Feeds of shipments, and the delay of their processing.
    """

    def __init__(self, world: World, port: int | None, clock: SandboxClock, store: str) -> None:
        others = [location.id for location in world.places if location.id != FBA_LOCATION]
        self._merchant_location = others[0] if len(others) == 1 else "merchant"
        self._locations = {FBA_LOCATION, self._merchant_location, *others}
        self._world, self._now, self._store = world, clock.now, store
        self._factory = ShapeFactory(world.currency, world.tax_rate, store, self._merchant_location)
        self._account = Account(clock.get_seconds)
        shapes = build_shapes(world, self._factory)
        for kind in KINDS:
            for id, shape in shapes[kind].items():
                self._account.save(kind, id, shape)
        self._account.delay = clock.delay
        self.offers = MerchantOffers(self._account)
        self.feeds = FeedQueue(self._account, SELLER, store, clock.now, lambda: self._address)
        self._http_app = HttpApp(Operations(self._account, self.offers, SELLER, store, clock.now), self.feeds, clock)
        self._server = Server(self._http_app.build_app(), port)
        self._numbers = itertools.count(FIRST_ORDER_NUMBER + len(shapes["orders"]))
        self._fault_timer = FaultTimer(lambda: self.fault("ok"))

    @property
    def config(self) -> Mapping[str, Any]:
        address = self._address
        first = min((receipt.at for receipt in self._world.receipts), default=None)
        return {
            "seller_id": SELLER,
            "marketplace_ids": [self._store],
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": REFRESH,
            "endpoint": address,
            "login": address,
            "currency": self._world.currency,
            "time_zone": self._world.time_zone,
            "merchant_place": self._merchant_location,
            **({"orders_since": format_instant(first)} if first else {}),
        }

    @property
    def _address(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def requests(self) -> list[RecordedRequest]:
        """The received requests and their responses."""
        return list(self._http_app.requests)

    async def open(self) -> None:
        """Start listening."""
        await self._server.open()

    async def sell(
        self,
        sku: str,
        quantity: int,
        place: str,
        *,
        at: datetime | None = None,
        status: str = "UNSHIPPED",
        charges: Charges = NO_CHARGES,
    ) -> str:
        """Sell listings. The merchant's offer is decremented; FBA stock is reserved."""
        self._account.run_due()
        if quantity < 1:
            raise SandboxError(f"quantity: expected 1 or more, found {quantity}")
        if place not in self._locations:
            raise SandboxError(f"location: expected one of {', '.join(sorted(self._locations))}, found {place}")
        listing = self._account.get_current("listings", sku)
        self._take_stock(sku, quantity, place)
        price = Decimal(listing["offers"][0]["price"]["amount"])
        line = SaleLine(sku, listing["summaries"][0]["itemName"], quantity, price, charges)
        location = FBA_LOCATION if place == FBA_LOCATION else self._merchant_location
        id = build_order_id(next(self._numbers))
        order = self._factory.build_order(Sale(id, at or self._now(), location, (line,), status))
        self._account.save("orders", order["orderId"], order)
        return str(order["orderId"])

    def _take_stock(self, sku: str, quantity: int, location: str) -> None:
        if location != FBA_LOCATION:
            (offer,) = self._account.get_current("listings", sku)["fulfillmentAvailability"]
            self.offers.set_quantity(sku, _subtract(offer.get("quantity", 0), quantity))
            return
        summary = self._account.get_current("fba", sku)
        details = summary["inventoryDetails"]
        details["fulfillableQuantity"] = _subtract(details["fulfillableQuantity"], quantity)
        for name in ("totalReservedQuantity", "pendingCustomerOrderQuantity"):
            details["reservedQuantity"][name] += quantity
        self._account.save("fba", sku, {**summary, "lastUpdatedTime": format_instant(self._now())})

    def set_offer(self, sku: str, quantity: int) -> None:
        """Set the merchant's offer. The date of change of the listing stays."""
        self.offers.set_quantity(sku, quantity)

    def get_offer(self, sku: str) -> int | None:
        """Return the merchant's current offer; None if fulfilled by Amazon."""
        (offer,) = self._account.get_current("listings", sku)["fulfillmentAvailability"]
        quantity: int | None = offer.get("quantity")
        return quantity

    def get_listing(self, sku: str) -> Shape:
        """Return a listing in its current state."""
        return self._account.get_current("listings", sku)

    def set_listing(self, sku: str, listing: Shape) -> None:
        """Replace a listing, with its date of change."""
        self._account.save("listings", sku, listing)

    def get_attributes(self, sku: str) -> Shape:
        """Return the attributes of a listing."""
        attributes: Shape = self.get_listing(sku)["attributes"]
        return attributes

    def get_order(self, id: str) -> Shape:
        """Return an order in its current state."""
        return self._account.get_current("orders", id)

    def lose_response(self, operation: str, *, carried_out: bool) -> None:
        """Lose the next response of an operation."""
        self._http_app.lost_responses[operation] = carried_out

    async def price(self, sku: str, amount: Decimal) -> None:
        listing = self._account.get_current("listings", sku)
        listing["offers"][0]["price"] = self._factory.build_money(self._factory.add_tax(amount))
        self._save_listing(sku, listing)

    async def product(self, sku: str, *, title: str | None = None, deleted: bool = False) -> None:
        if deleted == (title is not None):
            raise SandboxError("expected either a title or deleted")
        listing = self._account.get_current("listings", sku)
        if deleted:
            self._account.remove("listings", sku)
            self._account.remove("fba", sku)
            return
        listing["summaries"][0]["itemName"] = title
        self._save_listing(sku, listing)

    def _save_listing(self, sku: str, listing: Shape) -> None:
        listing["summaries"][0]["lastUpdatedDate"] = format_instant(self._now())
        self._account.save("listings", sku, listing)

    def set_order_status(self, order: str, status: str) -> None:
        """Set the status of an order: shipped, canceled, or no longer pending."""
        record = self._account.get_current("orders", order)
        shipped = status == "SHIPPED"
        record["fulfillment"]["fulfillmentStatus"] = status
        for item in record["orderItems"]:
            ordered = item["quantityOrdered"]
            item["fulfillment"] = {
                "quantityFulfilled": ordered if shipped else 0,
                "quantityUnfulfilled": 0 if shipped or status == "CANCELLED" else ordered,
            }
        self._account.save("orders", order, {**record, "lastUpdatedTime": format_instant(self._now())})

    def replace_response(self, operation: str, twist: ResponseOverride | None) -> None:
        """Replace the responses of an operation; None ends that. Bytes are sent unchanged."""
        self._http_app.response_overrides.pop(operation, None)
        if twist is not None:
            self._http_app.response_overrides[operation] = twist

    def issue_token(self) -> str:
        """Issue an access token, without a login."""
        return self._http_app.tokens.create_token()

    def expire_tokens(self) -> None:
        """Let all issued access tokens expire."""
        self._http_app.tokens.expire_all()

    def revoke_authorization(self, token: str | None = None) -> None:
        """Revoke the authorization of the app; with a token, grant it again."""
        self._http_app.tokens.revoke_all(token or "Atzr|another")

    async def fault(self, mode: str, seconds: float | None = None) -> None:
        check_fault(mode)
        self._fault_timer.cancel()
        self._http_app.fault = mode
        if mode == "hang":
            self._http_app.fault_cleared.clear()
        else:
            self._http_app.fault_cleared.set()
        await (self._server.close() if mode == "down" else self._server.open())
        if mode != "ok" and seconds is not None:
            self._fault_timer.start(seconds)

    def save(self, path: Path) -> None:
        """Save listings, stock and orders to a file. Feeds are not saved: clients submit them again."""
        path.write_text(json.dumps(self._account.export_records()), encoding="utf-8")

    def load(self, path: Path) -> None:
        """Load what `save` has written, instead of the world."""
        records = json.loads(path.read_text(encoding="utf-8"))
        self._account.import_records(records)
        self._numbers = itertools.count(FIRST_ORDER_NUMBER + len(records["orders"]))

    async def close(self) -> None:
        self._http_app.fault_cleared.set()
        await self._fault_timer.close()
        await self._server.close()


def _subtract(available: int, quantity: int) -> int:
    if quantity > available:
        raise SandboxError(f"quantity: only {available} are left")
    return available - quantity
