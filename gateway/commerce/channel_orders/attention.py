"""Attention that orders of channels need: their amounts do not add up, or are not what was placed (rule O8), or lines
could not be read (rule O9), or not in the unit in which they were sold (rule O7).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from gateway.commerce.channel_orders.line_locations import VOID_STATUSES
from gateway.commerce.channel_orders.units_of_measure import LineKey, RemeasuredLine
from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord
from gateway.commerce.orders import order_state
from gateway.model.money import format_minor
from gateway.model.orders import ChannelOrderState, OrderAttention, OrderStatus
from gateway.sdk.records import OrderRecord
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments, order_tasks, orders
from gateway.storage.writes.fulfillments import ChannelOrderRow
from gateway.storage.writes.order_tasks import OrderTaskRow
from gateway.storage.writes.orders import OrderRow

TOTAL_DIFFERS = OrderAttention.TOTAL_DIFFERS.value
INCOMPLETE = OrderAttention.INCOMPLETE.value
RECORD_KINDS = (TOTAL_DIFFERS, INCOMPLETE)
"""Kinds of tasks that a record alone opens and closes."""

MAX_NOTE = 1_000
"""Maximum number of characters of a note."""

TaskKey = tuple[str, str]


def update_attention(
    conn: Connection,
    batch: IngestBatch[OrderRecord],
    rows: Sequence[OrderRow],
    remeasured: Mapping[LineKey, RemeasuredLine],
) -> set[str]:
    """Open and close the tasks of orders by their records. Returns the IDs of the orders whose tasks changed.

    Those of a copy are shown as tasks of its original, so that they name the channel.
    """
    copies = {row.id for row in rows if row.attached_to is not None}
    due = {
        (ingested.source_id, kind): f"{batch.channel}: {note}" if ingested.source_id in copies else note
        for ingested in batch.records
        for kind, note in _list_problems(ingested, remeasured)
    }
    present = {
        (row.order_id, row.kind): row
        for row in order_tasks.find_tasks(conn, [one.source_id for one in batch.records], RECORD_KINDS)
    }
    notes = {key: row.note for key, row in present.items()}
    closed = [row for key, row in present.items() if due.get(key) != row.note]
    opened = [_build_task(key, note, present, batch.now) for key, note in due.items() if notes.get(key) != note]
    order_tasks.replace_tasks(conn, closed, opened)
    return {row.order_id for row in (*closed, *opened)}


def _build_task(key: TaskKey, note: str, present: Mapping[TaskKey, OrderTaskRow], now: datetime) -> OrderTaskRow:
    return OrderTaskRow(*key, note, present[key].opened_at if key in present else now)


def log_originals(conn: Connection, copies: Collection[OrderRow], now: datetime) -> None:
    """Record that the tasks of these copies' originals have changed."""
    ids = {row.attached_to for row in copies if row.attached_to is not None}
    for order in orders.lock_orders(conn, ids).values() if ids else ():
        order_state.store_and_log(conn, order, now)


def _list_problems(
    ingested: IngestedRecord[OrderRecord], remeasured: Mapping[LineKey, RemeasuredLine]
) -> Iterator[tuple[str, str]]:
    record = ingested.record
    problems = [f"line {line.id}: {line.reason}" for line in record.rejected_lines]
    keys = [(ingested.source_id, line.ref.id) for line in record.lines]
    problems += [problem for key in keys if key in remeasured and (problem := remeasured[key].problem) is not None]
    if problems:
        yield INCOMPLETE, "; ".join(problems)[:MAX_NOTE]
    difference, total = record.difference_minor, record.total
    if difference is not None and total is not None and record.status.value not in VOID_STATUSES:
        parts = format_minor(total.minor - difference, total.currency_code)
        yield TOTAL_DIFFERS, f"The total is {total.amount}, but its parts add up to {parts}."


def check_placed_total(
    conn: Connection, order: OrderRow, part: ChannelOrderRow, record: OrderRecord, now: datetime
) -> None:
    """Compare the total of an order that was placed here with what its channel shows. A canceled one has none."""
    if record.status is not OrderStatus.CANCELLED:
        if record.total is None or part.read_total == record.total.minor:
            return
        part.read_total = record.total.minor
        fulfillments.update_channel_order(conn, part)
    notes = [_describe_difference(row, order) for row in fulfillments.find_channel_orders(conn, order.id)]
    note = " ".join(note for note in notes if note is not None)
    present = order_tasks.find_tasks(conn, [order.id], [TOTAL_DIFFERS])
    if note == " ".join(row.note for row in present):
        return
    order_tasks.replace_tasks(conn, present, [OrderTaskRow(order.id, TOTAL_DIFFERS, note, now)] if note else [])
    order_state.store_and_log(conn, order, now)


def _describe_difference(part: ChannelOrderRow, order: OrderRow) -> str | None:
    if part.total is None or part.read_total is None or part.state != ChannelOrderState.ACCEPTED.value:
        return None
    if part.total == part.read_total or order.currency is None or order.status in VOID_STATUSES:
        return None
    placed, shown = (format_minor(minor, order.currency) for minor in (part.total, part.read_total))
    return f"{part.channel}: placed with a total of {placed}, which is {shown} there."
