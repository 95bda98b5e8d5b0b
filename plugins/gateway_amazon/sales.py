"""An order as Amazon has it, as an order of the model."""

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
)
from gateway.sdk.shapes import Shape, instant, optional_instant, optional_text, text
from gateway_amazon.config import AmazonConfig
from gateway_amazon.shapes import FBA_PLACE, count, money, objects, total

UNSHIPPED, PARTLY, SHIPPED = (
    OrderFulfillmentStatus.UNFULFILLED,
    OrderFulfillmentStatus.PARTIALLY_FULFILLED,
    OrderFulfillmentStatus.FULFILLED,
)
STANDINGS = {
    "PENDING_AVAILABILITY": (OrderStatus.PENDING, UNSHIPPED, PaymentStatus.PENDING),
    "PENDING": (OrderStatus.PENDING, UNSHIPPED, PaymentStatus.PENDING),
    "UNSHIPPED": (OrderStatus.OPEN, UNSHIPPED, PaymentStatus.AUTHORIZED),
    "PARTIALLY_SHIPPED": (OrderStatus.OPEN, PARTLY, PaymentStatus.PARTIALLY_PAID),
    "SHIPPED": (OrderStatus.COMPLETED, SHIPPED, PaymentStatus.PAID),
    "CANCELLED": (OrderStatus.CANCELLED, UNSHIPPED, PaymentStatus.UNKNOWN),
    "UNFULFILLABLE": (OrderStatus.FAILED, UNSHIPPED, PaymentStatus.UNKNOWN),
}
"""By Amazon's status: the buyer is charged when it ships, and until PENDING is over not even authorized."""

MONEY_OF_ITEM: Shape = {"product": {"title": {}, "sellerSku": {}, "price": {}}, "proceeds": {}}
COUNT_OF_ITEM: Shape = {
    "orderItemId": {},
    "quantityOrdered": {},
    "fulfillment": {"quantityFulfilled": {}, "quantityUnfulfilled": {}},
}
KEPT: Shape = {
    **{name: {} for name in ("orderId", "createdTime", "lastUpdatedTime", "proceeds")},
    "fulfillment": {"fulfillmentStatus": {}, "fulfilledBy": {}},
    "orderItems": {**MONEY_OF_ITEM, **COUNT_OF_ITEM},
}
BUYER: Shape = {"buyer": {"buyerName": {}, "buyerEmail": {}}}


def kept(order: Shape, contact: bool) -> Any:
    """What is read of an order, and no more: the rest is personal, and would have to be deleted in time."""
    return chosen(order, {**KEPT, **BUYER} if contact else KEPT)


def chosen(shape: Any, names: Shape) -> Any:
    """The fields of these names, in each object of a list; all of it, where there are no names."""
    if isinstance(shape, list):
        return [chosen(one, names) for one in shape]
    if not names or not isinstance(shape, dict):
        return shape
    return {name: chosen(shape[name], deeper) for name, deeper in names.items() if name in shape}


def order_of(raw: Raw, config: AmazonConfig) -> OrderRecord:
    """The order. Its buyer is nobody that the gateway could know again: there is no customer."""
    order: Shape = raw.data
    items = objects(order, "orderItems")
    status, shipped, paid = standing(optional_text(order, "fulfillment", "fulfillmentStatus"))
    place = place_of(order, config)
    lines = [line_of(item, place, whole=status is OrderStatus.CANCELLED) for item in items]
    return OrderRecord(
        ref=Ref(text(order, "orderId")),
        version=optional_instant(order, "lastUpdatedTime"),
        number=text(order, "orderId"),
        status=status,
        fulfillment_status=shipped,
        payment_status=paid,
        placed_at=instant(order, "createdTime"),
        place=place,
        lines=lines,
        subtotal=total([line.total for line in lines if line.total is not None]),
        discount_total=total([amount for item in items for amount in parts(item, "DISCOUNT")]),
        tax_total=total([amount for item in items for amount in parts(item, "TAX")]),
        tax_included=config.prices_include_tax,
        shipping_total=total([amount for item in items for amount in shipping_of(item)]),
        total=money(order, "proceeds", "grandTotal"),
        contact=contact_of(order) if config.contact else None,
    )


def standing(status: str | None) -> tuple[OrderStatus, OrderFulfillmentStatus, PaymentStatus]:
    """Where the order stands."""
    if status not in STANDINGS:
        raise InvalidValueError("fulfillmentStatus", "is none of those that are known")
    return STANDINGS[status]


def contact_of(order: Shape) -> OrderContact | None:
    """How the buyer can be reached: through Amazon, under an address that is this order's alone."""
    name, email = optional_text(order, "buyer", "buyerName"), optional_text(order, "buyer", "buyerEmail")
    return OrderContact(name=name, email=email) if name or email else None


def place_of(order: Shape, config: AmazonConfig) -> str | None:
    """From where it leaves: all of an order does from one place."""
    places = {"AMAZON": FBA_PLACE, "MERCHANT": config.merchant_place}
    return places.get(optional_text(order, "fulfillment", "fulfilledBy") or "")


def line_of(item: Shape, place: str | None, *, whole: bool) -> OrderLineRecord:
    """One line. It counts and prices listings: how many units a two-pack takes is the listing's to say.

    Args:
        whole: with what was cancelled of it.
    """
    sku = optional_text(item, "product", "sellerSku")
    ordered = count(item, "quantityOrdered")
    if ordered is None:
        raise InvalidValueError("lines.quantity", "is missing")
    price = money(item, "product", "price", "unitPrice")
    shipped, waiting = (count(item, "fulfillment", f"quantity{name}") for name in ("Fulfilled", "Unfulfilled"))
    left = ordered if whole or shipped is None or waiting is None else min(ordered, shipped + waiting)
    return OrderLineRecord(
        ref=Ref(text(item, "orderItemId")),
        variant=sku,
        place=place,
        title=optional_text(item, "product", "title") or "",
        sku=sku,
        quantity=left,
        unit_price=price,
        total=line_total(item, price, ordered),
        fulfilled_quantity=shipped or 0,
    )


def line_total(item: Shape, price: Money | None, ordered: int) -> Money | None:
    """What the line costs after discounts, without shipping."""
    full = parts(item, "ITEM") or ([Money(price.minor * ordered, price.currency_code)] if price else [])
    return total([*full, *negative(parts(item, "DISCOUNT", "ITEM"))]) if full else None


def shipping_of(item: Shape) -> list[Money]:
    """What shipping the line costs, after discounts."""
    return [*parts(item, "SHIPPING"), *negative(parts(item, "DISCOUNT", "SHIPPING"))]


def parts(item: Shape, kind: str, on: str | None = None) -> list[Money]:
    """What the proceeds of a line hold of one kind. Discounts are positive: nobody says with which sign they are told.

    Args:
        on: of a discount that on goods or on shipping; one that does not say is on goods.
    """
    found: list[Money | None] = []
    for one in objects(item, "proceeds", "breakdowns"):
        details = objects(one, "detailedBreakdowns") if on else []
        if one.get("type") == kind and details:
            found += [money(detail, "value") for detail in details if detail.get("subtype") == on]
        elif one.get("type") == kind and on in (None, "ITEM"):
            found.append(money(one, "subtotal"))
    amounts = [amount for amount in found if amount is not None]
    return [amount for amount in (*negative(amounts), *amounts) if amount.minor > 0] if kind == "DISCOUNT" else amounts


def negative(amounts: list[Money]) -> list[Money]:
    """The same, to be taken off."""
    return [Money(-amount.minor, amount.currency_code) for amount in amounts]
