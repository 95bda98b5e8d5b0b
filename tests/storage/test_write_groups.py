"""On SQLite, units of work that wait at the same time are committed together, and are independent all the same."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from gateway.storage import tables
from gateway.storage.database import Database
from gateway.storage.sql import sqlite_write_queue

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_kind", ["sqlite"])]


@pytest.fixture(autouse=True)
def _allow_long_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_write_queue, "MAX_GROUP_TIME", 10.0)


def insert_fact(conn: Connection, name: str) -> str:
    conn.execute(sa.insert(tables.facts), {"name": name, "value": "1"})
    return name


def find_facts(conn: Connection) -> set[str]:
    return set(conn.scalars(sa.select(tables.facts.c.name).where(tables.facts.c.name.like("fact %"))))


@asynccontextmanager
async def hold_writer(database: Database) -> AsyncIterator[None]:
    """Keep the writer busy inside the `async with` statement, so that what is written there waits."""
    has_begun, is_released = threading.Event(), threading.Event()

    def hold(_: Connection) -> bool:
        has_begun.set()
        return is_released.wait(10)

    holding = asyncio.create_task(database.write(hold))
    assert await asyncio.to_thread(has_begun.wait, 10)
    yield
    await run_tasks()
    is_released.set()
    assert await holding


async def run_tasks() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@contextmanager
def count_commits() -> Iterator[list[Connection]]:
    commits: list[Connection] = []

    def record(conn: Connection) -> None:
        commits.append(conn)

    sa.event.listen(Engine, "commit", record)
    try:
        yield commits
    finally:
        sa.event.remove(Engine, "commit", record)


async def write_together(database: Database, *works: Callable[[Connection], Any]) -> list[Any]:
    async with hold_writer(database):
        writing: list[Coroutine[Any, Any, Any]] = [database.write(work) for work in works]
        together = asyncio.gather(*writing, return_exceptions=True)
    return await together


def insert_as(name: str) -> Callable[[Connection], str]:
    return lambda conn: insert_fact(conn, name)


async def test_units_that_wait_together_have_one_commit(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        with count_commits() as commits:
            results = await write_together(database, *(insert_as(f"fact {n}") for n in range(3)))
        assert results == ["fact 0", "fact 1", "fact 2"]
        assert len(commits) == 2, "one of the writer that was held, and one of all others"
        assert await database.read(find_facts) == set(results)


async def test_a_unit_that_fails_leaves_nothing_and_harms_no_other(open_database: OpenDatabase) -> None:
    def fail(conn: Connection) -> None:
        insert_fact(conn, "fact of the failed")
        insert_fact(conn, "fact 0")

    async with open_database() as database:
        first, failed, last = await write_together(database, insert_as("fact 0"), fail, insert_as("fact 1"))
        assert isinstance(failed, IntegrityError)
        assert await database.read(find_facts) == {first, last} == {"fact 0", "fact 1"}


async def test_a_result_is_delivered_only_after_the_commit(open_database: OpenDatabase) -> None:
    """What has a result is not lost, whatever happens to the units behind it."""
    reached, is_released = threading.Event(), threading.Event()

    def block(conn: Connection) -> None:
        reached.set()
        assert is_released.wait(10)

    async with open_database() as database, open_database() as other:
        async with hold_writer(database):
            writing = asyncio.create_task(database.write(insert_fact, "fact 0"))
            await run_tasks()
            blocking = asyncio.create_task(database.write(block))
        assert await asyncio.to_thread(reached.wait, 10)
        assert not writing.done()
        assert await other.read(find_facts) == set()
        is_released.set()
        await asyncio.gather(writing, blocking)
        assert await other.read(find_facts) == {"fact 0"}


async def test_units_are_run_again_if_the_transaction_that_they_share_fails(open_database: OpenDatabase) -> None:
    """As SQLite rolls it back when the disk is full: none of them had a result, and each has its own one now."""
    runs: list[str] = []

    def lose_transaction(conn: Connection) -> None:
        runs.append("lost")
        connection: Any = conn.connection.driver_connection
        connection.execute("ROLLBACK")
        raise ValueError("the transaction is gone")

    async with open_database() as database:
        first, lost, last = await write_together(database, insert_as("fact 0"), lose_transaction, insert_as("fact 1"))
        assert isinstance(lost, Exception)
        assert (first, last) == ("fact 0", "fact 1")
        assert await database.read(find_facts) == {"fact 0", "fact 1"}
    assert runs == ["lost", "lost"]


async def test_a_unit_that_changes_nothing_shows_no_change(open_database: OpenDatabase) -> None:
    def fail_after_insert(conn: Connection) -> None:
        insert_fact(conn, "fact 0")
        raise ValueError

    async with open_database() as database:
        notified: list[None] = []
        database.changes.subscribe(lambda: notified.append(None))
        await write_together(database, fail_after_insert, find_facts, fail_after_insert)
        assert notified == []
        await write_together(database, find_facts, insert_as("fact 1"), find_facts)
        assert len(notified) == 1


async def test_a_unit_that_is_stopped_has_an_error(open_database: OpenDatabase) -> None:
    """Else its caller would wait for a result forever."""

    class StoppedError(BaseException):
        pass

    def stop(_: Connection) -> None:
        raise StoppedError

    async with open_database() as database:
        with pytest.raises(StoppedError):
            await database.write(stop)
        first, stopped = await write_together(database, insert_as("fact 0"), stop)
        assert first == "fact 0"
        assert isinstance(stopped, StoppedError)
