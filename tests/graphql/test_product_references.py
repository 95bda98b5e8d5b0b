"""Attributes that refer to other products, by the ID of the channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.settings.loading import load_text
from gateway.settings.problems import SettingsError
from tests.gateways import stop_caches
from tests.graphql.test_media import show_product
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import World, open_world

pytestmark = pytest.mark.anyio

DECLARED = {"fits": {"type": "PRODUCT", "list": True, "sources": {"web": "fits", "till": "FITS"}}}
SHOW = """query ($search: String, $first: Int = 20) { products(search: $search, first: $first) { nodes { title
  attributes { key type values { value product { title } } } } } }"""


def build_stores() -> dict[str, MemoryStore]:
    web, till = MemoryStore(), MemoryStore()
    web.put("products", record_builders.build_product("1", title="Lamp", attributes={"fits": ["2", "1", "9", " "]}))
    web.put("products", record_builders.build_product("2", title="Bulb"))
    till.put("products", record_builders.build_product("1", title="Rug", attributes={"FITS": ["2"]}))
    till.put("products", record_builders.build_product("2", title="Mat", status="DRAFT"))
    return {"web": web, "till": till}


@pytest.fixture
async def own_world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), attributes=DECLARED) as world:
        yield world


def list_titles(product: Any) -> list[str | None]:
    """List the titles of the products that the first attribute refers to; None: null."""
    values = product["attributes"][0]["values"]
    return [value["product"] and value["product"]["title"] for value in values]


@pytest.mark.any_database
async def test_a_reference_is_a_product_of_its_channel_and_null_if_there_is_none(own_world: World) -> None:
    lamp = await show_product(own_world, SHOW, search="lamp")
    assert lamp["attributes"][0]["type"] == "PRODUCT"
    assert list_titles(lamp) == ["Bulb", "Lamp", None], "the web store's, not the till's; and a blank is none"


@pytest.mark.any_database
async def test_a_product_that_is_gone_or_not_visible_is_null(own_world: World) -> None:
    assert list_titles(await show_product(own_world, SHOW, search="rug")) == [None], "a draft"
    own_world.stores["web"].remove("products", "2")
    own_world.clock.forward(days=2)
    await own_world.gateway.run_due()
    assert list_titles(await show_product(own_world, SHOW, search="lamp")) == [None, "Lamp", None]


async def test_a_product_of_a_hidden_channel_is_null(database_url: str) -> None:
    access = {"anonymous": {"channels": ["till"]}}
    stores = build_stores()
    stores["till"].put("products", record_builders.build_product("3", title="Pad", attributes={"FITS": ["1"]}))
    async with open_world(database_url, stores, attributes=DECLARED, access=access) as world:
        assert list_titles(await show_product(world, SHOW, search="pad")) == ["Rug"]
        found = await world.client.fetch_data(SHOW)
    assert [one["title"] for one in found["products"]["nodes"]] == ["Pad", "Rug"]


@pytest.mark.any_database
async def test_references_of_a_page_take_a_constant_number_of_statements(own_world: World) -> None:
    stop_caches(own_world.gateway)
    for number in range(5, 25):
        row = record_builders.build_product(str(number), title=f"Lamp {number}", attributes={"fits": [str(number - 1)]})
        own_world.stores["web"].put("products", row)
    own_world.clock.forward(hours=1)
    await own_world.gateway.run_due()
    counts = []
    for first in (1, 20):
        await own_world.client.fetch_data(SHOW, search="lamp", first=first)
        with capture_statements() as seen:
            found = await own_world.client.fetch_data(SHOW, search="lamp", first=first)
        assert len(found["products"]["nodes"]) == first
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_reference_cannot_be_a_facet() -> None:
    text = '[channels.web]\nplugin = "memory"\n[attributes.fits]\ntype = "PRODUCT"\nfacet = true\nsources.web = "x"\n'
    with pytest.raises(SettingsError, match="expected another type than PRODUCT"):
        load_text(text)
