"""The sandbox kit: a simulated channel that is seeded with a world, makes sales, and can be broken.

A plugin declares its sandbox in `ChannelType.sandbox` as ``module:function``, a `StartSandbox`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gateway.model.locations import Address
from gateway.sdk._deprecated import alias_names

FAULTS = {
    "ok": "no fault",
    "down": "connections fail",
    "hang": "requests are accepted and never answered",
    "slow": "responses take seconds",
    "error": "responses are server errors",
    "half": "responses end in the middle",
    "throttle": "responses are rate limit errors",
    "garbage": "responses cannot be parsed",
    "auth": "the credentials are rejected",
}
"""The faults of a sandbox, with their effects."""


class SandboxError(ValueError):
    """An operation of a sandbox failed. The message is one line for the user."""


class UnsupportedFaultError(SandboxError):
    """The channel's transport cannot have this fault; for example, a file has no rate limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPlace:
    """A store or a warehouse."""

    id: str
    name: str
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldProduct:
    """A variant, and the product that it belongs to.

    Attributes:
        sku: SKU of the variant.
        price: Price of one offer, before tax.
        barcode: GTIN; None: there is none.
        category: Titles of the categories, from the root.
        group: Title of the product if the variant is one of several; None: the only variant of its product.
        options: Names and values by which the variants of a group differ.
        units: Number of items in one offer: 2 if sold in pairs.
        images: URLs of images of the variant, the main one first.
        description: Description of the product, as HTML.
        compare_at: Price before a reduction, before tax; None: it is not reduced.
        attributes: Names and values of the product's attributes, which channels with attributes have.
        swatch: Color of the variant's option value: ``#1e90ff``; None: it has none.
    """

    sku: str
    title: str
    price: Decimal
    barcode: str | None = None
    category: tuple[str, ...] = ()
    group: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    units: int = 1
    images: tuple[str, ...] = ()
    description: str = ""
    compare_at: Decimal | None = None
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    swatch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldCollection:
    """A collection of products, which channels with collections have. `skus`: of their variants, in order."""

    title: str
    skus: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldCustomer:
    """A customer. `number`: the retailer's customer number; `card`: number of the loyalty card;
    `email_verified`: whether the till knows that the address is the customer's.
    """

    number: str
    name: str
    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    phone: str | None = None
    card: str | None = None
    address: Address | None = None
    email_verified: bool = False


@dataclass(frozen=True, slots=True)
class WorldLine:
    """A line of a receipt. `quantity`: negative on a refund; `unit_price`: before tax."""

    sku: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldReceipt:
    """A sale or a refund. `place`: ID of the store; `customer`: number of the customer; `refunds`: number of the
    refunded receipt, None: not known.
    """

    number: int
    at: datetime
    place: str
    lines: tuple[WorldLine, ...]
    customer: str | None = None
    refund: bool = False
    refunds: int | None = None


@dataclass(frozen=True, kw_only=True)
class World:
    """The data of a retailer, independent of the channel, with which sandboxes are seeded.

    Attributes:
        currency: ISO 4217 code.
        time_zone: IANA time zone.
        tax_rate: Of every product, as a fraction.
        stock: Units by (SKU, place), after all receipts.
    """

    currency: str
    time_zone: str
    tax_rate: Decimal = Decimal(0)
    places: Sequence[WorldPlace] = ()
    products: Sequence[WorldProduct] = ()
    collections: Sequence[WorldCollection] = ()
    stock: Mapping[tuple[str, str], int] = field(default_factory=dict)
    customers: Sequence[WorldCustomer] = ()
    receipts: Sequence[WorldReceipt] = ()


class Sandbox(Protocol):
    """A running sandbox. Every method raises `SandboxError` if the operation is not possible."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The `config` table of a channel that connects to this sandbox."""

    async def sell(self, sku: str, quantity: int, place: str, *, at: datetime | None = None) -> str:
        """Sell units in a store, at this time or now, and return the channel's ID of the order."""

    async def price(self, sku: str, amount: Decimal) -> None:
        """Change a price, per item and before tax."""

    async def product(self, sku: str, *, title: str | None = None, deleted: bool = False) -> None:
        """Change the title of a product, or delete the product."""

    async def fault(self, mode: str, seconds: float | None = None) -> None:
        """Activate one of `FAULTS`, for some seconds or until the next call.

        Raises:
            UnsupportedFaultError: The transport cannot have this fault.
        """

    async def close(self) -> None:
        """Stop the sandbox and release its resources."""


class StartSandbox(Protocol):
    """Starts a sandbox that contains a world.

    Args:
        world: The data to seed.
        directory: Directory for files; files of an earlier run are reused if they match the world.
        port: Port to listen on, if it has a socket; None: any free port.
        webhooks_to: URL to which webhooks are sent from the start, if the channel sends any without a subscription.
    """

    def __call__(
        self, world: World, directory: Path, port: int | None = None, webhooks_to: str | None = None
    ) -> Awaitable[Sandbox]: ...


def build_small_world() -> World:
    """Build a world of two stores, three products, one customer and one sale."""
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


if not TYPE_CHECKING:
    __getattr__ = alias_names(
        __name__,
        {
            "small_world": "build_small_world",
        },
    )
