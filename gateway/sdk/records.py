"""Records: the data that a channel reports. `Feed.read` creates a record, and the constructor validates it.

A value that the model cannot hold raises `InvalidValueError` with the name of the field: the record is rejected with
its raw data, and the pass continues. Quantities are whole numbers in the smallest unit of the variant, amounts are
`Money`, dates and times have a time zone. IDs are those of the channel, as text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TypeVar

from gateway.model import record_validation, validation
from gateway.model.catalog import ListingStatus, ProductFields, Rating, VariantFields
from gateway.model.content import ProductText, normalize_locale
from gateway.model.customers.profiles import CustomerFields
from gateway.model.measures import Measure
from gateway.model.money import Money
from gateway.model.offers import CurrencyPrice
from gateway.model.orders import OrderFields, OrderLineFields
from gateway.model.validation import InvalidValueError
from gateway.sdk.consents import ConsentRecord, check_consent
from gateway.sdk.html import extract_text, sanitize_html
from gateway.sdk.loyalty import LoyaltyCard, check_card
from gateway.sdk.record_fields import (
    RecordWarning,
    check_optional,
    cut_list,
    drop_invalid,
    drop_invalid_items,
    list_images,
    normalize_attributes,
    normalize_items,
    normalize_options,
    normalize_references,
    put,
    sanitize_texts,
)

T = TypeVar("T")
U = TypeVar("U")

Version = datetime | int
"""The channel's version of a record: a later time or a greater number is newer. All versions of a feed have one type.
"""


@dataclass(frozen=True, slots=True)
class Ref:
    """ID of a record in its channel.

    Attributes:
        id: At most 255 characters.
        note: Data that the gateway returns to the plugin with the ID, such as a second id or the type; at most 1,000
            characters. None: there is none.
    """

    id: str
    note: str | None = None

    def __post_init__(self) -> None:
        validation.check_text("id", self.id, 255)
        validation.check_optional_text("note", self.note, 1000)


@dataclass(frozen=True, slots=True)
class LocationQuantity:
    """Units of an order line at one location.

    Attributes:
        location: ID of the location in the channel.
        quantity: Number of units, at least one.
    """

    location: str
    quantity: int

    def __post_init__(self) -> None:
        validation.check_text("location", self.location, 255)
        validation.check_whole("quantity", self.quantity, least=1)


@dataclass(frozen=True, kw_only=True)
class Record:
    """Base class of all records.

    Each field is essential or informative. An invalid value of an essential field rejects the record. That of an
    informative field, by which nothing is sold, is dropped with a warning. Informative are: `incoming`, `committed` and
    `as_of` of stock; images, media, labels and swatches of options, tags, handle, HTML, SEO texts, locale,
    translations, attributes, `compare_at_price`, `gtin` and `url` of products and variants; emails, phones, addresses
    and tags of customers; the contact and other charges of orders.

    Attributes:
        ref: ID of the record in the channel.
        version: The channel's version; None: the channel has none.
        warnings: Informative fields that were dropped. Set by the record; a plugin may pass its own.
    """

    ref: Ref
    version: Version | None = None
    warnings: Sequence[RecordWarning] = ()

    def __post_init__(self) -> None:
        if isinstance(self.version, datetime):
            put(self, "version", validation.check_instant("version", self.version))
        elif self.version is not None:
            validation.check_whole("version", self.version, least=0, most=2**63 - 1)
        self.check()
        for warning in self.warnings:
            record_validation.check_type("warnings", warning, RecordWarning)

    def check(self) -> None:
        """Check and normalize the fields of the record."""


@dataclass(frozen=True, kw_only=True)
class VariantRecord(VariantFields):
    """A variant as a channel lists it. Part of a `ProductRecord`.

    Attributes:
        ref: ID of the variant in the channel.
        price: Price of one listing, not negative; None: not sold separately.
        exact_price: `price` with up to six decimal digits, if the channel holds more than the currency has, as for
            net prices: 8.325, where `price` is 8.33. Tax and totals are computed from it. None: `price` is exact.
        compare_at_price: Price before a reduction; None: not reduced.
        price_includes_tax: None: as in the traits of the channel.
        units_per_listing: Number of stock units that one listing contains: 2 for a two-pack.
        tracked: Whether the channel counts the stock.
        inventory_item: ID of the item that the channel counts, as in `StockRecord.item`; None: the variant itself. What
            is counted in another unit of measure needs another ID, and adjustments of the former one are to be refused.
        condition: Items in different conditions never match: ``new``, ``used``.
        status: Whether the channel offers the variant.
        url: URL of the product page; None: there is none.
        attributes: See `ProductRecord.attributes`.
        prices: Prices in other currencies than that of `price`; one per currency.
        net_content: What one unit contains, for its price per measure: 0.5 l. None: not known.
        price_per: The measure of that price; None: 1 kg, 1 l, 1 m, or 1 of the unit.
    """

    ref: Ref
    price: Money | None = None
    exact_price: Decimal | None = None
    compare_at_price: Money | None = None
    price_includes_tax: bool | None = None
    units_per_listing: int = 1
    tracked: bool = True
    inventory_item: str | None = None
    condition: str = "new"
    status: ListingStatus = ListingStatus.ACTIVE
    url: str | None = None
    attributes: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    warnings: Sequence[RecordWarning] = ()
    prices: Sequence[CurrencyPrice] = ()
    net_content: Measure | None = None
    price_per: Measure | None = None

    def __post_init__(self) -> None:
        drop_invalid(self, "image", "image.url", record_validation.check_image)
        drop_invalid_items(self, "media", "media", record_validation.check_media)
        cut_list(self, "media", record_validation.MAX_MEDIA)
        put(self, "image", self.image or next(iter(list_images(self.media)), None))
        drop_invalid(self, "url", "url", record_validation.check_url)
        drop_invalid(self, "gtin", "gtin", partial(validation.check_gtin, "gtin"))
        drop_invalid(self, "compare_at_price", "compareAtPrice", self._check_compare_at_price)
        drop_invalid_items(self, "prices", "prices", record_validation.check_currency_price)
        cut_list(self, "prices", record_validation.MAX_CURRENCIES)
        for name, field in (("net_content", "netContent"), ("price_per", "pricePer")):
            drop_invalid(self, name, field, partial(record_validation.check_measure, field))
        normalize_attributes(self)
        normalize_options(self)
        record_validation.check_variant(self)
        record_validation.check_listing(self.status, self.tracked, self.units_per_listing, self.condition)
        record_validation.check_amounts(self)
        record_validation.check_not_negative("price", self.price)
        record_validation.check_exact_amount("exactPrice", self.exact_price, self.price)
        put(self, "sku", (validation.check_optional_text("sku", self.sku, 255) or "").strip() or None)
        validation.check_optional_text("inventoryItem", self.inventory_item, 255)

    def _check_compare_at_price(self, amount: Money | None) -> Money | None:
        """Check that the price before a reduction is an amount in the currency of the price."""
        if amount is None:
            return None
        record_validation.check_type("compareAtPrice", amount, Money)
        record_validation.check_not_negative("compareAtPrice", amount)
        if isinstance(self.price, Money) and self.price.currency_code != amount.currency_code:
            raise InvalidValueError("compareAtPrice", "has another currency than the price")
        return amount


@dataclass(frozen=True, kw_only=True)
class ProductRecord(Record, ProductFields):
    """A product with all its variants. One variant and no options: the channel does not group variants (rule I3).

    Attributes:
        variants: At least one, with different IDs.
        description_html: The description as HTML. It is sanitized; None: there is none. If `description` is empty, it
            becomes the text of it.
        seo_title, seo_description: Texts for search engines; None: there are none.
        locale: BCP 47 language tag of the texts; None: the first locale of the channel in the configuration.
        translations: Texts in other locales; `ProductText.html` is sanitized.
        handle: The channel's part of the product's URL, such as ``red-shirt``; None: the channel has none.
        attributes: Values of the attributes that the configuration declares for the channel (`Context.attributes`), by
            the channel's name of each, as text: ``true``, ``2026-01-31``, ``12.50 GBP``, ``10 cm``, ``#1e90ff``. Others
            are ignored.
        rating: How customers rate the product in the channel; None: not rated.
        category: Titles of the categories, from the root of the channel's category tree.
        created_at: When the product was created in the channel; None: not known.
    """

    variants: Sequence[VariantRecord]
    description_html: str | None = None
    seo_title: str | None = None
    seo_description: str | None = None
    locale: str | None = None
    translations: Sequence[ProductText] = ()
    handle: str | None = None
    attributes: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    category: Sequence[str] = ()
    created_at: datetime | None = None
    rating: Rating | None = None

    def check(self) -> None:
        """Check and normalize the fields; see `Record.check`."""
        drop_invalid_items(self, "images", "images.url", record_validation.check_image)
        drop_invalid_items(self, "media", "media", record_validation.check_media)
        for name in ("images", "media"):
            cut_list(self, name, record_validation.MAX_MEDIA)
        put(self, "images", self.images or list_images(self.media))
        drop_invalid_items(self, "tags", "tags", record_validation.check_tag)
        self._check_texts()
        normalize_attributes(self)
        drop_invalid(self, "handle", "handle", record_validation.check_handle)
        drop_invalid(self, "rating", "rating", record_validation.check_rating)
        record_validation.check_product(self)
        put(self, "created_at", validation.check_optional_instant("createdAt", self.created_at))
        put(self, "variants", tuple(self.variants))
        put(self, "category", tuple(validation.check_text("category", title, 255) for title in self.category))
        ids = [record_validation.check_type("variants", variant, VariantRecord).ref.id for variant in self.variants]
        if not ids or len(set(ids)) != len(ids):
            raise InvalidValueError("variants", "is empty" if not ids else "two variants have the same ID")
        put(self, "warnings", (*self.warnings, *(one for variant in self.variants for one in variant.warnings)))

    def _check_texts(self) -> None:
        """Check and sanitize what storefronts show beside title and description."""
        drop_invalid(
            self, "description_html", "descriptionHtml", partial(check_optional, sanitize_html, "descriptionHtml")
        )
        drop_invalid(self, "locale", "locale", partial(check_optional, normalize_locale, "locale"))
        for name, field, longest in (
            ("seo_title", "seoTitle", record_validation.MAX_TITLE),
            ("seo_description", "seoDescription", record_validation.MAX_SEO),
        ):
            drop_invalid(self, name, field, partial(validation.check_optional_text, field, longest=longest))
        if self.description_html and self.description == "":
            put(self, "description", extract_text(self.description_html))
        normalize_items(self, "translations", "translations", normalize_translation)
        cut_list(self, "translations", record_validation.MAX_LOCALES)


def normalize_translation(text: ProductText) -> ProductText:
    """Check and sanitize the texts in another locale."""
    record_validation.check_type("translations", text, ProductText)
    validation.check_text("translations.title", text.title, record_validation.MAX_TITLE, empty=True)
    validation.check_text("translations.description", text.description, record_validation.MAX_LONG_TEXT, empty=True)
    validation.check_optional_text("translations.seoTitle", text.seo_title, record_validation.MAX_TITLE)
    validation.check_optional_text("translations.seoDescription", text.seo_description, record_validation.MAX_SEO)
    html = check_optional(sanitize_html, "translations.html", text.html)
    locale = normalize_locale("translations.locale", text.locale)
    return replace(text, locale=locale, html=html, description=text.description or extract_text(html or ""))


@dataclass(frozen=True, kw_only=True)
class StockRecord(Record):
    """Stock of one item at one location of the channel, in the smallest unit of the variant.

    Set either `on_hand`, or `available` together with `committed` from the same read (rule K4).

    Attributes:
        item: The `inventory_item` of the variants whose stock this is.
        place: ID of the location in the channel.
        on_hand: Units on hand; may be negative.
        available: Units that the channel would sell.
        committed: Units on hand that the channel has allocated to orders.
        incoming: Units that are expected to arrive.
        as_of: When the channel counted the stock; None: not known.
        contains: Keys of the gateway's commands that are in the channel's ledger of this item and location, from the
            same snapshot as the count: the count includes their movements (rule K3).
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
        """Check and normalize the fields; see `Record.check`."""
        put(self, "contains", tuple(validation.check_text("contains", key, 255) for key in self.contains))
        validation.check_text("item", self.item, 255)
        validation.check_text("place", self.place, 255)
        if (self.on_hand is None) == (self.available is None):
            raise InvalidValueError("onHand", "expected exactly one of on_hand and available")
        validation.check_whole("onHand", self.on_hand if self.available is None else self.available)
        drop_invalid(self, "committed", "committed", self._check_committed, 0)
        drop_invalid(self, "incoming", "incoming", partial(validation.check_whole, "incoming", least=0), 0)
        drop_invalid(self, "as_of", "asOf", partial(validation.check_optional_instant, "asOf"))

    def _check_committed(self, committed: object) -> int:
        """Check the allocated units: on hand are they and those that the channel would sell."""
        most = validation.MAX_QUANTITY - max(0, self.available or 0)
        return validation.check_whole("committed", committed, least=0, most=most)

    @property
    def base(self) -> int:
        """Units on hand: `on_hand`, or the sum of `available` and `committed`."""
        return self.on_hand if self.on_hand is not None else (self.available or 0) + self.committed


@dataclass(frozen=True, kw_only=True)
class CustomerRecord(Record, CustomerFields):
    """A customer as a channel stores them.

    Attributes:
        loyalty_number: Number of the loyalty card; None: there is none. That of `loyalty` if it has one.
        loyalty: The loyalty card with its tier and points; None: the channel has no more than its number.
        merged_into: ID in the channel of the customer into which this one was merged; None: not merged.
        references: IDs of the customer in other channels and systems, by their key: values of the fields that
            `Context.references` names. Without those that are empty.
        created_at: When the customer was created in the channel; None: not known.
        locale: Preferred language, as BCP 47 tag; None: not known.
        consents: What the customer has granted or denied in the channel. What was never asked is not among them.
    """

    loyalty_number: str | None = None
    loyalty: LoyaltyCard | None = None
    merged_into: str | None = None
    references: Mapping[str, str] = dataclasses.field(default_factory=dict)
    created_at: datetime | None = None
    locale: str | None = None
    consents: tuple[ConsentRecord, ...] = ()

    def check(self) -> None:
        """Check and normalize the fields; see `Record.check`."""
        for name in ("emails", "phones"):
            drop_invalid_items(self, name, name, record_validation.check_contact_point)
        drop_invalid_items(self, "addresses", "addresses", partial(record_validation.check_address, "addresses"))
        drop_invalid_items(self, "tags", "tags", record_validation.check_tag)
        normalize_items(self, "consents", "consents", check_consent)
        drop_invalid(self, "locale", "locale", partial(check_optional, normalize_locale, "locale"))
        record_validation.check_customer(self)
        drop_invalid(self, "loyalty", "loyalty", check_card)
        if self.loyalty is not None and self.loyalty.number:
            put(self, "loyalty_number", self.loyalty.number)
        validation.check_optional_text("loyaltyNumber", self.loyalty_number, 255)
        validation.check_optional_text("mergedInto", self.merged_into, 255)
        normalize_references(self)
        put(self, "created_at", validation.check_optional_instant("createdAt", self.created_at))


@dataclass(frozen=True, kw_only=True)
class OrderLineRecord(OrderLineFields):
    """A line of an order. Quantities and the unit price of a two-pack are those of the pack.

    `quantity` is what was handed over and what still is to be, at every moment (rule K11): units that were taken off
    the order are not in it, units that were returned are.

    Attributes:
        ref: ID of the line, unique in the order.
        variant: ID of the variant in the channel; None: not known.
        unit_of_measure: Unit of the quantities, as in `VariantRecord`; None: that of the variant. State it if the unit
            of a variant can change: a line keeps the unit in which it was sold (rule O7).
        exact_unit_price: `unit_price` with up to six decimal digits; None: it is exact.
        locations: The locations that supply the units, with the units of each; in a canceled order, of the units that
            were handed over. Different locations, with `quantity` units at most. If the units have one location,
            `place` is enough.
        place: ID in the channel of the location that supplies the units that are not in `locations`; None: the
            location of the order.
        restocked_quantity: Returned units that the channel has made available again. Never more than
            `returned_quantity`.
        restocked_locations: The locations where they are available, with the units of each. Different locations, with
            `restocked_quantity` units at most. The others are available where they came from.
    """

    ref: Ref
    variant: str | None = None
    unit_of_measure: str | None = None
    exact_unit_price: Decimal | None = None
    locations: Sequence[LocationQuantity] = ()
    place: str | None = None
    restocked_quantity: int = 0
    restocked_locations: Sequence[LocationQuantity] = ()

    def __post_init__(self) -> None:
        record_validation.check_order_line(self)
        record_validation.check_exact_amount("lines.exactUnitPrice", self.exact_unit_price, self.unit_price)
        most = max(0, self.returned_quantity)
        validation.check_whole("lines.restockedQuantity", self.restocked_quantity, least=0, most=most)
        validation.check_optional_text("lines.variant", self.variant, 255)
        validation.check_optional_text("lines.unitOfMeasure", self.unit_of_measure, 20)
        validation.check_optional_text("lines.place", self.place, 255)
        _check_locations(self, "locations", self.quantity)
        _check_locations(self, "restocked_locations", self.restocked_quantity)


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line of an order that cannot be read (rule O9). `read_lines` builds it.

    Attributes:
        id: ID of the line, as far as it can be read.
        field: The invalid field.
        reason: What was expected, and the value that was found.
    """

    id: str
    field: str
    reason: str

    def __post_init__(self) -> None:
        sanitize_texts(self, "id", "field", "reason")


@dataclass(frozen=True, kw_only=True)
class OrderRecord(Record, OrderFields):
    """An order as a channel stores it.

    Attributes:
        lines: The lines that can be read, with different IDs; may be empty.
        rejected_lines: Lines that cannot be read. Each is a warning, and the order is stored as incomplete. None has
            the ID of a line that can be read: which of the two was known before would be a guess.
        customer: ID of the customer in the channel; None: not known.
        place: ID in the channel of the store in which the order was placed; None: none.
        reverses: ID in the channel of the order that this one refunds; None: not a refund, or not known.
        client_reference: Reference that the gateway set when it placed the order (rule O4); None: there is none.
        stock_posted: Whether the channel's stock count includes the order (rule K3); None: not known.
    """

    lines: Sequence[OrderLineRecord]
    rejected_lines: Sequence[RejectedLine] = ()
    customer: str | None = None
    place: str | None = None
    reverses: str | None = None
    client_reference: str | None = None
    stock_posted: bool | None = None

    def check(self) -> None:
        """Check and normalize the fields; see `Record.check`."""
        drop_invalid(self, "contact", "contact", record_validation.check_contact)
        record_validation.check_order(self)
        currency = None if self.total is None else self.total.currency_code
        check_charge = partial(record_validation.check_charge, currency_code=currency)
        drop_invalid_items(self, "other_charges", "otherCharges", check_charge)
        record_validation.check_type("test", self.test, bool)
        if self.stock_posted is not None:
            validation.check_flag("stockPosted", self.stock_posted)
        put(self, "placed_at", validation.check_instant("placedAt", self.placed_at))
        put(self, "cancelled_at", validation.check_optional_instant("cancelledAt", self.cancelled_at))
        for field in ("customer", "place", "reverses", "client_reference"):
            validation.check_optional_text(field, getattr(self, field), 255)
        put(self, "lines", tuple(self.lines))
        put(self, "rejected_lines", tuple(self.rejected_lines))
        self._check_line_ids()
        rejected = [RecordWarning(line.field, f"line {line.id}: {line.reason}") for line in self.rejected_lines]
        put(self, "warnings", (*self.warnings, *rejected))

    def _check_line_ids(self) -> None:
        """Check that no line has the ID of another one that can be read."""
        ids = {record_validation.check_type("lines", line, OrderLineRecord).ref.id for line in self.lines}
        if len(ids) != len(self.lines):
            raise InvalidValueError("lines", "two lines have the same ID")
        for line in self.rejected_lines:
            if record_validation.check_type("rejectedLines", line, RejectedLine).id in ids:
                reason = f"two lines have the ID {line.id}, and one cannot be read: {line.field}: {line.reason}"
                raise InvalidValueError("lines", reason)


def _check_locations(line: OrderLineRecord, name: str, most: int) -> None:
    """Check the units of a line by location: different locations, and at most so many units."""
    field = f"lines.{'locations' if name == 'locations' else 'restockedLocations'}"
    shares = tuple(record_validation.check_type(field, share, LocationQuantity) for share in getattr(line, name))
    put(line, name, shares)
    if len({share.location for share in shares}) != len(shares):
        raise InvalidValueError(field, "two entries have the same location")
    if sum(share.quantity for share in shares) > max(0, most):
        raise InvalidValueError(field, f"has more than {max(0, most)} units")


@dataclass(frozen=True, slots=True)
class Gone:
    """A record that the channel has deleted.

    Attributes:
        ref: ID of the record in the channel.
    """

    ref: Ref


def read_lines(
    raws: Iterable[T], read: Callable[[T], OrderLineRecord], get_id: Callable[[T], object]
) -> tuple[list[OrderLineRecord], list[RejectedLine]]:
    """Read the lines of an order, so that one that cannot be read does not reject the order (rule O9).

    Args:
        raws: The lines as the channel has them.
        read: Reads a line; raises `InvalidValueError` if it cannot be read.
        get_id: Returns the ID of a line, which may itself be invalid.
    """
    lines, rejected = list[OrderLineRecord](), list[RejectedLine]()
    for position, raw in enumerate(raws, 1):
        try:
            lines.append(read(raw))
        except InvalidValueError as error:
            rejected.append(RejectedLine(_name_line(get_id(raw), position), error.field, error.reason))
    return lines, rejected


def _name_line(id: object, position: int) -> str:
    try:
        return validation.check_text("lines.id", id, 255)
    except InvalidValueError:
        return f"number {position}"
