"""What channels sell by themselves, to people of whom the gateway hears later."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from examples.demo import marketplace
from examples.demo.busy.books import Books
from examples.demo.channels import PLACES, Twins
from gateway.sdk.testing.sandbox import SandboxError
from gateway_shopify.sandbox.shop import number

QUANTITIES = (1, 1, 1, 2, 3)


@dataclass(slots=True)
class Trade:
    """The three channels, and the books in which every sale is noted.

    Attributes:
        skus: what the till and the store sell; `offers`: what the marketplace does.
        open: orders of the store, and of the marketplace, with what they are of: to be sent or canceled.
    """

    twins: Twins
    dice: random.Random
    books: Books
    skus: Sequence[str]
    offers: Sequence[str]
    receipts: list[tuple[str, str, int, str]] = field(default_factory=list)
    of_store: list[tuple[str, str, int, str]] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)

    async def till_sells(self) -> bool:
        """A customer takes something from a shelf; whatever the till counts, it is there."""
        sku, units = self.dice.choice(self.skus), self.dice.choice(QUANTITIES)
        location, place = self.dice.choice(list(PLACES["till"].items()))
        receipt = await self.twins.till.sell(sku, units, place)
        self.books.move("till", sku, location, -units)
        self.receipts.append((receipt, sku, units, location))
        self.said["till sells"] += 1
        return True

    async def till_takes_back(self) -> None:
        """A customer brings it back."""
        if self.receipts:
            receipt, sku, units, location = self.receipts.pop(self.dice.randrange(len(self.receipts)))
            await self.twins.till.refund(receipt)
            self.books.move("till", sku, location, units)
            self.said["till takes back"] += 1

    async def store_sells(self) -> bool:
        """Somebody orders in the web store, if it shows enough."""
        sku, units = self.dice.choice(self.skus), self.dice.choice(QUANTITIES)
        location, place = self.dice.choice(list(PLACES["web"].items()))
        if self._shown(sku, place) < units:
            return False
        order = await self.twins.web.sell(sku, units, place)
        self.books.move("web", sku, location, -units)
        self.of_store.append((order, sku, units, location))
        self.said["store sells"] += 1
        return True

    def _shown(self, sku: str, place: str) -> int:
        item = number(self.twins.web.shop.variant(sku)["inventoryItem"]["id"])
        level = self.twins.web.shop.levels.get(item, {}).get(int(self.twins.web.places[place]))
        return 0 if level is None else int(level["counts"].get("available", 0))

    async def store_goes_on(self) -> None:
        """The store sends an order, or cancels it."""
        if not self.of_store:
            return
        order, sku, units, location = self.of_store.pop(self.dice.randrange(len(self.of_store)))
        if self.dice.random() < 0.7:
            await self.twins.web.fulfill(order)
            self.said["store sends"] += 1
        else:
            await self.twins.web.cancel(order)
            self.books.move("web", sku, location, units)
            self.said["store cancels"] += 1

    async def amazon_sells(self) -> bool:
        """Somebody orders on the marketplace, if enough is offered there."""
        sku, units = self.dice.choice(self.offers), self.dice.choice(QUANTITIES)
        try:
            await self.twins.amazon.sell(sku, units, marketplace.MERCHANT)
        except SandboxError:
            return False
        self.books.move("amazon", sku, "warehouse-leeds", -units)
        self.said["amazon sells"] += 1
        return True

    async def settle(self) -> None:
        """Until the store has answered what it would have answered slowly, and its webhooks are delivered."""
        manners = self.twins.web.manners
        manners.behave(manners.mode)
        while manners.under_way:  # noqa: ASYNC110 each takes one turn of the loop
            await asyncio.sleep(0)
        await self.twins.web.deliveries.sent()
