"""Migrations run at every start, from several processes at once, and lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.storage import tables
from gateway.storage.database import Database
from gateway.storage.migrate import migrate
from gateway.storage.sync import source_records
from tests.conftest import build_database_url, execute_on_postgres
from tests.storage.schema_comparison import list_differences

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, fresh_names: Iterator[int]) -> Iterator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    address, name = request.getfixturevalue("postgres_server"), f"empty_{next(fresh_names)}"
    execute_on_postgres(address, f"CREATE DATABASE {name}")
    yield build_database_url(address, name)
    execute_on_postgres(address, f"DROP DATABASE {name} WITH (FORCE)")


async def test_several_processes_that_start_at_once_make_the_tables_once(empty_url: str) -> None:
    databases = [Database(empty_url) for _ in range(3)]
    await asyncio.gather(*(migrate(database) for database in databases))
    heads = [await database.read(lambda c: c.scalars(sa.select(tables.log_head.c.pos)).all()) for database in databases]
    for database in databases:
        await database.close()
    assert heads == [[0]] * 3


async def test_the_first_observation_begins_before_it_ends(empty_url: str) -> None:
    """The value of a sequence is its first one both before and after the first use, so two first reads would not
    overlap.
    """
    database = Database(empty_url)
    await migrate(database)
    begin = await database.read(source_records.get_current_count)
    end = await database.write(source_records.take_next_count)
    assert end > begin
    assert await database.read(source_records.get_current_count) == end
    await database.close()


@pytest.mark.filterwarnings("ignore:.*expression-based index:Warning")
async def test_the_migrations_make_the_tables_that_statements_are_written_for(empty_url: str) -> None:
    database = Database(empty_url)
    await migrate(database)

    assert await database.write(list_differences) == []
    await database.close()
