"""Order edits: a session with staged changes, which are applied when it is committed.

Only units that were not shipped can be removed. Removed units stay in the quantity of their line, and are lines of a
refund without money.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gateway_shopify_sandbox import fulfillment_orders
from gateway_shopify_sandbox.node_ids import find_node
from gateway_shopify_sandbox.orders import SoldLine, add_to_totals, build_line, count_unshipped, get_unit_price
from gateway_shopify_sandbox.refunds import build_refund_line
from gateway_shopify_sandbox.state import Node, Shop, build_gid, parse_number
from gateway_shopify_sandbox.user_errors import build_user_error

Answer = dict[str, Any]
MAX_QUANTITY = 1_000_000


def begin_edit(shop: Shop, id: str) -> Answer:
    """Begin a session. Every line has a calculated one with the same number."""
    order = find_node(shop, "Order", id)
    if order is None or order["cancelledAt"] is not None:
        problem = "The order does not exist." if order is None else "The order cannot be edited."
        return {"calculatedOrder": None, "orderEditSession": None, "userErrors": [build_user_error(problem, "id")]}
    lines = [_calculate_line(line) for line in order["lineItems"]]
    calculated = shop.add("CalculatedOrder", originalOrder=order, lineItems=lines, addedLineItems=[], committed=False)
    session = shop.add("OrderEditSession", parse_number(calculated["id"]))
    return {"calculatedOrder": calculated, "orderEditSession": session, "userErrors": []}


def _calculate_line(line: Node) -> Node:
    current = line["quantity"] - line["removed"] - line["refunded"]
    return {
        "id": build_gid("CalculatedLineItem", parse_number(line["id"])),
        "line": line,
        "title": line["title"],
        "sku": line["sku"],
        "variant": line["variant"],
        "quantity": current,
        "before": current,
        "editableQuantity": min(current, count_unshipped(line)),
        "restock": False,
        "location": None,
    }


def _find_session(shop: Shop, id: str) -> Node | None:
    """Return the open session, by the ID of its calculated order or its own."""
    kind = "OrderEditSession" if id.startswith("gid://shopify/OrderEditSession/") else "CalculatedOrder"
    named = find_node(shop, kind, id)
    found = None if named is None else shop.nodes["CalculatedOrder"][parse_number(named["id"])]
    return None if found is None or found["committed"] else found


def set_quantity(shop: Shop, id: str, lineItemId: str, quantity: int, restock: bool | None = None) -> Answer:
    """Set the quantity of a line in a session."""
    calculated = _find_session(shop, id)
    if calculated is None:
        return _build_staged(None, None, build_user_error("The calculated order does not exist.", "id"))
    lines = [*calculated["lineItems"], *calculated["addedLineItems"]]
    line = next((entry for entry in lines if entry["id"] == lineItemId), None)
    if line is None:
        return _build_staged(None, None, build_user_error("The line item does not exist.", "lineItemId"))
    shipped = line["quantity"] - line["editableQuantity"]
    if quantity < shipped or quantity > MAX_QUANTITY:
        message = "The quantity is lower than the quantity that was fulfilled, or too high."
        return _build_staged(None, None, build_user_error(message, "quantity"))
    line.update(quantity=quantity, editableQuantity=quantity - shipped, restock=bool(restock))
    return _build_staged(calculated, line)


def add_variant(
    shop: Shop,
    id: str,
    variantId: str,
    quantity: int,
    locationId: str | None = None,
    allowDuplicates: bool | None = None,
) -> Answer:
    """Add a line to a session."""
    calculated, variant = _find_session(shop, id), find_node(shop, "ProductVariant", variantId)
    location = None if locationId is None else find_node(shop, "Location", locationId)
    if calculated is None or variant is None:
        missing = ("The calculated order", "id") if calculated is None else ("The variant", "variantId")
        return _build_staged(None, None, build_user_error(f"{missing[0]} does not exist.", missing[1]))
    lines = [*calculated["lineItems"], *calculated["addedLineItems"]]
    if any(entry["variant"] is variant and entry["quantity"] for entry in lines) and not allowDuplicates:
        return _build_staged(None, None, build_user_error("The variant is already on the order.", "variantId"))
    if not 0 < quantity <= MAX_QUANTITY:
        return _build_staged(
            None, None, build_user_error("The quantity must be greater than 0 and not too high.", "quantity")
        )
    line = {
        "id": build_gid("CalculatedLineItem", shop.take_number()),
        "line": None,
        "location": location,
        "title": variant["product"]["title"],
        "sku": variant["sku"],
        "variant": variant,
        "quantity": quantity,
        "editableQuantity": quantity,
        "restock": False,
    }
    calculated["addedLineItems"].append(line)
    return _build_staged(calculated, line)


def _build_staged(calculated: Node | None, line: Node | None, error: Answer | None = None) -> Answer:
    return {
        "calculatedOrder": calculated,
        "calculatedLineItem": line,
        "userErrors": [] if error is None else [error],
    }


def commit_edit(shop: Shop, id: str) -> Answer:
    """Apply the changes of a session to its order."""
    calculated = _find_session(shop, id)
    order = None if calculated is None else calculated["originalOrder"]
    if calculated is None or order is None:
        return {"order": None, "userErrors": [build_user_error("The calculated order does not exist.", "id")]}
    if order["cancelledAt"] is not None or any(_is_outdated(line) for line in calculated["lineItems"]):
        message = "The order has changed since the edit began."
        return {"order": None, "userErrors": [build_user_error(message, "id")]}
    calculated["committed"] = True
    changed = [(line, _count_change(line)) for line in calculated["lineItems"]]
    _remove(shop, order, [(line, -change) for line, change in changed if change < 0])
    for line, change in changed:
        if change > 0:
            _increase(shop, order, line["line"], change, line["location"])
    for line in calculated["addedLineItems"]:
        if line["quantity"]:
            _add_line(shop, order, line)
    fulfillment_orders.update_fulfillment_status(order)
    shop.touch(order, "orders/updated")
    return {"order": order, "userErrors": []}


def _count_change(calculated: Node) -> int:
    return int(calculated["quantity"] - calculated["before"])


def _is_outdated(calculated: Node) -> bool:
    """Whether units that a session removes were shipped or removed in the meantime."""
    return -_count_change(calculated) > count_unshipped(calculated["line"])


def _remove(shop: Shop, order: Node, removed: list[tuple[Node, int]]) -> None:
    """Remove units, as lines of a refund without money."""
    if not removed:
        return
    items = []
    for calculated, units in removed:
        line = calculated["line"]
        fulfillment_orders.remove_units(shop, order, line, units, calculated["location"], restock=calculated["restock"])
        restock_type = "CANCEL" if calculated["restock"] else "NO_RESTOCK"
        location = fulfillment_orders.find_location(order, line) if calculated["restock"] else None
        items.append(build_refund_line(shop, line, units, restock_type, location))
    order["refunds"].append(shop.add("Refund", **{"return": None}, refundLineItems=items))


def _increase(shop: Shop, order: Node, line: Node, units: int, location: Node | None) -> None:
    line["quantity"] += units
    total = get_unit_price(line) * line["quantity"]
    line["discountedTotalSet"] = shop.build_money(total)
    add_to_totals(shop, order, get_unit_price(line) * units)
    fulfillment_orders.route_units(shop, order, [(line, units)], location)


def _add_line(shop: Shop, order: Node, calculated: Mapping[str, Any]) -> None:
    variant = calculated["variant"]
    line = build_line(shop, SoldLine(variant, calculated["quantity"], Decimal(variant["price"])))
    order["lineItems"].append(line)
    add_to_totals(shop, order, get_unit_price(line) * line["quantity"])
    fulfillment_orders.route_units(shop, order, [(line, line["quantity"])], calculated["location"])
