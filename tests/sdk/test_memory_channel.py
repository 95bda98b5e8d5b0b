"""The in-memory channel fulfills the contract of feeds, so failures under its faults are failures of the gateway."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.channels.capabilities import derive_capabilities
from gateway.model.channels import Capability
from gateway.sdk import (
    Channel,
    CursorExpiredError,
    CustomerRecord,
    Done,
    EraseCustomer,
    Gone,
    LiveFeed,
    Page,
    ProductRecord,
    Raw,
    Ref,
    Registry,
    UnavailableError,
)
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import (
    Ask,
    Barrier,
    Signal,
    lose_answer,
    omit_records,
    raise_error,
    return_value,
    shuffle_records,
)
from gateway.sdk.testing.memory_channel import (
    MemoryConfig,
    MemoryPlugin,
    MemoryStore,
    OpenMemoryChannel,
    build_feeds,
)
from gateway.sdk.testing.stub_context import StubContext

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def context() -> StubContext:
    return StubContext("till", datetime(2025, 1, 6, 12, tzinfo=UTC))


def open_product_feed(store: MemoryStore, context: StubContext, **config: Any) -> AnyFeed:
    return build_feeds(OpenMemoryChannel(store, MemoryConfig(**config), context))[0]


def fill(store: MemoryStore, *ids: str) -> None:
    for id in ids:
        store.put("products", record_builders.build_product(id))


def list_ids(page: Page) -> Sequence[str]:
    return [raw.id for raw in page.items]


async def read_pages(feed: AnyFeed, mark: str | None = None) -> list[Page]:
    pages = [await feed.page(mark, None)]
    while pages[-1].next is not None:
        pages.append(await feed.page(mark, pages[-1].next))
    return pages


@pytest.mark.parametrize("ascending", [False, True])
async def test_a_pass_without_a_mark_names_everything_page_by_page(
    store: MemoryStore, context: StubContext, ascending: bool
) -> None:
    fill(store, "c", "a", "e", "b", "d")
    pages = await read_pages(open_product_feed(store, context, page_size=2, ascending=ascending))
    order = ["c", "a", "e", "b", "d"] if ascending else ["a", "b", "c", "d", "e"]
    assert [list_ids(page) for page in pages] == [order[:2], order[2:4], order[4:]]
    assert [page.mark for page in pages] == (["2", "4", "5"] if ascending else [None, None, "5"])


@pytest.mark.parametrize("ascending", [False, True])
async def test_a_pass_from_a_mark_names_what_has_changed_since(
    store: MemoryStore, context: StubContext, ascending: bool
) -> None:
    fill(store, "a", "b", "c")
    feed = open_product_feed(store, context, ascending=ascending)
    mark = (await read_pages(feed))[-1].mark
    store.change("products", "b", title="New")
    store.remove("products", "c")
    (page,) = await read_pages(feed, mark)
    assert list_ids(page) == ["b"]
    assert list_ids((await read_pages(feed, page.mark))[0]) == []


async def test_a_channel_that_names_deletions_names_them_in_a_pass_from_a_mark(
    store: MemoryStore, context: StubContext
) -> None:
    fill(store, "a", "b")
    feed = open_product_feed(store, context, deletions=True)
    mark = (await read_pages(feed))[-1].mark
    store.remove("products", "a")
    (page,) = await read_pages(feed, mark)
    assert [feed.read(raw) for raw in page.items] == [Gone(Ref("a"))]


@pytest.mark.parametrize("ascending", [False, True])
async def test_what_changes_during_a_pass_is_in_it_or_in_the_next_one(
    store: MemoryStore, context: StubContext, ascending: bool
) -> None:
    fill(store, "a", "b", "c")
    feed = open_product_feed(store, context, page_size=2, ascending=ascending)
    first = await feed.page(None, None)
    store.change("products", "a", title="New")
    second = await feed.page(None, first.next)
    (third,) = await read_pages(feed, second.mark)
    titles = [raw.data["title"] for page in (second, third) for raw in page.items if raw.id == "a"]
    assert titles[-1:] == ["New"]


async def test_without_deltas_every_pass_names_everything(store: MemoryStore, context: StubContext) -> None:
    fill(store, "a")
    (page,) = await read_pages(open_product_feed(store, context, deltas=False), "7")
    assert (list_ids(page), page.mark) == (["a"], None)


async def test_without_versions_no_record_has_one(store: MemoryStore, context: StubContext) -> None:
    fill(store, "a")
    for versions, version in ((True, 1), (False, None)):
        feed = open_product_feed(store, context, versions=versions)
        record = feed.read((await feed.page(None, None)).items[0])
        assert isinstance(record, ProductRecord)
        assert record.version == version


async def test_a_page_token_expires(store: MemoryStore, context: StubContext) -> None:
    fill(store, "a", "b")
    feed = open_product_feed(store, context, page_size=1, token_lasts=timedelta(seconds=30))
    token = (await feed.page(None, None)).next
    context.time += timedelta(seconds=30)
    assert list_ids(await feed.page(None, token)) == ["b"]
    context.time += timedelta(seconds=1)
    with pytest.raises(CursorExpiredError):
        await feed.page(None, token)


async def test_single_records_are_read_live_where_the_channel_can(store: MemoryStore, context: StubContext) -> None:
    fill(store, "a")
    feed = open_product_feed(store, context)
    assert isinstance(feed, LiveFeed)
    found = await feed.fetch([Ref("a"), Ref("b")])
    assert isinstance(found["a"], Raw)
    assert found["b"] == Gone(Ref("b"))
    assert not isinstance(open_product_feed(store, context, live=False), LiveFeed)


async def test_what_was_answered_stays_as_it_was(store: MemoryStore, context: StubContext) -> None:
    fill(store, "a")
    page = await open_product_feed(store, context).page(None, None)
    store.change("products", "a", title="New")
    assert page.items[0].data["title"] == "Product a"


async def test_a_fault_befalls_the_calls_that_it_is_meant_for_and_ends(
    store: MemoryStore, context: StubContext
) -> None:
    feed = open_product_feed(store, context)
    store.apply(raise_error(UnavailableError("down")), feed="stock")
    store.apply(raise_error(UnavailableError("down")), feed="products", method="page", times=1)
    with pytest.raises(UnavailableError):
        await feed.page(None, None)
    assert list_ids(await feed.page(None, None)) == []
    with store.under(return_value(None)):
        assert await feed.page(None, None) is None
    store.apply(lose_answer(UnavailableError("lost")))
    with pytest.raises(UnavailableError, match="lost"):
        await feed.page(None, None)
    store.mend()
    assert list_ids(await feed.page(None, None)) == []


async def test_answers_can_lose_records_and_come_in_another_order(store: MemoryStore, context: StubContext) -> None:
    fill(store, *"abcdefgh")
    feed = open_product_feed(store, context)
    with store.under(shuffle_records(1)), store.under(omit_records("c")):
        returned = list_ids(await feed.page(None, None))
    assert sorted(returned) == [*"abdefgh"] != returned


async def test_an_answer_can_be_held_back_until_it_is_late(store: MemoryStore, context: StubContext) -> None:
    fill(store, "a")
    feed, late, early = open_product_feed(store, context), Barrier(late=True), Barrier()
    for barrier, title in ((late, "Product a"), (early, "New")):
        with store.under(barrier):
            asked = asyncio.create_task(feed.page(None, None))
            await barrier.reached.wait()
        store.change("products", "a", title="New")
        barrier.open()
        assert (await asked).items[0].data["title"] == title


async def test_a_signal_wakes_tasks_of_other_event_loops() -> None:
    signal, woken = Signal(), Signal()

    def wait_on_another_loop() -> None:
        asyncio.run(signal.wait())
        woken.set()

    thread = threading.Thread(target=wait_on_another_loop)
    thread.start()
    signal.set()
    async with asyncio.timeout(10):
        await woken.wait()
    thread.join()


async def test_the_store_remembers_what_it_was_asked(store: MemoryStore, context: StubContext) -> None:
    feed = open_product_feed(store, context)
    assert isinstance(feed, LiveFeed)
    await feed.page("3", None)
    await feed.fetch([Ref("a")])
    await feed.taken("3")
    assert store.calls == [Ask("products", "page", mark="3"), Ask("products", "fetch", refs=(Ref("a"),))]
    assert store.taken == [("products", "3")]


def test_a_row_can_come_back_with_an_older_version(store: MemoryStore) -> None:
    fill(store, "a", "a", "a")
    store.put("products", record_builders.build_product("a"), version=1)
    assert store.rows("products")["a"]["version"] == 1


def open_channel(store: MemoryStore, context: StubContext, **config: Any) -> Channel:
    registry = Registry()
    MemoryPlugin(store).gateway_register(registry)
    return registry.channels[0].open(MemoryConfig(**config), context)


async def read_customer(channel: Channel, id_: str) -> CustomerRecord:
    (feed,) = (one for one in channel.feeds if one.name == "customers")
    assert isinstance(feed, LiveFeed)
    found = (await feed.fetch([Ref(id_)]))[id_]
    assert isinstance(found, Raw)
    record = feed.read(found)
    assert isinstance(record, CustomerRecord)
    return record


async def test_an_erased_customer_keeps_the_id_and_nothing_else(store: MemoryStore, context: StubContext) -> None:
    consent = {"purpose": "MARKETING_EMAIL", "granted": True, "address": "ada@example.com"}
    ada = record_builders.build_customer("1", email="ada@example.com", card="98", phone="+44", points=3)
    store.put("customers", {**ada, "consents": [consent]})
    channel = open_channel(store, context, writes=("erase",), enforces_keys=False)
    (write,) = channel.writes
    for customer in ("1", "1", "unknown"):  # to erase a customer again has no further effect
        assert await write.send([EraseCustomer(key="k", subject=Ref(customer))]) == [Done()]
    record = await read_customer(channel, "1")
    assert record == CustomerRecord(ref=Ref("1"), version=record.version, display_name="", family_name="")
    assert set(store.rows("customers")) == {"1"}


def test_a_channel_can_erase_customers_if_its_configuration_says_so(store: MemoryStore, context: StubContext) -> None:
    can_erase = [
        Capability.ERASE_CUSTOMERS in derive_capabilities(open_channel(store, context, writes=writes))
        for writes in ((), ("consent",), ("erase",))
    ]
    assert can_erase == [False, False, True]
