"""Products that a till begins, or ceases, to sell by weight: what was sold before keeps its unit, and moves no stock
again (rule O7).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce.channel_orders import sale_lines, units_of_measure
from gateway.sdk import AdjustStock, MovementReason, Outcome, Ref, Refused
from gateway.sdk.testing import record_builders
from gateway_sqlpos.product_groups import format_item
from gateway_sqlpos_sandbox import schema
from tests.graphql.world import ADMIN
from tests.plugins.conftest import MakeTill, OpenTill
from tests.plugins.sqlpos_gateway import TEA, TillTestbed, build_web_store, open_till_testbed

pytestmark = pytest.mark.anyio

LINES = schema.ticketlines
GRAMS = format_item(TEA, "g")
STOCK = 20_000
"""Units that the web store counts at the start."""
COUNTED_BY_WEB: Mapping[str, Any] = {
    "london": {"name": "London", "kind": "STORE", "authority": "web", "channels": {"till": "london", "web": "l-web"}}
}
ORDERS = "{ orders(first: 9) { nodes { attention lines(first: 9) { nodes { quantity variant { unitOfMeasure } } } } } }"


def weigh(is_weighed: bool) -> sa.Executable:
    """Build the statement that lets the till sell tea by weight, or by the piece."""
    products = schema.products
    return sa.update(products).where(products.c.id == TEA).values(isscale=is_weighed)


def build_tea(unit: str) -> Mapping[str, Any]:
    """Build the web store's tea, in this unit."""
    variant = record_builders.build_variant("w-tea", sku="TEA-1", title="Tea", unit_of_measure=unit)
    return {"variants": [variant]}


@pytest.fixture
async def shop(till_url: str, tmp_path: Path) -> AsyncIterator[TillTestbed]:
    """A till that sells from a shop whose stock a web store counts."""
    web = build_web_store()
    web.put("stock", record_builders.build_stock("w-tea", "l-web", STOCK))
    async with open_till_testbed(till_url, tmp_path, web=web, locations=COUNTED_BY_WEB) as testbed:
        yield testbed


async def change(shop: TillTestbed, *statements: sa.Executable, unit: str | None = None) -> None:
    """Change the till, and the unit of the web store's tea; the gateway reads everything, receipts included."""
    await shop.execute(*statements)
    if unit is not None:
        shop.web.change("products", "w-tea", **build_tea(unit))
    for _ in range(2):
        shop.clock.forward(minutes=10)
        for key in shop.gateway.channel_syncs:
            await shop.gateway.request_sync(key, sweep=True)
        await shop.gateway.run_due()


async def sell(shop: TillTestbed, quantity: int) -> None:
    await shop.sandbox.sell("TEA-1", quantity, "london", at=shop.clock())
    await shop.advance()
    await shop.advance()


async def read_state(shop: TillTestbed) -> tuple[int, list[object]]:
    """Read the web store's count of tea, and each order's lines (with its attention, if it has any)."""
    orders = (await shop.client.fetch_data(ORDERS, ADMIN))["orders"]["nodes"]
    shown: list[object] = []
    for order in orders:
        lines = [(line["quantity"], line["variant"]["unitOfMeasure"]) for line in order["lines"]["nodes"]]
        shown += [*lines, *order["attention"]]
    return int(shop.web.rows("stock")["w-tea@l-web"]["on_hand"]), shown


async def test_a_product_that_becomes_one_by_weight_moves_nothing_of_what_was_sold_before(shop: TillTestbed) -> None:
    await sell(shop, 6)
    assert await read_state(shop) == (STOCK - 6, [(6, "each")])
    await change(shop, weigh(True))
    assert await read_state(shop) == (STOCK - 6, [(6, "each")])
    await change(shop, weigh(False))
    assert await read_state(shop) == (STOCK - 6, [(6, "each")])


async def test_a_product_that_is_no_longer_one_by_weight_moves_nothing_of_what_was_sold_before(
    shop: TillTestbed,
) -> None:
    await change(shop, weigh(True), unit="g")
    await sell(shop, 2)
    assert await read_state(shop) == (STOCK - 2000, [(2000, "g")])
    await change(shop, weigh(False), unit="each")
    assert await read_state(shop) == (STOCK - 2000, [(2000, "g")])


async def test_a_receipt_that_was_changed_since_needs_attention_and_moves_nothing(shop: TillTestbed) -> None:
    await sell(shop, 6)
    await change(shop, weigh(True), sa.update(LINES).values(units=5))
    assert await read_state(shop) == (STOCK - 6, [(6, "each"), "INCOMPLETE", "TOTAL_DIFFERS"])


async def test_a_weight_is_sold_by_the_gram_also_before_the_products_are_read_again(shop: TillTestbed) -> None:
    await shop.execute(weigh(True))
    shop.web.change("products", "w-tea", **build_tea("g"))
    await shop.sandbox.sell("TEA-1", 2, "london", at=shop.clock())
    shop.clock.forward(minutes=2)  # the receipts are due, the products are not
    await shop.gateway.run_due()
    await shop.advance()
    await shop.advance()
    assert await read_state(shop) == (STOCK - 2000, [(2000, "g")])


async def test_the_proof_that_without_the_rule_old_receipts_move_a_thousand_times_as_much(
    shop: TillTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units_of_measure, "find_remeasured", lambda *_: {})
    monkeypatch.setattr(sale_lines, "_has_same_unit", lambda *_: True)
    await sell(shop, 6)
    await change(shop, weigh(True))
    assert (await read_state(shop))[0] == STOCK - 6000


async def adjust(till: OpenTill, item: str) -> Outcome | Exception:
    command = AdjustStock(key="1" * 32, subject=Ref(item), place="london", delta=-350, reason=MovementReason.SALE)
    (write,) = till.channel.writes
    (outcome,) = await write.send([command])
    return outcome


async def test_an_adjustment_in_another_unit_than_the_tills_is_refused(open_till: MakeTill) -> None:
    till = await open_till(stock_movements=True)
    refused = await adjust(till, GRAMS)
    assert isinstance(refused, Refused) and refused.code == "UNIT_CHANGED"
    await till.execute(weigh(True))
    refused = await adjust(till, TEA)
    assert isinstance(refused, Refused) and refused.message == f"the till counts the product {TEA} in g now"
    diary = schema.stockdiary.c
    assert not await till.sandbox.run(lambda conn: list(conn.scalars(sa.select(diary.id).where(diary.id.like("gw-%")))))
