"""Shortages: more units of a stock counter are sold than there are (rule K8).

Sync never fails on a shortage. Holds are released, the newest first; then orders are rerouted, the lowest claim
first; for what is left, a task with a deadline is opened. Followers are set to zero by their next push.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.fulfillment import rerouting
from gateway.commerce.inventory import channel_holds, reservation_changes
from gateway.commerce.orders import cancellation, order_state
from gateway.model.orders import FulfillmentStatus, OrderAttention, OrderEventKind, PaymentStatus
from gateway.model.stock import ReservationState
from gateway.sdk.writes import CancelOrder
from gateway.storage import outbox
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments, orders, reservations, shortages, stock_counters
from gateway.storage.writes.fulfillments import FulfillmentRow
from gateway.storage.writes.reservations import ReservationRow, StockCounterKey
from gateway.storage.writes.shortages import ShortageClaim

REROUTABLE_STATES = (FulfillmentStatus.PENDING.value, FulfillmentStatus.ACCEPTED.value)
"""States in which a fulfillment can be rerouted; goods that are ready for pickup count as handed over."""


def resolve_shortages(conn: Connection, stock_ids: Collection[str], context: SellingContext) -> int:
    """Resolve the shortages of these stock counters. Returns how many there were."""
    counter_keys = shortages.find_short_counters(conn, stock_ids)
    for counter_key in counter_keys:
        _resolve_shortage(conn, counter_key, context)
    for order_id in shortages.find_resolved_orders(conn):
        _close_task(conn, order_id, context.now)
    return len(counter_keys)


def _resolve_shortage(conn: Connection, counter_key: StockCounterKey, context: SellingContext) -> None:
    counter = stock_counters.lock_counters(conn, [counter_key])[counter_key]
    claimed = reservations.find_open_reservations(conn, [counter_key])
    held = outbox.find_held_keys(conn, [row.command for row in claimed if row.command is not None])
    missing = -counter.available - sum(row.claimed for row in claimed if _is_possibly_counted(row, held))
    missing -= _release_holds(conn, counter_key, missing, context.now)
    unresolved = []
    for claim in (
        sorted(shortages.find_claims(conn, counter_key), key=lambda claim: _rank_claim(claim, context.config))
        if missing > 0
        else ()
    ):
        if missing > 0 and _reroute_claim(conn, claim, context):
            missing -= claim.units
        else:
            unresolved.append(claim)
    _open_tasks(conn, counter_key, unresolved, missing, context)


def _is_possibly_counted(row: ReservationRow, held: Collection[str]) -> bool:
    """Whether the count may contain the units already (rule K3), or a follower gives them back.

    Args:
        held: commands that wait for a payment, so that no count contains them.
    """
    in_flight = row.state == ReservationState.COMMITTED.value and row.command is not None and row.command not in held
    return in_flight or row.owner.startswith(channel_holds.ALLOCATION_PREFIX)


def _release_holds(conn: Connection, counter_key: StockCounterKey, missing: int, now: datetime) -> int:
    """Release holds of carts and clients, the newest first. Returns how many units were released."""
    held = [
        row
        for row in reservations.find_open_reservations(conn, [counter_key])
        if row.state == ReservationState.HELD.value and not channel_holds.is_channel_hold(row)
    ]
    freed = 0
    for row in sorted(held, key=lambda hold: hold.created_at, reverse=True):
        if freed < missing:
            freed += sum(released.quantity for released in reservation_changes.release(conn, [row.id], now))
    return freed


def _rank_claim(claim: ShortageClaim, config: SellingConfig) -> tuple[int, float]:
    """Rank claims, the lowest first: unpaid orders, then paid ones, then a marketplace's; the newest first among
    equals.
    """
    paid = claim.order.payment_status == PaymentStatus.PAID.value
    rank = 2 if claim.order.channel in config.topology.marketplaces else 1 if paid else 0
    return rank, -claim.order.placed_at.timestamp()


def _reroute_claim(conn: Connection, claim: ShortageClaim, context: SellingContext) -> bool:
    """Reroute what an order claims, if another location can serve it."""
    row = fulfillments.find_fulfillment(conn, claim.line) if claim.is_gateway_order else None
    order = orders.lock_orders(conn, [claim.order.id]).get(claim.order.id)
    if (
        row is None
        or order is None
        or row.status not in REROUTABLE_STATES
        or not _can_cancel(conn, row, context.config)
    ):
        return False
    if not rerouting.reroute(conn, order, [row], context):
        return False
    row.status = FulfillmentStatus.REJECTED.value
    fulfillments.update_fulfillments(conn, [row], context.now)
    location = context.topology.locations[row.transfer_from or row.location]
    message = f"{location.name} has too little stock: the goods come from another location."
    fulfillments.insert_event(conn, order.id, OrderEventKind.REJECTED, message, context.now, location=location.key)
    _cancel_at_location(conn, order, row, context.now)
    order_state.store_and_log(conn, order, context.now)
    return True


def _can_cancel(conn: Connection, row: FulfillmentRow, config: SellingConfig) -> bool:
    """Whether the channel would count the units again. Otherwise they would be sold there and at another location as
    well.
    """
    part = fulfillments.find_channel_order(conn, row.channel_order_id) if row.channel_order_id else None
    return part is None or config.topology.can_execute(part.channel, CancelOrder)


def _cancel_at_location(conn: Connection, order: orders.OrderRow, row: FulfillmentRow, now: datetime) -> None:
    """Cancel what was to leave from the location."""
    part = fulfillments.find_channel_order(conn, row.channel_order_id) if row.channel_order_id else None
    if part is None:
        cancellation.restock(conn, order, [row], now)
    else:
        cancellation.withdraw_or_recall(conn, order, part, now)


def _open_tasks(
    conn: Connection,
    counter_key: StockCounterKey,
    claims: Sequence[ShortageClaim],
    missing: int,
    context: SellingContext,
) -> None:
    """Open a task for each claim that no other location can serve, the lowest claims first."""
    location = context.topology.find_location(counter_key[0], counter_key[2])
    for claim in claims:
        if missing <= 0:
            return
        missing -= claim.units
        note = f"{claim.units} units sold in {location.name if location else counter_key[2]} are not in stock."
        until = context.now + context.config.shortage_deadline
        if fulfillments.open_task(conn, claim.order.id, OrderAttention.STOCK_SHORT, note, context.now, until):
            fulfillments.insert_event(
                conn, claim.order.id, OrderEventKind.NOTE, note, context.now, channel=claim.order.channel
            )
            order_state.store_and_log(conn, orders.lock_orders(conn, [claim.order.id])[claim.order.id], context.now)


def _close_task(conn: Connection, order_id: str, now: datetime) -> None:
    fulfillments.close_task(conn, order_id, OrderAttention.STOCK_SHORT)
    order = orders.lock_orders(conn, [order_id])[order_id]
    fulfillments.insert_event(
        conn,
        order_id,
        OrderEventKind.NOTE,
        "The shortage is resolved: there is enough stock again.",
        now,
        channel=order.channel,
    )
    order_state.store_and_log(conn, order, now)
