"""Single reads (rule E7): a query of the catalog is executed with one connection, in one snapshot."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.util import await_only

from gateway.execution.batch_loader import BatchLoader, CurrentRead
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.compiler.run import PlanRun
from gateway.execution.compiler.single_read import LeftReadError, SingleRead
from gateway.execution.context import Context
from gateway.storage import tables
from gateway.storage.database import Database
from tests.execution.random_writes import sync
from tests.gateways import stop_caches
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import World, open_small_world

pytestmark = pytest.mark.anyio

LIST = """{ products(first: 5) { nodes { title priceRange { min { amount } }
  variants { nodes { title price { amount } stock { available } web: stock(channelKey: "web") { available } } } } } }"""
TITLES = "{ products(first: 20) { nodes { title variants { nodes { title } } } } }"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_small_world(database_url) as world:
        stop_caches(world.gateway)
        yield world


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records the kinds of reads."""
    found: list[str] = []
    read, read_snapshot = Database.read, Database.read_snapshot

    def read_recorded(self: Database, *args: Any) -> Any:
        found.append("read")
        return read(self, *args)

    def read_snapshot_recorded(self: Database, work: Any) -> Any:
        found.append("snapshot")
        return read_snapshot(self, work)

    monkeypatch.setattr(Database, "read", read_recorded)
    monkeypatch.setattr(Database, "read_snapshot", read_snapshot_recorded)
    return found


async def test_a_query_of_the_catalog_reads_once(world: World, reads: list[str]) -> None:
    await world.client.fetch_data(LIST)
    reads.clear()
    with capture_statements() as compiled:
        found = await world.client.fetch_data(LIST)
    assert reads == ["snapshot"]
    assert found["products"]["nodes"]
    assert len([one for one in compiled if one.startswith("SELECT")]) <= 5  # page, variants, listings, prices, stock


def rename_all(conn: Connection, title: str) -> None:
    for table in (tables.products, tables.variants):
        conn.execute(sa.update(table).values(title=title))


@pytest.mark.writes
async def test_a_query_shows_one_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that is committed after the products were read, and before their variants, shows neither."""
    assert await read_while_writing(world, monkeypatch) == {"before"}


async def test_without_a_snapshot_that_test_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "read_snapshot", lambda self, work: self.read(work))
    assert await read_while_writing(world, monkeypatch) == {"before", "after"}


async def read_while_writing(world: World, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Read titles while a transaction changes all of them, and return which are shown."""
    database, loop = world.gateway.database, asyncio.get_running_loop()
    await database.write(rename_all, "before")
    await world.client.fetch_data(TITLES)
    start_load = PlanRun.start_load

    def wait_for(awaited: Awaitable[None]) -> None:
        if database.dialect == "sqlite":  # in a thread
            asyncio.run_coroutine_threadsafe(_await(awaited), loop).result(10)
        else:
            await_only(awaited)

    def write_first(self: PlanRun, *args: Any) -> Any:
        wait_for(database.write(rename_all, "after"))
        return start_load(self, *args)

    monkeypatch.setattr(PlanRun, "start_load", write_first)
    nodes = (await world.client.fetch_data(TITLES))["products"]["nodes"]
    return {one["title"] for product in nodes for one in (product, *product["variants"]["nodes"])}


async def _await(awaited: Awaitable[None]) -> None:
    await awaited


async def test_a_query_that_writes_is_executed_in_the_event_loop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of a search is stored for further pages."""
    left: list[object] = []

    def leave(self: SingleRead, leave: Callable[[SingleRead], None] = SingleRead.leave) -> None:
        left.append(self)
        leave(self)

    monkeypatch.setattr(SingleRead, "leave", leave)
    monkeypatch.setattr(PlanRun, "is_single_read", True)  # as for a list within a collection
    for id_ in ("t-lamp", "t-card"):
        world.stores["till"].change("products", id_, title=f"Present {id_}")
    await sync(world)
    query = "query ($text: String) { products(search: $text, first: 1) { nodes { title } } }"
    for _ in range(2):
        await world.client.fetch_data(query, text="lamp")
    assert not left
    pages = [await world.client.fetch_data(query, text="present") for _ in range(3)]
    assert [len(page["products"]["nodes"]) for page in pages] == [1, 1, 1]
    assert len(left) == 1


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_after_a_lost_connection_it_begins_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = [await world.client.fetch_data(LIST) for _ in range(2)][1]
    start_load, failed = PlanRun.start_load, list[int]()

    def fail_once(self: PlanRun, *args: Any) -> Any:
        if not failed:
            failed.append(1)
            raise DBAPIError("", {}, Exception(), connection_invalidated=True)
        return start_load(self, *args)

    monkeypatch.setattr(PlanRun, "start_load", fail_once)
    assert [await world.client.fetch_data(LIST) for _ in range(2)] == [expected] * 2
    assert failed
    assert not caplog.records


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_queries_leave_threads_for_short_reads(world: World) -> None:
    ended = Event()
    snapshots = [
        asyncio.ensure_future(world.gateway.database.read_snapshot(lambda _: ended.wait(60))) for _ in range(8)
    ]
    try:
        async with asyncio.timeout(30):
            assert await world.gateway.database.read(lambda conn: conn.exec_driver_sql("SELECT 1").scalar()) == 1
    finally:
        ended.set()
    assert await asyncio.gather(*snapshots) == [True] * 8


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_an_outage_is_answered_as_one(world: World, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """It begins with this statement of the query."""
    for _ in range(2):
        await world.client.fetch_data(LIST)
    read, count = Context.read, [0]

    def fail(_conn: Connection, *_: Any, **__: Any) -> None:
        raise OperationalError("SELECT", {}, build_outage())

    async def read_once(self: Context, work: Any, *args: Any, **kwargs: Any) -> Any:
        count[0] += 1
        return await read(self, fail if count[0] >= number else work, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Context, "read", read_once)
        answer = await world.client.ask(LIST)
    assert (answer.status, answer.codes) == (503, ["STORAGE_UNAVAILABLE"])
    assert count[0] >= number
    assert (await world.client.ask(LIST)).status == 200


def build_outage() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error


async def test_a_statement_that_fails_leaves_other_fields_as_they_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = """{ products(first: 2) { nodes { title availableForSale
      variants(first: 1) { nodes { listings { id } } } } } }"""
    for _ in range(2):
        expected = await world.client.fetch_data(query)

    def fail(conn: Connection, *_: object) -> Any:
        return conn.exec_driver_sql("SELECT missing FROM products")

    monkeypatch.setattr("gateway.storage.reads.catalog.find_listings_of_variants", fail)
    answer = await world.client.ask(query)
    assert set(answer.codes) == {"INTERNAL_SERVER_ERROR"}
    shown = answer.body["data"]["products"]["nodes"]
    assert [one["availableForSale"] for one in shown] == [
        one["availableForSale"] for one in expected["products"]["nodes"]
    ]


@pytest.mark.parametrize(
    ("query", "is_single"),
    [
        ("{ products { nodes { availableForSale } } }", True),
        ("{ products { nodes { title } } }", False),  # one statement
        ('{ products(search: "mug") { nodes { availableForSale } } }', False),  # may store the order of the results
        ("{ products { nodes { channels { state } } } }", False),
        ("{ locations { nodes { name } } }", False),
    ],
)
async def test_which_queries_are_executed_in_one_read(
    world: World, reads: list[str], query: str, is_single: bool
) -> None:
    await world.client.ask(query)
    reads.clear()
    await world.client.ask(query)
    assert (reads == ["snapshot"]) == is_single


# ------------------------------------------------------------------------------------------------ steps


class Loads:
    """A batch function that counts its calls. Keys that are negative fail."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    async def load(self, keys: list[int]) -> list[Any]:
        self.calls.append(keys)
        return [ValueError(key) if key < 0 else key * 10 for key in keys]


def run_alone(function: Callable[[Callable[[Any], BatchLoader]], Any]) -> Any:
    """Run a function in a single read without a connection. It is called with what creates loaders."""
    current = CurrentRead()
    current.single_read = SingleRead(connection=None)  # type: ignore[arg-type]
    return current.single_read.run(function(lambda call: BatchLoader(call, current=current)))


def test_batches_of_one_step_share_the_loads_that_they_lead_to() -> None:
    loads = Loads()

    async def run(create: Callable[[Any], BatchLoader]) -> list[Any]:
        inner = create(loads.load)
        outer = [create(inner.load_many) for _ in range(3)]
        for number, loader in enumerate(outer):
            loader.start([number, number + 1])
        return [await loader.load_many([number]) for number, loader in enumerate(outer)]

    assert run_alone(run) == [[0], [10], [20]]
    assert loads.calls == [[0, 1, 2, 3]]


def test_a_key_that_fails_fails_only_where_it_is_needed() -> None:
    loads = Loads()

    async def run(create: Callable[[Any], BatchLoader]) -> list[Any]:
        loader = create(loads.load)
        with pytest.raises(ValueError, match="-1"):
            await loader.load_many([-1, 2])
        return await loader.load_many([2])

    assert run_alone(run) == [20]
    assert loads.calls == [[-1, 2]]


@pytest.mark.parametrize("is_nested", [False, True])
def test_what_waits_for_something_else_leaves_the_read(is_nested: bool) -> None:
    async def wait(_keys: object = None) -> list[Any]:
        await _Foreign()
        return []

    async def run(create: Callable[[Any], BatchLoader]) -> Any:
        return await (create(wait).load_many([1]) if is_nested else wait())

    with pytest.raises(LeftReadError):
        run_alone(run)


class _Foreign:
    """Awaits something of an event loop."""

    def __await__(self) -> Any:
        yield object()


def test_an_error_ends_what_has_begun() -> None:
    ended: list[int] = []

    async def load_slowly(_keys: object) -> list[Any]:
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return []
        finally:
            ended.append(1)

    async def run(create: Callable[[Any], BatchLoader]) -> Any:
        create(load_slowly).start([1])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        raise KeyError

    with pytest.raises(KeyError):
        run_alone(run)
    assert ended == [1]


def test_threads_share_a_cache() -> None:
    cache: WeightedLRU[int] = WeightedLRU(50)
    errors: list[BaseException] = []

    def use(seed: int) -> None:
        try:
            for number in range(20_000):
                key = str((number * seed) % 97)
                if cache.get(key) is None:
                    cache.put(key, number, 1 + number % 5)
        except BaseException as error:  # noqa: BLE001 shown by the assertion
            errors.append(error)

    threads = [Thread(target=use, args=(seed,)) for seed in (3, 5, 7, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert 0 < cache.weight <= 50
    for key, _ in cache.list_items():
        cache.remove(key)
    assert cache.weight == 0
