"""Known products (rule E4): a list reads only which products it has, and those that have changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from random import Random

import pytest

from gateway.execution.caching.change_follower import ChangedIds, ChangeFollower
from gateway.execution.caching.known_products import KnownProducts
from gateway.model.catalog import Product
from gateway.sdk.testing import record_builders
from gateway.storage.reads import product_search
from tests.conftest import NEVER, THOROUGH, TORTURE
from tests.execution.random_writes import stop_caching, sync, write
from tests.execution.test_engines import use_engine
from tests.graphql.world import CLERK, STAFF, World, open_small_world

pytestmark = pytest.mark.anyio

STEPS = 500 if TORTURE else 60 if THOROUGH else 10
FIELDS = "id handle title brand tags status description category { title } options { name } attributes { key }"
QUERIES = (
    f"{{ products(first: 20) {{ nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}",
    f"{{ products(last: 2) {{ edges {{ cursor node {{ {FIELDS} }} }} pageInfo {{ hasPreviousPage }} }} }}",
    f'{{ products(channelKey: "web", sort: {{key: PRICE, direction: DESC}}) {{ nodes {{ {FIELDS} }} }} }}',
    f"{{ products(first: 2, filter: {{statuses: [ACTIVE]}}) {{ nodes {{ {FIELDS} }} }} }}",
)
CALLERS = (None, STAFF, CLERK)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_small_world(database_url) as world:
        world.gateway.responses.is_enabled = world.gateway.rendered.is_enabled = False
        yield world


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records the titles of products that are read."""
    titles: list[str] = []
    add = KnownProducts.add

    def add_recorded(self: KnownProducts, products: Sequence[Product], generation: int) -> None:
        titles.extend(sorted(product.title for product in products))
        add(self, products, generation)

    monkeypatch.setattr(KnownProducts, "add", add_recorded)
    return titles


async def list_titles(world: World) -> list[str]:
    data = await world.client.fetch_data(QUERIES[0])
    return [node["title"] for node in data["products"]["nodes"]]


async def fill_known_products(world: World, read: list[str]) -> list[str]:
    """List the products until they are known. Returns their titles."""
    titles = [await list_titles(world) for _ in range(2)]
    read.clear()
    return titles[0]


@pytest.mark.writes
async def test_after_any_writes_a_list_equals_one_of_which_nothing_is_known(world: World) -> None:
    random = Random(23)
    for step in range(STEPS):
        written = await write(world, random, f"write-{step}")
        for query in QUERIES:
            caller = random.choice(CALLERS)
            answers = [await world.client.ask(query, caller) for _ in range(3)]
            with stop_caching(world):
                expected = await world.client.ask(query, caller)
            assert [answer.body for answer in answers] == [expected.body] * 3, (step, written, query)


class AnyVersion(int):
    """A version that equals every other."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


@pytest.mark.writes
async def test_the_proof_without_the_checks_of_changes_and_versions_a_list_is_old(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = KnownProducts.find

    def find_any_version(self: KnownProducts, ids: Collection[str]) -> Mapping[str, Product]:
        return {id_: replace(it, version=AnyVersion(0)) for id_, it in find(self, ids).items()}

    monkeypatch.setattr(ChangeFollower, "has_product_changed", lambda *_: False)
    monkeypatch.setattr(KnownProducts, "find", find_any_version)
    for title in ("Lamp", "Chandelier"):
        world.stores["till"].change("products", "t-lamp", title=title)
        await sync(world)
        titles = [await list_titles(world) for _ in range(3)][-1]
    assert "Lamp" in titles and "Chandelier" not in titles


@pytest.mark.writes
async def test_only_what_has_changed_is_read(world: World, read: list[str]) -> None:
    assert sorted(await list_titles(world)) == read
    await fill_known_products(world, read)
    world.stores["till"].change("products", "t-lamp", title="Chandelier")
    await sync(world)
    assert "Chandelier" in await list_titles(world)
    assert read == ["Chandelier"]


@pytest.mark.writes
async def test_a_new_product_is_read_and_a_hidden_one_is_not_shown(world: World, read: list[str]) -> None:
    before = await fill_known_products(world, read)
    world.stores["till"].put("products", record_builders.build_product("t-new", sku="NEW", title="New"))
    await sync(world)
    assert sorted(await list_titles(world)) == sorted([*before, "New"])
    assert read == ["New"]
    world.stores["till"].change("products", "t-new", status="DRAFT")
    await sync(world)
    assert await list_titles(world) == before
    assert read == ["New"]


@pytest.mark.writes
async def test_a_product_is_read_again_after_a_minute(world: World, read: list[str]) -> None:
    titles = await fill_known_products(world, read)
    world.clock.forward(minutes=1)
    await list_titles(world)
    assert read == sorted(titles)


@pytest.mark.writes
async def test_a_product_that_is_gone_between_two_statements_leads_to_the_whole_page(
    world: World, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await list_titles(world)
    monkeypatch.setattr(product_search._products_by_id, "select", lambda *_, **__: [])
    assert [await list_titles(world) for _ in range(2)] == [expected] * 2
    assert read == sorted(expected)


@pytest.mark.any_database
@pytest.mark.parametrize(("megabytes", "known"), [(1, True), (0, False)])
async def test_the_memory_of_known_products_is_a_setting(database_url: str, megabytes: int, known: bool) -> None:
    caching = {"product_megabytes": megabytes, "rendered_megabytes": 0, "response_megabytes": 0}
    async with open_small_world(database_url, server={"caching": caching}) as world:
        for _ in range(3):
            await list_titles(world)
        size = world.gateway.known_products.measure()
        assert (size.limit, size.used > 0) == (megabytes, known)


async def test_a_search_knows_nothing(world: World, read: list[str]) -> None:
    """Which words are similar can change with the catalog."""
    for _ in range(3):
        await world.client.fetch_data('{ products(search: "mug", sort: {key: TITLE}) { nodes { title } } }')
    assert read == []


async def test_the_reference_executor_knows_nothing(world: World, read: list[str]) -> None:
    with use_engine(NEVER):
        for _ in range(3):
            await list_titles(world)
    assert read == []


@pytest.mark.writes
async def test_a_known_product_of_another_version_than_the_page_finds_is_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A product can change after a request has followed the changes, and before it reads its page."""
    for _ in range(3):
        titles = await list_titles(world)
    find = KnownProducts.find

    def find_former(self: KnownProducts, ids: Collection[str]) -> Mapping[str, Product]:
        found = find(self, ids)
        return {id_: replace(it, version=it.version - 1, title="Draft") for id_, it in found.items()}

    monkeypatch.setattr(KnownProducts, "find", find_former)
    assert await list_titles(world) == titles


def test_what_any_thread_reads_of_changes_is_never_too_little() -> None:
    """Too many ids to record: between two steps of this, any id may have changed."""
    seen: list[bool] = []
    ids = ChangedIds()

    class Watched(dict[str, int]):
        def clear(self) -> None:
            super().clear()
            seen.append(ids.has_changed(0, ["a"]))

    ids._changed = Watched()
    ids.record(1, ["a"])
    ids.record(2, None)
    assert seen == [True]
