"""The change log loses no entry, inverts no two, and reports when a reader needs an expired entry (rule L2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.storage import change_log, tables
from gateway.storage.change_log import Change, ReaderBehindError
from gateway.storage.database import Database

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)
SUBJECTS = ("a", "b", "c")


def change(conn: Connection, subject: str) -> None:
    """Run a typical write: lock the subject, raise its version, log the change last."""
    facts = tables.facts
    conn.execute(
        sa.update(facts).where(facts.c.name == subject).values(value=sa.cast(_select_version() + 1, tables.Text))
    )
    version = conn.scalar(sa.select(_select_version()).where(facts.c.name == subject))
    change_log.log_change(conn, "THING", [(subject, version or 0)], NOW)


def _select_version() -> sa.ColumnElement[int]:
    return sa.cast(tables.facts.c.value, sa.Integer)


def begin(conn: Connection) -> None:
    conn.execute(sa.insert(tables.facts), [{"name": name, "value": "0"} for name in SUBJECTS])


def record(conn: Connection, *versions: int, at: datetime = NOW) -> None:
    for version in versions:
        change_log.log_change(conn, "THING", [("a", version)], at)


def list_versions(changes: list[Change]) -> list[int]:
    return [version for change in changes for _, version in change.subjects]


def read_by(conn: Connection, name: str, pos: int) -> None:
    conn.execute(sa.insert(tables.log_readers).values(name=name, pos=pos, read_at=NOW))


async def test_two_stampers_and_many_writers_lose_and_invert_nothing(open_database: OpenDatabase) -> None:
    async with open_database() as one, open_database() as other:
        await one.write(begin)
        written = asyncio.Event()

        async def write(database: Database, subject: str) -> None:
            for _ in range(8):
                await database.write(change, subject)

        async def stamp(database: Database) -> None:
            while not written.is_set():
                await database.write(change_log.stamp_changes, 5)
            while await database.write(change_log.stamp_changes, 5):
                pass

        stamping = [asyncio.create_task(stamp(database)) for database in (one, other)]
        await asyncio.gather(*(write(database, subject) for database in (one, other) for subject in SUBJECTS))
        written.set()
        await asyncio.gather(*stamping)
        found = await one.read(change_log.list_changes, 0)
    assert [change.pos for change in found] == list(range(1, 49))
    for subject in SUBJECTS:
        assert [v for change in found for id_, v in change.subjects if id_ == subject] == list(range(1, 17))


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_row_of_a_long_transaction_gets_its_place_later_and_is_not_skipped(
    open_database: OpenDatabase, database_url: str
) -> None:
    """SQLite has one writer, so no transaction overtakes another."""
    engine = create_async_engine(sa.make_url(database_url).set(drivername="postgresql+asyncpg"))
    async with open_database() as database:
        async with engine.begin() as slow:
            await slow.run_sync(record, 1)
            await database.write(record, 2)
            await database.write(change_log.stamp_changes)
            first = await database.read(change_log.list_changes, 0)
        await database.write(change_log.stamp_changes)
        second = await database.read(change_log.list_changes, first[-1].pos)
        ids = dict(await database.read(_list_rows))
    await engine.dispose()
    assert (list_versions(first), list_versions(second)) == ([2], [1])
    assert ids[second[0].pos] < ids[first[0].pos], "so a reader that follows ids would have lost it"


def _list_rows(conn: Connection) -> list[tuple[int, int]]:
    return [(row.pos, row.id) for row in conn.execute(sa.select(tables.changes.c.pos, tables.changes.c.id))]


async def test_an_id_is_never_used_again_after_pruning(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await database.write(record, 1, 2)
        await database.write(change_log.stamp_changes)
        before = await database.read(_list_rows)
        assert await database.write(change_log.prune_log, NOW + DAY, NOW + 2 * DAY) == 2
        await database.write(record, 3)
        await database.write(change_log.stamp_changes)
        ((pos, id_),) = await database.read(_list_rows)
        assert (pos, id_ > max(known for _, known in before)) == (3, True)
        assert list_versions(await database.read(change_log.list_changes, 2)) == [3]


async def test_a_plain_row_id_would_be_used_again(tmp_path: Path) -> None:
    """Proof that AUTOINCREMENT matters."""
    plain = sa.Table("plain", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("n", sa.Integer))
    database = Database(f"sqlite:///{tmp_path / 'plain.db'}")

    def insert_twice(conn: Connection) -> list[int]:
        plain.create(conn)
        ids: list[int] = []
        for n in range(2):
            conn.execute(sa.insert(plain).values(n=n))
            ids += conn.scalars(sa.select(plain.c.id)).all()
            conn.execute(sa.delete(plain))
        return ids

    assert await database.write(insert_twice) == [1, 1]
    await database.close()


async def test_what_the_slowest_reader_has_not_read_is_kept(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await database.write(record, 1, 2, 3)
        await database.write(change_log.stamp_changes)
        await database.write(read_by, "slow", 1)
        await database.write(read_by, "quick", 3)
        assert await database.write(change_log.prune_log, NOW + DAY / 2, NOW + DAY) == 1
        assert list_versions(await database.read(change_log.list_changes, 1)) == [2, 3]


async def test_a_reader_that_never_comes_back_does_not_keep_the_log_for_ever(open_database: OpenDatabase) -> None:
    """An entry of twice the retention time is deleted, and the reader gets an expiry error."""
    async with open_database() as database:
        await database.write(record, 1, 2)
        await database.write(record, 3, at=NOW + DAY)
        await database.write(change_log.stamp_changes)
        await database.write(read_by, "dead", 0)
        assert await database.write(change_log.prune_log, NOW + DAY, NOW + 2 * DAY) == 0
        assert await database.write(change_log.prune_log, NOW + DAY + MOMENT, NOW + 2 * DAY + MOMENT) == 2
        with pytest.raises(ReaderBehindError):
            await database.read(change_log.list_changes, 0)
        assert list_versions(await database.read(change_log.list_changes, 2)) == [3]


async def test_a_reader_gets_the_expiry_even_when_no_entry_is_left(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await database.write(record, 1, 2)
        await database.write(change_log.stamp_changes)
        await database.write(change_log.prune_log, NOW + DAY, NOW + 2 * DAY)
        with pytest.raises(ReaderBehindError):
            await database.read(change_log.list_changes, 1)
        assert await database.read(change_log.list_changes, 2) == []


async def test_an_old_row_behind_a_younger_one_makes_no_hole(open_database: OpenDatabase) -> None:
    """An entry of a long transaction is old and yet has a late position: a reader before it could not notice its
    deletion.
    """
    async with open_database() as database:
        await database.write(record, 1, at=NOW + DAY)
        await database.write(record, 2, at=NOW)
        await database.write(change_log.stamp_changes)
        assert await database.write(change_log.prune_log, NOW + DAY / 2, NOW + 2 * DAY) == 0
        assert list_versions(await database.read(change_log.list_changes, 0)) == [1, 2]


async def test_what_is_not_stamped_yet_is_neither_read_nor_pruned(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await database.write(record, 1)
        assert await database.write(change_log.prune_log, NOW + DAY, NOW + 2 * DAY) == 0
        assert await database.read(change_log.list_changes, 0) == []
        await database.write(change_log.stamp_changes)
        assert list_versions(await database.read(change_log.list_changes, 0)) == [1]


async def test_nothing_is_logged_of_nothing(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await database.write(change_log.log_change, "THING", [], NOW)
        assert await database.write(change_log.stamp_changes) == 0
