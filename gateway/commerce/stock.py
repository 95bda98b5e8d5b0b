"""Stock: taking in what channels count (rule I4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gateway.commerce import ledger
from gateway.commerce.taking import Seen, Take
from gateway.model.ids import new_id
from gateway.sdk.records import StockRecord
from gateway.storage import log, reservations, stock
from gateway.storage.database import Connection
from gateway.storage.stock import StockRow


def take_stock(conn: Connection, take: Take[StockRecord]) -> None:
    """Apply stock records of one channel. What is gone, or was rejected last, is not known any more."""
    unknown = [*take.gone, *take.doubtful]
    wanted = list({_spot(row): row for row in (_row(take, seen) for seen in take.seen)}.values())
    before = stock.locked(conn, [*(row.id for row in wanted), *unknown])
    unknown += _take_over(conn, take, wanted, before)
    wanted += [replace(before[id_], known=False) for id_ in unknown if id_ in before]
    changed = [_changed(row, take) for row in wanted if not _same(row, before.get(row.id))]
    stock.add(conn, [row for row in changed if row.id not in before])
    stock.store(conn, [row for row in changed if row.id in before])
    _keep_held(conn, [row for row in changed if row.id not in before])
    log.record(conn, "STOCK", [(row.id, row.version) for row in changed], take.now)
    _prove(conn, take, wanted)


def _keep_held(conn: Connection, new: Sequence[StockRow]) -> None:
    """What was sold before it was counted for the first time is held from the first count on."""
    if new and reservations.any_open(conn, new[0].channel):
        waiting = reservations.open_of(conn, [(row.channel, row.item, row.place) for row in new])
        stock.set_held(conn, reservations.claimed(waiting))


def _prove(conn: Connection, take: Take[StockRecord], wanted: Sequence[StockRow]) -> None:
    """Close the movements that these counts contain, the unchanged ones among them (rule K3)."""
    if not reservations.any_open(conn, take.channel):
        return
    contains = {seen.source_id: frozenset(seen.record.contains) for seen in take.seen}
    rows = [*wanted, *stock.locked(conn, take.same).values()]
    reads = [
        ledger.Read((row.channel, row.item, row.place), contains.get(row.id, frozenset()))
        for row in rows
        if row.known and row.id not in take.gone
    ]
    ledger.settle(conn, reads, ledger.Moment(take.begin, take.begun_at), take.rules.ground, take.now)


def _take_over(
    conn: Connection, take: Take[StockRecord], wanted: Sequence[StockRow], before: dict[str, StockRow]
) -> list[str]:
    """Give each row to the record that now speaks of its item and place; the rows of which none speaks any more.

    A channel may count one thing under two ids, or begin to count it under another one. What is reserved belongs to the
    item and the place, so the row stays, and only its id changes.
    """
    arriving = [row for row in wanted if row.id not in before or _spot(before[row.id]) != _spot(row)]
    left = {row.id: before.pop(row.id) for row in arriving if row.id in before}
    met = {row.id: row for row in _at_spots(conn, take.channel, arriving)} | left
    for id_ in met:
        before.pop(id_, None)
    owners = {_spot(row): row.id for row in arriving}
    free = {id_: new_id(take.now) for id_ in met}
    stock.rename(conn, free)  # first, because records may have changed places with one another
    taken = {free[id_]: owners[_spot(row)] for id_, row in met.items() if _spot(row) in owners}
    stock.rename(conn, taken)
    before |= {(id_ := taken.get(free[old], free[old])): replace(row, id=id_) for old, row in met.items()}
    return [free[id_] for id_ in met if free[id_] not in taken]


def _spot(row: StockRow) -> tuple[str, str]:
    return row.item, row.place


def _at_spots(conn: Connection, channel: str, wanted: Iterable[StockRow]) -> list[StockRow]:
    items: dict[str, list[str]] = defaultdict(list)
    for row in wanted:
        items[row.place].append(row.item)
    return [row for place, some in sorted(items.items()) for row in stock.counted(conn, channel, place, some)]


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
    if before is None:
        return False
    row.version, row.updated_at = before.version, before.updated_at
    return row == before


def _changed(row: StockRow, take: Take[StockRecord]) -> StockRow:
    row.version, row.updated_at = row.version + 1, take.now
    return row
