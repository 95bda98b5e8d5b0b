"""A seller account that is sold from and broken."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.sdk.testing.sandbox import FAULTS, SandboxError, World
from gateway.sdk.testing.server import Server
from gateway_amazon.sandbox.account import KINDS, Account, Shape
from gateway_amazon.sandbox.api import Api
from gateway_amazon.sandbox.door import CLIENT_ID, CLIENT_SECRET, REFRESH, Asked, Door, Twist
from gateway_amazon.sandbox.feeds import Feeds
from gateway_amazon.sandbox.limits import Times
from gateway_amazon.sandbox.offers import Offers
from gateway_amazon.sandbox.shapes import FBA, Line, Sale, Shaping, loaded, order_id, stamp

SELLER, STORE = "A2SANDBOXSELLER", "A1F83G8C2ARO7P"
MODES = (*FAULTS, *(mode for mode in ("error", "half") if mode not in FAULTS))
FIRST_ORDER = 9_000_000_000_000


def utc_now() -> datetime:
    """The time."""
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
    now: Callable[[], datetime] = utc_now,
    ticks: Callable[[], float] | None = None,
) -> AmazonSandbox:
    """An account that holds this world. What Amazon keeps is in the place `fba`; all other places are the merchant's.

    Args:
        directory, webhooks_to: not used: it keeps nothing, and sends nothing.
        delay: after so many seconds a change is seen.
        scale: how much faster than ours its clock runs, on which rates, tokens and delays go.
        store: the marketplace.
        now: what date it is.
        ticks: seconds for tokens and delays, instead of that clock's.
    """
    sandbox = AmazonSandbox(world, port, Times(delay, scale, now, ticks), store)
    await sandbox.open()
    return sandbox


class AmazonSandbox:
    """See `gateway.sdk.testing.sandbox.Sandbox`.

    Attributes:
        offers: the merchant's quantities, and how late they are applied.
        feeds: what was told of shipments, and how late it is processed.
    """

    def __init__(
        self,
        world: World,
        port: int | None,
        times: Times,
        store: str,
    ) -> None:
        others = [place.id for place in world.places if place.id != FBA]
        self._merchant = others[0] if len(others) == 1 else "merchant"
        self._places = {FBA, self._merchant, *others}
        self._world, self._now, self._store = world, times.now, store
        self._shaping = Shaping(world.currency, world.tax_rate, store, self._merchant)
        self._account = Account(times.ticks)
        found = loaded(world, self._shaping)
        for kind in KINDS:
            for id, shape in found[kind].items():
                self._account.put(kind, id, shape)
        self._account.delay = times.delay
        self.offers = Offers(self._account)
        self.feeds = Feeds(self._account, SELLER, times.now, lambda: self._address)
        self._door = Door(Api(self._account, self.offers, SELLER, store, times.now), self.feeds, times)
        self._server = Server(self._door.app(), port)
        self._numbers = itertools.count(FIRST_ORDER + len(found["orders"]))
        self._mending: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

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
            "merchant_place": self._merchant,
            **({"orders_since": stamp(first)} if first else {}),
        }

    @property
    def _address(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def asked(self) -> list[Asked]:
        """The requests that came in, and their answers."""
        return list(self._door.asked)

    async def open(self) -> None:
        """Listen."""
        await self._server.open()

    async def sell(
        self, sku: str, quantity: int, place: str, *, at: datetime | None = None, status: str = "UNSHIPPED"
    ) -> str:
        """Sell so many listings. The merchant's offer goes down by itself; what Amazon keeps is reserved."""
        self._account.catch_up()
        if quantity < 1:
            raise SandboxError(f"quantity: expected 1 or more, found {quantity}")
        if place not in self._places:
            raise SandboxError(f"location: expected one of {', '.join(sorted(self._places))}, found {place}")
        listing = self._account.one("listings", sku)
        self._take(sku, quantity, place)
        price = Decimal(listing["offers"][0]["price"]["amount"])
        line = Line(sku, listing["summaries"][0]["itemName"], quantity, price)
        there = FBA if place == FBA else self._merchant
        order = self._shaping.order(Sale(order_id(next(self._numbers)), at or self._now(), there, (line,), status))
        self._account.put("orders", order["orderId"], order)
        return str(order["orderId"])

    def _take(self, sku: str, quantity: int, place: str) -> None:
        if place != FBA:
            (offer,) = self._account.one("listings", sku)["fulfillmentAvailability"]
            self.offers.set(sku, _less(offer.get("quantity", 0), quantity))
            return
        kept = self._account.one("fba", sku)
        details = kept["inventoryDetails"]
        details["fulfillableQuantity"] = _less(details["fulfillableQuantity"], quantity)
        for name in ("totalReservedQuantity", "pendingCustomerOrderQuantity"):
            details["reservedQuantity"][name] += quantity
        self._account.put("fba", sku, {**kept, "lastUpdatedTime": stamp(self._now())})

    def offer(self, sku: str, quantity: int) -> None:
        """Have the merchant offer so many. The listing's date of change stays as it is."""
        self.offers.set(sku, quantity)

    def offered(self, sku: str) -> int | None:
        """How many the merchant offers in truth; None: Amazon keeps it."""
        (offer,) = self._account.one("listings", sku)["fulfillmentAvailability"]
        quantity: int | None = offer.get("quantity")
        return quantity

    def filed(self, sku: str) -> Shape:
        """The attributes of a listing."""
        found: Shape = self._account.one("listings", sku)["attributes"]
        return found

    def order(self, id: str) -> Shape:
        """An order, in truth."""
        return self._account.one("orders", id)

    def lose(self, operation: str, *, carried_out: bool) -> None:
        """The next answer of an operation is lost."""
        self._door.lost[operation] = carried_out

    async def price(self, sku: str, amount: Decimal) -> None:
        listing = self._account.one("listings", sku)
        listing["offers"][0]["price"] = self._shaping.money(self._shaping.gross(amount))
        self._change(sku, listing)

    async def product(self, sku: str, *, title: str | None = None, deleted: bool = False) -> None:
        if deleted == (title is not None):
            raise SandboxError("expected either a title or deleted")
        listing = self._account.one("listings", sku)
        if deleted:
            self._account.remove("listings", sku)
            self._account.remove("fba", sku)
            return
        listing["summaries"][0]["itemName"] = title
        self._change(sku, listing)

    def _change(self, sku: str, listing: Shape) -> None:
        listing["summaries"][0]["lastUpdatedDate"] = stamp(self._now())
        self._account.put("listings", sku, listing)

    def settle(self, order: str, status: str) -> None:
        """Have an order be shipped, cancelled, or no longer pending."""
        found = self._account.one("orders", order)
        shipped = status == "SHIPPED"
        found["fulfillment"]["fulfillmentStatus"] = status
        for item in found["orderItems"]:
            ordered = item["quantityOrdered"]
            item["fulfillment"] = {
                "quantityFulfilled": ordered if shipped else 0,
                "quantityUnfulfilled": 0 if shipped or status == "CANCELLED" else ordered,
            }
        self._account.put("orders", order, {**found, "lastUpdatedTime": stamp(self._now())})

    def twist(self, operation: str, twist: Twist | None) -> None:
        """Have an operation lie, or not any more. What a twist gives as bytes is sent as it is."""
        self._door.twists.pop(operation, None)
        if twist is not None:
            self._door.twists[operation] = twist

    def expire(self) -> None:
        """No access token that was given out is good any more."""
        self._door.expire()

    def revoke(self, token: str | None = None) -> None:
        """The seller withdraws the app's permission; with a token: grants it anew."""
        self._door.refresh_token = token or "Atzr|another"
        self._door.expire()

    async def fault(self, mode: str, seconds: float | None = None) -> None:
        if mode not in MODES:
            raise SandboxError(f"mode: expected one of {', '.join(MODES)}, found {mode}")
        if self._mending is not None:
            self._mending.cancel()
        self._door.mode = mode
        if mode == "hang":
            self._door.mended.clear()
        else:
            self._door.mended.set()
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
        self._door.mended.set()
        await asyncio.gather(*self._tasks)
        await self._server.close()


def _less(there: int, quantity: int) -> int:
    if quantity > there:
        raise SandboxError(f"quantity: {there} are left")
    return there - quantity
