"""Copies of orders (rule O4): what a channel's feed shows of an order that was placed here, or brought there by others.

A copy is kept, and is in no list and no total. What it says is news of its original: the channel's own answer may still
be under way, or lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.commerce import answered, bringing, canceling, following, handing
from gateway.commerce.taking import Take
from gateway.model.orders import ChannelOrderState, OrderStatus
from gateway.sdk.records import OrderRecord
from gateway.storage import fulfilling, outbox, sales
from gateway.storage.database import Connection
from gateway.storage.fulfilling import ChannelOrderRow
from gateway.storage.sales import OrderRow

Copies = Mapping[str, ChannelOrderRow]
"""The channel orders that records are copies of, by the records' sources."""


def attach(conn: Connection, take: Take[OrderRecord], rows: Sequence[OrderRow]) -> Copies:
    """Have these rows say which order each is a copy of, and tell those that were placed here."""
    references = {row.id: row.client_reference for row in rows if row.client_reference is not None}
    ours = fulfilling.parts_by_reference(conn, references.values())
    named = fulfilling.parts_by_external_id(conn, take.channel, [row.external_id for row in rows])
    copies = {
        row.id: part
        for row in rows
        if (part := ours.get(references.get(row.id) or "") or named.get(row.external_id)) is not None
        and part.channel == take.channel
    }
    for row in rows:
        if row.id in copies:
            row.attached_to = copies[row.id].order_id
    _attach_mirrors(conn, take, [row for row in rows if row.id not in copies])
    return copies


def _attach_mirrors(conn: Connection, take: Take[OrderRecord], rows: Sequence[OrderRow]) -> None:
    """Orders of other channels that somebody's connector has brought here."""
    references = {row.client_reference for row in rows if row.client_reference is not None and row.attached_to is None}
    found = sales.originals(conn, take.channel, references)
    for row in rows:
        if row.client_reference in found:
            row.attached_to = found[row.client_reference].id
    following.mirrored(conn, list({order.id: order for order in found.values()}.values()), take.count, take.now)


def learn(conn: Connection, take: Take[OrderRecord], copies: Copies) -> None:
    """What the copies say is news of their originals."""
    for seen in take.seen:
        if seen.source_id in copies:
            _learn(conn, take, seen.record, copies[seen.source_id])


def _learn(conn: Connection, take: Take[OrderRecord], record: OrderRecord, part: ChannelOrderRow) -> None:
    found = answered.locked(conn, part.id)
    if found is None:
        return
    order, part = found
    selling, now = take.rules.selling, take.now
    if not canceling.is_ours(order):
        bringing.seen(conn, order, part, record, selling, now)
        return
    if part.state not in (ChannelOrderState.ACCEPTED.value, ChannelOrderState.CANCELLED.value):
        if not _as_told(take, record, part):
            return
        outbox.conclude(conn, part.client_reference, now)  # this is the answer to it
        answered.accept(conn, order, part, record.ref.id, record.stock_posted is not False, selling, now)
    if record.status is OrderStatus.CANCELLED:
        canceling.canceled_there(conn, order, part, selling, now)
    else:
        handing.shipped_there(conn, order, part, {line.ref.id: line for line in record.lines}, now)


def _as_told(take: Take[OrderRecord], record: OrderRecord, part: ChannelOrderRow) -> bool:
    """Whether this is a yes: not while its goods would leave from elsewhere, nor where what was refused is canceled."""
    if part.state == ChannelOrderState.REJECTED.value and record.status is OrderStatus.CANCELLED:
        return False
    location = take.rules.ground.locations.get(part.location)
    place = None if location is None else location.external_ids.get(take.channel)
    return place is None or all(line.place in (None, place) for line in record.lines)
