"""Stock adjustments of a till: its diary and its sum, in one transaction, once."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import AdjustStock, Done, MovementReason, Ref, Refused
from gateway_sqlpos_sandbox import schema
from tests.plugins.conftest import MakeTill, OpenTill

pytestmark = pytest.mark.anyio


def build_adjustment(
    product: str, delta: int, key: str = "1" * 32, location: str = "london", **more: Any
) -> AdjustStock:
    given = {"reason": MovementReason.SALE, **more}
    return AdjustStock(key=key, subject=Ref(product), place=location, delta=delta, **given)


async def find_product_id(till: OpenTill, sku: str) -> str:
    found = [one for one in await till.read_records("products") if one.variants[0].sku == sku]
    return str(found[0].ref.id)


async def read_count(till: OpenTill, product: str, location: str = "london") -> int:
    found = [one for one in await till.read_records("stock") if (one.item, one.place) == (product, location)]
    return int(found[0].base)


async def list_diary_rows(till: OpenTill) -> list[tuple[str, int, float]]:
    def select(conn: Connection) -> list[tuple[str, int, float]]:
        ours = schema.stockdiary.c.id.like("gw-%")
        columns = (schema.stockdiary.c.id, schema.stockdiary.c.reason, schema.stockdiary.c.units)
        return [(row[0], row[1], row[2]) for row in conn.execute(sa.select(*columns).where(ours))]

    return await till.sandbox.run(select)


async def test_an_adjustment_is_in_the_diary_and_in_the_sum_once(open_till: MakeTill) -> None:
    till = await open_till(stock_movements=True)
    (write,), tea = till.channel.writes, await find_product_id(till, "TEA-1")
    before = await read_count(till, tea)
    for _ in range(3):
        assert await write.send([build_adjustment(tea, -2)]) == [Done(moved_stock=True)]
    assert await read_count(till, tea) == before - 2
    assert await list_diary_rows(till) == [("gw-" + "1" * 32, -1, -2.0)]


async def test_a_product_that_no_row_counts_is_counted_from_then_on(open_till: MakeTill) -> None:
    till = await open_till(stock_movements=True)
    (write,), mug = till.channel.writes, await find_product_id(till, "MUG-2")
    assert await write.send([build_adjustment(mug, 5, reason=MovementReason.RECEIVED)]) == [Done(moved_stock=True)]
    assert await read_count(till, mug) == 5 and [reason for _, reason, _ in await list_diary_rows(till)] == [1]


@pytest.mark.parametrize("others", [[4.0], [12.0], [12.0, 4.0]])
async def test_of_several_rows_one_changes_and_the_sum_is_right(open_till: MakeTill, others: list[float]) -> None:
    till = await open_till(stock_movements=True)
    (write,), tea = till.channel.writes, await find_product_id(till, "TEA-1")
    row = {"location": "london", "product": tea}
    await till.execute(*(sa.insert(schema.stockcurrent).values({**row, "units": units}) for units in others))
    before = await read_count(till, tea)
    await write.send([build_adjustment(tea, -1), build_adjustment(tea, -1, key="2" * 32)])
    assert await read_count(till, tea) == before - 2


async def test_what_the_till_does_not_know_is_refused_and_nothing_is_written(open_till: MakeTill) -> None:
    till = await open_till(stock_movements=True)
    (write,), tea = till.channel.writes, await find_product_id(till, "TEA-1")
    nothing, nowhere = await write.send(
        [build_adjustment("no-such", -1), build_adjustment(tea, -1, key="2" * 32, location="paris")]
    )
    assert isinstance(nothing, Refused) and nothing.code == "NO_PRODUCT"
    assert isinstance(nowhere, Refused) and nowhere.code == "NO_LOCATION"
    assert await list_diary_rows(till) == []


async def test_a_till_gets_no_commands_unless_it_is_configured(open_till: MakeTill) -> None:
    till = await open_till()
    assert till.channel.writes == []
