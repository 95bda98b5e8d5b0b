"""Fulfillment orders: assignment of an order's units to locations, and the effects on stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway_shopify_sandbox.node_ids import find_node
from gateway_shopify_sandbox.orders import count_unshipped
from gateway_shopify_sandbox.state import Node, Shop, format_instant, parse_number
from gateway_shopify_sandbox.user_errors import build_user_error

Answer = dict[str, Any]
OPEN_STATUSES = ("OPEN", "IN_PROGRESS", "SCHEDULED", "ON_HOLD")


def create_fulfillment_order(shop: Shop, order: Node, location: Node, lines: Sequence[tuple[Node, int]]) -> Node:
    """Create a fulfillment order for units at a location."""
    items = [
        shop.add("FulfillmentOrderLineItem", totalQuantity=units, remainingQuantity=units, lineItem=line)
        for line, units in lines
    ]
    created = shop.add(
        "FulfillmentOrder", status="OPEN", assignedLocation={"location": location}, lineItems=items, order=order
    )
    order["fulfillmentOrders"].append(created)
    return created


def claim_stock(shop: Shop, order: Node, location: Node, lines: Sequence[tuple[Node, int]], sign: int = 1) -> None:
    """Commit units of stock to an order, or release them with `sign` -1; it becomes visible with a delay."""
    _move_stock(shop, order, location, lines, available=-sign, committed=sign)


def _move_stock(
    shop: Shop, order: Node, location: Node, lines: Sequence[tuple[Node, int]], *, delayed: bool = True, **signs: int
) -> None:
    """Move the stock of lines: each quantity by its sign. Items that are not in the catalog have none."""
    if not order["claims"]:
        return
    counted = [(line["variant"]["inventoryItem"], units) for line, units in lines if line["variant"] is not None]

    def count() -> None:
        for item, units in counted:
            shop.add_stock(item, location, **{name: units * sign for name, sign in signs.items()})

    shop.schedule(shop.stock_delay if delayed else 0, count)


def select_location(shop: Shop, lines: Sequence[tuple[Node, int]]) -> Node | None:
    """Select the first location that has all units, otherwise the first one."""

    def has_all(location: Node) -> bool:
        key = parse_number(location["id"])
        levels = [
            (get_levels(shop, line["variant"]).get(key), units) for line, units in lines if line["variant"] is not None
        ]
        return all(level is not None and level["counts"].get("available", 0) >= units for level, units in levels)

    locations = shop.list_nodes("Location")
    return next((location for location in locations if has_all(location)), next(iter(locations), None))


def get_levels(shop: Shop, variant: Node) -> dict[int, Node]:
    """Return the stock levels of a variant, by location."""
    return shop.levels.get(parse_number(variant["inventoryItem"]["id"]), {})


def find_location(order: Node, line: Node) -> Node | None:
    """Return the location that a line leaves from; None if it was assigned to none."""
    entries = [entry for entry in order["fulfillmentOrders"] if entry["status"] != "CANCELLED"]
    named = (entry for entry in entries if any(item["lineItem"] is line for item in entry["lineItems"]))
    return next((get_location(entry) for entry in named), None)


def route_units(shop: Shop, order: Node, lines: Sequence[tuple[Node, int]], location: Node | None = None) -> None:
    """Assign units to a location, and commit its stock."""
    chosen = location or find_location(order, lines[0][0]) or select_location(shop, lines)
    if chosen is not None:
        create_fulfillment_order(shop, order, chosen, lines)
        claim_stock(shop, order, chosen, lines)


def remove_units(
    shop: Shop, order: Node, line: Node, units: int, location: Node | None, *, restock: bool = True
) -> None:
    """Remove units that were not shipped, and release their stock. What is not restocked is not on hand any more."""
    line["removed"] += units
    left = units
    for entry in list_open(order):
        for item in (item for item in entry["lineItems"] if item["lineItem"] is line):
            taken = min(left, item["remainingQuantity"])
            item["remainingQuantity"] -= taken
            item["totalQuantity"] -= taken
            left -= taken
            _release(shop, order, (line, taken), get_location(entry), location if restock else None, restock)
        _close_if_done(entry)


def _release(shop: Shop, order: Node, units: tuple[Node, int], assigned: Node, to: Node | None, restock: bool) -> None:
    """Release committed units, and restock them at a location."""
    if restock and (to is None or to is assigned):
        _move_stock(shop, order, assigned, [units], committed=-1, available=1)
        return
    _move_stock(shop, order, assigned, [units], committed=-1, on_hand=-1)
    if to is not None:
        _move_stock(shop, order, to, [units], available=1, on_hand=1)


def update_fulfillment_status(order: Node) -> None:
    """Update whether an order is fulfilled, from its units."""
    shipped = any(line["shipped"] for line in order["lineItems"])
    waits = any(count_unshipped(line) > 0 for line in order["lineItems"])
    status = "PARTIALLY_FULFILLED" if waits else "FULFILLED"
    order["displayFulfillmentStatus"] = status if shipped else "UNFULFILLED"


def list_open(order: Node) -> list[Node]:
    """List the open fulfillment orders."""
    return [entry for entry in order["fulfillmentOrders"] if entry["status"] in OPEN_STATUSES]


def get_location(fulfillment_order: Node) -> Node:
    """Return the assigned location."""
    location: Node = fulfillment_order["assignedLocation"]["location"]
    return location


# ------------------------------------------------------------------------------------------------ moves


def move_items(
    shop: Shop, id: str, newLocationId: str, fulfillmentOrderLineItems: Sequence[Mapping[str, Any]] | None = None
) -> Answer:
    """Move units to another location, which must stock them."""
    old, location = find_node(shop, "FulfillmentOrder", id), find_node(shop, "Location", newLocationId)
    if old is None or old["status"] not in OPEN_STATUSES:
        return _refuse_move("The fulfillment order does not exist, or is closed.", "id")
    selected = _select_units(shop, old, fulfillmentOrderLineItems)
    if not selected or any(not 0 < units <= item["remainingQuantity"] for item, units in selected):
        return _refuse_move("The quantity is invalid.", "fulfillmentOrderLineItems")
    if location is None or not all(_is_stocked(shop, item["lineItem"], location) for item, _ in selected):
        return _refuse_move("The location does not exist, or does not stock the items.", "newLocationId")
    lines = [(item["lineItem"], units) for item, units in selected]
    claim_stock(shop, old["order"], get_location(old), lines, -1)
    claim_stock(shop, old["order"], location, lines)
    moved = _split_or_move(shop, old, location, selected)
    shop.touch(old["order"], "orders/updated")
    return {"movedFulfillmentOrder": moved, "userErrors": []}


def move_units(shop: Shop, order: Node, line: Node, units: int, location: Node) -> bool:
    """Move units of a line to a location, from the first other one that has as many. Returns whether there was one."""
    for entry in list_open(order):
        for item in entry["lineItems"] if get_location(entry) is not location else ():
            if item["lineItem"] is line and item["remainingQuantity"] >= units:
                chosen = [{"id": item["id"], "quantity": units}]
                return not move_items(shop, entry["id"], location["id"], chosen)["userErrors"]
    return False


def _refuse_move(message: str, field: str) -> Answer:
    return {"movedFulfillmentOrder": None, "userErrors": [build_user_error(message, field)]}


def _is_stocked(shop: Shop, line: Node, location: Node) -> bool:
    return line["variant"] is None or parse_number(location["id"]) in get_levels(shop, line["variant"])


def _split_or_move(shop: Shop, old: Node, location: Node, selected: Sequence[tuple[Node, int]]) -> Node:
    if all(units == item["totalQuantity"] for item, units in selected) and len(selected) == len(old["lineItems"]):
        old["assignedLocation"] = {"location": location}
        return old
    for item, units in selected:
        item["totalQuantity"] -= units
        item["remainingQuantity"] -= units
    _close_if_done(old)
    return create_fulfillment_order(
        shop, old["order"], location, [(item["lineItem"], units) for item, units in selected]
    )


def _select_units(
    shop: Shop, fulfillment_order: Node, chosen: Sequence[Mapping[str, Any]] | None
) -> list[tuple[Node, int]]:
    """Select units, by default all; none if an item is not one of the fulfillment order."""
    items = fulfillment_order["lineItems"]
    if not chosen:
        return [(item, item["remainingQuantity"]) for item in items if item["remainingQuantity"]]
    named = [(find_node(shop, "FulfillmentOrderLineItem", entry["id"]), entry["quantity"]) for entry in chosen]
    selected = [(item, units) for item, units in named if item is not None and any(item is own for own in items)]
    different = {item["id"] for item, _ in selected}
    return selected if len(different) == len(chosen) else []


# ------------------------------------------------------------------------------------------------ fulfillments


def create_fulfillment(shop: Shop, fulfillment: Mapping[str, Any]) -> Answer:
    """Create a fulfillment of units, all from one location."""
    chosen = [
        (find_node(shop, "FulfillmentOrder", entry["fulfillmentOrderId"]), entry.get("fulfillmentOrderLineItems"))
        for entry in fulfillment["lineItemsByFulfillmentOrder"]
    ]
    selected = [
        (entry, _select_units(shop, entry, items))
        for entry, items in chosen
        if entry is not None and entry["status"] in OPEN_STATUSES
    ]
    if len(selected) < len(chosen) or not _can_ship(selected):
        where = ("fulfillment", "lineItemsByFulfillmentOrder")
        return {"fulfillment": None, "userErrors": [build_user_error("The items cannot be fulfilled.", *where)]}
    return {"fulfillment": ship_items(shop, selected, fulfillment.get("trackingInfo")), "userErrors": []}


def _can_ship(selected: Sequence[tuple[Node, Sequence[tuple[Node, int]]]]) -> bool:
    """Whether units can be shipped together: they are there, each once, and leave one location for one order."""
    if len({entry["id"] for entry, _ in selected}) < len(selected) or not all(items for _, items in selected):
        return False
    together = {(get_location(entry)["id"], entry["order"]["id"]) for entry, _ in selected}
    return len(together) == 1 and all(
        0 < units <= item["remainingQuantity"] for _, items in selected for item, units in items
    )


def ship_items(shop: Shop, selected: Sequence[tuple[Node, Sequence[tuple[Node, int]]]], tracking: Any = None) -> Node:
    """Ship units of fulfillment orders."""
    order = selected[0][0]["order"]
    for fulfillment_order, units_by_item in selected:
        for item, units in units_by_item:
            item["remainingQuantity"] -= units
            item["lineItem"]["shipped"] += units
            moved = [(item["lineItem"], units)]
            _move_stock(shop, order, get_location(fulfillment_order), moved, delayed=False, committed=-1, on_hand=-1)
        _close_if_done(fulfillment_order)
    items = [
        shop.add("FulfillmentLineItem", quantity=units, lineItem=item["lineItem"])
        for _, units_by_item in selected
        for item, units in units_by_item
    ]
    location = get_location(selected[0][0])
    created = shop.add(
        "Fulfillment", status="SUCCESS", location=location, fulfillmentLineItems=items, tracking=tracking
    )
    order["fulfillments"].append(created)
    update_fulfillment_status(order)
    shop.touch(order, "orders/updated")
    shop.emit("fulfillments/create", {"id": parse_number(created["id"]), "order_id": parse_number(order["id"])})
    return created


def ship_order(shop: Shop, order: Node) -> None:
    """Ship all units that can be shipped."""
    for fulfillment_order in list_open(order):
        waiting = [(item, item["remainingQuantity"]) for item in fulfillment_order["lineItems"]]
        ship_items(shop, [(fulfillment_order, [(item, units) for item, units in waiting if units])])


def ship_units(shop: Shop, order: Node, line: Node, units: int, location: Node | None = None) -> None:
    """Ship some units of a line, from a location or from any."""
    for fulfillment_order in list_open(order):
        is_chosen = location is None or get_location(fulfillment_order) is location
        for item in fulfillment_order["lineItems"] if is_chosen else ():
            taken = min(units, item["remainingQuantity"]) if item["lineItem"] is line else 0
            units -= taken
            if taken:
                ship_items(shop, [(fulfillment_order, [(item, taken)])])


def _close_if_done(fulfillment_order: Node) -> None:
    if not any(item["remainingQuantity"] for item in fulfillment_order["lineItems"]):
        fulfillment_order["status"] = "CLOSED"


# ------------------------------------------------------------------------------------------------ cancellation


def start_cancellation(shop: Shop, id: str, restock: bool = True) -> Answer:
    """Start a job that cancels an order of which nothing has been shipped."""
    order = find_node(shop, "Order", id)
    if order is None or order["cancelledAt"] is not None or order["fulfillments"]:
        code, what = ("NOT_FOUND", "does not exist") if order is None else ("INVALID", "cannot be canceled")
        error = build_user_error(f"The order {what}.", "orderId", code=code)
        return {"job": None, "orderCancelUserErrors": [error]}
    job = shop.add("Job", done=False)

    def work() -> None:
        job["done"] = True
        if not order["fulfillments"] and order["cancelledAt"] is None:
            cancel_order(shop, order, restock=restock)

    shop.schedule(shop.job_duration, work)
    return {"job": job, "orderCancelUserErrors": []}


def cancel_order(shop: Shop, order: Node, *, restock: bool = True) -> None:
    """Cancel an order and release its units."""
    order["cancelledAt"] = format_instant(shop.now())
    for line in order["lineItems"]:
        remove_units(shop, order, line, count_unshipped(line), None, restock=restock)
    for fulfillment_order in list_open(order):
        fulfillment_order["status"] = "CANCELLED"
    shop.touch(order, "orders/cancelled", "orders/updated")
