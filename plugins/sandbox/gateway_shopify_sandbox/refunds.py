"""Refunds of units, before and after they were shipped, and their effect on stock.

A unit that was not shipped is canceled (`CANCEL`), a shipped one returned (`RETURN`): both are available again. A
refund without restocking (`NO_RESTOCK`) changes neither the stock nor what is to be shipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from gateway_shopify_sandbox import fulfillment_orders
from gateway_shopify_sandbox.inventory_mutations import run_once
from gateway_shopify_sandbox.node_ids import find_node
from gateway_shopify_sandbox.orders import CENT, compute_tax, count_unshipped, get_amount, get_unit_price
from gateway_shopify_sandbox.state import Node, Shop, format_instant, parse_number
from gateway_shopify_sandbox.user_errors import build_user_error

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RefundedUnits:
    """Refunded units of a line. `location`: where they are restocked; None: where they left or were to leave from."""

    line: Node
    quantity: int
    restock_type: str
    location: Node | None = None


def create_refund(shop: Shop, key: str, input: Mapping[str, Any]) -> Answer:
    """Refund units and amounts of an order, once for every idempotency key."""
    return run_once(shop, key, input, lambda: _refund(shop, input), _refuse)


def _refuse(error: Answer) -> Answer:
    return {"order": None, "refund": None, "userErrors": [error]}


def _refund(shop: Shop, input: Mapping[str, Any]) -> Answer:
    order = find_node(shop, "Order", input["orderId"])
    if order is None:
        return _refuse(build_user_error("Order does not exist", "orderId"))
    refunded = _parse_units(shop, order, input.get("refundLineItems") or ())
    if (error := next(_find_errors(order, refunded, input), None)) is not None:
        return _refuse(error)
    units = [entry for entry in refunded if entry is not None]
    amount = sum((Decimal(entry["amount"]) for entry in input.get("transactions") or ()), Decimal(0))
    return {"order": order, "refund": refund_units(shop, order, units, amount), "userErrors": []}


def _parse_units(shop: Shop, order: Node, items: Sequence[Mapping[str, Any]]) -> list[RefundedUnits | None]:
    """Parse the units to refund; None for a line that the order does not have."""
    parsed: list[RefundedUnits | None] = []
    for item in items:
        line = find_node(shop, "LineItem", item["lineItemId"])
        place = None if item.get("locationId") is None else find_node(shop, "Location", item["locationId"])
        restock = item.get("restockType") or "NO_RESTOCK"
        known = line is not None and any(line is own for own in order["lineItems"])
        parsed.append(RefundedUnits(line, item["quantity"], restock, place) if line is not None and known else None)
    return parsed


def _find_errors(order: Node, refunded: Sequence[RefundedUnits | None], input: Mapping[str, Any]) -> Iterator[Answer]:
    items = input.get("refundLineItems") or ()
    if not items and not input.get("transactions"):
        yield build_user_error("Refund must contain line items or transactions", "base")
    for position, (entry, item) in enumerate(zip(refunded, items, strict=True)):
        where = ("refundLineItems", str(position))
        if entry is None:
            yield build_user_error("Line item does not belong to the order", *where, "lineItemId")
            continue
        if entry.restock_type == "LEGACY_RESTOCK":
            yield build_user_error("Restock type is not accepted for new refunds", *where, "restockType")
        if entry.restock_type != "NO_RESTOCK" and entry.location is None:
            yield build_user_error("Location must be given for restocked units", *where, "locationId")
        if item["quantity"] < 1 or item["quantity"] > count_refundable(entry, refunded[:position]):
            yield build_user_error("Quantity cannot refund more items than were purchased", *where, "quantity")
    if any(Decimal(entry["amount"]) < 0 for entry in input.get("transactions") or ()):
        yield build_user_error("Amount must not be negative", "transactions")


def count_refundable(entry: RefundedUnits, earlier: Sequence[RefundedUnits | None] = ()) -> int:
    """Count the units that can be refunded this way, after the earlier ones of the same refund."""
    line = entry.line
    same = [other for other in earlier if other is not None and other.line is line]
    left = line["quantity"] - line["removed"] - line["refunded"] - sum(other.quantity for other in same)
    before = sum(other.quantity for other in same if other.restock_type == entry.restock_type)
    most = {"CANCEL": count_unshipped(line), "RETURN": line["shipped"] - line["returned"]}
    return int(min(left, most.get(entry.restock_type, left + before) - before))


def refund_units(
    shop: Shop, order: Node, refunded: Sequence[RefundedUnits], amount: Decimal, at: datetime | None = None
) -> Node:
    """Refund units, and an amount of money."""
    items = [_refund_line(shop, order, entry) for entry in refunded]
    refund = shop.add("Refund", **{"return": None}, refundLineItems=items)
    order["refunds"].append(refund)
    total = get_amount(order["totalRefundedSet"]) + amount
    order["totalRefundedSet"] = shop.build_money(total)
    if amount:
        everything = total >= get_amount(order["totalReceivedSet"])
        order["displayFinancialStatus"] = "REFUNDED" if everything else "PARTIALLY_REFUNDED"
    fulfillment_orders.update_fulfillment_status(order)
    if at is not None:
        order["updatedAt"] = format_instant(at)
        return refund
    shop.touch(order, "orders/updated")
    shop.emit("refunds/create", {"id": parse_number(refund["id"]), "order_id": parse_number(order["id"])})
    return refund


def _refund_line(shop: Shop, order: Node, entry: RefundedUnits) -> Node:
    line, units = entry.line, entry.quantity
    location = entry.location or fulfillment_orders.find_location(order, line)
    if entry.restock_type == "NO_RESTOCK":
        line["refunded"] += units
        return build_refund_line(shop, line, units, entry.restock_type)
    if entry.restock_type == "CANCEL":
        fulfillment_orders.remove_units(shop, order, line, units, entry.location)
    else:
        line["refunded"] += units
        _restock(shop, order, entry, location)
    return build_refund_line(shop, line, units, entry.restock_type, location)


def _restock(shop: Shop, order: Node, entry: RefundedUnits, location: Node | None) -> None:
    line = entry.line
    line["returned"] += entry.quantity
    if line["variant"] is not None and location is not None and order["claims"]:
        item = line["variant"]["inventoryItem"]
        shop.add_stock(item, location, available=entry.quantity, on_hand=entry.quantity)


def build_refund_line(shop: Shop, line: Node, units: int, restock_type: str, location: Node | None = None) -> Node:
    """Build the line of a refund. `location`: where the units were restocked."""
    value = (units * get_unit_price(line)).quantize(CENT, ROUND_HALF_UP)
    return {
        "quantity": units,
        "restockType": restock_type,
        "lineItem": line,
        "location": location,
        "subtotalSet": shop.build_money(value),
        "totalTaxSet": shop.build_money(compute_tax(shop, value)),
    }


def compute_value(shop: Shop, order: Node, line: Node, units: int) -> Decimal:
    """Compute what was paid for units of a line."""
    value = units * get_unit_price(line)
    return value if order["taxesIncluded"] else value + compute_tax(shop, value)
