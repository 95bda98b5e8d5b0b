"""Checks of what records and model have in common. Each raises `InvalidValueError`, naming the field."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any, TypeVar

from gateway.model import values
from gateway.model.catalog import ListingStatus, ProductFields, ProductStatus, VariantFields
from gateway.model.channels import Address
from gateway.model.customers import CustomerFields
from gateway.model.money import Money
from gateway.model.orders import OrderFields, OrderLineFields
from gateway.model.values import InvalidValueError

T = TypeVar("T")

LONG = 200_000
TITLE = 1_000
URL = 2_000
CODE = 255
CONTACT = 320
"""Characters at most, by what a text is."""

MOST_RATE = 1_000
FINEST_RATE = 20
"""Digits behind the point."""


def product(record: ProductFields) -> None:
    """The texts of a product."""
    values.text("title", record.title, TITLE)
    values.text("description", record.description, LONG, empty=True)
    values.optional_text("brand", record.brand, CODE)
    of_type("status", record.status, ProductStatus)
    for tag in record.tags:
        values.text("tags", tag, CODE)
    for image in record.images:
        values.text("images.url", image.url, URL)


def variant(record: VariantFields) -> None:
    """The texts of a variant, but for its codes."""
    values.text("title", record.title, TITLE, empty=True)
    values.text("unitOfMeasure", record.unit_of_measure, 20)
    for option in record.selected_options:
        values.text("selectedOptions.name", option.name, CODE)
        values.text("selectedOptions.value", option.value, CODE)


def listing(status: object, tracked: object, units: object, condition: object, url: object) -> None:
    """How a channel offers a variant."""
    of_type("status", status, ListingStatus)
    values.flag("tracked", tracked)
    values.whole("unitsPerListing", units, least=1)
    values.text("condition", condition, 40)
    values.optional_text("url", url, URL)


def customer(record: CustomerFields) -> None:
    """A customer's names, contacts, addresses and tags."""
    for name in ("display_name", "given_name", "family_name"):
        values.optional_text(name, getattr(record, name), CODE)
    for point in (*record.emails, *record.phones):
        values.text("contact", point.value, CONTACT)
    for place in record.addresses:
        address("addresses", place)
    for tag in record.tags:
        values.text("tags", tag, CODE)


def order(record: OrderFields) -> None:
    """An order's number, addresses, contact and amounts."""
    values.text("number", record.number, 100)
    address("shippingAddress", record.shipping_address)
    address("billingAddress", record.billing_address)
    for part in ("name", "email", "phone"):
        values.optional_text("contact", getattr(record.contact, part, None), CONTACT)
    amounts(record)
    for tax in record.tax_lines:
        values.text("taxLines.title", tax.title, CODE, empty=True)
        rate("taxLines.rate", tax.rate)
        of_type("taxLines.amount", tax.amount, Money)


def order_line(record: OrderLineFields) -> None:
    """An order line's texts, quantities and amounts."""
    values.text("lines.title", record.title, TITLE, empty=True)
    values.optional_text("lines.sku", record.sku, CODE)
    values.whole("lines.quantity", record.quantity)
    values.whole("lines.fulfilledQuantity", record.fulfilled_quantity)
    values.whole("lines.returnedQuantity", record.returned_quantity)
    amounts(record)


def of_type(field: str, value: object, kind: type[T]) -> T:
    """The value, which must be of this type."""
    if not isinstance(value, kind):
        raise InvalidValueError(field, f"expected {kind.__name__}, found {type(value).__name__}")
    return value


def amounts(record: Any) -> None:
    """That every amount of a record is `Money`, all in one currency."""
    found = {field.name: getattr(record, field.name) for field in fields(record) if field.type == "Money | None"}
    for name, amount in found.items():
        if amount is not None:
            of_type(name, amount, Money)
    if len({amount.currency_code for amount in found.values() if amount is not None}) > 1:
        raise InvalidValueError("currency", "one record has amounts in several currencies")


def rate(field: str, found: object) -> None:
    """That a tax is a fraction with as many digits as clients can read: 0.2 for 20 %. A deduction is negative."""
    exact = of_type(field, found, Decimal)
    exponent = exact.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -FINEST_RATE or exact.copy_abs() > MOST_RATE:
        raise InvalidValueError(field, "is no rate of a tax")


def not_negative(field: str, amount: Money | None) -> None:
    """That an amount, if there is one, is no less than nothing."""
    if amount is not None and amount.minor < 0:
        raise InvalidValueError(field, f"{amount.amount} is negative")


def address(field: str, found: Address | None) -> None:
    """An address, if there is one."""
    if found is None:
        return
    of_type(field, found, Address)
    values.country(f"{field}.countryCode", found.country_code)
    for part in ("name", "company", "line1", "line2", "city", "region", "postal_code", "phone"):
        values.optional_text(f"{field}.{part}", getattr(found, part), CODE)
