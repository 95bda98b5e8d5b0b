"""Mapping of Amazon's orders."""

from __future__ import annotations

from typing import Any

from gateway.sdk import (
    InvalidValueError,
    Money,
    OrderContact,
    OrderFulfillmentStatus,
    OrderLineRecord,
    OrderRecord,
    OrderStatus,
    PaymentStatus,
    Raw,
    Ref,
    read_lines,
)
from gateway.sdk.json_access import Shape, get_instant, get_optional_instant, get_optional_text, get_text
from gateway_amazon.config import AmazonConfig
from gateway_amazon.json_values import (
    FBA_LOCATION,
    get_optional_count,
    get_optional_money,
    get_optional_objects,
    sum_amounts,
)
from gateway_amazon.proceeds import get_breakdown, get_discounted, is_tax_added, list_discounts, map_charges

UNSHIPPED, PARTLY_SHIPPED, SHIPPED = (
    OrderFulfillmentStatus.UNFULFILLED,
    OrderFulfillmentStatus.PARTIALLY_FULFILLED,
    OrderFulfillmentStatus.FULFILLED,
)
STATUSES = {
    "PENDING_AVAILABILITY": (OrderStatus.PENDING, UNSHIPPED, PaymentStatus.PENDING),
    "PENDING": (OrderStatus.PENDING, UNSHIPPED, PaymentStatus.PENDING),
    "UNSHIPPED": (OrderStatus.OPEN, UNSHIPPED, PaymentStatus.AUTHORIZED),
    "PARTIALLY_SHIPPED": (OrderStatus.OPEN, PARTLY_SHIPPED, PaymentStatus.PARTIALLY_PAID),
    "SHIPPED": (OrderStatus.COMPLETED, SHIPPED, PaymentStatus.PAID),
    "CANCELLED": (OrderStatus.CANCELLED, UNSHIPPED, PaymentStatus.UNKNOWN),
    "UNFULFILLABLE": (OrderStatus.FAILED, UNSHIPPED, PaymentStatus.UNKNOWN),
}
"""By Amazon's status. The buyer is charged at shipment; a payment is not authorized before PENDING ends."""

ITEM_PRICE_FIELDS: Shape = {"product": {"title": {}, "sellerSku": {}, "price": {}}, "proceeds": {}}
ITEM_QUANTITY_FIELDS: Shape = {
    "orderItemId": {},
    "quantityOrdered": {},
    "fulfillment": {"quantityFulfilled": {}, "quantityUnfulfilled": {}},
}
ORDER_FIELDS: Shape = {
    **{name: {} for name in ("orderId", "createdTime", "lastUpdatedTime", "proceeds")},
    "fulfillment": {"fulfillmentStatus": {}, "fulfilledBy": {}},
    "orderItems": {**ITEM_PRICE_FIELDS, **ITEM_QUANTITY_FIELDS},
}
BUYER_FIELDS: Shape = {"buyer": {"buyerName": {}, "buyerEmail": {}}}


def reduce_order(order: Shape, contact: bool) -> Any:
    """Return the fields of an order that the gateway reads, and no others: the rest is personal data with a deletion
    deadline.
    """
    return select_fields(order, {**ORDER_FIELDS, **BUYER_FIELDS} if contact else ORDER_FIELDS)


def select_fields(shape: Any, names: Shape) -> Any:
    """Select fields by name, in each object of a list. Without names, everything is selected."""
    if isinstance(shape, list):
        return [select_fields(item, names) for item in shape]
    if not names or not isinstance(shape, dict):
        return shape
    return {name: select_fields(shape[name], deeper) for name, deeper in names.items() if name in shape}


def map_order(raw: Raw, config: AmazonConfig) -> OrderRecord:
    """Map an order. It has no customer: Amazon does not identify the buyer across orders."""
    order: Shape = raw.data
    items = get_optional_objects(order, "orderItems")
    status, shipped, paid = map_status(get_optional_text(order, "fulfillment", "fulfillmentStatus"))
    location = get_location(order, config)
    is_canceled = status is OrderStatus.CANCELLED
    lines, rejected = read_lines(
        items, lambda item: map_line(item, location, whole=is_canceled), lambda item: item.get("orderItemId")
    )
    subtotal = sum_amounts([line.total for line in lines if line.total is not None])
    shipping = sum_amounts([amount for item in items for amount in get_discounted(item, "SHIPPING")])
    charges, total = map_charges(order, items), get_optional_money(order, "proceeds", "grandTotal")
    tax = sum_amounts([amount for item in items for amount in get_breakdown(item, "TAX")])
    is_added = is_tax_added(total, tax, [subtotal, shipping, *(charge.amount for charge in charges)])
    return OrderRecord(
        ref=Ref(get_text(order, "orderId")),
        version=get_optional_instant(order, "lastUpdatedTime"),
        number=get_text(order, "orderId"),
        status=status,
        fulfillment_status=shipped,
        payment_status=paid,
        placed_at=get_instant(order, "createdTime"),
        place=location,
        lines=lines,
        rejected_lines=rejected,
        subtotal=subtotal,
        discount_total=sum_amounts([amount for item in items for amount in get_breakdown(item, "DISCOUNT")]),
        tax_total=tax,
        tax_included=config.prices_include_tax and not is_added,
        shipping_total=shipping,
        other_charges=charges,
        total=total,
        contact=map_contact(order) if config.contact else None,
    )


def map_status(status: str | None) -> tuple[OrderStatus, OrderFulfillmentStatus, PaymentStatus]:
    """Map the status of an order."""
    if status not in STATUSES:
        raise InvalidValueError("fulfillmentStatus", "is not a known status")
    return STATUSES[status]


def map_contact(order: Shape) -> OrderContact | None:
    """Map the buyer's contact: a relay address that Amazon issues for this order only."""
    name, email = get_optional_text(order, "buyer", "buyerName"), get_optional_text(order, "buyer", "buyerEmail")
    return OrderContact(name=name, email=email) if name or email else None


def get_location(order: Shape, config: AmazonConfig) -> str | None:
    """Return the location that ships the order; an order ships from one location."""
    locations = {"AMAZON": FBA_LOCATION, "MERCHANT": config.merchant_place}
    return locations.get(get_optional_text(order, "fulfillment", "fulfilledBy") or "")


def map_line(item: Shape, location: str | None, *, whole: bool) -> OrderLineRecord:
    """Map a line. Quantities and prices are those of listings; the listing defines its number of units.

    Args:
        whole: Whether to include canceled units.
    """
    sku = get_optional_text(item, "product", "sellerSku")
    ordered = get_optional_count(item, "quantityOrdered")
    if ordered is None:
        raise InvalidValueError("lines.quantity", "is missing")
    price = get_optional_money(item, "product", "price", "unitPrice")
    shipped, waiting = (
        get_optional_count(item, "fulfillment", f"quantity{name}") for name in ("Fulfilled", "Unfulfilled")
    )
    left = ordered if whole or shipped is None or waiting is None else min(ordered, shipped + waiting)
    return OrderLineRecord(
        ref=Ref(get_text(item, "orderItemId")),
        variant=sku,
        place=location,
        title=get_optional_text(item, "product", "title") or "",
        sku=sku,
        quantity=left,
        unit_price=price,
        total=sum_line(item, price, ordered),
        fulfilled_quantity=shipped or 0,
    )


def sum_line(item: Shape, price: Money | None, ordered: int) -> Money | None:
    """Return the total of a line after discounts, without shipping."""
    full = get_breakdown(item, "ITEM") or ([Money(price.minor * ordered, price.currency_code)] if price else [])
    return sum_amounts([*full, *list_discounts(item, "ITEM")]) if full else None
