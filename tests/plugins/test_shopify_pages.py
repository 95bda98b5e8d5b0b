"""The number of requests that a pass over a shop takes, by the shape of its products."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gateway.sdk.testing.sandbox import WorldProduct
from gateway_shopify.page_size import PageSize
from gateway_shopify.read_documents import (
    COLLECTIONS,
    CUSTOMERS,
    ITEMS,
    MAX_PAGE_COST,
    ORDERS,
    PRODUCTS,
    ConnectionQueries,
)
from tests.plugins.shopify import build_products, build_world, open_testbed

pytestmark = pytest.mark.anyio


def build_sized_products(*sizes: int) -> list[WorldProduct]:
    """Build products with this many variants each."""
    made = ((f"G{number}", one) for number, size in enumerate(sizes) for one in build_products(size, f"Group {number}"))
    return [
        WorldProduct(sku=f"{key}-{one.sku}", title=one.title, price=one.price, group=one.group, options=one.options)
        for key, one in made
    ]


async def count_questions(directory: Path, products: list[WorldProduct]) -> Counter[str]:
    """Count the requests for a first sync of a shop with these products."""
    async with open_testbed(directory, build_world(products)) as web:
        await web.gateway.run_due()
        known = (await web.read_state())["listings"]
        assert len(known) == 3 + len(products)
        return Counter(web.sandbox.behavior.operations)


async def test_products_of_one_variant_and_items_of_one_place_come_by_the_dozens(tmp_path: Path) -> None:
    asked = await count_questions(tmp_path, build_products(197))
    assert (asked["ProductPage"], asked["ProductVariants"]) == (14, 0)  # 4, and then 16 a page
    assert (asked["InventoryItemPage"], asked["InventoryItemInventoryLevels"]) == (
        5,
        0,
    )  # 12, or 52 when only two have more levels


async def test_a_product_with_more_variants_than_the_others_does_not_shorten_the_pages(tmp_path: Path) -> None:
    asked = await count_questions(tmp_path, build_sized_products(*[2] * 30, 19, *[2] * 70))
    assert (asked["ProductPage"], asked["ProductVariants"]) == (9, 1)


async def test_products_of_many_variants_are_not_asked_about_one_by_one(tmp_path: Path) -> None:
    asked = await count_questions(tmp_path, build_sized_products(*[17] * 30))
    assert asked["ProductVariants"] == 0


@pytest.mark.parametrize("kind", [PRODUCTS, ITEMS, COLLECTIONS, CUSTOMERS, ORDERS], ids=lambda kind: kind.type)
def test_no_page_costs_more_than_it_may_and_none_has_room_for_another_record(kind: ConnectionQueries) -> None:
    for entries in range(kind.max_entries + 1):
        cost = kind.listing.estimate_cost({"first": kind.count_records(entries), "inside": entries})
        assert cost <= MAX_PAGE_COST < cost + kind.estimate_record_cost(entries)


def test_invalid_records_change_nothing() -> None:
    width = PageSize(PRODUCTS)
    width.record_sample([None, 3, {"variants": []}, {"variants": {"nodes": "many"}}])
    assert width.variables == {"first": 4, "inside": 19}
