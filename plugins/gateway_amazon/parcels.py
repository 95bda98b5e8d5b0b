"""What of an order leaves, in Amazon's words, and what has left of it already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.sdk import Done, Outcome, Refused, ShipOrder
from gateway.sdk.shapes import Shape, optional_text, text
from gateway_amazon.shapes import count, objects

WAITING = ("PENDING", "PENDING_AVAILABILITY")
SHORT = Refused(code="NOT_THERE", message="the order has less that is still to leave")


@dataclass(frozen=True, slots=True)
class Item:
    """A line of an order, in listings."""

    id: str
    sku: str | None
    shipped: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Dispatch:
    """An order that the merchant sends, or Amazon.

    Attributes:
        tracked: the tracking numbers of the parcels that have left.
    """

    status: str | None
    by_merchant: bool
    items: Sequence[Item]
    tracked: frozenset[str]

    @classmethod
    def read(cls, order: Shape) -> Dispatch:
        """As getOrder tells it. Raises `InvalidValueError`."""
        parcels = (optional_text(one, "trackingNumber") for one in objects(order, "packages"))
        return cls(
            status=optional_text(order, "fulfillment", "fulfillmentStatus"),
            by_merchant=optional_text(order, "fulfillment", "fulfilledBy") == "MERCHANT",
            items=[_item(one) for one in objects(order, "orderItems")],
            tracked=frozenset(number for number in parcels if number),
        )

    @property
    def shipped(self) -> Mapping[str, int]:
        """How many of each line have left."""
        return {item.id: item.shipped for item in self.items}


@dataclass(frozen=True, slots=True)
class Parcel:
    """Units that leave together: by line how many, and how many had left before."""

    command: ShipOrder
    lines: Mapping[str, int]
    before: Mapping[str, int]


def parcel_of(command: ShipOrder, order: Dispatch) -> Parcel | Outcome:
    """What is to be told; or what can be said without telling anybody."""
    if not order.by_merchant:
        return Refused(code="NOT_MERCHANT_FULFILLED", message="Amazon sends this order itself")
    if order.status == "CANCELLED" or order.status in WAITING:
        return Refused(code=order.status, message="the order is not to be sent, or not yet")
    if order.status == "SHIPPED":
        return Done()
    lines = _lines(command, order.items)
    if lines is None:
        return SHORT
    return Parcel(command, lines, {id: order.shipped[id] for id in lines})


def _lines(command: ShipOrder, items: Sequence[Item]) -> dict[str, int] | None:
    """Which lines the units are of; None: there are not so many. One SKU may stand in several lines."""
    left, found = Counter(command.quantities), dict[str, int]()
    for item in items:
        units = min(item.waiting, left[item.sku or ""])
        if units > 0:
            found[item.id] = units
            left[item.sku or ""] -= units
    return None if any(left.values()) or not found else found


def _item(item: Shape) -> Item:
    ordered, shipped = count(item, "quantityOrdered") or 0, count(item, "fulfillment", "quantityFulfilled") or 0
    waiting = count(item, "fulfillment", "quantityUnfulfilled")
    sku = optional_text(item, "product", "sellerSku")
    return Item(text(item, "orderItemId"), sku, shipped, ordered - shipped if waiting is None else waiting)
