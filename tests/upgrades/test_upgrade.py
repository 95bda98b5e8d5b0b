"""A database and a configuration of an earlier version start, serve and sync unchanged.

The folders hold what version 0.1.0 wrote: a SQL dump of each database, what its clients were given (cart and order
tokens, cursors, the result of an idempotency key), and its annotated configuration.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.settings.loading import load
from tests.graphql.mutation_documents import build_document
from tests.graphql.shopper import TABLES, build_stores
from tests.graphql.world import ADMIN, World, open_world
from tests.upgrades.dumps import restore_database

pytestmark = pytest.mark.anyio

OLD = Path(__file__).parent / "0.1.0"
OLD_TABLES = {**TABLES, "limits": {"crowd": 64, "crowd_waits": "5m"}, "retention": {"log": "7d"}}
"""The configuration that the dump was written with; `crowd` and `crowd_waits` are old names."""

ORDER = "query ($access: String!) { order(by: { accessToken: $access }) { number status } }"
CART = "query ($access: String!) { cart(token: $access) { version lines { quantity } } }"
PRODUCTS = "query ($after: String) { products(first: 50, after: $after) { nodes { title } } }"
CHANGES = "query ($after: String) { changes(types: [PRODUCT], first: 50, after: $after) { nodes { kind } } }"


@pytest.fixture
def old_database(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that the earlier version wrote."""
    with restore_database(request, OLD, database_kind, tmp_path) as url:
        yield url


@pytest.fixture
def clients(database_kind: str) -> Any:
    """What clients of the earlier version were given."""
    return json.loads((OLD / f"{database_kind}.json").read_text(encoding="utf-8"))


@pytest.fixture
async def world(old_database: str, clients: Any) -> AsyncIterator[World]:
    """A gateway of this version over that database, with the configuration of that version, synced."""
    channels = build_stores()
    for row in clients["web_orders"].values():
        channels["web"].put("orders", row)
    async with open_world(old_database, channels, **OLD_TABLES) as world:
        yield world


async def test_a_retry_with_an_old_idempotency_key_returns_the_original_order(world: World, clients: Any) -> None:
    old = clients["order"]
    payload = (await world.client.fetch_data(build_document("orderPlace"), input=old["input"]))["orderPlace"]
    assert [payload["order"][name] for name in ("id", "number", "status", "accessToken")] == [
        old["payload"]["order"][name] for name in ("id", "number", "status", "accessToken")
    ]


async def test_tokens_of_carts_and_orders_stay_valid(world: World, clients: Any) -> None:
    cart = await world.client.fetch_data(CART, access=clients["cart"]["token"])
    assert cart == {"cart": {"version": clients["cart"]["version"], "lines": [{"quantity": 2}]}}
    placed = clients["order"]["payload"]["order"]
    order = await world.client.fetch_data(ORDER, access=placed["accessToken"])
    assert order == {"order": {"number": placed["number"], "status": "OPEN"}}


async def test_a_command_that_was_waiting_is_delivered(world: World, clients: Any) -> None:
    world.clock.forward(minutes=1)
    await world.gateway.run_due()
    order = await world.client.fetch_data(ORDER, access=clients["waiting"]["accessToken"])
    assert order == {"order": {"number": clients["waiting"]["number"], "status": "OPEN"}}
    assert [call.feed for call in world.stores["web"].calls if call.method == "send"] == ["PlaceOrder"]


async def test_cursors_continue_where_they_were(world: World, clients: Any) -> None:
    old, cursor = clients["page"], clients["page"]["pageInfo"]["endCursor"]
    everything = await world.client.fetch_data(PRODUCTS)
    rest = await world.client.fetch_data(PRODUCTS, after=cursor)
    assert old["nodes"] + rest["products"]["nodes"] == everything["products"]["nodes"]
    await rename_lamp(world)
    changes = await world.client.fetch_data(CHANGES, ADMIN, after=clients["changes"]["pageInfo"]["endCursor"])
    assert changes["changes"]["nodes"]


async def test_a_handle_of_an_earlier_version_stays_valid(world: World) -> None:
    query = "query ($handle: String!) { product(by: {handle: $handle}) { title handle } }"
    nodes = (await world.client.fetch_data("{ products(first: 1) { nodes { title handle } } }"))["products"]["nodes"]
    for key, store in world.stores.items():
        for id_, row in store.rows("products").items():
            store.put("products", {**row, "handle": f"{key}-{id_}"})
    world.clock.forward(hours=1)
    await world.gateway.run_due()
    found = (await world.client.fetch_data(query, handle=nodes[0]["handle"]))["product"]
    assert found["title"] == nodes[0]["title"] and found["handle"] != nodes[0]["handle"]


async def rename_lamp(world: World) -> None:
    """Change a product in its channel, and sync."""
    world.stores["till"].change("products", "t-lamp", title="Desk lamp")
    world.clock.forward(minutes=5)
    await world.gateway.run_due()


async def test_sync_continues(world: World) -> None:
    await rename_lamp(world)
    titles = {node["title"] for node in (await world.client.fetch_data(PRODUCTS))["products"]["nodes"]}
    assert "Desk lamp" in titles


def test_an_old_configuration_loads_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    text = (OLD / "example.toml").read_text(encoding="utf-8")
    environment = {
        name: f"redis://{name.lower().replace('_', '-')}:6379/0" for name in re.findall(r"\$\{(\w+)\}", text)
    }
    tokens = {name: f"{name.lower()}-of-at-least-32-characters" for name in ("STAFF_TOKEN", "ADMIN_TOKEN")}
    settings = load(OLD / "example.toml", environment | tokens)
    assert settings.limits.queue_size == 50 and "limits.crowd is deprecated" in caplog.text
