"""The response cache (rule E3): a response stays until what it shows changes, and never shown to others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type

from gateway.execution.caching import response_cache
from gateway.execution.caching.cache_control import CachePolicy, DataKind, get_data_kinds
from gateway.execution.caching.change_follower import ChangeFollower
from gateway.execution.caller import Caller
from gateway.execution.compiler import run
from gateway.execution.compiler.dependencies import is_volatile
from gateway.execution.request import GraphQLRequest
from gateway.graphql import node_resolver
from gateway.http.admission.concurrency_limit import MAX_CONCURRENCY
from gateway.model.actors import CallerKind
from gateway.sdk.testing import record_builders
from gateway.storage import change_log
from tests.conftest import THOROUGH, TORTURE
from tests.execution.random_writes import ask_twice, stop_caching, sync, write
from tests.gateways import run_gateway
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import (
    CLERK,
    GTIN,
    LOCATIONS,
    STAFF,
    TOKENS,
    Answer,
    Client,
    World,
    get_schema,
    open_client,
    open_small_world,
)

pytestmark = pytest.mark.anyio

STEPS = 1_000 if TORTURE else 100 if THOROUGH else 12

LIST = """{ products(first: 20, sort: {key: TITLE, direction: ASC}) { totalCount nodes { id handle title brand tags
  status category { title parent { title } } channels { key name } priceRange { min { amount } max { amount } }
  availableForSale options { name optionValues { name } }
  variants { nodes { id sku gtin title price { amount } compareAtPrice { amount }
    stock { id status available } web: stock(channelKey: "web") { available }
    listings { id title status price { amount } unitsPerListing } } } } } }"""
QUERIES = (
    LIST,
    """{ products(filter: {availableForSale: true}) { totalCount nodes { title }
         facets { key values { value count } } } }""",
    '{ products(filter: {availableAtLocationKey: "london"}) { nodes { title } } }',
    '{ products(search: "mug") { nodes { title variants { nodes { stock { available } } } } } }',
    f'{{ productVariants(filter: {{gtins: ["{GTIN}"]}}) {{ nodes {{ sku product {{ title }} }} }} }}',
    "{ categories { nodes { title children { nodes { title } } } } }",
    """{ products { nodes { selectedOrFirstAvailableVariant { sku } adjacentVariants { sku }
         options { optionValues { name firstAvailableVariant { sku } } } } } }""",
    """{ products { nodes { variants { nodes { storeAvailability { nodes { location { name } status available } }
         } } } } }""",
)
CALLERS = (None, STAFF, CLERK)


# ------------------------------------------------------------------------------------------------ right


@pytest.mark.writes
async def test_after_any_writes_a_cached_response_equals_one_that_is_not_cached(world: World) -> None:
    random = Random(7)
    for step in range(STEPS):
        written = await write(world, random, f"write-{step}")
        for query in QUERIES:
            caller = random.choice(CALLERS)
            cached = [await world.client.ask(query, caller) for _ in range(2)]
            with stop_caching(world):
                expected = await world.client.ask(query, caller)
            assert [answer.body for answer in cached] == [expected.body] * 2, (step, written, query)


@pytest.mark.long
@pytest.mark.parametrize("guard", ["has_catalog_changed", "has_stock_changed"])
async def test_without_the_check_of_changes_that_test_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    monkeypatch.setattr(ChangeFollower, guard, lambda *_: False)
    with pytest.raises(AssertionError):
        await test_after_any_writes_a_cached_response_equals_one_that_is_not_cached(world)


@asynccontextmanager
async def open_second_gateway(url: str, world: World) -> AsyncIterator[Client]:
    """Open another gateway over the same database and the same channels."""
    tables: dict[str, Any] = {"tokens": TOKENS, "locations": LOCATIONS, "catalogue": {"priority": ["web", "till"]}}
    tables["stock"] = {"default_channel": "till"}
    async with run_gateway(url, world.stores, world.clock, **tables) as gateway, open_client(gateway) as client:
        yield client


async def test_another_process_shows_what_this_one_has_written_at_once(world: World, database_url: str) -> None:
    async with open_second_gateway(database_url, world) as other:
        for title in ("Cup", "Beaker", "Bowl"):
            for _ in range(2):
                await other.fetch_data(LIST)
            world.stores["web"].change("products", "w-mug", title=title)
            await sync(world)
            shown = (await other.fetch_data(LIST))["products"]["nodes"]
            assert title in {node["title"] for node in shown}


async def test_changes_that_were_pruned_from_the_log_leave_no_response(world: World) -> None:
    await ask_twice(world, LIST)
    world.stores["till"].change("products", "t-lamp", title="Chandelier")
    await sync(world)
    world.clock.forward(seconds=1)
    await world.gateway.database.write(change_log.prune_log, world.clock(), world.clock())
    assert "Chandelier" in str(await world.client.fetch_data(LIST))


# ------------------------------------------------------------------------------------------------ cached


async def test_a_cached_response_runs_no_statement_but_the_check(world: World, runs: list[object]) -> None:
    expected = await ask_twice(world, LIST)
    runs.clear()
    await world.client.fetch_data(LIST)
    with capture_statements() as statements:
        assert await world.client.fetch_data(LIST) == expected
    assert runs == []
    assert len([one for one in statements if not one.startswith("BEGIN")]) == (
        world.gateway.database.dialect != "sqlite"
    )


async def test_stock_of_other_variants_leaves_a_response(world: World, runs: list[object]) -> None:
    nodes = (await world.client.fetch_data("{ productVariants { nodes { id sku } } }"))["productVariants"]["nodes"]
    ids = {node["sku"]: node["id"] for node in nodes}
    lamp, mug = (
        f'{{ node(id: "{ids[sku]}") {{ ... on ProductVariant {{ stock {{ available }} }} }} }}'
        for sku in ("LAMP", "MUG")
    )
    assert (await ask_twice(world, lamp), (await ask_twice(world, mug))["node"]["stock"]["available"]) and runs
    runs.clear()
    world.stores["till"].put("stock", record_builders.build_stock("t-mug", "L", 5))
    await sync(world)
    await world.client.fetch_data(lamp)
    assert runs == []
    assert (await world.client.fetch_data(mug))["node"]["stock"]["available"] == 6
    assert len(runs) == 1


async def test_equal_requests_in_flight_run_once(
    world: World, runs: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_cache, "MAX_WAIT", 60)  # the machine may be busy
    await ask_twice(world, LIST)
    world.stores["till"].change("products", "t-lamp", title="Chandelier")
    await sync(world)
    runs.clear()
    answers = await asyncio.gather(*(world.client.fetch_data(LIST) for _ in range(10)))
    assert len(runs) == 1 and all(answer == answers[0] for answer in answers)


async def test_waiting_requests_go_on_if_the_first_one_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not begin at the same time: each keeps its slot while it waits."""
    expected = await ask_twice(world, LIST)
    world.clock.forward(minutes=2)
    resolve_roots, running, most = run.PlanRun.resolve_roots, list[int](), list[int]()

    async def fail_first(self: run.PlanRun) -> Any:
        running.append(1)
        most.append(len(running))
        try:
            await asyncio.sleep(0)
            if len(most) == 1:
                raise asyncio.CancelledError
            return await resolve_roots(self)
        finally:
            running.pop()

    monkeypatch.setattr(run.PlanRun, "resolve_roots", fail_first)
    answers = await asyncio.gather(*(world.client.ask(LIST) for _ in range(30)), return_exceptions=True)
    answered = [answer.data for answer in answers if isinstance(answer, Answer) and answer.status == 200]
    assert answered == [expected] * 29
    assert max(most) <= MAX_CONCURRENCY


async def test_a_response_is_computed_again_after_a_minute(world: World, runs: list[object]) -> None:
    await ask_twice(world, LIST)
    runs.clear()
    world.clock.forward(seconds=61)
    await world.client.fetch_data(LIST)
    assert len(runs) == 1


async def test_the_memory_of_responses_is_bounded(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "MEGABYTE", 100_000)
    async with open_small_world(database_url, server={"caching": {"response_megabytes": 1}}) as world:
        for size in range(1, 5):
            for number in range(30):
                text = f"{{ products(first: {size}) {{ nodes {{ a{number}: title }} }} }}"
                await world.client.fetch_data(text)
        assert 90_000 < world.gateway.responses.size <= 100_000


async def test_the_cache_can_be_switched_off(database_url: str, runs: list[object]) -> None:
    async with open_small_world(database_url, server={"caching": {"response_megabytes": 0}}) as world:
        await ask_twice(world, LIST)
        await world.client.fetch_data(LIST)
        assert (len(runs), world.gateway.responses.size) == (3, 0)


# ------------------------------------------------------------------------------------------------ not shared


async def test_callers_of_other_scopes_channels_and_locations_do_not_share_responses(database_url: str) -> None:
    """Each is asked twice, then compared with what it is shown without the cache."""
    scoped = {"scopes": ["stock:read"]}
    more = {
        "all": {"token": "all-secret", **scoped},
        "web": {"token": "web-secret", **scoped, "channels": ["web"]},
        "home": {"token": "home-secret", **scoped, "channel": "web"},
        "leeds": {"token": "leeds-secret", **scoped, "locations": ["leeds"]},
        "plain": {"token": "plain-secret", "scopes": []},
    }
    access = {"anonymous": {"channels": ["till"]}}
    async with open_small_world(database_url, tokens={**TOKENS, **more}, access=access) as world:
        secrets = (None, *(str(table["token"]) for table in {**TOKENS, **more}.values()))
        for query in (
            *QUERIES,
            "{ products { nodes { variants { nodes { stock { available onHand reserved } } } } } }",
        ):
            with stop_caching(world):
                expected = [render(await world.client.ask(query, secret)) for secret in secrets]
            for _ in range(3):
                assert [render(await world.client.ask(query, secret)) for secret in secrets] == expected


def render(answer: Answer) -> Any:
    return (answer.status, answer.codes, answer.body.get("data"))


async def test_a_node_that_only_its_owner_sees_is_not_null_for_its_owner_because_of_another(database_url: str) -> None:
    owners = {name: {"token": f"{name}-secret", "scopes": ["stock:write"]} for name in ("alice", "bob")}
    async with open_small_world(database_url, tokens={**TOKENS, **owners}) as world:
        nodes = (await world.client.fetch_data("{ productVariants { nodes { id sku } } }"))["productVariants"]["nodes"]
        variant = next(node["id"] for node in nodes if node["sku"] == "MUG")
        given = f'{{variantId: "{variant}", locationKey: "london", quantity: 1}}'
        lines = f'lines: [{given}], holdSeconds: 60, idempotencyKey: "k"'
        text = f"mutation {{ stockReserve(input: {{{lines}}}) {{ reservations {{ id }} }} }}"
        payload = (await world.client.fetch_data(text, "alice-secret"))["stockReserve"]
        reserved = payload["reservations"][0]["id"]
        query = f'{{ node(id: "{reserved}") {{ __typename }} }}'
        for token, expected in (("bob-secret", None), ("alice-secret", {"__typename": "Reservation"})):
            for _ in range(3):
                assert (await world.client.fetch_data(query, token))["node"] == expected


def test_the_types_of_nodes_that_are_cached_hold_nothing_private() -> None:
    types = [get_schema().type_map[name] for name in node_resolver.NODE_LOADERS]
    cacheable = {type_.name for type_ in types if isinstance(type_, GraphQLObjectType) and is_cacheable(type_)}
    assert cacheable == node_resolver.CACHEABLE_TYPES


async def test_a_response_takes_no_more_memory_than_is_counted(world: World) -> None:
    responses = response_cache.ResponseCache(world.gateway.database, world.gateway.changes_seen, 1, world.clock)
    ids = frozenset(f"id-{number}" for number in range(400))
    for number in range(100):
        needs = response_cache.Dependencies(True, ids)
        responses.store(f"{number}" + "x" * 3_900, {}, CachePolicy(), needs, 0)
    assert responses.size <= 1_000_000 and 10 < len(responses._entries.list_items()) < 25


@pytest.mark.parametrize(
    "differing",
    [
        {"kind": CallerKind.PARTNER},
        {"scopes": ("stock:read",)},
        {"channel": "web"},
        {"channels": frozenset({"web"})},
        {"locations": frozenset({"leeds"})},
    ],
    ids=str,
)
def test_each_part_of_the_scope_class_is_in_the_key(differing: dict[str, Any]) -> None:
    usual, request = Caller(CallerKind.STAFF), GraphQLRequest("{ __typename }")
    keys = {
        response_cache.build_response_key("1", request, caller, by_get=False)
        for caller in (usual, replace(usual, **differing), replace(usual, name="other", principal="token other"))
    }
    assert len(keys) == 2


@pytest.mark.parametrize(
    "query",
    [
        "{ products { nodes { title } sources { asOf } } }",
        "{ productVariants { nodes { stock { available observedAt } } } }",
        "{ productVariants { nodes { storeAvailability { nodes { readyAt } } } } }",
        "{ channels { key state } }",
        "{ viewer { kind } }",
        "{ customers { nodes { displayName } } }",
        '{ node(id: "CUSTOMER") { id } }',
        '{ node(id: "CUSTOMER") { ... on Product { title } } }',
    ],
)
async def test_what_is_personal_or_changes_with_time_is_computed_anew(
    world: World, runs: list[object], query: str
) -> None:
    customers = (await world.client.fetch_data("{ customers(first: 1) { nodes { id } } }", STAFF))["customers"]
    text = query.replace("CUSTOMER", customers["nodes"][0]["id"])
    await ask_twice(world, text, STAFF)
    runs.clear()
    await world.client.fetch_data(text, STAFF)
    assert len(runs) == 1


async def test_a_further_page_of_a_search_is_computed_anew(world: World, runs: list[object]) -> None:
    for id_ in ("t-lamp", "t-card"):
        world.stores["till"].change("products", id_, title=f"Present {id_}")
    await sync(world)
    search = '{ products(search: "present", first: 1 AFTER) { nodes { title } pageInfo { endCursor } } }'
    page = await ask_twice(world, search.replace("AFTER", ""))
    further = search.replace("AFTER", f', after: "{page["products"]["pageInfo"]["endCursor"]}"')
    await ask_twice(world, further)
    runs.clear()
    await world.client.fetch_data(further)
    assert len(runs) == 1


def test_every_time_of_a_cacheable_type_is_that_of_a_change_or_volatile() -> None:
    """A new field of these types that shows when something was seen, or what is true now, has to be declared."""
    found = {
        f"{type_.name}.{name}"
        for type_ in get_schema().type_map.values()
        if isinstance(type_, GraphQLObjectType) and is_cacheable(type_)
        for name, field in type_.fields.items()
        if str(get_named_type(field.type)) in ("DateTime", "Source", "ChannelState") and not is_volatile(type_, name)
    }
    assert found == {
        "Product.createdAt",
        "Product.updatedAt",
        "ProductVariant.updatedAt",
        *(f"Source.{name}" for name in ("asOf", "staleAt")),  # fields that return a source are volatile
        "ChannelFault.occurredAt",
        "ShopPolicy.updatedAt",  # as configured
        "Collection.updatedAt",
        "Review.writtenAt",
        *(f"OpeningPeriod.{name}" for name in ("opensAt", "closesAt")),  # fields that return a day are volatile
    }


def is_cacheable(type_: GraphQLObjectType) -> bool:
    return not type_.name.startswith("__") and DataKind.PRIVATE not in get_data_kinds(type_, ())
