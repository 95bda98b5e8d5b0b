"""Collections of a shop: their products in the shop's order, over pages, webhooks, sweeps and deletions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import CollectionRecord
from gateway.sdk.testing.sandbox import WorldCollection
from gateway_shopify_sandbox.state import Node, parse_number
from tests.graphql.world import open_client
from tests.plugins.shopify import ShopifyTestbed, build_products, build_world, open_testbed

pytestmark = pytest.mark.anyio

QUERY = """query ($handle: String!, $last: Int) { collection(handle: $handle) {
  content { title descriptionHtml } image { url altText } products(last: $last) { totalCount nodes { title } } } }"""


def get_node(web: ShopifyTestbed, title: str) -> Node:
    return next(node for node in web.sandbox.shop.list_nodes("Collection") if node["title"] == title)


async def find_collection(web: ShopifyTestbed, handle: str, **variables: Any) -> Any:
    async with open_client(web.gateway) as client:
        return (await client.fetch_data(QUERY, handle=handle, **variables))["collection"]


async def list_titles(web: ShopifyTestbed, handle: str) -> list[str]:
    found = await find_collection(web, handle)
    return [node["title"] for node in found["products"]["nodes"]]


async def test_a_collection_is_read_with_its_texts_and_its_products_in_order(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world()) as web:
        await web.sandbox.put_collection("Tea time", ["MUG-2", "TEA-1"])
        node = get_node(web, "Tea time")
        node["descriptionHtml"], node["description"] = "<p onload=x()>For <b>tea</b></p>", "For tea"
        node["image"] = {"url": "https://cdn.example/tea.png", "altText": "Tea", "width": 10, "height": 10}
        node["translations"] = {"de": [{"key": "title", "value": "Teezeit"}]}
        await web.gateway.run_due()
        found = await find_collection(web, "tea-time")
        assert found["content"] == {"title": "Tea time", "descriptionHtml": "<p>For <b>tea</b></p>"}
        assert found["image"] == {"url": "https://cdn.example/tea.png", "altText": "Tea"}
        assert await list_titles(web, "tea-time") == ["Mug, large", "Breakfast tea"]
        (record,) = (await web.read_records("collections")).values()
        assert isinstance(record, CollectionRecord) and record.warnings == ()


async def test_products_beyond_the_first_page_are_read_too(tmp_path: Path) -> None:
    products = build_products(620)
    world = replace(
        build_world(products), collections=(WorldCollection(title="All", skus=tuple(one.sku for one in products)),)
    )
    async with open_testbed(tmp_path, world, config={"feeds": ["products", "collections"]}) as web:
        await web.gateway.run_due()
        found = await find_collection(web, "all", last=1)
        assert found["products"] == {"totalCount": 620, "nodes": [{"title": "Product 619"}]}
        assert web.sandbox.behavior.operations.count("CollectionProducts") == 3  # after 100: 250, 250 and 20


async def test_changes_are_read_and_deletions_are_found(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world()) as web:
        number = await web.sandbox.put_collection("Tea time", ["TEA-1"])
        await web.gateway.run_due()
        await web.sandbox.put_collection("Tea time", ["MUG-1", "TEA-1"])
        await web.run_next_pass()
        assert await list_titles(web, "tea-time") == ["Mug", "Breakfast tea"]
        await web.sandbox.product("MUG-1", deleted=True)
        await web.run_next_pass(days=1)
        assert await list_titles(web, "tea-time") == ["Breakfast tea"]
        await web.sandbox.delete_collection(number)
        await web.run_next_pass(days=1)
        await web.run_next_pass(days=1)
        assert await find_collection(web, "tea-time") is None


@pytest.mark.parametrize("topic", ["collections/create", "collections/update", "collections/delete"])
async def test_a_webhook_names_the_collection_to_read(tmp_path: Path, topic: str) -> None:
    async with open_testbed(tmp_path, build_world()) as web:
        await web.sandbox.put_collection("Tea time", ["TEA-1"])
        number = parse_number(get_node(web, "Tea time")["id"])
        assert await web.read_hints(topic, {"id": number}) == [("collections", str(number))]


async def test_a_collection_that_is_deleted_is_gone_when_it_is_fetched(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world()) as web:
        number = await web.sandbox.put_collection("Tea time", ["TEA-1"])
        await web.sandbox.delete_collection(number)
        fetched = await web.fetch_records("collections", number)
        assert type(fetched[number]).__name__ == "Gone"
