"""kill -9 in the midst of a sync, then a start: the same state as that of an undisturbed run."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.storage import tables
from tests.conftest import execute_on_postgres, named
from tests.databases import sqlite_database
from tests.house import Clock, running
from tests.sync.killed import ABLE, stores
from tests.sync.observed import rows_of
from tests.sync.state import State, state

MOMENTS = (9, 16, 23, 40)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def urls(request: pytest.FixtureRequest, tmp_path: Path, fresh_names: Iterator[int]) -> Iterator[list[str]]:
    """A database for each moment, and one for the undisturbed run."""
    numbers = range(len(MOMENTS) + 1)
    if request.param == "sqlite":
        yield [sqlite_database(tmp_path / f"{number}.db") for number in numbers]
        return
    address = request.getfixturevalue("postgres_server")
    names = [f"killed_{next(fresh_names)}" for _ in numbers]
    for name in names:
        execute_on_postgres(address, f"CREATE DATABASE {name} TEMPLATE template_gateway")
    yield [named(address, name) for name in names]
    for name in names:
        execute_on_postgres(address, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_sync_that_is_killed_at_any_moment_ends_as_an_undisturbed_one(urls: list[str]) -> None:
    pairs = [argument for url, moment in zip(urls, MOMENTS, strict=False) for argument in (url, str(moment))]
    subprocess.run([sys.executable, "-m", "tests.sync.killed", *pairs], check=True, cwd=Path(__file__).parents[2])
    *killed, undisturbed = [asyncio.run(synced(url)) for url in urls]
    assert len(undisturbed["listings"]) == 80
    for state_then in killed:
        assert state_then == undisturbed


async def synced(url: str) -> State:
    """What is known once everything was synced, some time after the kill: its leases have expired."""
    clock = Clock()
    clock.forward(minutes=6)
    async with running(url, stores(), clock, ABLE) as gateway:
        await gateway.run_due()
        clock.forward(minutes=6)
        await gateway.run_due()
        places = await rows_of(gateway, tables.changes, "pos")
        assert sorted(places) == list(range(1, len(places) + 1))
        assert set(await rows_of(gateway, tables.sources, "generation")) == {0, 1}, "nothing was taken for gone"
        return await gateway.database.read(state)
