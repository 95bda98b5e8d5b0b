"""Goods that a till sells by weight, volume or length: the gateway counts them in g, ml or mm (rule O7)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.sdk import AdjustStock, Done, Money, MovementReason, Ref
from gateway_sqlpos.product_groups import PARTS, format_item, parse_item
from gateway_sqlpos_sandbox import schema
from tests.graphql.world import ADMIN
from tests.plugins.conftest import MakeTill, OpenTill
from tests.plugins.sqlpos_gateway import TEA, TillTestbed, open_till_testbed

pytestmark = pytest.mark.anyio

PRODUCTS, LINES, STOCK = schema.products, schema.ticketlines, schema.stockcurrent
GRAMS = format_item(TEA, "g")
BY_WEIGHT = sa.update(PRODUCTS).where(PRODUCTS.c.id == TEA).values(isscale=True)
LEVEL = (STOCK.c.product == TEA, STOCK.c.location == "london")


async def read_tea(till: OpenTill, feed: str) -> list[object]:
    """Read unit of measure and price of the tea, or its count in London."""
    records = await till.read_records(feed)
    if feed == "stock":
        return [record.base for record in records if (parse_item(record.item)[0], record.place) == (TEA, "london")]
    (variant,) = [one for record in records for one in record.variants if one.ref.id == TEA]
    return [variant.unit_of_measure, variant.price]


async def weigh(till: OpenTill, units: float) -> None:
    """Sell this weight of tea on the first receipt, and leave as much in London."""
    await till.execute(
        BY_WEIGHT,
        sa.update(LINES).where(LINES.c.product == TEA).values(units=units),
        sa.update(STOCK).where(*LEVEL).values(units=units),
    )


async def test_a_third_of_a_kilogram_is_350_grams(open_till: MakeTill) -> None:
    till = await open_till()
    await weigh(till, 0.35)
    (order,) = await till.read_records("receipts")
    tea = order.lines[0]
    assert (tea.quantity, tea.fulfilled_quantity, tea.unit_price) == (350, 350, None)
    assert tea.total == Money(89, "GBP")  # 0.35 kg at 2.55
    assert not order.rejected_lines
    assert await read_tea(till, "stock") == [350]
    assert await read_tea(till, "products") == ["g", None]


async def test_the_total_of_a_line_is_that_of_the_exact_price(open_till: MakeTill) -> None:
    till = await open_till()
    await weigh(till, 1.234)
    await till.execute(sa.update(LINES).where(LINES.c.product == TEA).values(price=13.316666666666666))
    (order,) = await till.read_records("receipts")
    assert order.lines[0].total == Money.rounded(Decimal("1.234") * Decimal("13.316666666666666"), "GBP")


async def test_a_weight_finer_than_the_unit_is_a_rejected_line(open_till: MakeTill) -> None:
    till = await open_till()
    await weigh(till, 0.35)
    await till.execute(sa.update(LINES).where(LINES.c.product == TEA).values(units=0.3505))
    (order,) = await till.read_records("receipts")
    assert [line.reason for line in order.rejected_lines] == [
        "350.5 is not a whole number of the variant's smallest unit"
    ]
    assert [line.sku for line in order.lines] == ["MUG-1"]


async def test_units_are_configured_by_category(open_till: MakeTill) -> None:
    till = await open_till(units={"Food": "ml"})
    assert await read_tea(till, "products") == ["ml", None]
    (order,) = await till.read_records("receipts")
    assert [line.quantity for line in order.lines] == [6 * PARTS, 1]


async def test_the_innermost_category_decides_before_the_scale(open_till: MakeTill) -> None:
    till = await open_till(units={"Food": "ml", "Tea": "mm"})
    await till.execute(BY_WEIGHT)
    assert await read_tea(till, "products") == ["mm", None]


async def test_an_adjustment_in_grams_is_written_in_kilograms(open_till: MakeTill) -> None:
    till = await open_till(stock_movements=True)
    await weigh(till, 2.0)
    (write,) = till.channel.writes
    command = AdjustStock(key="1" * 32, subject=Ref(GRAMS), place="london", delta=-350, reason=MovementReason.SALE)
    assert await write.send([command]) == [Done(moved_stock=True)]
    assert await read_tea(till, "stock") == [1650]
    diary = schema.stockdiary.c
    select = sa.select(diary.units).where(diary.id.like("gw-%"))
    assert await till.sandbox.run(lambda conn: list(conn.scalars(select))) == [-0.35]


async def test_what_is_sold_by_weight_matches_nothing_that_is_sold_by_the_piece(till_url: str, tmp_path: Path) -> None:
    query = "{ productVariants(first: 50) { nodes { sku unitOfMeasure listings { channel { key } } } } }"
    async with open_till_testbed(till_url, tmp_path, prepared=[BY_WEIGHT]) as testbed:
        nodes = (await testbed.client.fetch_data(query, ADMIN))["productVariants"]["nodes"]
    found = sorted(
        (node["unitOfMeasure"], [one["channel"]["key"] for one in node["listings"]])
        for node in nodes
        if node["sku"] == "TEA-1"
    )
    assert found == [("each", ["web"]), ("g", ["till"])]


async def test_a_product_that_becomes_one_by_weight_is_never_counted_in_grams_as_pieces(
    till_url: str, tmp_path: Path
) -> None:
    async with open_till_testbed(till_url, tmp_path) as testbed:
        await testbed.execute(BY_WEIGHT)
        testbed.clock.forward(minutes=2)  # the stock is due, the products are not
        await testbed.gateway.run_due()
        assert await read_available(testbed, "g") == []
        assert all(count is None or count <= 20 for count in await read_available(testbed, "each"))
        await testbed.advance(minutes=10)
        assert await testbed.read_counter(GRAMS) == (12 * PARTS, 0)
        assert [count is not None and count >= 12 * PARTS for count in await read_available(testbed, "g")] == [True]
        assert all(count is None or count <= 20 for count in await read_available(testbed, "each"))


async def read_available(testbed: TillTestbed, unit: str) -> list[int | None]:
    """Read the available units of the variants of tea with this unit of measure."""
    query = "{ productVariants(first: 50) { nodes { sku unitOfMeasure stock { available } } } }"
    nodes = (await testbed.client.fetch_data(query, ADMIN))["productVariants"]["nodes"]
    found = [node for node in nodes if node["sku"] == "TEA-1" and node["unitOfMeasure"] == unit]
    return [node["stock"]["available"] for node in found]
