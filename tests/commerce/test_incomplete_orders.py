"""One bad line does not lose a receipt (rule O9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.commerce.channel_orders import ingest
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.record_builders import Row
from tests.commerce.test_forwarding import advance, build_tables, count_mugs
from tests.graphql.shopper import LOCATIONS, build_stores
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ORDERS = "{ orders(first: 50) { nodes { externalId attention lines(first: 9) { nodes { title quantity } } } } }"
REJECTS = "{ syncRejects { nodes { externalId severity field reason } } }"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    tables = {**build_tables("adjust"), "locations": LOCATIONS}
    async with open_world(database_url, build_stores(), **tables) as world:
        yield world


def build_line(id: str, quantity: float, variant: str = "w-mug") -> Row:
    return record_builders.build_line(id, variant, quantity, title=f"line {id}", place="l-web")


async def sell(world: World, *lines: Row) -> dict[str, Any]:
    """Let the web store report an order of goods that the till counts, and return what the gateway shows."""
    sale = record_builders.build_order("w-9", lines, stock_posted=True, status="OPEN")
    world.stores["web"].put("orders", sale)
    for _ in range(3):
        await advance(world)
    nodes = (await world.client.fetch_data(ORDERS, ADMIN))["orders"]["nodes"]
    (order,) = [node for node in nodes if node["externalId"] == "w-9"]
    return {"attention": order["attention"], "lines": [line["quantity"] for line in order["lines"]["nodes"]]}


async def test_the_other_lines_are_sold_and_the_bad_one_is_named(world: World) -> None:
    before, _ = await count_mugs(world)
    order = await sell(world, build_line("1", 3), build_line("2", 0.35), build_line("3", 1))
    assert order == {"attention": ["INCOMPLETE"], "lines": [3, 1]}
    assert (await count_mugs(world))[0] == before - 4
    (warning,) = [
        node
        for node in (await world.client.fetch_data(REJECTS, ADMIN))["syncRejects"]["nodes"]
        if node["externalId"] == "w-9"
    ]
    assert (warning["severity"], warning["field"]) == ("WARNING", "lines.quantity")
    assert "line 2: 0.35" in warning["reason"]


async def test_an_order_whose_lines_can_be_read_again_is_whole(world: World) -> None:
    before, _ = await count_mugs(world)
    await sell(world, build_line("1", 3), build_line("2", 0.35))
    assert await sell(world, build_line("1", 3), build_line("2", 2)) == {"attention": [], "lines": [3, 2]}
    assert (await count_mugs(world))[0] == before - 5


async def test_a_line_that_cannot_be_read_any_more_keeps_its_last_good_version(world: World) -> None:
    before, _ = await count_mugs(world)
    await sell(world, build_line("1", 3), build_line("2", 2))
    order = await sell(world, build_line("1", 3), build_line("2", 0.5))
    assert order == {"attention": ["INCOMPLETE"], "lines": [3, 2]}
    assert (await count_mugs(world))[0] == before - 5


async def list_rejects(world: World) -> list[tuple[str, str]]:
    nodes = (await world.client.fetch_data(REJECTS, ADMIN))["syncRejects"]["nodes"]
    return [(node["severity"], node["reason"]) for node in nodes if node["externalId"] == "w-9"]


async def test_an_id_that_two_lines_have_rejects_the_order_until_it_is_unique(world: World) -> None:
    """Which of the two lines was known before would be a guess."""
    before, _ = await count_mugs(world)
    await sell(world, build_line("1", 3), build_line("2", 2))
    order = await sell(world, build_line("1", 3), build_line("2", 1), build_line("2", 0.5))
    assert order == {"attention": [], "lines": [3, 2]}, "the last good version"
    ((severity, reason),) = await list_rejects(world)
    assert severity == "ERROR" and "two lines have the ID 2, and one cannot be read" in reason
    assert (await count_mugs(world))[0] == before - 5
    assert await sell(world, build_line("1", 3), build_line("2", 1)) == {"attention": [], "lines": [3, 1]}
    assert ((await count_mugs(world))[0], await list_rejects(world)) == (before - 4, [])


async def test_a_line_that_twice_cannot_be_read_keeps_one_last_good_version(world: World) -> None:
    before, _ = await count_mugs(world)
    await sell(world, build_line("1", 3), build_line("2", 2))
    order = await sell(world, build_line("1", 3), build_line("2", 0.5), build_line("2", 0.5))
    assert order == {"attention": ["INCOMPLETE"], "lines": [3, 2]}
    assert (await count_mugs(world))[0] == before - 5


async def test_what_a_line_quotes_can_be_stored(world: World) -> None:
    broken: Any = "half \ud800 and nul \0" * 100
    order = await sell(world, build_line("1", 3), build_line("2", broken))
    assert order == {"attention": ["INCOMPLETE"], "lines": [3]}
    ((severity, reason),) = await list_rejects(world)
    assert severity == "WARNING" and "line 2" in reason and len(reason) < 600


async def test_the_proof_that_without_it_the_units_would_return(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "_list_retained", lambda *_: [])
    before, _ = await count_mugs(world)
    await sell(world, build_line("1", 3), build_line("2", 2))
    await sell(world, build_line("1", 3), build_line("2", 0.5))
    assert (await count_mugs(world))[0] == before - 3
