"""Readers of SQLite keep their connections, and no read leaves anything behind for the next one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.database import Database
from gateway.storage.sqlite_backend import READERS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'gateway.db'}")
    await database.write(run_statement, "CREATE TABLE numbers (number INTEGER)")
    yield database
    await database.close()


def run_statement(conn: Connection, statement: str) -> None:
    conn.execute(sa.text(statement))


def count_numbers(conn: Connection) -> int:
    return int(conn.execute(sa.text("SELECT count(*) FROM numbers")).scalar_one())


def list_readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("sqlite-read")]


async def test_a_transaction_that_a_read_leaves_open_ends_with_it(database: Database) -> None:
    await database.read(run_statement, "BEGIN")
    assert await database.read(count_numbers) == 0
    await database.write(run_statement, "INSERT INTO numbers VALUES (1)")
    assert await database.read(count_numbers) == 1


async def test_a_read_that_fails_leaves_a_reader_that_works(database: Database) -> None:
    for statement in ("SELECT * FROM nowhere", "BEGIN; BEGIN"):
        with pytest.raises(Exception, match=r"nowhere|one statement"):
            await database.read(run_statement, statement)
        assert await database.read(count_numbers) == 0


async def test_one_reader_serves_reads_in_turn_and_all_serve_them_at_once(database: Database) -> None:
    before = len(list_readers())
    for _ in range(20):
        await database.read(count_numbers)
    assert len(list_readers()) - before == 1, "it has the pages in its cache"
    meeting = threading.Barrier(READERS)
    await asyncio.gather(*(database.read(lambda _: meeting.wait(10)) for _ in range(READERS)))
    assert len(list_readers()) - before == READERS


async def test_a_closed_database_has_no_threads_and_reads_no_more(tmp_path: Path) -> None:
    before = len(list_readers())
    database = Database(f"sqlite:///{tmp_path / 'gateway.db'}")
    await asyncio.gather(*(database.read(run_statement, "SELECT 1") for _ in range(50)))
    await database.close()
    assert len(list_readers()) == before
    with pytest.raises(RuntimeError, match="closed"):
        await asyncio.wait_for(database.read(run_statement, "SELECT 1"), 10)


async def test_a_read_whose_caller_is_gone_before_it_began_does_not_run(database: Database) -> None:
    busy, ran = threading.Event(), list[int]()
    running = [asyncio.create_task(database.read(lambda _: busy.wait(10))) for _ in range(READERS)]
    waiting = asyncio.create_task(database.read(lambda _: ran.append(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    busy.set()
    await asyncio.gather(*running)
    assert await database.read(count_numbers) == 0
    assert ran == []


async def test_housekeeping_moves_what_was_committed_into_the_file(database: Database, tmp_path: Path) -> None:
    await database.write(run_statement, f"INSERT INTO numbers VALUES ('{'a' * 100_000}')")
    path = tmp_path / "gateway.db"
    assert b"a" * 1_000 not in path.read_bytes(), "it is in the write-ahead log"
    await database.tidy()
    assert b"a" * 1_000 in path.read_bytes()
