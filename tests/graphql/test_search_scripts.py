"""Products are found in every script, and by codes as they are typed, on both databases."""

from __future__ import annotations

import pytest

from gateway.sdk.testing import record_builders
from tests.graphql.shopper import build_stores
from tests.graphql.world import World, open_world

pytestmark = pytest.mark.anyio

TITLES = ("宇治抹茶ラテ", "无线蓝牙耳机", "เสื้อผ้าฝ้าย", "Łóżko", "Rødgrød", "Đèn bàn", "Kærlighed")
FOUND = {
    "抹茶": "宇治抹茶ラテ",
    "茶": "宇治抹茶ラテ",
    "蓝牙": "无线蓝牙耳机",
    "ผ้าฝ้าย": "เสื้อผ้าฝ้าย",
    "lozko": "Łóżko",
    "rodgrod": "Rødgrød",
    "den ban": "Đèn bàn",
    "kaerlighed": "Kærlighed",
    "0360-0029-1452": "Coded",
    "0 36000 29145 2": "Coded",
    "AB\u200b 77": "Coded",
}
QUERY = """query ($search: String, $filter: ProductVariantFilter) {
  products(channelKey: "web", search: $search) { nodes { title } }
  productVariants(channelKey: "web", filter: $filter) { nodes { sku } }
}"""


async def find_titles(world: World, search: str) -> list[str]:
    found = await world.client.fetch_data(QUERY, search=search, filter={"skus": ["none"]})
    return [product["title"] for product in found["products"]["nodes"]]


async def test_products_are_found_as_they_are_typed(database_url: str) -> None:
    stores = build_stores()
    for n, title in enumerate(TITLES):
        stores["web"].put("products", record_builders.build_product(f"s-{n}", title=title, sku=f"S-{n}"))
    coded = record_builders.build_product("coded", title="Coded", sku="ab\u00a077", gtin="036000291452")
    stores["web"].put("products", coded)
    async with open_world(database_url, stores) as world:
        assert {search: await find_titles(world, search) for search in FOUND} == {
            search: [title] for search, title in FOUND.items()
        }
        for filter_ in ({"skus": ["\uff21\uff22 77"]}, {"gtins": ["0 36000-29145 2"]}):
            found = await world.client.fetch_data(QUERY, search="none", filter=filter_)
            assert [variant["sku"] for variant in found["productVariants"]["nodes"]] == ["ab\u00a077"]
