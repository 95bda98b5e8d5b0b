"""What an order says: its lines, what was handed over and what came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TypeVar

from gateway.sdk import (
    Address,
    InvalidValueError,
    OrderContact,
    OrderFulfillmentStatus,
    OrderLineRecord,
    OrderRecord,
    OrderReturnStatus,
    OrderStatus,
    PaymentStatus,
    Raw,
    Ref,
    TaxLine,
    shapes,
)
from gateway_shopify import answers
from gateway_shopify.answers import Node
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.customers import address_of

E = TypeVar("E", bound=Enum)

PAYMENT: Mapping[str, PaymentStatus] = MappingProxyType(
    {
        "AUTHORIZED": PaymentStatus.AUTHORIZED,
        "EXPIRED": PaymentStatus.FAILED,
        "PAID": PaymentStatus.PAID,
        "PARTIALLY_PAID": PaymentStatus.PARTIALLY_PAID,
        "PARTIALLY_REFUNDED": PaymentStatus.PARTIALLY_REFUNDED,
        "PENDING": PaymentStatus.PENDING,
        "REFUNDED": PaymentStatus.REFUNDED,
        "VOIDED": PaymentStatus.VOIDED,
    }
)
_WAITING = ("IN_PROGRESS", "ON_HOLD", "OPEN", "PENDING_FULFILLMENT", "REQUEST_DECLINED", "SCHEDULED", "UNFULFILLED")
FULFILLMENT: Mapping[str, OrderFulfillmentStatus] = MappingProxyType(
    {
        "FULFILLED": OrderFulfillmentStatus.FULFILLED,
        "FULFILLMENT_NOT_REQUIRED": OrderFulfillmentStatus.FULFILLED,
        "PARTIALLY_FULFILLED": OrderFulfillmentStatus.PARTIALLY_FULFILLED,
        "RESTOCKED": OrderFulfillmentStatus.UNFULFILLED,
        **dict.fromkeys(_WAITING, OrderFulfillmentStatus.UNFULFILLED),
    }
)
RETURN: Mapping[str, OrderReturnStatus] = MappingProxyType(
    {
        "NO_RETURN": OrderReturnStatus.NONE,
        "RETURN_FAILED": OrderReturnStatus.NONE,
        "RETURN_REQUESTED": OrderReturnStatus.REQUESTED,
        "IN_PROGRESS": OrderReturnStatus.REQUESTED,
        "INSPECTION_COMPLETE": OrderReturnStatus.REQUESTED,
        "RETURNED": OrderReturnStatus.RETURNED,
    }
)
SETTLED = (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)


def order_of(raw: Raw, config: ShopifyConfig) -> OrderRecord:
    """The order that this node is. Amounts are the shop's, as of the sale; refunds stand apart."""
    node = shapes.one(raw.data, "node")
    moved = Moved(handed_over(node), came_back(node), places_of(node))
    lines = [_line(line, moved) for line in answers.nodes(node, "lineItems")]
    payment, fulfillment = _payment(node), _known(FULFILLMENT, node, "displayFulfillmentStatus")
    ours = _reference(node)
    reference = ours or shapes.optional_text(node, "sourceIdentifier")
    return OrderRecord(
        ref=Ref(answers.number(node, "Order")),
        version=shapes.instant(node, "updatedAt"),
        number=shapes.text(node, "name"),
        status=_status(node, payment, fulfillment),
        fulfillment_status=fulfillment,
        payment_status=payment,
        return_status=_returned(node, lines),
        placed_at=shapes.instant(node, "processedAt"),
        cancelled_at=None if node.get("cancelledAt") is None else shapes.instant(node, "cancelledAt"),
        customer=_id(node, "customer", "Customer"),
        place=_id(node, "retailLocation", "Location"),
        client_reference=reference,
        stock_posted=True if reference == ours else None,  # another app may write orders past the stock
        contact=_contact(node),
        shipping_address=_address(node, "shippingAddress"),
        billing_address=_address(node, "billingAddress"),
        lines=lines,
        subtotal=answers.shop_money(node, "subtotalPriceSet"),
        discount_total=answers.shop_money(node, "totalDiscountsSet"),
        tax_total=answers.shop_money(node, "totalTaxSet"),
        tax_included=shapes.flag(node, "taxesIncluded"),
        tax_lines=tuple(_tax(one) for one in shapes.several(node, "taxLines")),
        shipping_total=answers.shop_money(node, "totalShippingPriceSet"),
        total=answers.shop_money(node, "totalPriceSet"),
        refunded_total=answers.shop_money(node, "totalRefundedSet"),
    )


def handed_over(node: Node) -> Counter[str]:
    """Units of each line that have left, over all fulfillments that succeeded."""
    units: Counter[str] = Counter()
    for fulfillment in shapes.several(node, "fulfillments"):
        if shapes.text(fulfillment, "status") == "SUCCESS":
            for item in answers.nodes(fulfillment, "fulfillmentLineItems"):
                units[_line_id(item)] += 0 if item.get("quantity") is None else shapes.whole(item, "quantity")
    return units


def came_back(node: Node) -> Counter[str]:
    """Units of each line that are back: by a return, or by a refund without one that took them back."""
    units: Counter[str] = Counter()
    for returned in answers.nodes(node, "returns"):
        for item in answers.nodes(returned, "returnLineItems"):
            if shapes.optional_one(item, "fulfillmentLineItem") is not None:  # else the shop cannot tell what came
                units[_line_id(shapes.one(item, "fulfillmentLineItem"))] += shapes.whole(item, "processedQuantity")
    for refund in shapes.several(node, "refunds"):
        for item in answers.nodes(refund, "refundLineItems") if refund.get("return") is None else ():
            if shapes.text(item, "restockType") in ("RETURN", "LEGACY_RESTOCK"):
                units[_line_id(item)] += shapes.whole(item, "quantity")
    return units


@dataclass(frozen=True, slots=True)
class Moved:
    """What happened to the units of each line: how many have left, how many are back, and from where they come."""

    handed: Counter[str]
    returned: Counter[str]
    places: Mapping[str, str]


def places_of(node: Node) -> Mapping[str, str]:
    """From where the units of each line are taken: of several locations the one that has most of them."""
    units: Counter[tuple[str, str]] = Counter()
    for route in answers.nodes(node, "fulfillmentOrders"):
        place = shapes.optional_one(route, "assignedLocation", "location")
        if place is None or shapes.text(route, "status") == "CANCELLED":
            continue
        for item in answers.nodes(route, "lineItems"):
            units[_line_id(item), answers.number(place, "Location")] += shapes.whole(item, "totalQuantity")
    return {line: place for (line, place), count in reversed(units.most_common()) if count > 0}


def _reference(node: Node) -> str | None:
    """What the gateway calls an order of its own."""
    found = shapes.optional_one(node, "metafield")
    return None if found is None else shapes.text(found, "value")


def _line(node: Node, moved: Moved) -> OrderLineRecord:
    id = answers.number(node, "LineItem")
    return OrderLineRecord(
        ref=Ref(id),
        variant=_id(node, "variant", "ProductVariant"),
        title=shapes.text(node, "title"),
        sku=shapes.optional_text(node, "sku"),
        quantity=shapes.whole(node, "quantity"),
        unit_price=answers.shop_money(node, "originalUnitPriceSet"),
        total=answers.shop_money(node, "discountedTotalSet"),
        fulfilled_quantity=moved.handed[id],
        returned_quantity=moved.returned[id],
        place=moved.places.get(id),
    )


def _line_id(node: Node) -> str:
    return answers.number(shapes.one(node, "lineItem"), "LineItem")


def _tax(node: Node) -> TaxLine:
    amount = answers.shop_money(node, "priceSet")
    if amount is None:
        raise InvalidValueError("taxLines.priceSet", "is missing")
    return TaxLine(title=shapes.text(node, "title"), rate=answers.fraction(node, "rate"), amount=amount)


def _status(node: Node, payment: PaymentStatus, fulfillment: OrderFulfillmentStatus) -> OrderStatus:
    if node.get("cancelledAt") is not None:
        return OrderStatus.CANCELLED
    done = fulfillment is OrderFulfillmentStatus.FULFILLED and payment in SETTLED
    return OrderStatus.COMPLETED if done or shapes.flag(node, "closed") else OrderStatus.OPEN


def _payment(node: Node) -> PaymentStatus:
    field = "displayFinancialStatus"
    return PaymentStatus.UNKNOWN if node.get(field) is None else _known(PAYMENT, node, field)


def _returned(node: Node, lines: Sequence[OrderLineRecord]) -> OrderReturnStatus:
    """By the units that came back, where there are any; else as the shop says."""
    said = _known(RETURN, node, "returnStatus")
    back = sum(line.returned_quantity for line in lines)
    if not back:
        return said
    return (
        OrderReturnStatus.RETURNED
        if back >= sum(line.quantity for line in lines)
        else OrderReturnStatus.PARTIALLY_RETURNED
    )


def _known(names: Mapping[str, E], node: Node, field: str) -> E:
    said = shapes.text(node, field)
    if said not in names:
        raise InvalidValueError(field, f"{said[:40]} is not known")
    return names[said]


def _contact(node: Node) -> OrderContact | None:
    home = shapes.optional_one(node, "billingAddress") or shapes.optional_one(node, "shippingAddress") or {}
    name, email, phone = (shapes.optional_text(*at) for at in ((home, "name"), (node, "email"), (node, "phone")))
    return OrderContact(name=name, email=email, phone=phone) if name or email or phone else None


def _address(node: Node, field: str) -> Address | None:
    found = shapes.optional_one(node, field)
    return None if found is None else address_of(found)


def _id(node: Node, field: str, kind: str) -> str | None:
    found = shapes.optional_one(node, field)
    return None if found is None else answers.number(found, kind)
