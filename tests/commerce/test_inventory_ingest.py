"""Stock counts of channels, by item and location, whatever ids the records have (rule I4)."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord, IngestRules
from gateway.commerce.inventory.ingest import ingest_stock
from gateway.sdk import StockRecord
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.record_builders import Row, read_stock
from gateway.storage import change_log, tables
from gateway.storage.database import Database
from tests.commerce.catalog_ingest import NOW, source_id

pytestmark = pytest.mark.anyio


class StockIngest:
    """Stock into which a test ingests records."""

    def __init__(self, database: Database) -> None:
        self.database, self._counts = database, itertools.count(1)

    async def ingest(self, *found: Row, gone: Sequence[str] = (), doubtful: Sequence[str] = ()) -> None:
        seen = [IngestedRecord(source_id("till", row["id"]), read_stock(row)) for row in found]
        ids = [[source_id("till", id_) for id_ in some] for some in (gone, doubtful)]
        taken: IngestBatch[StockRecord] = IngestBatch(
            "till", seen, ids[0], ids[1], next(self._counts), NOW, IngestRules()
        )
        await self.database.write(ingest_stock, taken)

    async def read_counts(self) -> dict[tuple[str, str], int | None]:
        """Read the counts by item and location; None: unknown."""
        found: list[Any] = await self.database.read(lambda conn: list(conn.execute(sa.select(tables.stock))))
        return {(row.item, row.place): row.on_hand if row.known else None for row in found}

    async def list_change_sizes(self) -> list[int]:
        """List the number of rows of each change."""
        await self.database.write(change_log.stamp_changes)
        return [len(change.subjects) for change in await self.database.read(change_log.list_changes, 0)]


@pytest.fixture
async def stock(open_database: Callable[[], AbstractAsyncContextManager[Database]]) -> AsyncIterator[StockIngest]:
    async with open_database() as database:
        yield StockIngest(database)


def count(id_: str, item: str, on_hand: int, location: str = "shop") -> Row:
    return record_builders.build_stock(item, location, on_hand) | {"id": id_}


def reserve(conn: Connection) -> None:
    conn.execute(sa.update(tables.stock).where(tables.stock.c.item == "mug").values(held=3))


async def test_the_same_count_again_changes_nothing(stock: StockIngest) -> None:
    for _ in range(2):
        await stock.ingest(count("a", "mug", 5), count("b", "cup", 2))
    await stock.ingest(count("a", "mug", 4))
    assert await stock.read_counts() == {("mug", "shop"): 4, ("cup", "shop"): 2}
    assert await stock.list_change_sizes() == [2, 1]


async def test_available_and_committed_make_what_is_in_the_building(stock: StockIngest) -> None:
    await stock.ingest({"id": "a", "item": "mug", "place": "shop", "available": 5, "committed": 2})
    assert await stock.read_counts() == {("mug", "shop"): 7}


async def test_what_is_gone_or_was_rejected_is_unknown_and_not_zero(stock: StockIngest) -> None:
    await stock.ingest(count("a", "mug", 5), count("b", "cup", 2), count("c", "jug", 1))
    await stock.ingest(gone=["a"], doubtful=["b"])
    assert await stock.read_counts() == {("mug", "shop"): None, ("cup", "shop"): None, ("jug", "shop"): 1}
    await stock.ingest(count("a", "mug", 5), count("b", "cup", 2))
    assert await stock.read_counts() == {("mug", "shop"): 5, ("cup", "shop"): 2, ("jug", "shop"): 1}
    assert await stock.list_change_sizes() == [3, 2, 2]


async def test_two_records_of_one_counter_block_no_record_and_the_last_one_counts(stock: StockIngest) -> None:
    await stock.ingest(count("a", "mug", 5), count("b", "mug", 6), count("c", "cup", 1))
    assert await stock.read_counts() == {("mug", "shop"): 6, ("cup", "shop"): 1}
    await stock.ingest(count("a", "mug", 7))
    await stock.ingest(gone=["b"])
    assert await stock.read_counts() == {("mug", "shop"): 7, ("cup", "shop"): 1}


async def test_a_thing_that_is_counted_under_another_id_now_keeps_what_is_reserved_of_it(stock: StockIngest) -> None:
    await stock.ingest(count("a", "mug", 5))
    await stock.database.write(reserve)
    await stock.ingest(count("new", "mug", 4))
    assert await stock.read_counts() == {("mug", "shop"): 4}
    assert await stock.database.read(lambda conn: conn.scalar(sa.select(tables.stock.c.held))) == 3
    await stock.ingest(gone=["a"])
    assert await stock.read_counts() == {("mug", "shop"): 4}


async def test_records_that_swap_their_positions_are_distinguished(stock: StockIngest) -> None:
    await stock.ingest(count("a", "mug", 5), count("b", "cup", 2))
    await stock.ingest(count("a", "cup", 3), count("b", "mug", 6))
    assert await stock.read_counts() == {("mug", "shop"): 6, ("cup", "shop"): 3}


async def test_what_a_record_speaks_of_no_more_is_unknown(stock: StockIngest) -> None:
    await stock.ingest(count("a", "mug", 5))
    await stock.ingest(count("a", "cup", 2))
    assert await stock.read_counts() == {("mug", "shop"): None, ("cup", "shop"): 2}
    assert await stock.list_change_sizes() == [1, 2]
    await stock.ingest(count("b", "mug", 1), count("a", "cup", 2, location="cellar"))
    assert await stock.read_counts() == {("mug", "shop"): 1, ("cup", "shop"): None, ("cup", "cellar"): 2}
