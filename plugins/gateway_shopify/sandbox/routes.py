"""From where the goods of an order leave: fulfillment orders, with what they do to the stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway_shopify.sandbox.shop import Node, Shop, number, text

Answer = dict[str, Any]
LIVE = ("OPEN", "IN_PROGRESS", "SCHEDULED", "ON_HOLD")


def route(shop: Shop, order: Node, place: Node, lines: Sequence[tuple[Node, int]]) -> Node:
    """These units leave from there."""
    items = [
        shop.add("FulfillmentOrderLineItem", totalQuantity=units, remainingQuantity=units, lineItem=line)
        for line, units in lines
    ]
    made = shop.add(
        "FulfillmentOrder", status="OPEN", assignedLocation={"location": place}, lineItems=items, order=order
    )
    order["fulfillmentOrders"].append(made)
    return made


def claim(shop: Shop, order: Node, place: Node, lines: Sequence[tuple[Node, int]], sign: int = 1) -> None:
    """These units are promised, or no longer; it takes a while until that is seen."""
    if not order["claims"]:
        return

    def count() -> None:
        for line, units in lines:
            shop.stock(line["variant"]["inventoryItem"], place, available=-units * sign, committed=units * sign)

    shop.later(shop.lag, count)


def live(order: Node) -> list[Node]:
    """The fulfillment orders from which something still leaves."""
    return [one for one in order["fulfillmentOrders"] if one["status"] in LIVE]


def place_of(route: Node) -> Node:
    """Where its goods are."""
    found: Node = route["assignedLocation"]["location"]
    return found


# ------------------------------------------------------------------------------------------------ elsewhere


def move(
    shop: Shop, id: str, newLocationId: str, fulfillmentOrderLineItems: Sequence[Mapping[str, Any]] | None = None
) -> Answer:
    """Have these units leave from another location, which must stock them."""
    old, place = shop.one(id), shop.one(newLocationId)
    if old is None or place is None or old["status"] not in LIVE:
        return {"movedFulfillmentOrder": None, "userErrors": [{"code": None, "field": ["id"]}]}
    wanted = _wanted(old, fulfillmentOrderLineItems)
    stocked = [number(place["id"]) in shop.levels.get(number(_item(one)["id"]), {}) for one, _ in wanted]
    if not all(stocked):
        return {"movedFulfillmentOrder": None, "userErrors": [{"code": None, "field": ["newLocationId"]}]}
    lines = [(one["lineItem"], units) for one, units in wanted]
    claim(shop, old["order"], place_of(old), lines, -1)
    claim(shop, old["order"], place, lines)
    moved = _moved(shop, old, place, wanted)
    shop.touch(old["order"], "orders/updated")
    return {"movedFulfillmentOrder": moved, "userErrors": []}


def _moved(shop: Shop, old: Node, place: Node, wanted: Sequence[tuple[Node, int]]) -> Node:
    if all(units == one["totalQuantity"] for one, units in wanted) and len(wanted) == len(old["lineItems"]):
        old["assignedLocation"] = {"location": place}
        return old
    for one, units in wanted:
        one["totalQuantity"] -= units
        one["remainingQuantity"] -= units
    _close_if_done(old)
    return route(shop, old["order"], place, [(one["lineItem"], units) for one, units in wanted])


def _wanted(route: Node, chosen: Sequence[Mapping[str, Any]] | None) -> list[tuple[Node, int]]:
    if not chosen:
        return [(one, one["remainingQuantity"]) for one in route["lineItems"]]
    units = {one["id"]: one["quantity"] for one in chosen}
    return [(one, units[one["id"]]) for one in route["lineItems"] if one["id"] in units]


def _item(item: Node) -> Node:
    found: Node = item["lineItem"]["variant"]["inventoryItem"]
    return found


# ------------------------------------------------------------------------------------------------ sent


def fulfill(shop: Shop, fulfillment: Mapping[str, Any]) -> Answer:
    """Units leave, all from one location."""
    chosen = [
        (shop.one(one["fulfillmentOrderId"]), one.get("fulfillmentOrderLineItems"))
        for one in fulfillment["lineItemsByFulfillmentOrder"]
    ]
    known = [(route, _wanted(route, some)) for route, some in chosen if route is not None and route["status"] in LIVE]
    short = [one for _, wanted in known for one, units in wanted if not 0 < units <= one["remainingQuantity"]]
    if short or len(known) < len(chosen) or len({place_of(route)["id"] for route, _ in known}) != 1:
        error = {"field": ["fulfillment", "lineItemsByFulfillmentOrder"], "message": "cannot be fulfilled"}
        return {"fulfillment": None, "userErrors": [error]}
    return {"fulfillment": sent(shop, known, fulfillment.get("trackingInfo")), "userErrors": []}


def sent(shop: Shop, known: Sequence[tuple[Node, Sequence[tuple[Node, int]]]], tracking: Any = None) -> Node:
    """Have these units of these fulfillment orders leave."""
    order = known[0][0]["order"]
    for route, wanted in known:
        for one, units in wanted:
            one["remainingQuantity"] -= units
            if order["claims"]:
                shop.stock(_item(one), place_of(route), committed=-units, on_hand=-units)
        _close_if_done(route)
    items = [
        shop.add("FulfillmentLineItem", quantity=units, lineItem=one["lineItem"])
        for _, wanted in known
        for one, units in wanted
    ]
    made = shop.add("Fulfillment", status="SUCCESS", fulfillmentLineItems=items, tracking=tracking)
    order["fulfillments"].append(made)
    order["displayFulfillmentStatus"] = "PARTIALLY_FULFILLED" if live(order) else "FULFILLED"
    shop.touch(order, "orders/updated")
    shop.emit("fulfillments/create", {"id": number(made["id"]), "order_id": number(order["id"])})
    return made


def send_all(shop: Shop, order: Node) -> None:
    """Everything that can leaves."""
    for one in live(order):
        sent(shop, [(one, [(item, item["remainingQuantity"]) for item in one["lineItems"]])])


def _close_if_done(route: Node) -> None:
    if not any(one["remainingQuantity"] for one in route["lineItems"]):
        route["status"] = "CLOSED"


# ------------------------------------------------------------------------------------------------ canceled


def cancel_by_job(shop: Shop, id: str) -> Answer:
    """Cancel an order of which nothing has left, later."""
    order = shop.one(id)
    if order is None or order["cancelledAt"] is not None or order["fulfillments"]:
        error = {"code": "NOT_FOUND" if order is None else "INVALID", "field": ["orderId"]}
        return {"job": None, "orderCancelUserErrors": [error]}
    job = shop.add("Job", done=False)

    def work() -> None:
        job["done"] = True
        if not order["fulfillments"] and order["cancelledAt"] is None:
            cancel(shop, order)

    shop.later(shop.job, work)
    return {"job": job, "orderCancelUserErrors": []}


def cancel(shop: Shop, order: Node) -> None:
    """The order is not to be, and what it has taken is put back."""
    order["cancelledAt"] = text(shop.now())
    for one in live(order):
        lines = [(item["lineItem"], item["remainingQuantity"]) for item in one["lineItems"]]
        claim(shop, order, place_of(one), lines, -1)
        one["status"] = "CANCELLED"
    shop.touch(order, "orders/cancelled", "orders/updated")
