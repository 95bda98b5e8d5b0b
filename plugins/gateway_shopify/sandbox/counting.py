"""Stock counted by an app: once for every key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway_shopify.sandbox.shop import Node, Shop, number

Answer = dict[str, Any]
REASONS = (
    *("correction", "cycle_count_available", "damaged", "movement_canceled", "movement_created", "movement_received"),
    *("movement_updated", "other", "promotion", "quality_control", "received", "reservation_created"),
    *("reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage"),
)


def adjust(shop: Shop, key: str, input: Mapping[str, Any]) -> Answer:
    """So many units more are available."""
    return _once(shop, key, input, lambda: _changed(shop, input, "changes", _delta))


def put(shop: Shop, key: str, input: Mapping[str, Any]) -> Answer:
    """So many units are available."""
    return _once(shop, key, input, lambda: _changed(shop, input, "quantities", _difference))


def _once(shop: Shop, key: str, asked: Mapping[str, Any], work: Callable[[], Answer]) -> Answer:
    """What the key was answered before, if it was: under one key only one thing can be asked."""
    if key not in shop.answered:
        shop.answered[key] = (asked, work())
    known, answer = shop.answered[key]
    return answer if known == asked else refused("IDEMPOTENCY_KEY_PARAMETER_MISMATCH")


def refused(code: str, *field: str) -> Answer:
    """Nothing was changed."""
    return {"inventoryAdjustmentGroup": None, "userErrors": [{"code": code, "field": ["input", *field]}]}


def _delta(change: Mapping[str, Any], available: int) -> int:
    return int(change["delta"])


def _difference(change: Mapping[str, Any], available: int) -> int:
    return int(change["quantity"]) - available


def _changed(shop: Shop, input: Mapping[str, Any], field: str, more: Callable[[Mapping[str, Any], int], int]) -> Answer:
    if input["reason"] not in REASONS:
        return refused("INVALID_REASON", "reason")
    for change in input[field]:
        if (error := _error(shop, change)) is not None:
            return refused(error, field)
    for change in input[field]:
        item, place, available = _there(shop, change)
        units = more(change, available)
        shop.stock(item, place, available=units, on_hand=units)
    return {"inventoryAdjustmentGroup": shop.add("InventoryAdjustmentGroup", input=input), "userErrors": []}


def _error(shop: Shop, change: Mapping[str, Any]) -> str | None:
    if shop.one(change["inventoryItemId"]) is None:
        return "INVALID_INVENTORY_ITEM"
    if shop.one(change["locationId"]) is None:
        return "INVALID_LOCATION"
    if change.get("quantity", 0) < 0:
        return "INVALID_QUANTITY_NEGATIVE"
    stale = change["changeFromQuantity"] not in (None, _there(shop, change)[2])
    return "CHANGE_FROM_QUANTITY_STALE" if stale else None


def _there(shop: Shop, change: Mapping[str, Any]) -> tuple[Node, Node, int]:
    item, place = shop.nodes["InventoryItem"], shop.nodes["Location"]
    what, where = number(change["inventoryItemId"]), number(change["locationId"])
    level = shop.levels.get(what, {}).get(where)
    return item[what], place[where], 0 if level is None else level["counts"].get("available", 0)
