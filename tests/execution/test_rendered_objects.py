"""Rendered objects (rule E4): a list renders a product anew only if it has changed, and never for other callers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, parse

from gateway.execution.caching import rendered_objects
from gateway.execution.caching.change_follower import ChangeFollower
from gateway.execution.caching.rendered_objects import RenderedSelection
from gateway.execution.compiler.explanation import explain_operation
from gateway.execution.fields import Load, get_field_kind
from gateway.sdk.testing import record_builders
from gateway.storage import change_log
from tests.conftest import THOROUGH, TORTURE
from tests.execution.random_writes import stop_caching, sync, write
from tests.graphql.world import ADMIN, CLERK, GTIN, STAFF, World, get_schema, open_small_world

pytestmark = pytest.mark.anyio

STEPS = 1_000 if TORTURE else 100 if THOROUGH else 12

SHOWN = """id handle title brand tags status category { title parent { title } } channels { key name }
  content { title description } media { kind image { url } } attributes { key values { value } }
  priceRange { min { amount } max { amount } } availableForSale options { name optionValues { name } }
  variants(first: $most) { nodes { id sku gtin title price { amount } compareAtPrice { amount }
    stock { id status available } web: stock(channelKey: "web") { available }
    storeAvailability { nodes { location { name } status available } }
    listings { id title status price { amount } unitsPerListing } } }"""
LIST = f"query ($most: Int, $after: String) {{ products(first: 2, after: $after) {{ nodes {{ {SHOWN} }} }} }}"
QUERIES = (
    f"query ($most: Int) {{ products(first: 20) {{ edges {{ node {{ {SHOWN} }} }} }} }}",
    LIST,
    f'query ($most: Int) {{ products(filter: {{availableAtLocationKey: "london"}}) {{ nodes {{ {SHOWN} }} }} }}',
    "{ products { nodes { selectedOrFirstAvailableVariant { sku } adjacentVariants { sku } } } }",
    f'{{ productVariants(filter: {{gtins: ["{GTIN}"]}}) {{ nodes {{ product {{ title options {{ name }} }} }} }} }}',
)
CALLERS = (None, STAFF, CLERK)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_small_world(database_url) as world:
        world.gateway.responses.is_enabled = False
        yield world


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records the ids of products that are rendered."""
    ids: list[str] = []
    add = RenderedSelection.add

    def add_recorded(self: RenderedSelection, id_: str, content: Any) -> None:
        ids.append(content["title"])
        add(self, id_, content)

    monkeypatch.setattr(RenderedSelection, "add", add_recorded)
    return ids


# ------------------------------------------------------------------------------------------------ right


@pytest.mark.writes
async def test_after_any_writes_a_list_of_rendered_products_equals_one_that_is_not_cached(world: World) -> None:
    random = Random(11)
    for step in range(STEPS):
        written = await write(world, random, f"write-{step}")
        for query in QUERIES:
            caller, most = random.choice(CALLERS), random.choice((1, 5))
            variables = {"most": most} if "$most" in query else {}
            answers = [await world.client.ask(query, caller, **variables) for _ in range(2)]
            with stop_caching(world):
                expected = await world.client.ask(query, caller, **variables)
            assert [answer.body for answer in answers] == [expected.body] * 2, (step, written, query)


@pytest.mark.long
@pytest.mark.parametrize("guard", ["has_product_changed", "has_stock_changed"])
async def test_without_the_check_of_changes_that_test_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    monkeypatch.setattr(ChangeFollower, guard, lambda *_: False)
    with pytest.raises(AssertionError):
        await test_after_any_writes_a_list_of_rendered_products_equals_one_that_is_not_cached(world)


async def test_a_product_that_a_listing_leaves_or_joins_is_rendered_anew(world: World) -> None:
    """A third listing takes the code by which two of them were one: no record of the moved one has changed."""
    query = "{ products(first: 20) { nodes { title variants { nodes { listings { id title } } } } } }"
    till, web = world.stores["till"], world.stores["web"]
    till.put("products", record_builders.build_product("t-cup", sku="CUP", price="9.00", title="Cup"))
    web.put("products", record_builders.build_product("w-cup", sku="CUP", price="9.00", title="Cup of the web"))
    await sync(world)
    for sku in ("CUP", "SAUCER", "CUP"):
        till.put("products", record_builders.build_product("t-cup", sku=sku, price="9.00", title="Cup"))
        await sync(world)
        answers = [await world.client.fetch_data(query) for _ in range(2)]
        with stop_caching(world):
            assert answers == [await world.client.fetch_data(query)] * 2


async def test_changes_that_were_pruned_from_the_log_leave_no_rendered_product(world: World) -> None:
    await world.client.fetch_data(LIST, most=1)
    world.stores["till"].change("products", "t-lamp", title="Chandelier")
    await sync(world)
    world.clock.forward(seconds=1)
    await world.gateway.database.write(change_log.prune_log, world.clock(), world.clock())
    assert "Chandelier" in str(await world.client.fetch_data(QUERIES[0], most=1))


async def test_customers_do_not_see_what_was_rendered_for_staff(world: World) -> None:
    world.stores["till"].put("stock", record_builders.build_stock("t-mug", "L", 5_000))
    await sync(world)
    query = "{ products { nodes { title variants { nodes { stock { available } } } } } }"
    seen = [str(await world.client.fetch_data(query, token)) for token in (ADMIN, ADMIN, None, None)]
    assert ["500" in text for text in seen] == [True, True, False, False]


# ------------------------------------------------------------------------------------------------ cached


async def test_only_the_product_that_has_changed_is_rendered_anew(world: World, rendered: list[str]) -> None:
    await world.client.fetch_data(QUERIES[0], most=5)
    assert len(rendered) > 2
    rendered.clear()
    await world.client.fetch_data(QUERIES[0], most=5)
    assert rendered == []
    world.stores["till"].change("products", "t-lamp", title="Chandelier")
    await sync(world)
    await world.client.fetch_data(QUERIES[0], most=5)
    assert rendered == ["Chandelier"]


async def test_only_the_product_whose_stock_has_changed_is_rendered_anew(world: World, rendered: list[str]) -> None:
    await world.client.fetch_data(QUERIES[0], most=5)
    rendered.clear()
    world.stores["till"].put("stock", record_builders.build_stock("t-lamp", "L", 3))
    await sync(world)
    await world.client.fetch_data(QUERIES[0], most=5)
    assert rendered == ["Lamp"]


async def test_pages_share_rendered_products_and_other_variables_do_not(world: World, rendered: list[str]) -> None:
    query = """query ($size: Int, $most: Int) {
      products(first: $size) { pageInfo { endCursor } nodes { title ...Shown } } }
      fragment Shown on Product { variants(first: $most) { nodes { sku } } }"""
    await world.client.fetch_data(query, size=20, most=1)
    rendered.clear()
    await world.client.fetch_data(query, size=2, most=1)
    assert rendered == []
    await world.client.fetch_data(query, size=2, most=2)
    assert len(rendered) == 2


async def test_a_rendered_product_is_rendered_anew_after_a_minute(world: World, rendered: list[str]) -> None:
    await world.client.fetch_data(QUERIES[0], most=5)
    rendered.clear()
    world.clock.forward(minutes=1)
    await world.client.fetch_data(QUERIES[0], most=5)
    assert rendered


async def test_a_response_that_is_too_large_is_rejected_however_it_is_rendered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.execution.context.MAX_RESPONSE_FIELDS", 60)
    monkeypatch.setattr(rendered_objects, "MAX_RENDERED_FIELDS", 25)
    aliases = " ".join(f"n{number}: title" for number in range(20))
    queries = [f"{{ products(first: {first}) {{ nodes {{ id {aliases} }} }} }}" for first in (1, 2, 2, 20, 20)]
    answers = [await world.client.ask(query) for query in queries]
    assert [answer.codes for answer in answers] == [[], [], [], ["ANSWER_TOO_LARGE"], ["ANSWER_TOO_LARGE"]]


@pytest.mark.any_database
async def test_the_memory_of_rendered_products_is_bounded(database_url: str) -> None:
    async with open_small_world(database_url, server={"caching": {"rendered_megabytes": 1}}) as world:
        world.gateway.responses.is_enabled = False
        for number in range(150):
            aliases = " ".join(f"a{number}{n}: description" for n in range(100))
            await world.client.fetch_data(f"{{ products {{ nodes {{ title {aliases} }} }} }}")
        assert 500_000 < world.gateway.rendered.size <= 1_000_000


async def test_no_product_is_cached_if_its_memory_is_zero(database_url: str, rendered: list[str]) -> None:
    async with open_small_world(database_url, server={"caching": {"rendered_megabytes": 0}}) as world:
        for _ in range(3):
            await world.client.fetch_data("{ products { nodes { title } } }")
    assert rendered == []


# ------------------------------------------------------------------------------------------------ what is rendered


@pytest.mark.parametrize(
    ("selected", "is_rendered"),
    [
        ("title", True),
        ("variants { nodes { stock { available } } }", True),
        ("variants { nodes { product { title } } }", False),  # by the id of another object
        ("variants { nodes { stock { observedAt } } }", False),  # changes without an entry of the log
        ("listings { observedAt }", False),
        ("listings { externalId pushes { state } }", False),  # private
    ],
)
def test_products_are_rendered_whose_changes_are_found_under_their_ids(selected: str, is_rendered: bool) -> None:
    fields = f"title variants {{ nodes {{ {selected} }} }}" if selected.startswith("listings") else selected
    explained = explain_operation(get_schema(), parse(f"{{ products {{ nodes {{ {fields} }} }} }}"), None)
    assert ("run.open_rendered(0)" in explained) == is_rendered


def test_a_product_shows_only_variants_and_listings_of_its_own() -> None:
    """A new field of these types must be added here, and log a change of the product that shows another's."""
    assert sorted(find_fields_of(("ProductVariant", "Listing"))) == [
        ("Listing", "variant"),
        ("Offer", "variant"),
        ("Product", "adjacentVariants"),
        ("Product", "selectedOrFirstAvailableVariant"),
        ("Product", "variants"),
        ("ProductOptionValue", "firstAvailableVariant"),
        ("ProductVariant", "listings"),
        ("StockLevel", "variant"),
    ]


def find_fields_of(names: Sequence[str]) -> set[tuple[str, str]]:
    """Find the fields of these types that a product leads to without another product."""
    pending, seen, found = ["Product"], set[str](), set[tuple[str, str]]()
    while pending:
        type_ = get_schema().get_type(pending.pop())
        if not isinstance(type_, GraphQLObjectType) or type_.name in seen:
            continue
        seen.add(type_.name)
        for name, field in type_.fields.items():
            kind, target = get_field_kind(field), get_named_type(field.type)
            if isinstance(kind, Load) and not kind.rendered:
                continue
            leads_to = _find_node(target)
            if leads_to in names and type_.name not in ("ProductVariantConnection", "ProductVariantEdge"):
                found.add((type_.name, name))
            if leads_to != "Product":
                pending += [target.name, leads_to]
    return found


def _find_node(type_: Any) -> str:
    """Return the name of the items of a connection, or of another type."""
    fields = type_.fields if isinstance(type_, GraphQLObjectType) else {}
    named = get_named_type(fields["nodes"].type) if "nodes" in fields else type_
    return str(named.name)
