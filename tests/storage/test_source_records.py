"""Sync state of single records: counters that grow, hints, and records that a pass did not name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

import pytest
from sqlalchemy.engine import Connection

from gateway.storage.database import Database
from gateway.storage.sync import source_records
from gateway.storage.sync.source_records import SourceRecord

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
HERE = ("till", "PRODUCTS")


def insert_known(conn: Connection, *found: SourceRecord) -> None:
    source_records.insert_records(conn, found)


def source(
    id_: str, *, end: int = 5, gone: bool = False, rejected: bool = False, dirty_at: int | None = None
) -> SourceRecord:
    return SourceRecord(
        id_ * 32,
        *HERE,
        id_,
        "products",
        begin=end - 1,
        end=end,
        gone=gone,
        rejected=rejected,
        dirty_at=dirty_at,
        generation=1,
    )


def list_ids(found: list[SourceRecord]) -> list[str]:
    return [one.external_id for one in found]


async def test_the_counter_never_gives_a_number_twice(open_database: OpenDatabase) -> None:
    async with open_database() as one, open_database() as other:
        before = await one.read(source_records.get_current_count)
        counts = await asyncio.gather(
            *(database.write(source_records.take_next_count) for database in (one, other) * 10)
        )
        assert sorted(counts) == list(range(before + 1, before + 21))
        assert await other.read(source_records.get_current_count) == before + 20


async def test_what_a_pass_did_not_name_are_those_read_last_before_it_began(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await database.write(insert_known, source("a"), source("b", end=6), source("c", gone=True))
        assert list_ids(await database.read(source_records.find_unnamed, "till", "products", 5, 10)) == ["a"]
        assert await database.read(source_records.count_unnamed, "till", "products", 5) == 1
        assert await database.read(source_records.count_unnamed, "till", "products", 6) == 2
        assert await database.read(source_records.count_present, "till", "products") == 2


async def test_a_record_that_never_was_good_can_be_absent_too(open_database: OpenDatabase) -> None:
    """Otherwise its reject would stay forever after the channel has dropped the record (rule S8)."""
    async with open_database() as database:
        await database.write(insert_known, source("a", gone=True, rejected=True))
        assert list_ids(await database.read(source_records.find_unnamed, "till", "products", 5, 10)) == ["a"]
        assert await database.read(source_records.count_present, "till", "products") == 1


async def test_a_record_that_is_to_be_read_again_since_a_pass_began_is_not_absent(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await database.write(insert_known, source("a", dirty_at=7), source("b", dirty_at=6))
        assert list_ids(await database.read(source_records.find_unnamed, "till", "products", 6, 10)) == ["b"]


async def test_noting_an_absence_leaves_alone_what_was_read_since(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await database.write(insert_known, source("a"), source("b", end=9))
        await database.write(source_records.mark_absent, ["a" * 32, "b" * 32], 6)
        found = await database.write(source_records.lock_records, *HERE, ["a", "b"])
        assert {id_: one.absent_at for id_, one in found.items()} == {"a": 6, "b": None}


async def test_a_record_that_was_read_again_moves_forward_and_never_back(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await database.write(insert_known, source("a", end=9))
        await database.write(source_records.touch_records, ["a" * 32], 3, 4, NOW)
        found = (await database.write(source_records.lock_records, *HERE, ["a"]))["a"]
        assert (found.begin, found.end, found.observed_at) == (8, 9, NOW)
        await database.write(source_records.touch_records, ["a" * 32], 10, 12, NOW.replace(year=2025))
        found = (await database.write(source_records.lock_records, *HERE, ["a"]))["a"]
        assert (found.begin, found.end, found.observed_at) == (10, 12, NOW)


async def test_the_longest_waiting_record_is_read_again_first(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        for id_ in ("b", "a", "b"):
            await database.write(source_records.hint_records, *HERE, "products", [id_], NOW)
        assert list_ids(await database.read(source_records.find_dirty, "till", "products", 10)) == ["a", "b"]
        assert await database.read(source_records.count_dirty, "till") == {"products": 2}
