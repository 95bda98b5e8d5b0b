"""Order reconciliation (rule O4): copies in a channel's feed of orders that were placed here, or copied by other
connectors.

A copy is stored, but it is in no list and no total. What it shows is applied to its original, because the channel's
own answer may still be in flight, or lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.commerce.channel_orders import attention, external_sales, forwarding_results, submission_results
from gateway.commerce.channel_orders.channel_order import is_accepted, lock_channel_order
from gateway.commerce.fulfillment import shipping
from gateway.commerce.ingest_batch import IngestBatch
from gateway.commerce.orders import cancellation_results, order_state
from gateway.model.orders import ChannelOrderState, OrderStatus
from gateway.sdk.records import OrderRecord
from gateway.sdk.writes import Done
from gateway.storage import outbox
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments, orders
from gateway.storage.writes.fulfillments import ChannelOrderRow
from gateway.storage.writes.orders import OrderRow

Copies = Mapping[str, ChannelOrderRow]
"""The channel orders of which records are copies, by source row ID."""


def attach_copies(conn: Connection, batch: IngestBatch[OrderRecord], rows: Sequence[OrderRow]) -> Copies:
    """Attach copies to their originals. Returns the channel orders of copies of orders that were placed or forwarded
    here.
    """
    references = {row.id: row.client_reference for row in rows if row.client_reference is not None}
    ours = fulfillments.find_channel_orders_by_reference(conn, references.values())
    named = fulfillments.find_channel_orders_by_external_id(conn, batch.channel, [row.external_id for row in rows])
    copies = {
        row.id: part
        for row in rows
        if (part := ours.get(references.get(row.id) or "") or named.get(row.external_id)) is not None
        and part.channel == batch.channel
    }
    for row in rows:
        if row.id in copies:
            row.attached_to = copies[row.id].order_id
    _attach_mirrors(conn, batch, [row for row in rows if row.id not in copies])
    return copies


def _attach_mirrors(conn: Connection, batch: IngestBatch[OrderRecord], rows: Sequence[OrderRow]) -> None:
    """Attach copies of other channels' orders that another connector has made, and acknowledge their movements."""
    references = {row.client_reference for row in rows if row.client_reference is not None and row.attached_to is None}
    originals = orders.find_originals(conn, batch.channel, references)
    for row in rows:
        if row.client_reference in originals:
            row.attached_to = originals[row.client_reference].id
    external_sales.acknowledge_mirrored(
        conn, list({order.id: order for order in originals.values()}.values()), batch.count, batch.now
    )


def apply_copies(conn: Connection, batch: IngestBatch[OrderRecord], copies: Copies) -> None:
    """Apply what copies show to their originals."""
    for ingested in batch.records:
        if ingested.source_id in copies:
            _apply_copy(conn, batch, ingested.record, copies[ingested.source_id])


def _apply_copy(conn: Connection, batch: IngestBatch[OrderRecord], record: OrderRecord, part: ChannelOrderRow) -> None:
    locked = lock_channel_order(conn, part.id)
    if locked is None:
        return
    order, part = locked
    context = batch.context
    if not order_state.is_placed_here(order):
        forwarding_results.apply_forwarded_record(conn, order, part, record, context)
        return
    if not is_accepted(part):
        if not _is_confirmation(batch, record, part):
            return
        outbox.mark_done(conn, part.client_reference, batch.now)  # the record is the answer to the command
        done = Done(ref=record.ref, moved_stock=record.stock_posted is not False)
        submission_results.accept_channel_order(conn, order, part, done, context)
    if record.status is OrderStatus.CANCELLED:
        cancellation_results.apply_channel_cancellation(conn, order, part, context)
    else:
        shipping.apply_channel_shipment(conn, order, part, record, batch.now)
    attention.check_placed_total(conn, order, part, record, batch.now)


def _is_confirmation(batch: IngestBatch[OrderRecord], record: OrderRecord, part: ChannelOrderRow) -> bool:
    """Whether the record confirms the channel order.

    It does not if the goods would leave from another location, or if it shows the cancellation of a rejected order.
    """
    if part.state == ChannelOrderState.REJECTED.value and record.status is OrderStatus.CANCELLED:
        return False
    location = batch.rules.topology.locations.get(part.location)
    external_location = None if location is None else location.external_ids.get(batch.channel)
    named = (name for line in record.lines for name in (line.place, *(share.location for share in line.locations)))
    return external_location is None or all(name in (None, external_location) for name in named)
