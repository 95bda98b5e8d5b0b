"""S3: page tokens and marks are two things; a pass that is interrupted anywhere loses nothing and ends the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from gateway.sdk import Page, Raw, UnavailableError
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import Answer, Ask, Fault, raising
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import tables
from gateway.storage.sources import next_count
from gateway.sync.channel import Pace
from tests.house import Clock, running
from tests.sync.observed import channel, pass_of, rows_of, titles

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


class KilledError(Exception):
    """The process ends here."""


class DeafList(list[tuple[str, str | None]]):
    """A plugin that cannot be told that a pass is stored."""

    deaf = True

    def append(self, told: tuple[str, str | None]) -> None:
        if self.deaf:
            raise UnavailableError("cannot move the file")
        super().append(told)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    for n in range(5):
        store.put("products", rows.product(f"{n}", title=f"Old {n}"))
    yield store
    store.mend()


def pages(store: MemoryStore) -> list[tuple[str | None, bool]]:
    """Each page that was asked for: the mark, and whether by a token."""
    return [(call.mark, call.token is not None) for call in store.calls if call.method == "page"]


def change_all(store: MemoryStore) -> None:
    for n in range(5):
        store.change("products", f"{n}", title=f"New {n}")


@pytest.mark.parametrize("ascending", [True, False])
async def test_the_mark_moves_with_each_page_only_where_pages_come_in_order(
    database_url: str, store: MemoryStore, ascending: bool
) -> None:
    clock = Clock()
    async with running(database_url, {"till": store}, clock, channel(ascending=ascending, page_size=2)) as gateway:
        await gateway.run_due()
        assert (await pass_of(gateway)).mark == "5"
        change_all(store)
        clock.forward(minutes=5)
        fault = failing_after(1)
        with store.under(fault, method="page"):
            await gateway.run_due()
        assert (await pass_of(gateway)).mark == ("7" if ascending else "5")
        clock.forward(minutes=1)
        await gateway.run_due()
        assert (await pass_of(gateway)).mark == "10"
        assert sorted(await titles(gateway)) == [f"New {n}" for n in range(5)]


def failing_after(pages: int) -> Fault:
    """Answers so many pages, and is down from then on."""
    count = itertools.count()

    async def fault(ask: Ask, answer: Answer) -> object:
        if next(count) >= pages:
            raise UnavailableError("down")
        return await answer()

    return fault


async def test_an_expired_token_begins_the_window_again_at_the_mark(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    able = channel(page_size=2, token_lasts=timedelta(seconds=30))
    async with running(database_url, {"till": store}, clock, able) as gateway:
        await gateway.run_due()
        change_all(store)
        clock.forward(minutes=5)
        before = len(store.calls)
        with store.under(failing_after(1), method="page"):
            await gateway.run_due()
        clock.forward(minutes=1)
        await gateway.run_due()  # the token is too old
        clock.forward(minutes=1)
        await gateway.run_due()
        asked = pages(store)[before:]
        assert asked == [("5", False), ("5", True), ("5", True), ("5", False), ("5", True), ("5", True)]
        assert sorted(await titles(gateway)) == [f"New {n}" for n in range(5)]
        assert (await pass_of(gateway)).mark == "10"


@pytest.mark.parametrize("resume", [True, False])
async def test_a_token_that_dies_soon_is_nowhere_but_in_memory(
    database_url: str, store: MemoryStore, resume: bool
) -> None:
    """So after a restart such a pass begins again, and another goes on where it was."""
    clock, able = Clock(), channel(page_size=2, resume=resume)
    with store.under(failing_after(2), method="page"):
        async with running(database_url, {"till": store}, clock, able) as gateway:
            await gateway.run_due()
            assert (await pass_of(gateway)).token is None or resume
    clock.forward(minutes=1)
    before = len(store.calls)
    async with running(database_url, {"till": store}, clock, able) as gateway:
        await gateway.run_due()
        assert pages(store)[before:] == ([(None, True)] if resume else [(None, False), (None, True), (None, True)])
        assert sorted(await titles(gateway)) == [f"Old {n}" for n in range(5)]


async def test_a_token_of_an_earlier_pass_is_not_used_for_a_later_one(database_url: str, store: MemoryStore) -> None:
    """Another process has gone on meanwhile. With the old token the pass would begin in its middle, and lose rows."""
    clock, able = Clock(), channel(page_size=2, resume=False)
    async with (
        running(database_url, {"till": store}, clock, able) as one,
        running(database_url, {"till": store}, clock, able) as other,
    ):
        with store.under(failing_after(2), method="page"):
            await one.run_due()
        clock.forward(minutes=1)
        await other.run_due()
        change_all(store)
        clock.forward(minutes=5)
        await one.run_due()
        assert sorted(await titles(one)) == [f"New {n}" for n in range(5)]


@pytest.mark.parametrize("kill_at", range(1, 6))
async def test_a_pass_that_is_killed_between_slices_ends_as_an_undisturbed_one(
    database_url: str, store: MemoryStore, kill_at: int
) -> None:
    clock, able = Clock(), channel(page_size=3)
    with patch.object(Pace, "_size", lambda self, feed: 1):
        with patch("gateway.sync.take.sources.next_count", dying_after(kill_at)):
            async with running(database_url, {"till": store}, clock, able) as gateway:
                with pytest.raises(KilledError):
                    await gateway.run_due()
                assert len(await titles(gateway)) == kill_at - 1
        clock.forward(minutes=1)
        async with running(database_url, {"till": store}, clock, able) as gateway:
            await gateway.run_due()
            assert sorted(await titles(gateway)) == [f"Old {n}" for n in range(5)]
            assert await rows_of(gateway, tables.listings, "external_id", "generation") == [
                (f"{n}", 1) for n in range(5)
            ]
            assert (await pass_of(gateway)).mark == "5"


def dying_after(observations: int) -> Callable[[sa.Connection], int]:
    """Counts as it should; the transaction of the last observation never commits."""
    count = itertools.count(1)

    def dying(conn: sa.Connection) -> int:
        if next(count) == observations:
            raise KilledError
        return next_count(conn)

    return dying


async def test_a_plugin_is_told_after_the_commit_that_a_pass_is_stored(database_url: str, store: MemoryStore) -> None:
    async with running(database_url, {"till": store}, Clock(), channel(page_size=2)) as gateway:
        await gateway.run_due()
        assert store.taken == [("products", "5")]
        assert (await pass_of(gateway)).taken


async def test_a_plugin_that_could_not_be_told_is_told_later_and_the_pass_counts_all_the_same(
    database_url: str, store: MemoryStore
) -> None:
    clock, store.taken = Clock(), DeafList()
    async with running(database_url, {"till": store}, clock, channel(page_size=2)) as gateway:
        await gateway.run_due()
        row = await pass_of(gateway)
        assert (row.mark, row.begin, row.taken, row.fault_code) == ("5", None, False, "UNAVAILABLE")
        assert await gateway.ready()
        asked = len(pages(store))
        store.taken.deaf = False
        clock.forward(minutes=1)
        await gateway.run_due()
        assert store.taken[0] == ("products", "5")
        assert pages(store)[asked:] == [("5", False)]


async def test_a_plugin_is_told_again_after_a_crash_between_the_commit_and_the_telling(
    database_url: str, store: MemoryStore
) -> None:
    clock = Clock()
    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        with (
            patch("gateway.sync.feeds._told", side_effect=KilledError),
            pytest.raises(KilledError),
        ):
            await gateway.run_due()
        assert store.taken == []
    clock.forward(minutes=5)
    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        await gateway.run_due()
        assert store.taken[0] == ("products", "5")


def never_ending() -> Fault:
    """The same record on page after page, each of which leads to another."""
    count = itertools.count()

    async def fault(ask: Ask, answer: Answer) -> Page:
        return Page([Raw("1", rows.product("1", title="Again"))], f"page {next(count)}")

    return fault


async def test_a_channel_whose_pages_never_end_keeps_nobody_waiting(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    store.put("stock", rows.stock("1", "shop", 3))
    store.apply(never_ending(), feed="products", method="page")
    with patch("gateway.sync.feeds.PAGES", 20):
        async with running(database_url, {"till": store}, clock, channel("products", "stock")) as gateway:
            await gateway.run_due()
            row = await pass_of(gateway)
            assert (row.fault_code, row.begin, row.completed_at) == ("CONTRACT_VIOLATION", None, None)
            assert "20 pages" in (row.fault_message or "")
            assert await rows_of(gateway, tables.stock, "on_hand") == [3]
            assert await titles(gateway) == ["Again"]
            store.mend()
            clock.forward(minutes=5)
            await gateway.run_due()
            assert (await pass_of(gateway)).fault_code is None
            assert len(await titles(gateway)) == 5


async def test_many_pages_that_name_something_new_are_no_fault(database_url: str, store: MemoryStore) -> None:
    with patch("gateway.sync.feeds.PAGES", 2):
        async with running(database_url, {"till": store}, Clock(), channel(page_size=1)) as gateway:
            await gateway.run_due()
            assert (await pass_of(gateway)).fault_code is None
            assert len(await titles(gateway)) == 5


async def test_a_failed_page_is_tried_again_where_it_was(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    async with running(database_url, {"till": store}, clock, channel(page_size=2)) as gateway:
        with store.under(raising(UnavailableError("down")), times=1):
            await gateway.run_due()
        assert (await pass_of(gateway)).fault_code == "UNAVAILABLE"
        clock.forward(seconds=1)
        await gateway.run_due()
        assert (await pass_of(gateway)).fault_code is None
        assert len(await titles(gateway)) == 5
