"""What an order says about points: the key of its receipt, and the money that is kept of it (rules Y2, Y3). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.commerce.loyalty.program import LoyaltyProgram
from gateway.model.orders import OrderStatus
from gateway.storage.reads.customers.loyalty_orders import EarningLine, EarningOrder

VOID_STATUSES = frozenset((OrderStatus.CANCELLED.value, OrderStatus.FAILED.value))
"""States of orders of which no money is kept."""


def build_receipt_key(order: EarningOrder, program: LoyaltyProgram) -> str:
    """Build the key of an order: CHANNEL/LOCATION/DAY/NUMBER of a receipt, or else its id in the channel.

    The day is that of the program's zone, so that the key does not depend on which channels are open. A return may have
    the number of its purchase.
    """
    if order.reverses is not None:
        return f"{order.channel}/{order.external_id}/return"
    if order.place is None or order.external_id.startswith("gateway:"):
        return f"{order.channel}/{order.external_id}"
    day = order.placed_at.astimezone(program.zone).date().isoformat()
    return f"{order.channel}/{order.place}/{day}/{order.number}"


def build_waiting_key(channel: str, external_id: str) -> str:
    """Build the origin of a return whose purchase is not known yet."""
    return f"?{channel}/{external_id}"


def can_earn(order: EarningOrder, program: LoyaltyProgram) -> bool:
    """Whether an order can earn points, as far as the program decides."""
    return not order.is_copy and order.placed_at >= program.since and order.currency in program.rates


def compute_earning_minor(order: EarningOrder, lines: Iterable[EarningLine]) -> int:
    """Compute the money that is kept of an order: of what was handed over less what was returned, with tax."""
    if order.status in VOID_STATUSES:
        return 0
    return max(_add_tax(order, sum(_cut(line, line.fulfilled_quantity - line.returned_quantity) for line in lines)), 0)


def compute_returned_minor(order: EarningOrder, lines: Iterable[EarningLine]) -> int:
    """Compute the money that a record of a return gives back."""
    if order.status in VOID_STATUSES:
        return 0
    return max(-_add_tax(order, sum(line.total or 0 for line in lines)), 0)


def compute_points_back(points: int, order: EarningOrder, lines: Iterable[EarningLine]) -> int:
    """Compute how many of the points come back that an order was paid with: cut cumulatively (rule Y8)."""
    if order.status in VOID_STATUSES:
        return points
    totals = [(line.total or 0, _cut(line, min(line.returned_quantity, line.quantity))) for line in lines]
    goods, returned = sum(total for total, _ in totals), sum(back for _, back in totals)
    return points * returned // goods if goods > 0 else 0


def has_handed_over(lines: Iterable[EarningLine]) -> bool:
    """Whether any goods of an order were handed over."""
    return any(line.fulfilled_quantity > 0 for line in lines)


def _cut(line: EarningLine, quantity: int) -> int:
    """Return the total of so many units of a line, cut so that all parts add up to it."""
    total = line.total or 0
    if line.quantity <= 0:
        return total
    return total * max(min(quantity, line.quantity), 0) // line.quantity


def _add_tax(order: EarningOrder, minor: int) -> int:
    """Add the tax to an amount of an order whose prices do not include it, in proportion."""
    tax, total = order.tax_total or 0, order.total or 0
    if order.tax_included is not False or total - tax == 0:
        return minor
    return minor * total // (total - tax)
