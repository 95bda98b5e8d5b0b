"""Validation of the fields that records and the model share.

Each function raises `InvalidValueError` with the name of the field.
"""

from __future__ import annotations

import re
from dataclasses import fields
from decimal import Decimal
from typing import Any, TypeVar

from gateway.model import validation
from gateway.model.catalog import ListingStatus, ProductFields, ProductStatus, Rating, VariantFields
from gateway.model.customers.profiles import ContactPoint, CustomerFields
from gateway.model.locations import Address
from gateway.model.measures import Measure, normalize_unit
from gateway.model.media import Image, Media, MediaKind, MediaSource
from gateway.model.money import Money
from gateway.model.offers import CurrencyPrice
from gateway.model.orders import (
    OrderCharge,
    OrderChargeKind,
    OrderContact,
    OrderFields,
    OrderFulfillmentStatus,
    OrderLineFields,
    OrderReturnStatus,
    OrderStatus,
    PaymentStatus,
)
from gateway.model.validation import InvalidValueError

T = TypeVar("T")

MAX_LONG_TEXT = 200_000
MAX_TITLE = 1_000
MAX_URL = 2_000
MAX_CODE = 255
MAX_CONTACT = 320
MAX_MIME_TYPE = 100
MAX_HANDLE = 240
MAX_SEO = 2_000
"""Maximum number of characters, by kind of text."""

_HANDLE = re.compile(r"[^\s/?#\\]+")
_URL = re.compile("https?://[^\\s/]+", re.IGNORECASE)

MAX_MEDIA = 500
"""Maximum number of media of a product or variant."""

MAX_ATTRIBUTES = 500
"""Maximum number of attributes of a record."""

MAX_LOCALES = 100
"""Maximum number of locales of the texts of a product."""

MAX_SOURCES = 20
"""Maximum number of files of a medium."""

MAX_SIDE = 100_000
"""Maximum width and height of an image or video, in pixels."""

MAX_CURRENCIES = 50
"""Maximum number of currencies of the prices of a variant."""

MAX_UNIT = 20
MAX_MEASURE_DIGITS = 9
"""Maximum number of characters of a unit, and of digits of a measure before the decimal point."""

MAX_RATE = 1_000
MAX_RATE_DIGITS = 20
"""Maximum value and maximum number of decimal digits of a tax rate."""


def check_exact_amount(field: str, exact: object, amount: Money | None) -> None:
    """Check an optional exact amount: at most six decimal digits, and `amount` when it is rounded."""
    if exact is None:
        return
    if not isinstance(exact, Decimal) or not exact.is_finite():
        raise InvalidValueError(field, f"expected a decimal number, found {exact!r}")
    if exact != round(exact, 6):
        raise InvalidValueError(field, f"{exact} has more than six decimal digits")
    if amount is None or Money.rounded(exact, amount.currency_code) != amount:
        raise InvalidValueError(field, f"{exact} is not the price before it is rounded")


def check_currency_price(price: CurrencyPrice) -> CurrencyPrice:
    """Check a price in another currency."""
    check_type("prices", price, CurrencyPrice)
    check_type("prices.price", price.price, Money)
    check_not_negative("prices.price", price.price)
    check_exact_amount("prices.exactPrice", price.exact_price, price.price)
    if price.compare_at_price is not None:
        check_type("prices.compareAtPrice", price.compare_at_price, Money)
        check_not_negative("prices.compareAtPrice", price.compare_at_price)
        if price.compare_at_price.currency_code != price.price.currency_code:
            raise InvalidValueError("prices.compareAtPrice", "has another currency than the price")
    return price


def check_measure(field: str, measure: object) -> Measure | None:
    """Check an optional measure, and normalize its unit."""
    if measure is None:
        return None
    given = check_type(field, measure, Measure)
    value = check_type(field, given.value, Decimal)
    if not value.is_finite() or value.adjusted() > MAX_MEASURE_DIGITS or round(value, 6) <= 0:
        raise InvalidValueError(field, f"expected a number from 0.000001 to 10^{MAX_MEASURE_DIGITS}, found {value}")
    unit = validation.check_text(field, given.unit, MAX_UNIT)
    return Measure(value=round(value, 6).normalize(), unit=normalize_unit(unit))


def check_rating(rating: object) -> Rating | None:
    """Check an optional rating. Without any vote there is none."""
    if rating is None:
        return None
    given = check_type("rating", rating, Rating)
    count = validation.check_whole("rating.count", given.count, least=0)
    if count == 0:
        return None
    validation.check_whole("rating.average", given.average, least=100, most=500)
    return given


def check_product(record: ProductFields) -> None:
    """Check the texts of a product."""
    validation.check_text("title", record.title, MAX_TITLE)
    validation.check_text("description", record.description, MAX_LONG_TEXT, empty=True)
    validation.check_optional_text("brand", record.brand, MAX_CODE)
    check_type("status", record.status, ProductStatus)


def check_tag(tag: object) -> str:
    """Check a tag."""
    return validation.check_text("tags", tag, MAX_CODE)


def check_image(image: Image | None) -> Image | None:
    """Check the URL of an optional image."""
    if image is not None:
        check_type("image", image, Image)
        check_url(image.url)
        _check_size(image)
        validation.check_optional_text("image.altText", image.alt_text, MAX_TITLE)
    return image


def check_media(media: Media) -> Media:
    """Check a medium: its URLs, and that it has what its kind shows."""
    check_type("media", media, Media)
    check_type("media.kind", media.kind, MediaKind)
    validation.check_optional_text("media.altText", media.alt_text, MAX_TITLE)
    check_image(media.image)
    check_url(media.embed_url)
    if len(media.sources) > MAX_SOURCES:
        raise InvalidValueError("media.sources", f"has {len(media.sources)} files; at most {MAX_SOURCES} are allowed")
    for source in media.sources:
        check_type("media.sources", source, MediaSource)
        _check_size(source)
        validation.check_text("media.sources.mimeType", source.mime_type, MAX_MIME_TYPE)
        if check_url(source.url) is None:
            raise InvalidValueError("media.sources.url", "is missing")
    if _is_empty(media):
        raise InvalidValueError("media", f"has nothing that a medium of the kind {media.kind.value} shows")
    return media


def _check_size(item: Image | MediaSource) -> None:
    for side in (item.width, item.height):
        if side is not None:
            validation.check_whole("size", side, least=0, most=MAX_SIDE)


def _is_empty(media: Media) -> bool:
    """Whether the medium lacks what its kind shows."""
    if media.kind is MediaKind.IMAGE:
        return media.image is None
    return media.embed_url is None if media.kind is MediaKind.EXTERNAL_VIDEO else not media.sources


def check_url(url: object) -> str | None:
    """Check an optional URL of a web page or file."""
    if url is None:
        return None
    text = validation.check_text("url", url, MAX_URL)
    if not _URL.match(text):
        raise InvalidValueError("url", "is not a URL that begins with http:// or https://")
    return text


def check_handle(handle: object) -> str | None:
    """Check an optional handle: one segment of a URL."""
    if handle is None:
        return None
    text = validation.check_text("handle", handle, MAX_HANDLE)
    if not _HANDLE.fullmatch(text) or text in (".", ".."):
        raise InvalidValueError("handle", "is not one segment of a URL")
    return text


def check_variant(record: VariantFields) -> None:
    """Check the texts of a variant, except its codes."""
    validation.check_text("title", record.title, MAX_TITLE, empty=True)
    validation.check_text("unitOfMeasure", record.unit_of_measure, 20)
    for option in record.selected_options:
        validation.check_text("selectedOptions.name", option.name, MAX_CODE)
        validation.check_text("selectedOptions.value", option.value, MAX_CODE)


def check_listing(status: object, tracked: object, units: object, condition: object) -> None:
    """Check how a channel lists a variant."""
    check_type("status", status, ListingStatus)
    validation.check_flag("tracked", tracked)
    validation.check_whole("unitsPerListing", units, least=1)
    validation.check_text("condition", condition, 40)


def check_customer(record: CustomerFields) -> None:
    """Check the names of a customer."""
    for name in ("display_name", "given_name", "family_name"):
        validation.check_optional_text(name, getattr(record, name), MAX_CODE)


def check_contact_point(point: ContactPoint) -> ContactPoint:
    """Check an email address or a phone number."""
    validation.check_text("contact", point.value, MAX_CONTACT)
    return point


def check_order(record: OrderFields) -> None:
    """Check the number, addresses and amounts of an order."""
    validation.check_text("number", record.number, 100)
    check_type("status", record.status, OrderStatus)
    check_type("fulfillmentStatus", record.fulfillment_status, OrderFulfillmentStatus)
    check_type("paymentStatus", record.payment_status, PaymentStatus)
    check_type("returnStatus", record.return_status, OrderReturnStatus)
    check_address("shippingAddress", record.shipping_address)
    check_address("billingAddress", record.billing_address)
    check_amounts(record)
    if record.tax_included is not None:
        validation.check_flag("taxIncluded", record.tax_included)
    for tax in record.tax_lines:
        validation.check_text("taxLines.title", tax.title, MAX_CODE, empty=True)
        check_rate("taxLines.rate", tax.rate)
        check_type("taxLines.amount", tax.amount, Money)


def check_charge(charge: OrderCharge, currency_code: str | None) -> OrderCharge:
    """Check a charge of an order, and that it is in the currency of the order."""
    check_type("otherCharges", charge, OrderCharge)
    check_type("otherCharges.kind", charge.kind, OrderChargeKind)
    validation.check_text("otherCharges.title", charge.title, MAX_CODE, empty=True)
    check_type("otherCharges.amount", charge.amount, Money)
    if currency_code not in (None, charge.amount.currency_code):
        raise InvalidValueError("otherCharges.amount", f"is not in {currency_code}, as the total is")
    return charge


def check_contact(contact: OrderContact | None) -> OrderContact | None:
    """Check the optional contact of an order."""
    if contact is None:
        return None
    check_type("contact", contact, OrderContact)
    for part in ("name", "email", "phone"):
        validation.check_optional_text("contact", getattr(contact, part), MAX_CONTACT)
    return contact


def check_order_line(record: OrderLineFields) -> None:
    """Check the texts, quantities and amounts of an order line."""
    validation.check_text("lines.title", record.title, MAX_TITLE, empty=True)
    validation.check_optional_text("lines.sku", record.sku, MAX_CODE)
    validation.check_whole("lines.quantity", record.quantity)
    validation.check_whole("lines.fulfilledQuantity", record.fulfilled_quantity)
    validation.check_whole("lines.returnedQuantity", record.returned_quantity)
    check_amounts(record)


def check_type(field: str, value: object, kind: type[T]) -> T:
    """Check the type of a value and return it."""
    if not isinstance(value, kind):
        raise InvalidValueError(field, f"expected {kind.__name__}, found {type(value).__name__}")
    return value


def check_amounts(record: Any) -> None:
    """Check that every amount of a record is `Money`, all in one currency."""
    amounts = {field.name: getattr(record, field.name) for field in fields(record) if field.type == "Money | None"}
    for name, amount in amounts.items():
        if amount is not None:
            check_type(name, amount, Money)
    if len({amount.currency_code for amount in amounts.values() if amount is not None}) > 1:
        raise InvalidValueError("currency", "the amounts of a record must have one currency")


def check_rate(field: str, value: object) -> None:
    """Check a tax rate: a fraction, such as 0.2 for 20 %, with as many digits as clients can read. Deductions are
    negative.
    """
    exact = check_type(field, value, Decimal)
    exponent = exact.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MAX_RATE_DIGITS or exact.copy_abs() > MAX_RATE:
        raise InvalidValueError(field, "is not a tax rate")


def check_not_negative(field: str, amount: Money | None) -> None:
    """Check that an optional amount is not negative."""
    if amount is not None and amount.minor < 0:
        raise InvalidValueError(field, f"{amount.amount} is negative")


def check_address(field: str, address: Address | None) -> None:
    """Check an optional address."""
    if address is None:
        return
    check_type(field, address, Address)
    validation.check_country(f"{field}.countryCode", address.country_code)
    for part in ("name", "company", "line1", "line2", "city", "region", "postal_code", "phone"):
        validation.check_optional_text(f"{field}.{part}", getattr(address, part), MAX_CODE)
