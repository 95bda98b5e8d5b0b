"""The sandbox kit: a channel's twin, to be loaded with a world, sold from and broken.

A plugin ships one and names it in its `ChannelType.sandbox` as ``module:function``, a `StartSandbox`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from gateway.model.channels import Address

FAULTS = {
    "ok": "nothing is wrong (any more)",
    "down": "nothing answers",
    "hang": "calls are taken and never answered",
    "slow": "answers take seconds",
    "error": "answers are the server's own errors",
    "half": "answers end in the middle",
    "throttle": "too many requests",
    "garbage": "answers cannot be read",
    "auth": "the credentials are refused",
}
"""The ways in which a channel can be broken, and what each looks like from outside."""


class SandboxError(ValueError):
    """What was asked of a sandbox cannot be done. The message is one line for whoever asked."""


class UnsupportedFaultError(SandboxError):
    """The channel's transport cannot have this fault: a file is never throttled. It is refused, not faked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPlace:
    """A shop or a warehouse."""

    id: str
    name: str
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldProduct:
    """A variant, and the product that it belongs to.

    Attributes:
        price: of one offer, before tax.
        category: the titles on the path from the root.
        group: the title of the product, where this is one variant among others; None: it is a product by itself.
        options: name and value, by which the variants of a group differ.
        units: of the thing in one offer: 2, where it is sold in pairs.
    """

    sku: str
    title: str
    price: Decimal
    barcode: str | None = None
    category: tuple[str, ...] = ()
    group: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    units: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldCustomer:
    """A customer. `number`: the retailer's own."""

    number: str
    name: str
    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    phone: str | None = None
    card: str | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class WorldLine:
    """A line of a receipt. `quantity` is negative on a refund; `unit_price` is before tax."""

    sku: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldReceipt:
    """A sale, or a refund. `refunds`: the number of the receipt that is refunded, where that is known."""

    number: int
    at: datetime
    place: str
    lines: tuple[WorldLine, ...]
    customer: str | None = None
    refund: bool = False
    refunds: int | None = None


@dataclass(frozen=True, kw_only=True)
class World:
    """What a retailer has, whatever the channel. Sandboxes are loaded from it.

    Attributes:
        tax_rate: of every product, as a fraction.
        stock: units by (SKU, place), as they are after all receipts.
    """

    currency: str
    time_zone: str
    tax_rate: Decimal = Decimal(0)
    places: Sequence[WorldPlace] = ()
    products: Sequence[WorldProduct] = ()
    stock: Mapping[tuple[str, str], int] = field(default_factory=dict)
    customers: Sequence[WorldCustomer] = ()
    receipts: Sequence[WorldReceipt] = ()


class Sandbox(Protocol):
    """A running twin. Everything raises `SandboxError` for what cannot be done."""

    @property
    def config(self) -> Mapping[str, Any]:
        """What stands in the configuration's `config` table of a channel that talks to this twin."""

    async def sell(self, sku: str, quantity: int, place: str, *, at: datetime | None = None) -> str:
        """Sell over the counter, at this time or now; the channel's id of the order."""

    async def price(self, sku: str, amount: Decimal) -> None:
        """Change a price (of one, before tax)."""

    async def product(self, sku: str, *, title: str | None = None, deleted: bool = False) -> None:
        """Change a product's title, or delete the product."""

    async def fault(self, mode: str, seconds: float | None = None) -> None:
        """Break it in one of the ways of `FAULTS`, for some seconds or until told otherwise.

        Raises:
            UnsupportedFaultError: this transport cannot have that fault.
        """

    async def close(self) -> None:
        """Stop, and leave nothing running."""


class StartSandbox(Protocol):
    """Starts a twin that holds this world.

    Args:
        directory: where it may keep files; what an earlier run has left there is used again if it fits the world.
        port: where it listens, if it has a socket; None: anywhere.
        webhooks_to: the address that its webhooks go to from the start, if it sends any; others subscribe.
    """

    def __call__(
        self, world: World, directory: Path, port: int | None = None, webhooks_to: str | None = None
    ) -> Awaitable[Sandbox]: ...


def small_world() -> World:
    """Two shops, three products, one customer, one sale: enough to look at a channel."""
    return World(
        currency="GBP",
        time_zone="Europe/London",
        tax_rate=Decimal("0.2"),
        places=(WorldPlace(id="london", name="London"), WorldPlace(id="leeds", name="Leeds")),
        products=(
            WorldProduct(
                sku="TEA-1",
                title="Breakfast tea",
                price=Decimal("2.55"),
                barcode="5012345678900",
                category=("Food", "Tea"),
            ),
            WorldProduct(sku="MUG-1", title="Mug", price=Decimal("3.39"), category=("Kitchen",)),
            WorldProduct(sku="MUG-2", title="Mug, large", price=Decimal("4.25"), category=("Kitchen",)),
        ),
        stock={("TEA-1", "london"): 12, ("TEA-1", "leeds"): 3, ("MUG-1", "london"): -2},
        customers=(WorldCustomer(number="17850", name="Ada Byron", email="ada@example.com", card="9826000000017"),),
        receipts=(
            WorldReceipt(
                number=536365,
                at=datetime.fromisoformat("2010-12-01T08:26:00+00:00"),
                place="london",
                customer="17850",
                lines=(WorldLine("TEA-1", 6, Decimal("2.55")), WorldLine("MUG-1", 1, Decimal("3.39"))),
            ),
        ),
    )
