"""How many questions it takes to read a shop, whatever its products are like."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gateway.sdk.testing.sandbox import WorldProduct
from gateway_shopify.operations import CUSTOMERS, ITEMS, ORDERS, PAGE_COST, PRODUCTS, Kind
from gateway_shopify.width import Width

from .shopify import house, many, world

pytestmark = pytest.mark.anyio


def sized(*sizes: int) -> list[WorldProduct]:
    """Products with so many variants each."""
    made = ((f"G{number}", one) for number, size in enumerate(sizes) for one in many(size, f"Group {number}"))
    return [
        WorldProduct(sku=f"{key}-{one.sku}", title=one.title, price=one.price, group=one.group, options=one.options)
        for key, one in made
    ]


async def questions(directory: Path, products: list[WorldProduct]) -> Counter[str]:
    """What is asked of a shop with these products until everything is known."""
    async with house(directory, world(products)) as web:
        await web.gateway.run_due()
        known = (await web.state())["listings"]
        assert len(known) == 3 + len(products)
        return Counter(web.sandbox.manners.asked)


async def test_products_of_one_variant_and_items_of_one_place_come_by_the_dozens(tmp_path: Path) -> None:
    asked = await questions(tmp_path, many(197))
    assert (asked["ProductPage"], asked["ProductVariants"]) == (4, 0)  # 10, and then 67 a page
    assert (asked["InventoryItemPage"], asked["InventoryItemInventoryLevels"]) == (5, 0)  # 12, 52 while two have more


async def test_a_product_with_more_variants_than_the_others_does_not_shorten_the_pages(tmp_path: Path) -> None:
    asked = await questions(tmp_path, sized(*[2] * 30, 19, *[2] * 70))
    assert (asked["ProductPage"], asked["ProductVariants"]) == (3, 1)


async def test_products_of_many_variants_are_not_asked_about_one_by_one(tmp_path: Path) -> None:
    asked = await questions(tmp_path, sized(*[17] * 30))
    assert asked["ProductVariants"] == 0


@pytest.mark.parametrize("kind", [PRODUCTS, ITEMS, CUSTOMERS, ORDERS], ids=lambda kind: kind.type)
def test_no_page_costs_more_than_it_may_and_none_has_room_for_another_record(kind: Kind) -> None:
    for entries in range(kind.entries + 1):
        cost = kind.listing.points({"first": kind.records(entries), "inside": entries})
        assert cost <= PAGE_COST < cost + kind.each(entries)


def test_records_that_are_none_tell_nothing() -> None:
    width = Width(PRODUCTS)
    width.learn([None, 3, {"variants": []}, {"variants": {"nodes": "many"}}])
    assert width.variables == {"first": 10, "inside": 20}
