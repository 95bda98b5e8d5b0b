"""What a channel says: records. One is made by `Feed.read` from what the channel sent, and checked when it is made.

A value that the model cannot hold raises `InvalidValueError` with the field's name: the record is rejected with its raw
data, and the feed goes on. Quantities are whole numbers of the variant's smallest unit, amounts are `Money`, instants
are aware. Texts that identify something in the channel are its own ids, as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.model import checks, values
from gateway.model.catalog import ListingStatus, ProductFields, VariantFields
from gateway.model.customers import CustomerFields
from gateway.model.money import Money
from gateway.model.orders import OrderFields, OrderLineFields
from gateway.model.values import InvalidValueError

Version = datetime | int
"""A channel's own version of a record: a later instant or a greater number is newer. Of one kind within a feed."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A record's id in its channel.

    Attributes:
        id: at most 255 characters.
        note: what the plugin wants handed back with the id: another id of the same thing, its type.
    """

    id: str
    note: str | None = None

    def __post_init__(self) -> None:
        values.text("id", self.id, 255)
        values.optional_text("note", self.note, 1000)


@dataclass(frozen=True, kw_only=True)
class Record:
    """What every record has.

    Attributes:
        version: the channel's own version, None where it has none.
    """

    ref: Ref
    version: Version | None = None

    def __post_init__(self) -> None:
        if isinstance(self.version, datetime):
            put(self, "version", values.instant("version", self.version))
        elif self.version is not None:
            values.whole("version", self.version, least=0, most=2**63 - 1)
        self.check()

    def check(self) -> None:
        """Check the record's own fields, and put them into their normal form."""


@dataclass(frozen=True, kw_only=True)
class VariantRecord(VariantFields):
    """A variant as a channel lists it. Part of a `ProductRecord`.

    Attributes:
        price: what the channel charges for one listing; not negative. None: not for sale by itself.
        price_includes_tax: None: as the channel's traits say.
        units_per_listing: a two-pack sells two units of stock.
        tracked: whether the channel counts its stock.
        inventory_item: what the channel counts stock of, `StockRecord.item`; None: the variant itself.
        condition: things in another condition never match: ``new``, ``used``.
    """

    ref: Ref
    price: Money | None = None
    compare_at_price: Money | None = None
    price_includes_tax: bool | None = None
    units_per_listing: int = 1
    tracked: bool = True
    inventory_item: str | None = None
    condition: str = "new"
    status: ListingStatus = ListingStatus.ACTIVE
    url: str | None = None

    def __post_init__(self) -> None:
        checks.variant(self)
        checks.listing(self.status, self.tracked, self.units_per_listing, self.condition, self.url)
        checks.amounts(self)
        checks.not_negative("price", self.price)
        checks.not_negative("compareAtPrice", self.compare_at_price)
        put(self, "sku", (values.optional_text("sku", self.sku, 255) or "").strip() or None)
        put(self, "gtin", values.gtin("gtin", self.gtin))
        values.optional_text("inventoryItem", self.inventory_item, 255)


@dataclass(frozen=True, kw_only=True)
class ProductRecord(Record, ProductFields):
    """A product with all its variants. One variant and no options: the channel does not group (rule I3).

    Attributes:
        category: the titles on the path from the root of the channel's category tree.
        created_at: when the product came into being in its channel, where that is known.
    """

    variants: Sequence[VariantRecord]
    category: Sequence[str] = ()
    created_at: datetime | None = None

    def check(self) -> None:
        """See `Record.check`."""
        checks.product(self)
        put(self, "created_at", values.optional_instant("createdAt", self.created_at))
        put(self, "variants", tuple(self.variants))
        put(self, "category", tuple(values.text("category", title, 255) for title in self.category))
        ids = [checks.of_type("variants", variant, VariantRecord).ref.id for variant in self.variants]
        if not ids or len(set(ids)) != len(ids):
            raise InvalidValueError("variants", "is empty" if not ids else "one id stands for two variants")


@dataclass(frozen=True, kw_only=True)
class StockRecord(Record):
    """What a channel counts of one item in one place. Units, in the variant's smallest unit.

    Either `on_hand`, or `available` with `committed` from the same read (rule K4).

    Attributes:
        item: the `inventory_item` of the variants whose stock this is.
        place: the location's id in the channel.
        on_hand: units in the building; may be negative, as tills have it.
        available: units that the channel would sell.
        committed: units in the building that the channel has promised to orders.
        as_of: when the channel counted, where it says so.
        contains: keys of the gateway's own commands that stand in the channel's ledger of this item and place, from the
            same snapshot as the count: what they moved is in it (rule K3).
    """

    item: str
    place: str
    on_hand: int | None = None
    available: int | None = None
    committed: int = 0
    incoming: int = 0
    as_of: datetime | None = None
    contains: Sequence[str] = ()

    def check(self) -> None:
        """See `Record.check`."""
        put(self, "contains", tuple(values.text("contains", key, 255) for key in self.contains))
        values.text("item", self.item, 255)
        values.text("place", self.place, 255)
        if (self.on_hand is None) == (self.available is None):
            raise InvalidValueError("onHand", "expected exactly one of on_hand and available")
        values.whole("onHand", self.on_hand if self.available is None else self.available)
        values.whole("committed", self.committed, least=0)
        values.whole("incoming", self.incoming, least=0)
        put(self, "as_of", values.optional_instant("asOf", self.as_of))

    @property
    def base(self) -> int:
        """Units in the building: on hand, or what is available and what is committed."""
        return self.on_hand if self.on_hand is not None else (self.available or 0) + self.committed


@dataclass(frozen=True, kw_only=True)
class CustomerRecord(Record, CustomerFields):
    """A customer as a channel knows her.

    Attributes:
        loyalty_number: the number on her card.
        merged_into: the channel's id of the customer that she was merged into.
    """

    loyalty_number: str | None = None
    merged_into: str | None = None
    created_at: datetime | None = None

    def check(self) -> None:
        """See `Record.check`."""
        checks.customer(self)
        values.optional_text("loyaltyNumber", self.loyalty_number, 255)
        values.optional_text("mergedInto", self.merged_into, 255)
        put(self, "created_at", values.optional_instant("createdAt", self.created_at))


@dataclass(frozen=True, kw_only=True)
class OrderLineRecord(OrderLineFields):
    """One line of an order: of a two-pack, its quantities and its unit price are those of the pack.

    Attributes:
        variant: the channel's id of the variant sold; None where the channel does not say.
        place: the channel's id of the location that the units are taken from; None: the order's own.
    """

    ref: Ref
    variant: str | None = None
    place: str | None = None

    def __post_init__(self) -> None:
        checks.order_line(self)
        values.optional_text("lines.variant", self.variant, 255)
        values.optional_text("lines.place", self.place, 255)


@dataclass(frozen=True, kw_only=True)
class OrderRecord(Record, OrderFields):
    """An order as a channel has it.

    Attributes:
        lines: may be empty (a till that only took money).
        customer: the channel's id of the customer.
        place: the channel's id of the shop where it was sold.
        reverses: the channel's id of the order that this one refunds, where it can be told.
        client_reference: what the gateway put on the order when it placed it (rule O4).
        stock_posted: whether the channel's count contains this order (rule K3); None where it does not say.
    """

    lines: Sequence[OrderLineRecord]
    customer: str | None = None
    place: str | None = None
    reverses: str | None = None
    client_reference: str | None = None
    stock_posted: bool | None = None

    def check(self) -> None:
        """See `Record.check`."""
        checks.order(self)
        put(self, "placed_at", values.instant("placedAt", self.placed_at))
        put(self, "cancelled_at", values.optional_instant("cancelledAt", self.cancelled_at))
        for field in ("customer", "place", "reverses", "client_reference"):
            values.optional_text(field, getattr(self, field), 255)
        put(self, "lines", tuple(self.lines))
        ids = [checks.of_type("lines", line, OrderLineRecord).ref.id for line in self.lines]
        if len(set(ids)) != len(ids):
            raise InvalidValueError("lines", "one id stands for two lines")


@dataclass(frozen=True, slots=True)
class Gone:
    """The channel no longer has this record."""

    ref: Ref


def put(record: Any, field: str, value: object) -> None:
    """Set a field of a frozen record to its normal form, while it is being made."""
    object.__setattr__(record, field, value)
