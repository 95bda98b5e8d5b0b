"""Shipping of goods: by the gateway's clients, and by channels that ship themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.fulfillment.handover import (
    Handover,
    build_refusal,
    check_payment,
    lock_fulfillment,
    note_event,
    record_handover,
    store_handover,
)
from gateway.commerce.orders import order_state, submission
from gateway.commerce.outbox.commands import EnqueuedKeys, OutboxCommand, enqueue
from gateway.commerce.outbox.results import CommandResult
from gateway.model.ids import generate_id
from gateway.model.locations import FulfillmentMethod
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.orders import (
    FulfillmentStatus,
    OrderAttention,
    OrderEventKind,
    Tracking,
)
from gateway.sdk.records import OrderRecord, Ref
from gateway.sdk.writes import ShipOrder
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes import carts, fulfillments, orders
from gateway.storage.writes.fulfillments import ChannelOrderRow, FulfillmentRow, dump_quantities
from gateway.storage.writes.orders import OrderRow

SHIP = "ship"
"""Outbox commands about a shipment: the channel order after the colon waits for the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipRequest:
    """Goods of a fulfillment that have been shipped.

    Attributes:
        version: the version of the fulfillment that the client last read.
        quantities: shipped quantities by order line ID; None: everything.
        tracking: the parcels.
    """

    fulfillment_id: str
    version: int
    quantities: Mapping[str, int] | None
    tracking: Sequence[Tracking]


def ship_fulfillment(
    conn: Connection, request: ShipRequest, context: SellingContext
) -> tuple[MutationResult, EnqueuedKeys]:
    """Ship goods of a fulfillment. The rest stays to be shipped."""
    id_, tracking = request.fulfillment_id, request.tracking
    methods, states = (FulfillmentMethod.SHIPPING,), (FulfillmentStatus.ACCEPTED,)
    handover = lock_fulfillment(conn, id_, request.version, methods, states, context)
    if isinstance(handover, UserError):
        return build_refusal(id_, handover), {}
    if (error := check_payment(conn, handover, context.config)) is not None:
        return build_refusal(id_, error), {}
    sent = dict(request.quantities) if request.quantities is not None else handover.row.quantities
    if (error := _check_quantities(sent, handover.row)) is not None:
        return build_refusal(id_, error), {}
    _split_fulfillment(conn, handover, sent, context.now)
    handover.row.status, handover.row.shipped_at = FulfillmentStatus.IN_TRANSIT.value, context.now
    handover.row.tracking = dump_json([[parcel.carrier, parcel.number, parcel.url] for parcel in tracking])
    record_handover(conn, handover, sent, context.now)
    numbers = ", ".join(parcel.number for parcel in tracking)
    note_event(
        conn, handover, OrderEventKind.SHIPPED, f"Shipped with tracking {numbers}." if numbers else "Sent.", context.now
    )
    enqueued = _notify_channel(conn, handover, sent, tracking, context)
    store_handover(conn, handover, context.now)
    return handover.outcome, enqueued


def _check_quantities(sent: Mapping[str, int], row: FulfillmentRow) -> UserError | None:
    quantities = row.quantities
    for position, (line, quantity) in enumerate(sent.items()):
        if not 0 < quantity <= quantities.get(line, 0):
            field = ("input", "lines", str(position), "quantity" if line in quantities else "lineId")
            message = (
                f"Expected 1 to {quantities.get(line, 0)}."
                if line in quantities
                else "The line is not part of this fulfillment."
            )
            return UserError(code=UserErrorCode.INVALID, field=field, message=message)
    if not sent:
        return UserError(code=UserErrorCode.INVALID, field=("input", "lines"), message="Expected at least one line.")
    return None


def _split_fulfillment(conn: Connection, handover: Handover, sent: Mapping[str, int], now: datetime) -> None:
    """Move what is not shipped yet into a fulfillment of its own."""
    remaining = {line: quantity - sent.get(line, 0) for line, quantity in handover.row.quantities.items()}
    if any(remaining.values()):
        rest = replace(
            handover.row,
            id=generate_id(now),
            version=1,
            lines=dump_quantities(remaining),
            created_at=now,
            updated_at=now,
        )
        fulfillments.insert_fulfillments(conn, [rest])
        handover.row.lines = dump_quantities(sent)


def _notify_channel(
    conn: Connection,
    handover: Handover,
    sent: Mapping[str, int],
    tracking: Sequence[Tracking],
    context: SellingContext,
) -> EnqueuedKeys:
    """Report the shipment to the channel that has the goods as an order."""
    part = (
        fulfillments.find_channel_order(conn, handover.row.channel_order_id) if handover.row.channel_order_id else None
    )
    if part is None or not context.topology.can_execute(part.channel, ShipOrder):
        return {}
    first = tracking[0] if tracking else None
    command = ShipOrder(
        key=generate_id(context.now),
        subject=Ref(part.client_reference),
        quantities=_map_quantities(conn, part.channel, handover, sent),
        tracking_number=first.number if first else None,
        carrier=first.carrier if first else None,
        tracking_url=first.url if first else None,
    )
    about, subject = f"{SHIP}:{part.id}", submission.build_subject(part)
    return enqueue(
        conn, [OutboxCommand(channel=part.channel, command=command, subject=subject, about=about)], context.now
    )


def _map_quantities(conn: Connection, channel: str, handover: Handover, sent: Mapping[str, int]) -> dict[str, int]:
    """Map quantities by order line to quantities by the channel's variant."""
    sold = carts.find_sold_offers(conn, [handover.lines[line] for line in sent])
    offers = carts.find_offers(conn, channel, {offer.variant_id for offer in sold.values()})
    return {
        offers[offer.variant_id].external_id: sent[line] for line, offer in sold.items() if offer.variant_id in offers
    }


def handle_result(conn: Connection, result: CommandResult, context: SellingContext) -> None:
    """Handle the result of reporting a shipment. If the channel refuses, the refusal is noted in the order."""
    part = fulfillments.find_channel_order(conn, result.entry.about.partition(":")[2])
    if part is None or not result.is_refused:
        return
    order = orders.lock_orders(conn, [part.order_id])[part.order_id]
    part.set_fault(result.fault)
    part.updated_at = context.now
    fulfillments.update_channel_order(conn, part)
    message = "The channel refused the shipment. Report it there."
    fulfillments.insert_event(
        conn, order.id, OrderEventKind.NOTE, message, context.now, channel=part.channel, location=part.location
    )
    order_state.store_and_log(conn, order, context.now)


def apply_channel_shipment(
    conn: Connection, order: OrderRow, part: ChannelOrderRow, record: OrderRecord, now: datetime
) -> None:
    """Apply shipments that the channel reports and that were not recorded here."""
    fulfillment_rows = [
        row for row in fulfillments.find_fulfillments(conn, order.id) if row.channel_order_id == part.id
    ]
    waiting = [row for row in fulfillment_rows if row.status == FulfillmentStatus.ACCEPTED.value]
    shipped = sum(line.fulfilled_quantity for line in record.lines)
    recorded = sum(sum(row.quantities.values()) for row in fulfillment_rows if row.status in order_state.SHIPPED_STATES)
    late = [row for row in fulfillment_rows if row.status == FulfillmentStatus.CANCELLED.value]
    if shipped <= recorded or not (waiting or late):
        return
    if not waiting:
        note = "The channel shipped it although it is canceled."
        fulfillments.open_task(conn, order.id, OrderAttention.REFUND_BY_HAND, note, now)
        return
    if record.rejected_lines or shipped < sum(line.quantity for line in record.lines):
        return  # partly shipped, as far as can be read (rule O9): it is recorded once everything is
    lines = {line.id: line for line in orders.find_lines(conn, [order.id]).values()}
    for row in waiting:
        handover = Handover(order, row, lines)
        collected = row.method == FulfillmentMethod.PICKUP.value
        row.status = (FulfillmentStatus.COLLECTED if collected else FulfillmentStatus.IN_TRANSIT).value
        row.shipped_at = now
        record_handover(conn, handover, row.quantities, now)
        note_event(conn, handover, OrderEventKind.SHIPPED, "Shipped by the channel.", now)
    fulfillments.update_fulfillments(conn, waiting, now)
    order_state.complete_if_fulfilled(conn, order)
    order_state.store_and_log(conn, order, now)
