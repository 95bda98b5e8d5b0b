"""A line keeps the unit of measure in which it was sold, whatever becomes of its product (rule O7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.commerce.channel_orders import sale_lines, units_of_measure
from gateway.commerce.channel_orders.units_of_measure import UnitsOfMeasure
from gateway.sdk.testing import record_builders
from gateway.storage.writes.orders import OrderLineRow
from tests.commerce.test_forwarding import advance, build_tables, count_mugs
from tests.graphql.shopper import LOCATIONS, build_stores
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ORDERS = (
    "{ orders(first: 50) { nodes { externalId attention lines(first: 9) { nodes { "
    "quantity variant { unitOfMeasure } } } } } }"
)
PIECES = {"unit_of_measure": "each"}
GRAMS = {"unit_of_measure": "g", "price": "0.01"}
"""A line of as many units for a thousandth of the price."""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **build_world_tables()) as world:
        yield world


def build_world_tables() -> dict[str, Any]:
    return {**build_tables("adjust"), "locations": LOCATIONS}


async def sell(world: World, quantity: int, line: Mapping[str, Any], number: str = "w-9") -> dict[str, Any]:
    """Let the web store report an order of what the till counts, and return what the gateway shows."""
    sold = record_builders.build_line("1", "w-mug", quantity, place="l-web") | {**line}
    world.stores["web"].put("orders", record_builders.build_order(number, [sold], stock_posted=True, status="OPEN"))
    return await read_order(world, number)


async def read_order(world: World, number: str = "w-9") -> dict[str, Any]:
    for _ in range(3):
        await advance(world)
    nodes = (await world.client.fetch_data(ORDERS, ADMIN))["orders"]["nodes"]
    (order,) = [node for node in nodes if node["externalId"] == number]
    lines = [
        (line["quantity"], line["variant"] and line["variant"]["unitOfMeasure"]) for line in order["lines"]["nodes"]
    ]
    return {"attention": order["attention"], "lines": lines}


def measure(world: World, unit: str) -> None:
    """Let both channels count the mug in this unit from now on."""
    for channel, id in (("web", "w-mug"), ("till", "t-mug")):
        store = world.stores[channel]
        (variant,) = store.rows("products")[id]["variants"]
        store.change("products", id, variants=[{**variant, "unit_of_measure": unit}])


@pytest.mark.parametrize("known_first", [True, False], ids=["the catalog knows first", "the order is read first"])
async def test_a_product_that_becomes_a_weighed_one_moves_nothing_of_earlier_orders(
    world: World, known_first: bool
) -> None:
    before, _ = await count_mugs(world)
    assert await sell(world, 3, PIECES) == {"attention": [], "lines": [(3, "each")]}
    if known_first:
        measure(world, "g")
        await advance(world)
    assert await sell(world, 3000, GRAMS) == {"attention": [], "lines": [(3, "each")]}
    measure(world, "g")
    assert await read_order(world) == {"attention": [], "lines": [(3, "each")]}
    assert (await count_mugs(world))[0] == before - 3


async def test_units_that_come_back_after_the_unit_has_changed_are_free_again(world: World) -> None:
    before, _ = await count_mugs(world)
    await sell(world, 3, PIECES)
    measure(world, "g")
    back = {"returned": 2000, "restocked": 2000}
    assert await sell(world, 3000, GRAMS | back) == {"attention": [], "lines": [(3, "each")]}
    assert (await count_mugs(world))[0] == before - 1


async def test_units_that_left_after_the_unit_has_changed_do_not_come_back_with_a_cancellation(world: World) -> None:
    before, _ = await count_mugs(world)
    await sell(world, 3, PIECES | {"fulfilled": 0})
    measure(world, "g")
    await sell(world, 3000, GRAMS)
    line = record_builders.build_line("1", "w-mug", 3000, place="l-web") | GRAMS
    canceled = record_builders.build_order("w-9", [line], stock_posted=True, status="CANCELLED")
    world.stores["web"].put("orders", canceled)
    await read_order(world)
    assert (await count_mugs(world))[0] == before - 3


async def test_a_part_of_a_unit_that_comes_back_needs_attention(world: World) -> None:
    before, _ = await count_mugs(world)
    await sell(world, 3, PIECES)
    measure(world, "g")
    back = {"returned": 500, "restocked": 500}
    assert await sell(world, 3000, GRAMS | back) == {"attention": ["INCOMPLETE"], "lines": [(3, "each")]}
    assert (await count_mugs(world))[0] == before - 3


async def test_a_product_that_is_no_longer_weighed_moves_nothing_of_earlier_orders(database_url: str) -> None:
    stores = build_stores()
    async with open_world(database_url, stores, **build_world_tables()) as world:
        measure(world, "g")
        await advance(world)
        before, _ = await count_mugs(world)
        assert await sell(world, 4, GRAMS | {"price": "2.50"}) == {"attention": [], "lines": [(4, "g")]}
        measure(world, "each")
        await advance(world)
        assert await sell(world, 1, PIECES) == {"attention": [], "lines": [(4, "g")]}
        assert (await count_mugs(world))[0] == before - 4


async def test_an_order_that_was_changed_meanwhile_needs_attention_and_moves_nothing(world: World) -> None:
    before, _ = await count_mugs(world)
    await sell(world, 3, PIECES)
    measure(world, "g")
    assert await sell(world, 1000, GRAMS) == {"attention": ["INCOMPLETE"], "lines": [(3, "each")]}
    assert (await count_mugs(world))[0] == before - 3
    measure(world, "each")
    assert await sell(world, 1, PIECES) == {"attention": [], "lines": [(1, "each")]}
    assert (await count_mugs(world))[0] == before - 1


async def test_a_line_without_a_stated_unit_is_in_the_unit_of_the_product(world: World) -> None:
    before, _ = await count_mugs(world)
    await sell(world, 3, {})
    measure(world, "g")
    await advance(world)
    assert await sell(world, 3000, {"price": "0.01"}) == {"attention": [], "lines": [(3, "each")]}
    assert await sell(world, 3000, {}) == {"attention": ["INCOMPLETE"], "lines": [(3, "each")]}
    assert (await count_mugs(world))[0] == before - 3


async def test_a_new_sale_by_weight_waits_until_the_catalog_knows_the_unit(world: World) -> None:
    before, _ = await count_mugs(world)
    assert await sell(world, 20, GRAMS) == {"attention": [], "lines": [(20, None)]}
    assert (await count_mugs(world))[0] == before
    measure(world, "g")
    assert await read_order(world) == {"attention": [], "lines": [(20, "g")]}
    assert (await count_mugs(world))[0] == before - 20


async def test_a_new_sale_by_the_piece_that_is_read_late_is_one_of_pieces(world: World) -> None:
    measure(world, "g")
    await advance(world)
    assert await sell(world, 2, PIECES) == {"attention": [], "lines": [(2, "each")]}


async def test_a_product_that_becomes_a_weighed_one_is_reviewed_once(world: World) -> None:
    await sell(world, 3, PIECES)
    measure(world, "g")
    await advance(world)
    nodes = (await world.client.fetch_data("{ matchReviews { nodes { reason } } }", ADMIN))["matchReviews"]["nodes"]
    assert [node["reason"] for node in nodes] == ["another thing stands under the same id since"] * 2


async def test_units_of_another_kind_than_what_was_moved_are_not_moved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a line becomes, its movements are compared in their own unit only."""
    monkeypatch.setattr(units_of_measure, "find_remeasured", lambda *_: {})
    before, _ = await count_mugs(world)
    await sell(world, 3, PIECES)
    measure(world, "g")
    await advance(world)
    assert await sell(world, 3000, GRAMS) == {"attention": [], "lines": [(3000, "g")]}
    assert (await count_mugs(world))[0] == before - 3


async def test_the_proof_that_without_the_rule_the_difference_is_moved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep_generation(units: UnitsOfMeasure, line: object, former: OrderLineRow | None) -> int:
        return 1 if former is None else former.generation

    monkeypatch.setattr(units_of_measure, "find_remeasured", lambda *_: {})
    monkeypatch.setattr(UnitsOfMeasure, "choose_generation", keep_generation)
    before, _ = await count_mugs(world)
    await sell(world, 3, PIECES)
    await sell(world, 3000, GRAMS)
    assert (await count_mugs(world))[0] == before - 3000


async def test_the_proof_that_without_the_comparison_of_units_the_difference_is_moved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units_of_measure, "find_remeasured", lambda *_: {})
    monkeypatch.setattr(sale_lines, "_has_same_unit", lambda *_: True)
    before, _ = await count_mugs(world)
    await sell(world, 3, PIECES)
    measure(world, "g")
    await advance(world)
    await sell(world, 3000, GRAMS)
    assert (await count_mugs(world))[0] == before - 3000
