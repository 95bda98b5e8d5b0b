"""Order submission: stores the shipments of an order, and enqueues the commands for their channels (rules O1, O2).

Of an order that is withheld the units are claimed, and the commands are stored, but not sent before it is paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from gateway.commerce.context import SellingContext
from gateway.commerce.inventory.movements import post_new_movements
from gateway.commerce.orders import order_state
from gateway.commerce.orders.splitting import OrderShipment
from gateway.commerce.outbox.commands import EnqueuedKeys, OutboxCommand, enqueue, merge_keys, release_commands
from gateway.model.locations import Location
from gateway.model.orders import (
    FulfillmentStatus,
    OrderEventKind,
    PaymentStatus,
)
from gateway.sdk.writes import Command, PlaceOrder
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments, reservations
from gateway.storage.writes.fulfillments import ChannelOrderRow
from gateway.storage.writes.orders import OrderRow
from gateway.storage.writes.shortages import GATEWAY_CHANNEL

ORDER = "order"
"""Outbox commands about an order: the channel order after the colon waits for the result."""


def submit_shipments(
    conn: Connection, order: OrderRow, shipments: Sequence[OrderShipment], context: SellingContext
) -> EnqueuedKeys:
    """Store shipments with their movements, and enqueue the commands for their channels."""
    fulfillments.insert_channel_orders(
        conn, [shipment.channel_order for shipment in shipments if shipment.channel_order is not None]
    )
    fulfillments.insert_fulfillments(conn, [shipment.fulfillment for shipment in shipments])
    enqueued: EnqueuedKeys = {}
    for shipment in shipments:
        _assign_movements(order, shipment, context.now)
        enqueued = merge_keys(enqueued, _submit_shipment(conn, order, shipment, context.now))
    return enqueued


def release_shipments(conn: Connection, order: OrderRow, context: SellingContext) -> EnqueuedKeys:
    """Submit what waited for the payment of a locked order. Returns the enqueued commands."""
    order.withheld = None
    enqueued = release_commands(conn, order.id, partial(_set_payment_status, order=order), context.now)
    released = {key for keys in enqueued.values() for key in keys}
    for part in fulfillments.find_channel_orders(conn, order.id):
        if part.client_reference in released:
            _note_submission(conn, order, part.channel, context.topology.locations.get(part.location), context.now)
    _accept_fulfillments(conn, order, context)
    order_state.open_if_decided(conn, order)
    return enqueued


def _set_payment_status(command: Command, order: OrderRow) -> Command:
    if not isinstance(command, PlaceOrder):
        return command
    return replace(command, order=replace(command.order, payment_status=PaymentStatus(order.payment_status)))


def _accept_fulfillments(conn: Connection, order: OrderRow, context: SellingContext) -> None:
    """Accept the fulfillments that wait for no channel, and request the transfers."""
    rows = [
        row
        for row in fulfillments.find_fulfillments(conn, order.id)
        if row.channel_order_id is None and row.status == FulfillmentStatus.PENDING.value
    ]
    for row in rows:
        if row.transfer_from is None:
            row.status = FulfillmentStatus.ACCEPTED.value
        else:
            locations = context.topology.locations
            _note_transfer(conn, order, locations.get(row.transfer_from), locations.get(row.location), context.now)
    fulfillments.update_fulfillments(conn, rows, context.now)


def _assign_movements(order: OrderRow, shipment: OrderShipment, now: datetime) -> None:
    """Assign the movements of a shipment to its fulfillment."""
    for number, row in enumerate(shipment.rows):
        row.order_channel, row.order_ref, row.line_ref = GATEWAY_CHANNEL, order.id, shipment.fulfillment.id
        row.turn, row.updated_at = number, now


def _submit_shipment(conn: Connection, order: OrderRow, submitted: OrderShipment, now: datetime) -> EnqueuedKeys:
    channel_order, shipment = submitted.channel_order, submitted.shipment
    held_by = order.id if order.withheld and not submitted.is_handed_over else None
    if channel_order is None or submitted.command is None:
        if held_by is None:
            _note_transfer(conn, order, shipment.source, shipment.location, now)
        return post_new_movements(conn, submitted.rows, now, held_by)
    for row in submitted.rows:
        row.command = channel_order.client_reference
    reservations.insert_reservations(conn, submitted.rows)
    if held_by is None:
        _note_submission(conn, order, channel_order.channel, shipment.location, now)
    command = OutboxCommand(
        channel=channel_order.channel,
        command=submitted.command,
        subject=build_subject(channel_order),
        about=f"{ORDER}:{channel_order.id}",
        held_by=held_by,
    )
    return enqueue(conn, [command], now)


def _note_submission(conn: Connection, order: OrderRow, channel: str, location: Location | None, now: datetime) -> None:
    if location is not None:
        kind, message = OrderEventKind.SUBMITTED, f"Submitted to {location.name}."
        fulfillments.insert_event(conn, order.id, kind, message, now, channel=channel, location=location.key)


def _note_transfer(
    conn: Connection, order: OrderRow, source: Location | None, location: Location | None, now: datetime
) -> None:
    if source is not None and location is not None:
        kind, message = OrderEventKind.TRANSFER_REQUESTED, f"{source.name} transfers it to {location.name}."
        channel = source.require_authority().channel
        fulfillments.insert_event(conn, order.id, kind, message, now, channel=channel, location=source.key)


def build_subject(channel_order: ChannelOrderRow) -> str:
    """Build the outbox subject of a channel order: its commands are sent in order."""
    return f"order {channel_order.id}"
