"""Sales that the channels make themselves and report to the gateway later."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from examples.demo import marketplace
from examples.demo.busy.books import StockBooks
from examples.demo.channels import EXTERNAL_LOCATIONS, Sandboxes
from gateway.sdk.testing.sandbox import SandboxError
from gateway_shopify_sandbox.state import parse_number

QUANTITIES = (1, 1, 1, 2, 3)


@dataclass(slots=True)
class StoreOrder:
    """An order of the store. `locations`: its units by the location that they leave from, as they were assigned."""

    id: str
    sku: str
    locations: Counter[str]

    @property
    def units(self) -> int:
        return self.locations.total()

    def take_off(self) -> str:
        """Take a unit off, one of those that were assigned first. Returns its location."""
        location = next(name for name, units in self.locations.items() if units)
        self.locations[location] -= 1
        return location


@dataclass(slots=True)
class ChannelSales:
    """The three channels, and the books in which every sale is recorded.

    Attributes:
        skus: SKUs sold by the till and the store; `offers`: those of the marketplace.
        web_orders: open orders of the store, to be edited, split, shipped or canceled.
        sent: shipped orders of the store, of which units may come back.
    """

    sandboxes: Sandboxes
    dice: random.Random
    books: StockBooks
    skus: Sequence[str]
    offers: Sequence[str]
    receipts: list[tuple[str, str, int, str]] = field(default_factory=list)
    web_orders: list[StoreOrder] = field(default_factory=list)
    sent: list[StoreOrder] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    async def sell_at_till(self) -> bool:
        """Sell units at the till, whatever its count."""
        sku, units = self.dice.choice(self.skus), self.dice.choice(QUANTITIES)
        location, external_location = self.dice.choice(list(EXTERNAL_LOCATIONS["till"].items()))
        receipt = await self.sandboxes.till.sell(sku, units, external_location)
        self.books.move("till", sku, location, -units)
        self.receipts.append((receipt, sku, units, location))
        self.counts["till sells"] += 1
        return True

    async def refund_at_till(self) -> None:
        """Refund a receipt."""
        if self.receipts:
            receipt, sku, units, location = self.receipts.pop(self.dice.randrange(len(self.receipts)))
            await self.sandboxes.till.refund_receipt(receipt)
            self.books.move("till", sku, location, units)
            self.counts["till takes back"] += 1

    async def sell_in_store(self) -> bool:
        """Place an order in the web store, if it shows enough stock."""
        sku, units = self.dice.choice(self.skus), self.dice.choice(QUANTITIES)
        location, external_location = self.dice.choice(list(EXTERNAL_LOCATIONS["web"].items()))
        if self._get_shown_quantity(sku, external_location) < units:
            return False
        order = await self.sandboxes.web.sell(sku, units, external_location)
        self.books.move("web", sku, location, -units)
        self.counts["store sells"] += 1
        sold = StoreOrder(order, sku, Counter({location: units}))
        if units > 1 and self.dice.random() < 0.5:
            await self._split_order(sold)
        self.web_orders.append(sold)
        return True

    def _get_shown_quantity(self, sku: str, external_location: str) -> int:
        item = parse_number(self.sandboxes.web.shop.get_variant(sku)["inventoryItem"]["id"])
        level = self.sandboxes.web.shop.levels.get(item, {}).get(int(self.sandboxes.web.locations[external_location]))
        return 0 if level is None else int(level["counts"].get("available", 0))

    async def progress_store_order(self) -> None:
        """Take a unit off an order of the store, split it, ship it, or cancel it."""
        if not self.web_orders:
            return
        order = self.web_orders.pop(self.dice.randrange(len(self.web_orders)))
        chance = self.dice.random()
        if order.units > 1 and chance < 0.25:
            await self._edit_order(order)
            self.web_orders.append(order)
        elif order.units > 1 and chance < 0.4:
            await self._split_order(order)
            self.web_orders.append(order)
        elif chance < 0.8:
            await self.sandboxes.web.fulfill_order(order.id)
            self.sent.append(order)
            self.counts["store sends"] += 1
        else:
            await self.sandboxes.web.cancel_order(order.id)
            self._record_units(order, order.locations)
            self.counts["store cancels"] += 1

    async def _edit_order(self, order: StoreOrder) -> None:
        await self.sandboxes.web.edit_order(order.id, order.sku, order.units - 1)
        self._record_units(order, Counter({order.take_off(): 1}))
        self.counts["store edits"] += 1

    async def _split_order(self, order: StoreOrder) -> None:
        """Let one of the units leave from the other location, if the store shows one there."""
        (other,) = set(EXTERNAL_LOCATIONS["web"]) - {next(iter(order.locations))}
        external_location = EXTERNAL_LOCATIONS["web"][other]
        if len(order.locations) == 1 and self._get_shown_quantity(order.sku, external_location) > 0:
            await self.sandboxes.web.move_units(order.id, order.sku, 1, external_location)
            self._record_units(order, Counter({order.take_off(): 1, other: -1}))
            order.locations[other] += 1
            self.counts["store splits"] += 1

    async def take_back_in_store(self) -> None:
        """Refund a shipped unit of the store, which is for sale again at one of its locations."""
        if self.sent:
            order = self.sent.pop(self.dice.randrange(len(self.sent)))
            location, external_location = self.dice.choice(list(EXTERNAL_LOCATIONS["web"].items()))
            await self.sandboxes.web.refund_order(order.id, order.sku, 1, place=external_location)
            self._record_units(order, Counter({location: 1}))
            self.counts["store takes back"] += 1

    def _record_units(self, order: StoreOrder, units: Counter[str]) -> None:
        for location, added in units.items():
            self.books.move("web", order.sku, location, added)

    async def sell_on_amazon(self) -> bool:
        """Place an order on the marketplace, if it offers enough."""
        sku, units = self.dice.choice(self.offers), self.dice.choice(QUANTITIES)
        try:
            await self.sandboxes.amazon.sell(sku, units, marketplace.MERCHANT)
        except SandboxError:
            return False
        self.books.move("amazon", sku, "warehouse-leeds", -units)
        self.counts["amazon sells"] += 1
        return True

    async def settle(self) -> None:
        """Wait for slow responses of the store and for its webhooks."""
        manners = self.sandboxes.web.behavior
        manners.set_fault(manners.fault)
        while manners.open_requests:  # noqa: ASYNC110 each iteration yields once
            await asyncio.sleep(0)
        await self.sandboxes.web.deliveries.wait_until_sent()
