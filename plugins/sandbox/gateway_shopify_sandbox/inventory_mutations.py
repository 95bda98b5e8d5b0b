"""Inventory mutations: executed once for every idempotency key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from gateway_shopify_sandbox.node_ids import find_node
from gateway_shopify_sandbox.state import Node, Shop, parse_number
from gateway_shopify_sandbox.user_errors import build_user_error

Answer = dict[str, Any]
Change = Mapping[str, Any]

REASONS = (
    *("correction", "cycle_count_available", "damaged", "movement_canceled", "movement_created", "movement_received"),
    *("movement_updated", "other", "promotion", "quality_control", "received", "reservation_created"),
    *("reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage"),
)
UNAVAILABLE_NAMES = ("damaged", "quality_control", "reserved", "safety_stock")
"""Quantities that are on hand and cannot be sold."""

ADJUSTABLE_NAMES = ("available", "incoming", *UNAVAILABLE_NAMES)
SETTABLE_NAMES = ("available", "on_hand")
QUANTITY_NAMES = (*ADJUSTABLE_NAMES, "committed", "on_hand")
MAX_DELTA, MAX_QUANTITY = 2_000_000_000, 1_000_000_000

_URI = re.compile(r"gid://[^/\s]+/[^/\s]+/\S+|(?!gid:)[A-Za-z][A-Za-z0-9+.-]*://\S+")


def adjust_quantities(shop: Shop, key: str, input: Mapping[str, Any]) -> Answer:
    """Adjust a quantity by a delta."""
    return run_once(shop, key, input, lambda: _adjust(shop, input), _refuse)


def set_quantities(shop: Shop, key: str, input: Mapping[str, Any]) -> Answer:
    """Set available units, or units on hand."""
    return run_once(shop, key, input, lambda: _set(shop, input), _refuse)


def run_once(
    shop: Shop, key: str, request: Mapping[str, Any], work: Callable[[], Answer], refuse: Callable[[Answer], Answer]
) -> Answer:
    """Return the stored result of a key, or execute the mutation. A key with other input is refused."""
    if key not in shop.idempotent_answers:
        shop.idempotent_answers[key] = (request, work())
    previous, answer = shop.idempotent_answers[key]
    if previous == request:
        return dict(answer)
    message = "The same idempotency key cannot be used with different operation parameters."
    return refuse(build_user_error(message, "input", code="IDEMPOTENCY_KEY_PARAMETER_MISMATCH"))


def _refuse(error: Answer) -> Answer:
    return {"inventoryAdjustmentGroup": None, "userErrors": [error]}


def _adjust(shop: Shop, input: Mapping[str, Any]) -> Answer:
    name, changes = input["name"], input["changes"]
    error = next(_find_input_errors(input, ADJUSTABLE_NAMES, "INVALID_QUANTITY_NAME"), None) or next(
        _find_adjustment_errors(shop, name, changes), None
    )
    if error is not None:
        return _refuse(error)
    for change in changes:
        _move(shop, change, name, change["delta"])
    return _complete(shop, input)


def _set(shop: Shop, input: Mapping[str, Any]) -> Answer:
    name, quantities = input["name"], input["quantities"]
    error = next(_find_input_errors(input, SETTABLE_NAMES, "INVALID_NAME"), None) or next(
        _find_setting_errors(shop, name, quantities), None
    )
    if error is not None:
        return _refuse(error)
    for entry in quantities:
        _move(shop, entry, "available", entry["quantity"] - _count(shop, entry, name))
    return _complete(shop, input)


def _complete(shop: Shop, input: Mapping[str, Any]) -> Answer:
    return {"inventoryAdjustmentGroup": shop.add("InventoryAdjustmentGroup", input=input), "userErrors": []}


def _move(shop: Shop, change: Change, name: str, units: int) -> None:
    """Move a quantity, and with it what is on hand."""
    item, location = _find_item(shop, change), _find_location(shop, change)
    assert item is not None and location is not None
    counts = {name: units} if name == "incoming" else {name: units, "on_hand": units}
    shop.add_stock(item, location, **counts)


def _find_input_errors(input: Mapping[str, Any], names: Sequence[str], code: str) -> Iterator[Answer]:
    if input["name"] not in names:
        yield build_user_error(f"The quantity name must be one of {', '.join(names)}.", "input", "name", code=code)
    if input["reason"] not in REASONS:
        yield build_user_error("The specified reason is invalid.", "input", "reason", code="INVALID_REASON")
    document = input.get("referenceDocumentUri")
    if document is not None and not _URI.fullmatch(document):
        message, field = "The specified reference document is invalid.", "referenceDocumentUri"
        yield build_user_error(message, "input", field, code="INVALID_REFERENCE_DOCUMENT")


def _find_adjustment_errors(shop: Shop, name: str, changes: Sequence[Change]) -> Iterator[Answer]:
    for position, change in enumerate(changes):
        where = ("input", "changes", str(position))
        yield from _find_level_errors(shop, change, name, where)
        yield from _find_document_errors(change, name, where)
        if abs(total := _count(shop, change, name) + change["delta"]) > MAX_DELTA:
            code, what = ("HIGH", "higher than 2,000,000,000") if total > 0 else ("LOW", "lower than -2,000,000,000")
            message = f"The quantity can't be {what}."
            yield build_user_error(message, *where, "delta", code=f"INVALID_QUANTITY_TOO_{code}")


def _find_document_errors(change: Change, name: str, where: Sequence[str]) -> Iterator[Answer]:
    document, field = change.get("ledgerDocumentUri"), (*where, "ledgerDocumentUri")
    if name == "available" and document is not None:
        message = "A ledger document URI is not allowed when adjusting available."
        yield build_user_error(message, *field, code="INVALID_AVAILABLE_DOCUMENT")
    if name != "available" and document is None:
        message = "A ledger document URI is required except when adjusting available."
        yield build_user_error(message, *field, code="INVALID_QUANTITY_DOCUMENT")
    if document is not None and document.startswith("gid://shopify/"):
        message = "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API."
        yield build_user_error(message, *field, code="INTERNAL_LEDGER_DOCUMENT")


def _find_setting_errors(shop: Shop, name: str, quantities: Sequence[Change]) -> Iterator[Answer]:
    levels = [(entry["inventoryItemId"], entry["locationId"]) for entry in quantities]
    if len(set(levels)) < len(levels):
        code = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
        message = "The combination of inventoryItemId and locationId must be unique."
        yield build_user_error(message, "input", "quantities", code=code)
    for position, entry in enumerate(quantities):
        where = ("input", "quantities", str(position))
        yield from _find_level_errors(shop, entry, name, where)
        if entry["quantity"] < 0:
            message = "The quantity can't be negative."
            yield build_user_error(message, *where, "quantity", code="INVALID_QUANTITY_NEGATIVE")
        if entry["quantity"] > MAX_QUANTITY:
            message = "The total quantity can't be higher than 1,000,000,000."
            yield build_user_error(message, *where, "quantity", code="INVALID_QUANTITY_TOO_HIGH")


def _find_level_errors(shop: Shop, change: Change, name: str, where: Sequence[str]) -> Iterator[Answer]:
    if "changeFromQuantity" not in change:
        raise GraphQLError("The changeFromQuantity argument is required; pass null to skip the check.")
    if _find_item(shop, change) is None:
        message = "The specified inventory item could not be found."
        yield build_user_error(message, *where, "inventoryItemId", code="INVALID_INVENTORY_ITEM")
    if _find_location(shop, change) is None:
        message = "The specified location could not be found."
        yield build_user_error(message, *where, "locationId", code="INVALID_LOCATION")
    if change["changeFromQuantity"] not in (None, _count(shop, change, name)):
        message = "The changeFromQuantity argument no longer matches the persisted quantity."
        yield build_user_error(message, *where, "changeFromQuantity", code="CHANGE_FROM_QUANTITY_STALE")


def _find_item(shop: Shop, change: Change) -> Node | None:
    return find_node(shop, "InventoryItem", change["inventoryItemId"])


def _find_location(shop: Shop, change: Change) -> Node | None:
    return find_node(shop, "Location", change["locationId"])


def _count(shop: Shop, change: Change, name: str) -> int:
    levels = shop.levels.get(parse_number(change["inventoryItemId"]), {})
    level = levels.get(parse_number(change["locationId"]))
    return 0 if level is None else int(level["counts"].get(name, 0))
