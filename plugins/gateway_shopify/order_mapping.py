"""Mapping of Shopify's orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    json_access,
    read_lines,
)
from gateway_shopify import graphql_values
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.customers.customer_mapping import map_address
from gateway_shopify.graphql_values import Node
from gateway_shopify.line_progress import LineProgress, count_progress
from gateway_shopify.order_amounts import LineUnits, compute_line_total, count_units, map_amounts
from gateway_shopify.order_charges import add_cash_rounding, map_charges, map_shipping

E = TypeVar("E", bound=Enum)

PAYMENT_STATUSES: Mapping[str, PaymentStatus] = MappingProxyType(
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
_UNFULFILLED_STATUSES = (
    "IN_PROGRESS",
    "ON_HOLD",
    "OPEN",
    "PENDING_FULFILLMENT",
    "REQUEST_DECLINED",
    "SCHEDULED",
    "UNFULFILLED",
)
FULFILLMENT_STATUSES: Mapping[str, OrderFulfillmentStatus] = MappingProxyType(
    {
        "FULFILLED": OrderFulfillmentStatus.FULFILLED,
        "FULFILLMENT_NOT_REQUIRED": OrderFulfillmentStatus.FULFILLED,
        "PARTIALLY_FULFILLED": OrderFulfillmentStatus.PARTIALLY_FULFILLED,
        "RESTOCKED": OrderFulfillmentStatus.UNFULFILLED,
        **dict.fromkeys(_UNFULFILLED_STATUSES, OrderFulfillmentStatus.UNFULFILLED),
    }
)
RETURN_STATUSES: Mapping[str, OrderReturnStatus] = MappingProxyType(
    {
        "NO_RETURN": OrderReturnStatus.NONE,
        "RETURN_FAILED": OrderReturnStatus.NONE,
        "RETURN_REQUESTED": OrderReturnStatus.REQUESTED,
        "IN_PROGRESS": OrderReturnStatus.REQUESTED,
        "INSPECTION_COMPLETE": OrderReturnStatus.REQUESTED,
        "RETURNED": OrderReturnStatus.RETURNED,
    }
)
SETTLED_PAYMENTS = (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)


def map_order(raw: Raw, config: ShopifyConfig) -> OrderRecord:
    """Map an order. Amounts are in the shop's currency, without removed units; refunds are separate."""
    node = json_access.get_object(raw.data, "node")
    progress = count_progress(node)
    canceled = node.get("cancelledAt") is not None
    items = graphql_values.get_nodes(node, "lineItems")
    counted: list[tuple[Node, LineUnits]] = []

    def read_line(item: Node) -> OrderLineRecord:
        units = count_units(item, canceled=canceled)
        line = _map_line(item, units, progress)
        counted.append((item, units))
        return line

    lines, rejected = read_lines(items, read_line, lambda item: graphql_values.get_identity(item, "LineItem"))
    amounts = map_amounts(node, counted)
    payment, fulfillment = (
        _map_payment_status(node),
        _get_enum_value(FULFILLMENT_STATUSES, node, "displayFulfillmentStatus"),
    )
    own_reference = _get_reference(node)
    reference = own_reference or json_access.get_optional_text(node, "sourceIdentifier")
    return OrderRecord(
        ref=Ref(graphql_values.get_id(node, "Order")),
        version=json_access.get_instant(node, "updatedAt"),
        number=json_access.get_text(node, "name"),
        test=node.get("test") is True,
        status=_map_status(node, payment, fulfillment),
        fulfillment_status=fulfillment,
        payment_status=payment,
        return_status=_map_return_status(node, lines),
        placed_at=json_access.get_instant(node, "processedAt"),
        cancelled_at=json_access.get_instant(node, "cancelledAt") if canceled else None,
        customer=_get_optional_id(node, "customer", "Customer"),
        place=_get_optional_id(node, "retailLocation", "Location"),
        client_reference=reference,
        stock_posted=True
        if reference == own_reference
        else None,  # another app may create orders that bypass the stock
        contact=_map_contact(node),
        shipping_address=_map_address(node, "shippingAddress"),
        billing_address=_map_address(node, "billingAddress"),
        lines=lines,
        rejected_lines=rejected,
        subtotal=amounts.subtotal,
        discount_total=amounts.discount_total,
        tax_total=amounts.tax_total,
        tax_included=json_access.get_flag(node, "taxesIncluded"),
        tax_lines=amounts.tax_lines,
        shipping_total=map_shipping(node),
        other_charges=map_charges(node),
        total=add_cash_rounding(node, amounts.total),
        refunded_total=amounts.refunded_total,
    )


def _get_reference(node: Node) -> str | None:
    """Return the gateway's reference of an order that it created."""
    metafield = json_access.get_optional_object(node, "metafield")
    return None if metafield is None else json_access.get_text(metafield, "value")


def _map_line(node: Node, units: LineUnits, progress: LineProgress) -> OrderLineRecord:
    id = graphql_values.get_id(node, "LineItem")
    return OrderLineRecord(
        ref=Ref(id),
        variant=_get_optional_id(node, "variant", "ProductVariant"),
        title=json_access.get_text(node, "title"),
        sku=json_access.get_optional_text(node, "sku"),
        quantity=units.remaining,
        unit_price=graphql_values.get_shop_money(node, "originalUnitPriceSet"),
        total=compute_line_total(node, units, units.remaining),
        fulfilled_quantity=progress.fulfilled[id],
        returned_quantity=progress.returned[id],
        locations=progress.list_locations(id, units.remaining),
        place=progress.main_locations.get(id),
        restocked_quantity=progress.restocked[id],
        restocked_locations=progress.list_restocked(id),
    )


def _map_status(node: Node, payment: PaymentStatus, fulfillment: OrderFulfillmentStatus) -> OrderStatus:
    if node.get("cancelledAt") is not None:
        return OrderStatus.CANCELLED
    done = fulfillment is OrderFulfillmentStatus.FULFILLED and payment in SETTLED_PAYMENTS
    return OrderStatus.COMPLETED if done or json_access.get_flag(node, "closed") else OrderStatus.OPEN


def _map_payment_status(node: Node) -> PaymentStatus:
    field = "displayFinancialStatus"
    return PaymentStatus.UNKNOWN if node.get(field) is None else _get_enum_value(PAYMENT_STATUSES, node, field)


def _map_return_status(node: Node, lines: Sequence[OrderLineRecord]) -> OrderReturnStatus:
    """Map the return status: from the returned units if there are any, otherwise from the shop's status."""
    status = _get_enum_value(RETURN_STATUSES, node, "returnStatus")
    returned = sum(line.returned_quantity for line in lines)
    if not returned:
        return status
    return (
        OrderReturnStatus.RETURNED
        if returned >= sum(line.quantity for line in lines)
        else OrderReturnStatus.PARTIALLY_RETURNED
    )


def _get_enum_value(names: Mapping[str, E], node: Node, field: str) -> E:
    value = json_access.get_text(node, field)
    if value not in names:
        raise InvalidValueError(field, f"{value[:40]} is not known")
    return names[value]


def _map_contact(node: Node) -> OrderContact | None:
    home = (
        json_access.get_optional_object(node, "billingAddress")
        or json_access.get_optional_object(node, "shippingAddress")
        or {}
    )
    name, email, phone = (
        json_access.get_optional_text(*at) for at in ((home, "name"), (node, "email"), (node, "phone"))
    )
    return OrderContact(name=name, email=email, phone=phone) if name or email or phone else None


def _map_address(node: Node, field: str) -> Address | None:
    address = json_access.get_optional_object(node, field)
    return None if address is None else map_address(address)


def _get_optional_id(node: Node, field: str, kind: str) -> str | None:
    reference = json_access.get_optional_object(node, field)
    return None if reference is None else graphql_values.get_id(reference, kind)
