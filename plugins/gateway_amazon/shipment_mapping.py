"""Mapping of shipments to lines of Amazon's orders, and the shipped quantities of an order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.sdk import Done, Outcome, Refused, ShipOrder
from gateway.sdk.json_access import Shape, get_optional_text, get_text
from gateway_amazon.json_values import get_optional_count, get_optional_objects

PENDING_STATUSES = ("PENDING", "PENDING_AVAILABILITY")
NOT_ENOUGH_UNITS = Refused(code="NOT_THERE", message="the order has fewer unshipped units")


@dataclass(frozen=True, slots=True)
class OrderItem:
    """A line of an order; quantities count listings."""

    id: str
    sku: str | None
    shipped: int
    unshipped: int


@dataclass(frozen=True, slots=True)
class OrderDispatch:
    """An order and its state of shipment.

    Attributes:
        by_merchant: Whether the merchant ships the order; otherwise Amazon.
        tracking_numbers: Tracking numbers of the shipped parcels.
    """

    status: str | None
    by_merchant: bool
    items: Sequence[OrderItem]
    tracking_numbers: frozenset[str]

    @classmethod
    def parse(cls, order: Shape) -> OrderDispatch:
        """Parse an order of getOrder. Raises `InvalidValueError`."""
        parcels = (get_optional_text(entry, "trackingNumber") for entry in get_optional_objects(order, "packages"))
        return cls(
            status=get_optional_text(order, "fulfillment", "fulfillmentStatus"),
            by_merchant=get_optional_text(order, "fulfillment", "fulfilledBy") == "MERCHANT",
            items=[_map_item(entry) for entry in get_optional_objects(order, "orderItems")],
            tracking_numbers=frozenset(number for number in parcels if number),
        )

    @property
    def shipped(self) -> Mapping[str, int]:
        """Shipped quantity by line ID."""
        return {item.id: item.shipped for item in self.items}


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel to confirm.

    Attributes:
        lines: Units in the parcel by line ID.
        shipped_before: Units that had been shipped before, by line ID.
    """

    command: ShipOrder
    lines: Mapping[str, int]
    shipped_before: Mapping[str, int]


def build_parcel(command: ShipOrder, order: OrderDispatch) -> Parcel | Outcome:
    """Return the parcel to confirm, or the outcome of a command that needs no confirmation."""
    if not order.by_merchant:
        return Refused(code="NOT_MERCHANT_FULFILLED", message="Amazon ships this order itself")
    if order.status == "CANCELLED" or order.status in PENDING_STATUSES:
        return Refused(code=order.status, message="the order cannot be shipped in its status")
    if order.status == "SHIPPED":
        return Done()
    lines = _assign_units(command, order.items)
    if lines is None:
        return NOT_ENOUGH_UNITS
    return Parcel(command, lines, {id: order.shipped[id] for id in lines})


def _assign_units(command: ShipOrder, items: Sequence[OrderItem]) -> dict[str, int] | None:
    """Assign units to lines; None if there are too few unshipped units. Several lines may have the same SKU."""
    remaining, assigned = Counter(command.quantities), dict[str, int]()
    for item in items:
        units = min(item.unshipped, remaining[item.sku or ""])
        if units > 0:
            assigned[item.id] = units
            remaining[item.sku or ""] -= units
    return None if any(remaining.values()) or not assigned else assigned


def _map_item(item: Shape) -> OrderItem:
    ordered, shipped = (
        get_optional_count(item, "quantityOrdered") or 0,
        get_optional_count(item, "fulfillment", "quantityFulfilled") or 0,
    )
    waiting = get_optional_count(item, "fulfillment", "quantityUnfulfilled")
    sku = get_optional_text(item, "product", "sellerSku")
    return OrderItem(get_text(item, "orderItemId"), sku, shipped, ordered - shipped if waiting is None else waiting)
