"""A lease has one holder at a time, and a holder that lost it cannot write under it (rule L3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.engine import Connection

from gateway.storage import change_log
from gateway.storage.database import Database
from gateway.storage.sync import leases
from gateway.storage.sync.leases import Lease, LeaseLostError

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LASTING = timedelta(seconds=20)
LATER = NOW + LASTING


def write_under(conn: Connection, lease: Lease) -> None:
    leases.check_lease(conn, lease)
    change_log.log_change(conn, "THING", [(lease.holder, 1)], NOW)


async def test_one_of_many_gets_the_lease(open_database: OpenDatabase) -> None:
    async with open_database() as one, open_database() as other:
        asked = [
            database.write(leases.acquire_lease, "sync", f"{n}", NOW, LASTING)
            for n in range(5)
            for database in (one, other)
        ]
        got = [lease for lease in await asyncio.gather(*asked) if lease is not None]
    assert len({lease.holder for lease in got}) == 1


async def test_no_other_process_gets_a_lease_before_it_expires_or_is_released(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        mine = await database.write(leases.acquire_lease, "sync", "me", NOW, LASTING)
        assert mine is not None
        assert await database.write(leases.acquire_lease, "sync", "you", LATER - timedelta(seconds=1), LASTING) is None
        assert await database.write(leases.acquire_lease, "another", "you", NOW, LASTING) is not None
        await database.write(leases.release_lease, mine)
        yours = await database.write(leases.acquire_lease, "sync", "you", NOW, LASTING)
        assert yours is not None
        assert yours.fence > mine.fence


async def test_a_stalled_holder_cannot_write_after_a_successor_took_over(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        stalled = await database.write(leases.acquire_lease, "sync", "stalled", NOW, LASTING)
        assert stalled is not None
        await database.write(write_under, stalled)
        successor = await database.write(leases.acquire_lease, "sync", "successor", LATER, LASTING)
        assert successor is not None
        with pytest.raises(LeaseLostError):
            await database.write(write_under, stalled)
        with pytest.raises(LeaseLostError):
            await database.write(leases.renew_lease, stalled, LATER, LASTING)
        await database.write(leases.release_lease, stalled)  # takes nothing from the successor
        await database.write(write_under, successor)
        await database.write(change_log.stamp_changes)
        assert [change.subjects for change in await database.read(change_log.list_changes, 0)] == [
            (("stalled", 1),),
            (("successor", 1),),
        ]


async def test_a_lease_that_is_renewed_lasts(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        mine = await database.write(leases.acquire_lease, "sync", "me", NOW, LASTING)
        assert mine is not None
        renewed = await database.write(leases.renew_lease, mine, NOW + LASTING / 2, LASTING)
        assert await database.write(leases.acquire_lease, "sync", "you", LATER, LASTING) is None
        await database.write(write_under, renewed)


async def test_who_expired_and_has_no_successor_may_still_write(open_database: OpenDatabase) -> None:
    """Slow is not lost: the fence decides, not the clock."""
    async with open_database() as database:
        mine = await database.write(leases.acquire_lease, "sync", "me", NOW, LASTING)
        assert mine is not None
        await database.write(leases.renew_lease, mine, LATER + LASTING, LASTING)
        await database.write(write_under, mine)


async def test_a_lease_of_a_clock_that_was_set_back_blocks_no_other_process(open_database: OpenDatabase) -> None:
    """The holder was killed: the lease would be blocked for a year."""
    async with open_database() as database:
        await database.write(leases.acquire_lease, "sync", "one", NOW + timedelta(days=365), LASTING)
        assert await database.write(leases.acquire_lease, "sync", "other", NOW, LASTING) is not None
        assert await database.write(leases.acquire_lease, "sync", "one", NOW - LASTING, LASTING) is None, (
            "a little is no jump"
        )
