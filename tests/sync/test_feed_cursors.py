"""Page tokens and marks are independent; a pass that is interrupted anywhere loses nothing and ends with the same state
(rule S3).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from gateway.sdk import Page, Raw, UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import Answer, Ask, Fault, raise_error
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.sync.source_records import take_next_count
from gateway.sync.channel_sync import BatchSizer
from tests.gateways import Clock, run_gateway
from tests.sync.observed_records import configure_till, list_rows, list_titles, pass_of

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


class KilledError(Exception):
    """The process ends here."""


class FailingList(list[tuple[str, str | None]]):
    """A plugin that fails when it is notified of a stored pass."""

    deaf = True

    def append(self, entry: tuple[str, str | None]) -> None:
        if self.deaf:
            raise UnavailableError("cannot move the file")
        super().append(entry)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    for n in range(5):
        store.put("products", record_builders.build_product(f"{n}", title=f"Old {n}"))
    yield store
    store.mend()


def list_pages(store: MemoryStore) -> list[tuple[str | None, bool]]:
    """List the requested pages: the mark, and whether a token was sent."""
    return [(call.mark, call.token is not None) for call in store.calls if call.method == "page"]


def change_all(store: MemoryStore) -> None:
    for n in range(5):
        store.change("products", f"{n}", title=f"New {n}")


@pytest.mark.parametrize("ascending", [True, False])
async def test_the_mark_moves_with_each_page_only_where_pages_come_in_order(
    database_url: str, store: MemoryStore, ascending: bool
) -> None:
    clock = Clock()
    async with run_gateway(
        database_url, {"till": store}, clock, configure_till(ascending=ascending, page_size=2)
    ) as gateway:
        await gateway.run_due()
        assert (await pass_of(gateway)).mark == "5"
        change_all(store)
        clock.forward(minutes=5)
        fault = build_outage_after(1)
        with store.under(fault, method="page"):
            await gateway.run_due()
        assert (await pass_of(gateway)).mark == ("7" if ascending else "5")
        clock.forward(minutes=1)
        await gateway.run_due()
        assert (await pass_of(gateway)).mark == "10"
        assert sorted(await list_titles(gateway)) == [f"New {n}" for n in range(5)]


def build_outage_after(pages: int) -> Fault:
    """Build a fault that answers a number of pages and is down afterwards."""
    count = itertools.count()

    async def fail_after(ask: Ask, answer: Answer) -> object:
        if next(count) >= pages:
            raise UnavailableError("down")
        return await answer()

    return fail_after


async def test_an_expired_token_begins_the_window_again_at_the_mark(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    able = configure_till(page_size=2, token_lasts=timedelta(seconds=30))
    async with run_gateway(database_url, {"till": store}, clock, able) as gateway:
        await gateway.run_due()
        change_all(store)
        clock.forward(minutes=5)
        before = len(store.calls)
        with store.under(build_outage_after(1), method="page"):
            await gateway.run_due()
        clock.forward(minutes=1)
        await gateway.run_due()  # the token has expired
        clock.forward(minutes=1)
        await gateway.run_due()
        asked = list_pages(store)[before:]
        assert asked == [("5", False), ("5", True), ("5", True), ("5", False), ("5", True), ("5", True)]
        assert sorted(await list_titles(gateway)) == [f"New {n}" for n in range(5)]
        assert (await pass_of(gateway)).mark == "10"


@pytest.mark.parametrize("resume", [True, False])
async def test_a_token_that_dies_soon_is_nowhere_but_in_memory(
    database_url: str, store: MemoryStore, resume: bool
) -> None:
    """After a restart such a pass begins again; another one continues."""
    clock, able = Clock(), configure_till(page_size=2, resume=resume)
    with store.under(build_outage_after(2), method="page"):
        async with run_gateway(database_url, {"till": store}, clock, able) as gateway:
            await gateway.run_due()
            assert (await pass_of(gateway)).token is None or resume
    clock.forward(minutes=1)
    before = len(store.calls)
    async with run_gateway(database_url, {"till": store}, clock, able) as gateway:
        await gateway.run_due()
        assert list_pages(store)[before:] == ([(None, True)] if resume else [(None, False), (None, True), (None, True)])
        assert sorted(await list_titles(gateway)) == [f"Old {n}" for n in range(5)]


async def test_a_token_of_an_earlier_pass_is_not_used_for_a_later_one(database_url: str, store: MemoryStore) -> None:
    """Another process has continued meanwhile. With the old token the pass would begin in its middle and lose rows."""
    clock, able = Clock(), configure_till(page_size=2, resume=False)
    async with (
        run_gateway(database_url, {"till": store}, clock, able) as one,
        run_gateway(database_url, {"till": store}, clock, able) as other,
    ):
        with store.under(build_outage_after(2), method="page"):
            await one.run_due()
        clock.forward(minutes=1)
        await other.run_due()
        change_all(store)
        clock.forward(minutes=5)
        await one.run_due()
        assert sorted(await list_titles(one)) == [f"New {n}" for n in range(5)]


@pytest.mark.parametrize("kill_at", range(1, 6))
async def test_a_pass_that_is_killed_between_slices_ends_as_an_undisturbed_one(
    database_url: str, store: MemoryStore, kill_at: int
) -> None:
    clock, able = Clock(), configure_till(page_size=3)
    with patch.object(BatchSizer, "_get_size", lambda self, feed: 1):
        with patch("gateway.sync.apply.source_records.take_next_count", build_crash_after(kill_at)):
            async with run_gateway(database_url, {"till": store}, clock, able) as gateway:
                with pytest.raises(KilledError):
                    await gateway.run_due()
                assert len(await list_titles(gateway)) == kill_at - 1
        clock.forward(minutes=1)
        async with run_gateway(database_url, {"till": store}, clock, able) as gateway:
            await gateway.run_due()
            assert sorted(await list_titles(gateway)) == [f"Old {n}" for n in range(5)]
            assert await list_rows(gateway, tables.listings, "external_id", "generation") == [
                (f"{n}", 1) for n in range(5)
            ]
            assert (await pass_of(gateway)).mark == "5"


def build_crash_after(observations: int) -> Callable[[sa.Connection], int]:
    """Build a counter whose last transaction never commits."""
    count = itertools.count(1)

    def crash_after(conn: sa.Connection) -> int:
        if next(count) == observations:
            raise KilledError
        return take_next_count(conn)

    return crash_after


async def test_a_plugin_is_notified_after_the_commit_that_a_pass_is_stored(
    database_url: str, store: MemoryStore
) -> None:
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(page_size=2)) as gateway:
        await gateway.run_due()
        assert store.taken == [("products", "5")]
        assert (await pass_of(gateway)).taken


async def test_a_plugin_that_could_not_be_notified_is_notified_later_and_the_pass_counts_all_the_same(
    database_url: str, store: MemoryStore
) -> None:
    clock, store.taken = Clock(), FailingList()
    async with run_gateway(database_url, {"till": store}, clock, configure_till(page_size=2)) as gateway:
        await gateway.run_due()
        row = await pass_of(gateway)
        assert (row.mark, row.begin, row.taken, row.fault_code) == ("5", None, False, "UNAVAILABLE")
        assert await gateway.check_ready()
        asked = len(list_pages(store))
        store.taken.deaf = False
        clock.forward(minutes=1)
        await gateway.run_due()
        assert store.taken[0] == ("products", "5")
        assert list_pages(store)[asked:] == [("5", False)]


async def test_a_plugin_is_notified_again_after_a_crash_between_the_commit_and_the_notification(
    database_url: str, store: MemoryStore
) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        with (
            patch("gateway.sync.feed_poller._acknowledge", side_effect=KilledError),
            pytest.raises(KilledError),
        ):
            await gateway.run_due()
        assert store.taken == []
    clock.forward(minutes=5)
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        await gateway.run_due()
        assert store.taken[0] == ("products", "5")


def build_endless_pages() -> Fault:
    """Build a fault that returns the same record on page after page, each with a next page."""
    count = itertools.count()

    async def repeat_page(ask: Ask, answer: Answer) -> Page:
        return Page([Raw("1", record_builders.build_product("1", title="Again"))], f"page {next(count)}")

    return repeat_page


async def test_a_channel_whose_pages_never_end_blocks_no_other_channel(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    store.put("stock", record_builders.build_stock("1", "shop", 3))
    store.apply(build_endless_pages(), feed="products", method="page")
    with patch("gateway.sync.feed_poller.END_CHECK_PAGES", 20):
        async with run_gateway(database_url, {"till": store}, clock, configure_till("products", "stock")) as gateway:
            await gateway.run_due()
            row = await pass_of(gateway)
            assert (row.fault_code, row.begin, row.completed_at) == ("CONTRACT_VIOLATION", None, None)
            assert "20 pages" in (row.fault_message or "")
            assert await list_rows(gateway, tables.stock, "on_hand") == [3]
            assert await list_titles(gateway) == ["Again"]
            store.mend()
            clock.forward(minutes=5)
            await gateway.run_due()
            assert (await pass_of(gateway)).fault_code is None
            assert len(await list_titles(gateway)) == 5


async def test_many_pages_that_name_something_new_are_no_fault(database_url: str, store: MemoryStore) -> None:
    with patch("gateway.sync.feed_poller.END_CHECK_PAGES", 2):
        async with run_gateway(database_url, {"till": store}, Clock(), configure_till(page_size=1)) as gateway:
            await gateway.run_due()
            assert (await pass_of(gateway)).fault_code is None
            assert len(await list_titles(gateway)) == 5


async def test_a_failed_page_is_tried_again_where_it_was(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"till": store}, clock, configure_till(page_size=2)) as gateway:
        with store.under(raise_error(UnavailableError("down")), times=1):
            await gateway.run_due()
        assert (await pass_of(gateway)).fault_code == "UNAVAILABLE"
        clock.forward(seconds=1)
        await gateway.run_due()
        assert (await pass_of(gateway)).fault_code is None
        assert len(await list_titles(gateway)) == 5
