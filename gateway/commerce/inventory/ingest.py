"""Stock ingest: applies the counts that channels report (rule I4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord
from gateway.commerce.inventory import movements
from gateway.model.ids import generate_id
from gateway.sdk.records import StockRecord
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.writes import reservations, stock
from gateway.storage.writes.stock import StockRow


def ingest_stock(conn: Connection, batch: IngestBatch[StockRecord]) -> None:
    """Apply the stock records of one channel. Rows that are removed, or whose newest record was rejected, become
    unknown.
    """
    unknown = [*batch.removed, *batch.rejected]
    rows = list(
        {_get_item_location(row): row for row in (_build_row(batch, ingested) for ingested in batch.records)}.values()
    )
    before = stock.lock_stock(conn, [*(row.id for row in rows), *unknown])
    unknown += _reassign_rows(conn, batch, rows, before)
    rows += [replace(before[id_], known=False) for id_ in unknown if id_ in before]
    changed = [_bump_version(row, batch) for row in rows if not _is_unchanged(row, before.get(row.id))]
    stock.insert_stock(conn, [row for row in changed if row.id not in before])
    stock.update_stock(conn, [row for row in changed if row.id in before])
    _hold_earlier_sales(conn, [row for row in changed if row.id not in before])
    change_log.log_change(conn, "STOCK", [(row.id, row.version) for row in changed], batch.now)
    _settle_proved(conn, batch, rows)


def _hold_earlier_sales(conn: Connection, new: Sequence[StockRow]) -> None:
    """Hold the units that were sold before the counter had its first count."""
    if new and reservations.has_open_reservations(conn, new[0].channel):
        movements = reservations.find_open_reservations(conn, [(row.channel, row.item, row.place) for row in new])
        stock.set_held(conn, reservations.sum_claims(movements))


def _settle_proved(conn: Connection, batch: IngestBatch[StockRecord], new_rows: Sequence[StockRow]) -> None:
    """Settle the movements that these counts are proved to contain, unchanged counts included (rule K3)."""
    if not reservations.has_open_reservations(conn, batch.channel):
        return
    contains = {ingested.source_id: frozenset(ingested.record.contains) for ingested in batch.records}
    rows = [*new_rows, *stock.lock_stock(conn, batch.unchanged).values()]
    reads = [
        movements.CountObservation((row.channel, row.item, row.place), contains.get(row.id, frozenset()))
        for row in rows
        if row.known and row.id not in batch.removed
    ]
    movements.settle_movements(conn, reads, movements.ReadStamp(batch.begin, batch.begun_at), batch.context)


def _reassign_rows(
    conn: Connection, batch: IngestBatch[StockRecord], new_rows: Sequence[StockRow], before: dict[str, StockRow]
) -> list[str]:
    """Reassign rows to the records that now report their item and location. Returns the IDs of unreported rows.

    A channel can report one item under two record IDs, or under a new one. Reservations belong to the item and the
    location, so the row stays and only its ID changes.
    """
    arriving = [
        row for row in new_rows if row.id not in before or _get_item_location(before[row.id]) != _get_item_location(row)
    ]
    relocated = {row.id: before.pop(row.id) for row in arriving if row.id in before}
    displaced = {row.id: row for row in _load_rows_at(conn, batch.channel, arriving)} | relocated
    for id_ in displaced:
        before.pop(id_, None)
    owners = {_get_item_location(row): row.id for row in arriving}
    free = {id_: generate_id(batch.now) for id_ in displaced}
    stock.rename_rows(conn, free)  # first, because records may have swapped locations
    reassigned = {
        free[id_]: owners[_get_item_location(row)]
        for id_, row in displaced.items()
        if _get_item_location(row) in owners
    }
    stock.rename_rows(conn, reassigned)
    before |= {(id_ := reassigned.get(free[old], free[old])): replace(row, id=id_) for old, row in displaced.items()}
    return [free[id_] for id_ in displaced if free[id_] not in reassigned]


def _get_item_location(row: StockRow) -> tuple[str, str]:
    return row.item, row.place


def _load_rows_at(conn: Connection, channel: str, new_rows: Iterable[StockRow]) -> list[StockRow]:
    items: dict[str, list[str]] = defaultdict(list)
    for row in new_rows:
        items[row.place].append(row.item)
    return [
        row
        for external_location, items in sorted(items.items())
        for row in stock.lock_counts(conn, channel, external_location, items)
    ]


def _build_row(batch: IngestBatch[StockRecord], ingested: IngestedRecord[StockRecord]) -> StockRow:
    record = ingested.record
    return StockRow(
        id=ingested.source_id,
        channel=batch.channel,
        item=record.item,
        place=record.place,
        on_hand=record.base,
        committed=record.committed,
        incoming=record.incoming,
        version=0,
        known=True,
        counted_at=record.as_of,
        updated_at=batch.now,
    )


def _is_unchanged(row: StockRow, before: StockRow | None) -> bool:
    if before is None:
        return False
    row.version, row.updated_at = before.version, before.updated_at
    return row == before


def _bump_version(row: StockRow, batch: IngestBatch[StockRecord]) -> StockRow:
    row.version, row.updated_at = row.version + 1, batch.now
    return row
