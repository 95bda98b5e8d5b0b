"""Stock: taking in what channels count (rule I4)."""

from __future__ import annotations

from dataclasses import replace

from gateway.commerce.taking import Seen, Take
from gateway.sdk.records import StockRecord
from gateway.storage import log, stock
from gateway.storage.database import Connection
from gateway.storage.stock import StockRow


def take_stock(conn: Connection, take: Take[StockRecord]) -> None:
    """Apply stock records of one channel. What is gone, or was rejected last, is not known any more."""
    unknown = [*take.gone, *take.doubtful]
    before = stock.locked(conn, [*(seen.source_id for seen in take.seen), *unknown])
    wanted = [_row(take, seen) for seen in take.seen]
    wanted += [replace(before[id_], known=False) for id_ in unknown if id_ in before]
    changed = [_changed(row, before.get(row.id), take) for row in wanted if not _same(row, before.get(row.id))]
    stock.add(conn, [row for row in changed if row.id not in before])
    stock.store(conn, [row for row in changed if row.id in before])
    log.record(conn, "STOCK", [(row.id, row.version) for row in changed], take.now)


def _row(take: Take[StockRecord], seen: Seen[StockRecord]) -> StockRow:
    record = seen.record
    return StockRow(
        id=seen.source_id,
        channel=take.channel,
        item=record.item,
        place=record.place,
        on_hand=record.base,
        committed=record.committed,
        incoming=record.incoming,
        version=0,
        known=True,
        counted_at=record.as_of,
        updated_at=take.now,
    )


def _same(row: StockRow, before: StockRow | None) -> bool:
    return before is not None and replace(row, version=before.version, updated_at=before.updated_at) == before


def _changed(row: StockRow, before: StockRow | None, take: Take[StockRecord]) -> StockRow:
    return replace(row, version=before.version + 1 if before else 1, updated_at=take.now)
