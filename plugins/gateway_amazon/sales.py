"""An order as Amazon has it, as an order of the model."""

from __future__ import annotations

from collections.abc import Iterable

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
    pieces,
)
from gateway_amazon.config import AmazonConfig
from gateway_amazon.shapes import FBA_PLACE, Shape, count, instant, money, needed, objects, text, total, within

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

KEPT = ("orderId", "createdTime", "lastUpdatedTime", "fulfillment", "proceeds", "orderItems")
KEPT_OF_ITEM = ("orderItemId", "quantityOrdered", "product", "proceeds", "fulfillment")
KEPT_OF_PRODUCT = ("title", "sellerSku", "price")


def kept(order: Shape, contact: bool) -> Shape:
    """What is read of an order, and no more: the rest is personal, and would have to be deleted in time."""
    found = {name: order[name] for name in KEPT if name in order}
    if isinstance(items := order.get("orderItems"), list):
        found["orderItems"] = [_kept_item(item) for item in items]
    if contact and isinstance(buyer := order.get("buyer"), dict):
        found["buyer"] = _only(buyer, ("buyerName", "buyerEmail"))
    return found


def _kept_item(item: object) -> object:
    if not isinstance(item, dict):
        return item
    product, shipped = item.get("product"), item.get("fulfillment")
    found = _only(item, KEPT_OF_ITEM)
    if isinstance(product, dict):
        found["product"] = _only(product, KEPT_OF_PRODUCT)
    if isinstance(shipped, dict):  # the rest holds gift messages
        found["fulfillment"] = _only(shipped, ("quantityFulfilled", "quantityUnfulfilled"))
    return found


def _only(shape: Shape, names: Iterable[str]) -> dict[str, object]:
    return {name: shape[name] for name in names if name in shape}


def order_of(raw: Raw, config: AmazonConfig) -> OrderRecord:
    """The order. Its buyer is nobody that the gateway could know again: there is no customer."""
    order, units = within(raw.data, "order"), within(raw.data, "units")
    items = objects(order, "orderItems")
    status, shipped, paid = standing(text(order, "fulfillment", "fulfillmentStatus"))
    lines = [line_of(item, units, config) for item in items]
    discounts = [amount for item in items for amount in discounts_of(item)]
    taxes = [amount for item in items for amount in amounts_of(item, "TAX")]
    placed_at = instant(order, "createdTime")
    if placed_at is None:
        raise InvalidValueError("createdTime", "is missing")
    return OrderRecord(
        ref=Ref(needed(order, "orderId")),
        version=instant(order, "lastUpdatedTime"),
        number=needed(order, "orderId"),
        status=status,
        fulfillment_status=shipped,
        payment_status=paid,
        placed_at=placed_at,
        place=place_of(text(order, "fulfillment", "fulfilledBy"), config),
        lines=lines,
        subtotal=total([line.total for line in lines if line.total is not None]),
        discount_total=total(discounts),
        tax_total=total(taxes),
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


def place_of(shipper: str | None, config: AmazonConfig) -> str | None:
    """From where it is shipped."""
    return {"AMAZON": FBA_PLACE, "MERCHANT": config.merchant_place}.get(shipper or "")


def contact_of(order: Shape) -> OrderContact | None:
    """How the buyer can be reached: through Amazon, under an address that is this order's alone."""
    name, email = text(order, "buyer", "buyerName"), text(order, "buyer", "buyerEmail")
    return OrderContact(name=name, email=email) if name or email else None


def line_of(item: Shape, units: Shape, config: AmazonConfig) -> OrderLineRecord:
    """One line. Amazon counts and prices listings; the model counts units, of which a two-pack has two."""
    sku = text(item, "product", "sellerSku") or None
    pack = pieces("units", within(units, sku)) if sku and sku in units else 1
    ordered = count(item, "quantityOrdered")
    if ordered is None:
        raise InvalidValueError("lines.quantity", "is missing")
    price = money(item, "product", "price", "unitPrice")
    return OrderLineRecord(
        ref=Ref(needed(item, "orderItemId")),
        variant=sku,
        title=text(item, "product", "title") or "",
        sku=sku,
        quantity=ordered * pack,
        unit_price=price and each(price, pack),
        total=line_total(item, price, ordered),
        fulfilled_quantity=(count(item, "fulfillment", "quantityFulfilled") or 0) * pack,
    )


def each(price: Money, pack: int) -> Money:
    """The price of one unit, rounded half up; the line's total stays exact."""
    return Money((2 * price.minor + pack) // (2 * pack), price.currency_code)


def line_total(item: Shape, price: Money | None, ordered: int) -> Money | None:
    """What the line costs after discounts, without shipping."""
    full = total(amounts_of(item, "ITEM")) or (price and Money(price.minor * ordered, price.currency_code))
    reduced = discounts_of(item, "ITEM")
    if full is None:
        return None
    return total([full, *(Money(-amount.minor, amount.currency_code) for amount in reduced)])


def shipping_of(item: Shape) -> list[Money]:
    """What shipping the line costs, after discounts."""
    reduced = discounts_of(item, "SHIPPING")
    return [*amounts_of(item, "SHIPPING"), *(Money(-amount.minor, amount.currency_code) for amount in reduced)]


def amounts_of(item: Shape, kind: str) -> list[Money]:
    """What the proceeds of a line hold of one kind."""
    found = [one for one in objects(item, "proceeds", "breakdowns") if one.get("type") == kind]
    return [amount for one in found if (amount := money(one, "subtotal")) is not None]


def discounts_of(item: Shape, on: str | None = None) -> list[Money]:
    """What was taken off, of the goods or of shipping, positive. Amazon does not say with which sign it tells."""
    found: list[Money] = []
    for one in objects(item, "proceeds", "breakdowns"):
        if one.get("type") != "DISCOUNT":
            continue
        parts = [part for part in objects(one, "detailedBreakdowns") if on in (None, part.get("subtype"))]
        told = [money(part, "value") for part in parts]
        if not objects(one, "detailedBreakdowns") and on in (None, "ITEM"):
            told = [money(one, "subtotal")]
        found += [Money(abs(amount.minor), amount.currency_code) for amount in told if amount is not None]
    return found
