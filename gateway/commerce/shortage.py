"""Too little: more is sold of something than there is (rule K8).

Sync never fails on it. What is held is let go of, the newest first; then what can come from elsewhere does, the order
with the lowest claim first; and what is left is a task with a deadline. Followers are to offer none: that is pushing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from gateway.commerce import canceling, ledger, parts, rerouting
from gateway.commerce.selling import Selling
from gateway.model.orders import FulfillmentStatus, OrderAttention, OrderEventKind, PaymentStatus
from gateway.model.stock import ReservationState
from gateway.sdk.writes import CancelOrder
from gateway.storage import counters, fulfilling, reservations, sales, shortages
from gateway.storage.database import Connection
from gateway.storage.fulfilling import FulfillmentRow
from gateway.storage.reservations import ReservationRow, Spot
from gateway.storage.shortages import Claim

WAITING = (FulfillmentStatus.PENDING.value, FulfillmentStatus.ACCEPTED.value)
"""What lies ready is as good as handed over."""


def relieve(conn: Connection, stock_ids: Collection[str], selling: Selling, now: datetime) -> int:
    """See to these counters, as far as there is too little; how many there were."""
    found = shortages.short(conn, stock_ids)
    for spot in found:
        _relieve(conn, spot, selling, now)
    for order_id in shortages.mended(conn):
        _mended(conn, order_id, now)
    return len(found)


def _relieve(conn: Connection, spot: Spot, selling: Selling, now: datetime) -> None:
    counter = counters.locked(conn, [spot])[spot]
    missing = -counter.free - sum(row.claimed for row in reservations.open_of(conn, [spot]) if _is_doubtful(row))
    missing -= _let_go(conn, spot, missing, now)
    left = []
    for claim in sorted(shortages.claims(conn, spot), key=lambda one: _rank(one, selling)) if missing > 0 else ():
        if missing > 0 and _comes_from_elsewhere(conn, claim, selling, now):
            missing -= claim.units
        else:
            left.append(claim)
    _to_a_person(conn, spot, left, missing, selling, now)


def _is_doubtful(row: ReservationRow) -> bool:
    """What is being told may be in the count already (rule K3); what is set aside for followers they give back."""
    told = row.state == ReservationState.COMMITTED.value and row.command is not None
    return told or row.owner.startswith(ledger.ALLOTTED)


def _let_go(conn: Connection, spot: Spot, missing: int, now: datetime) -> int:
    """Let go of what carts and people hold, the newest first; how many units."""
    held = [
        row
        for row in reservations.open_of(conn, [spot])
        if row.state == ReservationState.HELD.value and not ledger.is_followers(row)
    ]
    freed = 0
    for row in sorted(held, key=lambda one: one.created_at, reverse=True):
        if freed < missing:
            freed += sum(one.quantity for one in ledger.release(conn, [row.id], now))
    return freed


def _rank(claim: Claim, selling: Selling) -> tuple[int, float]:
    """The lowest claim first: what is not paid, then what was bought last; a marketplace punishes whoever fails it."""
    paid = claim.order.payment_status == PaymentStatus.PAID.value
    kept = 2 if claim.order.channel in selling.ground.marketplaces else 1 if paid else 0
    return kept, -claim.order.placed_at.timestamp()


# ------------------------------------------------------------------------------------------------ re-routing


def _comes_from_elsewhere(conn: Connection, claim: Claim, selling: Selling, now: datetime) -> bool:
    """Have another location serve what this order was promised here, if one can."""
    row = fulfilling.fulfillment(conn, claim.line) if claim.is_ours else None
    order = sales.orders_by_id(conn, [claim.order.id]).get(claim.order.id)
    if row is None or order is None or row.status not in WAITING or not _can_be_taken_back(conn, row, selling):
        return False
    if not rerouting.around(conn, order, [row], selling, now):
        return False
    row.status = FulfillmentStatus.REJECTED.value
    fulfilling.store_fulfillments(conn, [row], now)
    where = selling.ground.locations[row.transfer_from or row.location]
    message = f"{where.name} has too little: it comes from elsewhere."
    fulfilling.note(conn, order.id, OrderEventKind.REJECTED, message, now, location=where.key)
    _take_back(conn, order, row, now)
    parts.touched(conn, order, now)
    return True


def _can_be_taken_back(conn: Connection, row: FulfillmentRow, selling: Selling) -> bool:
    """Whether its channel would count the units again: else it would have sold them, and another location as well."""
    part = fulfilling.part(conn, row.channel_order_id) if row.channel_order_id else None
    return part is None or selling.ground.can(part.channel, CancelOrder)


def _take_back(conn: Connection, order: sales.OrderRow, row: FulfillmentRow, now: datetime) -> None:
    """Nothing leaves from where it was promised."""
    part = fulfilling.part(conn, row.channel_order_id) if row.channel_order_id else None
    if part is None:
        canceling.put_back(conn, order, [row], now)
    else:
        canceling.recall_if_there(conn, order, part, now)


# ------------------------------------------------------------------------------------------------ people


def _to_a_person(
    conn: Connection, spot: Spot, left: Sequence[Claim], missing: int, selling: Selling, now: datetime
) -> None:
    """What nobody else has is for somebody to see to, the lowest claims first."""
    where = selling.ground.at(spot[0], spot[2])
    for claim in left:
        if missing <= 0:
            return
        missing -= claim.units
        note = f"{claim.units} of it were sold in {where.name if where else spot[2]}, and are not there."
        until = now + selling.shortage_within
        if fulfilling.open_task(conn, claim.order.id, OrderAttention.STOCK_SHORT, note, now, until):
            fulfilling.note(conn, claim.order.id, OrderEventKind.NOTE, note, now, channel=claim.order.channel)
            parts.touched(conn, sales.orders_by_id(conn, [claim.order.id])[claim.order.id], now)


def _mended(conn: Connection, order_id: str, now: datetime) -> None:
    fulfilling.close_task(conn, order_id, OrderAttention.STOCK_SHORT)
    order = sales.orders_by_id(conn, [order_id])[order_id]
    fulfilling.note(conn, order_id, OrderEventKind.NOTE, "There is enough of it again.", now, channel=order.channel)
    parts.touched(conn, order, now)
