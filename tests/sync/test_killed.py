"""kill -9 during a sync, then a start: the final state is that of an undisturbed run."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.storage import tables
from tests.conftest import build_database_url, execute_on_postgres
from tests.databases import create_sqlite_database
from tests.gateways import Clock, run_gateway
from tests.sync.database_state import State, select_state
from tests.sync.killed_process import ABLE, build_stores
from tests.sync.observed_records import list_rows

MOMENTS = (9, 16, 23, 40)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def urls(request: pytest.FixtureRequest, tmp_path: Path, fresh_names: Iterator[int]) -> Iterator[list[str]]:
    """A database for each point, and one for the undisturbed run."""
    numbers = range(len(MOMENTS) + 1)
    if request.param == "sqlite":
        yield [create_sqlite_database(tmp_path / f"{number}.db") for number in numbers]
        return
    address = request.getfixturevalue("postgres_server")
    names = [f"killed_{next(fresh_names)}" for _ in numbers]
    for name in names:
        execute_on_postgres(address, f"CREATE DATABASE {name} TEMPLATE template_gateway")
    yield [build_database_url(address, name) for name in names]
    for name in names:
        execute_on_postgres(address, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_sync_that_is_killed_at_any_moment_ends_as_an_undisturbed_one(urls: list[str]) -> None:
    pairs = [argument for url, moment in zip(urls, MOMENTS, strict=False) for argument in (url, str(moment))]
    subprocess.run(
        [sys.executable, "-m", "tests.sync.killed_process", *pairs], check=True, cwd=Path(__file__).parents[2]
    )
    *killed, undisturbed = [asyncio.run(sync_completely(url)) for url in urls]
    assert len(undisturbed["listings"]) == 80
    for state_then in killed:
        assert state_then == undisturbed


async def sync_completely(url: str) -> State:
    """Sync everything some time after the kill, when leases have expired, and return the state."""
    clock = Clock()
    clock.forward(minutes=6)
    async with run_gateway(url, build_stores(), clock, ABLE) as gateway:
        await gateway.run_due()
        clock.forward(minutes=6)
        await gateway.run_due()
        positions = await list_rows(gateway, tables.changes, "pos")
        assert sorted(positions) == list(range(1, len(positions) + 1))
        assert set(await list_rows(gateway, tables.sources, "generation")) == {0, 1}, "nothing was taken for gone"
        return await gateway.database.read(select_state)
