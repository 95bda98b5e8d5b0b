"""I4: what channels count, by item and place, whatever ids they give their counts."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.stock import take_stock
from gateway.commerce.taking import Rules, Seen, Take
from gateway.sdk import StockRecord
from gateway.sdk.testing import rows
from gateway.sdk.testing.rows import Row, read_stock
from gateway.storage import log, tables
from gateway.storage.database import Database
from tests.commerce.catalogue import NOW, source_id

pytestmark = pytest.mark.anyio


class Stock:
    """Counts, as a test takes them in."""

    def __init__(self, database: Database) -> None:
        self.database, self._counts = database, itertools.count(1)

    async def take(self, *found: Row, gone: Sequence[str] = (), doubtful: Sequence[str] = ()) -> None:
        seen = [Seen(source_id("till", row["id"]), read_stock(row)) for row in found]
        ids = [[source_id("till", id_) for id_ in some] for some in (gone, doubtful)]
        taken: Take[StockRecord] = Take("till", seen, ids[0], ids[1], next(self._counts), NOW, Rules())
        await self.database.write(take_stock, taken)

    async def known(self) -> dict[tuple[str, str], int | None]:
        """What is counted of each item in each place; None: that is not known."""
        found: list[Any] = await self.database.read(lambda conn: list(conn.execute(sa.select(tables.stock))))
        return {(row.item, row.place): row.on_hand if row.known else None for row in found}

    async def logged(self) -> list[int]:
        """How many rows each change was about."""
        await self.database.write(log.stamp)
        return [len(change.subjects) for change in await self.database.read(log.after, 0)]


@pytest.fixture
async def stock(open_database: Callable[[], AbstractAsyncContextManager[Database]]) -> AsyncIterator[Stock]:
    async with open_database() as database:
        yield Stock(database)


def count(id_: str, item: str, on_hand: int, place: str = "shop") -> Row:
    return rows.stock(item, place, on_hand) | {"id": id_}


def reserve(conn: Connection) -> None:
    conn.execute(sa.update(tables.stock).where(tables.stock.c.item == "mug").values(held=3))


async def test_the_same_count_again_changes_nothing(stock: Stock) -> None:
    for _ in range(2):
        await stock.take(count("a", "mug", 5), count("b", "cup", 2))
    await stock.take(count("a", "mug", 4))
    assert await stock.known() == {("mug", "shop"): 4, ("cup", "shop"): 2}
    assert await stock.logged() == [2, 1]


async def test_available_and_committed_make_what_is_in_the_building(stock: Stock) -> None:
    await stock.take({"id": "a", "item": "mug", "place": "shop", "available": 5, "committed": 2})
    assert await stock.known() == {("mug", "shop"): 7}


async def test_what_is_gone_or_was_rejected_is_unknown_and_not_zero(stock: Stock) -> None:
    await stock.take(count("a", "mug", 5), count("b", "cup", 2), count("c", "jug", 1))
    await stock.take(gone=["a"], doubtful=["b"])
    assert await stock.known() == {("mug", "shop"): None, ("cup", "shop"): None, ("jug", "shop"): 1}
    await stock.take(count("a", "mug", 5), count("b", "cup", 2))
    assert await stock.known() == {("mug", "shop"): 5, ("cup", "shop"): 2, ("jug", "shop"): 1}
    assert await stock.logged() == [3, 2, 2]


async def test_two_records_of_one_thing_stop_nobody_and_the_last_one_counts(stock: Stock) -> None:
    await stock.take(count("a", "mug", 5), count("b", "mug", 6), count("c", "cup", 1))
    assert await stock.known() == {("mug", "shop"): 6, ("cup", "shop"): 1}
    await stock.take(count("a", "mug", 7))
    await stock.take(gone=["b"])
    assert await stock.known() == {("mug", "shop"): 7, ("cup", "shop"): 1}


async def test_a_thing_that_is_counted_under_another_id_now_keeps_what_is_reserved_of_it(stock: Stock) -> None:
    await stock.take(count("a", "mug", 5))
    await stock.database.write(reserve)
    await stock.take(count("new", "mug", 4))
    assert await stock.known() == {("mug", "shop"): 4}
    assert await stock.database.read(lambda conn: conn.scalar(sa.select(tables.stock.c.held))) == 3
    await stock.take(gone=["a"])
    assert await stock.known() == {("mug", "shop"): 4}


async def test_records_that_changed_places_with_one_another_are_told_apart(stock: Stock) -> None:
    await stock.take(count("a", "mug", 5), count("b", "cup", 2))
    await stock.take(count("a", "cup", 3), count("b", "mug", 6))
    assert await stock.known() == {("mug", "shop"): 6, ("cup", "shop"): 3}


async def test_what_a_record_speaks_of_no_more_is_unknown(stock: Stock) -> None:
    await stock.take(count("a", "mug", 5))
    await stock.take(count("a", "cup", 2))
    assert await stock.known() == {("mug", "shop"): None, ("cup", "shop"): 2}
    assert await stock.logged() == [1, 2]
    await stock.take(count("b", "mug", 1), count("a", "cup", 2, place="cellar"))
    assert await stock.known() == {("mug", "shop"): 1, ("cup", "shop"): None, ("cup", "cellar"): 2}
