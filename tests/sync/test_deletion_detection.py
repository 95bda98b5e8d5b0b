"""A record that a complete pass did not name is deleted only when that is certain, and never many at once (rule S4)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.runtime.gateway import Gateway
from gateway.sdk import Page, UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import Answer, Ask, Barrier, omit_records, raise_error
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from tests.databases import create_sqlite_database
from tests.gateways import Clock, run_gateway
from tests.sync.observed_records import configure_till, list_rows, list_titles, pass_of, source

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    fill(store, 5)
    yield store
    store.mend()


def fill(store: MemoryStore, count: int) -> None:
    for n in range(count):
        store.put("products", record_builders.build_product(f"{n}"))


def remove_products(store: MemoryStore, count: int) -> None:
    for n in range(count):
        store.remove("products", f"{n}")


async def advance(gateway: Gateway, clock: Clock) -> None:
    """Run the next pass; without deltas each pass names every record."""
    clock.forward(minutes=5)
    await gateway.run_due()


async def answer_with_nothing(ask: Ask, answer: Answer) -> object:
    """Answer with an empty page, like a faulty channel."""
    return Page([])


async def test_an_empty_answer_of_a_channel_that_had_3_000_products_deletes_nothing_and_says_so(
    database_url: str, clock: Clock
) -> None:
    store = MemoryStore()
    fill(store, 3000)
    async with run_gateway(
        database_url, {"till": store}, clock, configure_till(deltas=False, page_size=3000)
    ) as gateway:
        await gateway.run_due()
        first = await pass_of(gateway)
        with store.under(answer_with_nothing, method="page"):
            await advance(gateway, clock)
        row = await pass_of(gateway)
        assert (row.fault_code, row.complete_as_of) == ("CONTRACT_VIOLATION", first.complete_as_of)
        assert "3000 of 3000" in (row.fault_message or "")
        assert "gateway sync till --accept-absent" in (row.fault_message or "")
        assert await list_rows(gateway, tables.sources, "gone") == [False] * 3000
        await advance(gateway, clock)
        assert (await pass_of(gateway)).fault_code is None


@pytest.mark.parametrize("live", [True, False])
async def test_a_person_can_say_that_however_many_are_really_gone(
    database_url: str, store: MemoryStore, clock: Clock, live: bool
) -> None:
    fill(store, 100)
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False, live=live)) as gateway:
        await gateway.run_due()
        remove_products(store, 100)
        await advance(gateway, clock)
        assert len(await list_titles(gateway)) == 100
        await gateway.request_sync("till", accept_absent=True)
        await gateway.run_due()
        assert await list_titles(gateway) == []
        row = await pass_of(gateway)
        assert (row.accept_absent, row.fault_code) == (False, None)


async def test_what_a_person_says_during_a_pass_is_not_forgotten_by_it(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    fill(store, 100)
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False, page_size=10)) as gateway:
        await gateway.run_due()
        remove_products(store, 90)
        barrier = Barrier()
        store.apply(barrier, method="page", times=1)
        working = asyncio.create_task(advance(gateway, clock))
        await barrier.reached.wait()
        await gateway.request_sync("till", accept_absent=True)
        barrier.open()
        await working
        await advance(gateway, clock)
        assert len(await list_titles(gateway)) == 10


@pytest.mark.parametrize(
    ("known", "absent", "believed"),
    [(20, 20, True), (21, 21, False), (1049, 21, False), (1050, 21, True), (1051, 22, False)],
)
async def test_more_than_20_and_more_than_2_percent_are_too_many(
    clock: Clock, tmp_path: Path, known: int, absent: int, believed: bool
) -> None:
    url, store = create_sqlite_database(tmp_path / "gateway.db"), MemoryStore()
    fill(store, known)
    async with run_gateway(url, {"till": store}, clock, configure_till(deltas=False, page_size=2000)) as gateway:
        await gateway.run_due()
        remove_products(store, absent)
        await advance(gateway, clock)
        assert len(await list_titles(gateway)) == (known - absent if believed else known)
        assert ((await pass_of(gateway)).fault_code is None) is believed


async def test_a_few_absent_records_are_confirmed_by_their_ids(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False)) as gateway:
        await gateway.run_due()
        store.remove("products", "1")
        store.remove("products", "3")
        await advance(gateway, clock)
        confirmed = [sorted(ref.id for ref in call.refs) for call in store.calls if call.method == "fetch"]
        assert confirmed == [["1", "3"]]
        assert await list_titles(gateway) == ["Product 0", "Product 2", "Product 4"]


async def test_a_record_that_a_page_lost_and_a_read_by_id_finds_stays(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False)) as gateway:
        await gateway.run_due()
        with store.under(omit_records("1"), method="page"):
            for _ in range(3):
                await advance(gateway, clock)
        assert len(await list_titles(gateway)) == 5
        assert (await source(gateway, "1")).generation == 1


async def test_a_read_by_id_that_does_not_answer_confirms_nothing(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False)) as gateway:
        await gateway.run_due()
        with store.under(omit_records("1")):
            await advance(gateway, clock)
        assert len(await list_titles(gateway)) == 5


async def test_without_reads_by_id_two_complete_passes_have_to_agree(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False, live=False)) as gateway:
        await gateway.run_due()
        store.remove("products", "1")
        await advance(gateway, clock)
        assert len(await list_titles(gateway)) == 5
        await advance(gateway, clock)
        assert len(await list_titles(gateway)) == 4


async def test_a_record_that_was_named_between_two_absences_stays(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False, live=False)) as gateway:
        await gateway.run_due()
        for lost in (True, False, True):
            store.apply(omit_records("1") if lost else omit_records(), method="page", times=1)
            await advance(gateway, clock)
        assert len(await list_titles(gateway)) == 5
        with store.under(omit_records("1"), method="page"):
            await advance(gateway, clock)
        assert len(await list_titles(gateway)) == 4


async def test_a_sweep_that_failed_half_way_deletes_nothing(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False, page_size=2)) as gateway:
        await gateway.run_due()
        store.remove("products", "0")
        down = OutageAfter(after=1)
        with store.under(down, method="page"):
            await advance(gateway, clock)
        assert (await pass_of(gateway)).fault_code == "UNAVAILABLE"
        assert len(await list_titles(gateway)) == 5


class OutageAfter:
    """Answers a number of calls, then is down."""

    def __init__(self, after: int) -> None:
        self.left = after

    async def __call__(self, ask: Ask, answer: Answer) -> object:
        self.left -= 1
        if self.left < 0:
            raise UnavailableError("down")
        return await answer()


async def test_a_sweep_whose_confirmation_fails_deletes_nothing_and_goes_on_later(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False)) as gateway:
        await gateway.run_due()
        store.remove("products", "0")
        with store.under(raise_error(UnavailableError("down")), method="fetch"):
            await advance(gateway, clock)
        assert len(await list_titles(gateway)) == 5
        assert (await pass_of(gateway)).fault_code == "UNAVAILABLE"
        clock.forward(minutes=1)
        await gateway.run_due()
        assert len(await list_titles(gateway)) == 4


async def test_a_sweep_finds_what_deltas_do_not_contain(database_url: str, store: MemoryStore, clock: Clock) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        await gateway.run_due()
        store.remove("products", "0")
        await advance(gateway, clock)
        assert len(await list_titles(gateway)) == 5
        clock.forward(days=1)
        await gateway.run_due()
        assert len(await list_titles(gateway)) == 4
        assert (await pass_of(gateway, kind="sweep")).completed_at == clock()


@pytest.mark.parametrize("live", [True, False])
async def test_orders_are_never_removed_by_absence(database_url: str, clock: Clock, live: bool) -> None:
    """Channels stop listing old orders, which remain valid."""
    store = MemoryStore()
    for n in range(3):
        store.put("orders", record_builders.build_order(f"{n}", [record_builders.build_line("1", "1")]))
    able = configure_till("orders", deltas=False, live=live)
    async with run_gateway(database_url, {"till": store}, clock, able) as gateway:
        await gateway.run_due()
        for n in range(3):
            store.remove("orders", f"{n}")
        for _ in range(3):
            await advance(gateway, clock)
        assert await list_rows(gateway, tables.orders, "external_id") == ["0", "1", "2"]
        assert (await pass_of(gateway, "orders")).fault_code is None


async def test_a_record_that_comes_in_during_a_sweep_is_not_absent(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    """It is on a page that was read already; a hint leads to it."""
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False, page_size=2)) as gateway:
        await gateway.run_due()

        async def add_record(ask: Ask, answer: Answer) -> object:
            page = await answer()
            store.put("products", record_builders.build_product("00"))
            return page

        store.apply(add_record, method="page", times=1)
        await advance(gateway, clock)
        await advance(gateway, clock)
        assert len(await list_titles(gateway)) == 6
