"""Sales of one channel from a location that another channel counts, until that count contains them (rule K2, rule K3,
rule K4).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from gateway.commerce.channel_orders import external_sales, sale_lines
from gateway.commerce.channel_orders.line_locations import ExternalSaleLine
from gateway.commerce.inventory import movements
from gateway.model.validation import MAX_QUANTITY
from gateway.sdk import OutcomeUnknownError, Refused, UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import lose_answer, raise_error, return_value
from gateway.storage import tables
from gateway.storage.database import Connection
from gateway.storage.writes import reservations
from gateway.storage.writes.orders import SoldVariant
from gateway.storage.writes.reservations import ReservationRow
from tests.graphql.shopper import TABLES, build_stores
from tests.graphql.world import World, open_world
from tests.graphql.writable_channels import list_reservation_states, read_counter, read_on_hand
from tests.sync.observed_records import list_rows

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

TILL_WITHOUT_LEDGER = {"config": {"writes": ["adjust"], "read_your_writes": True}}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TABLES) as world:
        yield world


def build_sale(quantity: int = 1, *, location: str | None = "l-web", **more: Any) -> dict[str, Any]:
    """Build an order of the web store for mugs from a shop of the till."""
    return record_builders.build_order(
        "w-9", [record_builders.build_line("1", "w-mug", quantity, place=location)], stock_posted=True, **more
    )


async def advance(world: World, **amount: float) -> None:
    """Advance the clock and read every feed."""
    world.clock.forward(**(amount or {"minutes": 10}))
    for channel in world.stores:
        await world.gateway.request_sync(channel)
    await world.gateway.run_due()


async def test_a_sale_from_a_location_of_another_channel_is_reported_to_its_authority(world: World) -> None:
    world.stores["web"].put("orders", build_sale(3))
    await advance(world)
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 37
    assert await read_counter(world, "t-mug", "L") == (37, 0) and await list_reservation_states(world) == ["SETTLED"]


async def test_a_sale_is_subtracted_from_the_moment_it_is_known(world: World) -> None:
    world.stores["till"].apply(raise_error(UnavailableError("the till is off")), method="send")
    world.stores["web"].put("orders", build_sale(3))
    await advance(world)
    assert await read_counter(world, "t-mug", "L") == (40, 3)


async def test_sales_before_the_channel_was_known_are_in_all_counts(database_url: str) -> None:
    before = build_stores()
    before["web"].put("orders", build_sale(3))
    async with open_world(database_url, before, **TABLES) as world:
        assert await read_counter(world, "t-mug", "L") == (40, 0) and await list_reservation_states(world) == []
        before["web"].change("orders", "w-9", number="another")
        await advance(world)
        assert await list_reservation_states(world) == []


async def test_units_that_no_stock_has_wait_until_the_units_per_listing_are_mended(world: World) -> None:
    web, till = world.stores["web"], world.stores["till"]
    product = web.rows("products")["w-mug"]
    web.change("products", "w-mug", variants=[{**product["variants"][0], "units": MAX_QUANTITY}])
    await advance(world)
    web.put("orders", build_sale(MAX_QUANTITY))
    web.put("orders", build_sale(2) | {"id": "w-10", "number": "w-10"})
    await advance(world)
    orders = await list_rows(world.gateway, tables.orders, "external_id", "unplaced")
    assert {("w-9", True), ("w-10", True)} <= set(orders)
    assert "w-9" not in await list_rows(world.gateway, tables.rejects, "external_id")
    web.put("orders", build_sale(3))
    web.change("products", "w-mug", variants=[{**product["variants"][0], "units": 1}])
    for _ in range(2):
        await advance(world)
    assert read_on_hand(till, "t-mug", "L") == 35 and await read_counter(world, "t-mug", "L") == (35, 0)


async def test_a_sale_that_fails_for_its_data_blocks_no_other_that_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The product of two sales becomes known, and one of them cannot be placed even so."""
    web, till = world.stores["web"], world.stores["till"]
    mug = web.rows("products")["w-mug"]
    web.remove("products", "w-mug")
    web.put("orders", build_sale(1))
    web.put("orders", build_sale(2) | {"id": "w-10", "number": "w-10"})

    def fail_on_first(
        conn: Connection, sale: ExternalSaleLine, sold: SoldVariant | None, *others: Any
    ) -> sale_lines.LinePlan:
        if sold is not None and sale.order.external_id == "w-9":
            raise OverflowError("too large")
        return sale_lines.plan_line(conn, sale, sold, *others)

    monkeypatch.setattr(external_sales, "plan_line", fail_on_first)
    world.gateway.write_throttle.gap = 0
    await advance(world, days=2)
    web.put("products", mug)
    for _ in range(3):
        await advance(world)
    assert read_on_hand(till, "t-mug", "L") == 38


async def test_an_edited_order_comes_to_what_it_is_now(world: World) -> None:
    web, till = world.stores["web"], world.stores["till"]
    web.put("orders", build_sale(3))
    await advance(world)
    web.put("orders", build_sale(1))
    await advance(world)
    assert read_on_hand(till, "t-mug", "L") == 39 and await read_counter(world, "t-mug", "L") == (39, 0)
    web.put("orders", build_sale(4))
    await advance(world)
    assert read_on_hand(till, "t-mug", "L") == 36 and await read_counter(world, "t-mug", "L") == (36, 0)


async def test_units_that_came_back_and_are_for_sale_again_are_added_once(world: World) -> None:
    web, till = world.stores["web"], world.stores["till"]
    for returned, restocked, left in ((0, 0, 37), (1, 0, 37), (2, 1, 38), (3, 3, 40)):
        sale = build_sale(3)
        sale["lines"][0] |= {"returned": returned, "restocked": restocked}
        web.put("orders", sale)
        for _ in range(2):
            await advance(world)
        assert (read_on_hand(till, "t-mug", "L"), await read_counter(world, "t-mug", "L")) == (left, (left, 0))


async def test_a_canceled_order_takes_nothing(world: World) -> None:
    world.stores["web"].put("orders", build_sale(3, status="OPEN"))
    await advance(world)
    canceled = build_sale(3, status="CANCELLED")
    canceled["lines"][0]["fulfilled"] = 0
    world.stores["web"].put("orders", canceled)
    await advance(world)
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 40 and await read_counter(world, "t-mug", "L") == (40, 0)


async def test_canceled_units_return_to_their_location_even_if_the_order_no_longer_names_it(
    world: World,
) -> None:
    world.stores["web"].put("orders", build_sale(3, status="OPEN"))
    await advance(world)
    canceled = build_sale(3, status="CANCELLED", location=None)
    canceled["lines"][0]["fulfilled"] = 0
    world.stores["web"].put("orders", canceled)
    await advance(world)
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 40 and await read_counter(world, "t-mug", "L") == (40, 0)


async def test_an_order_that_leaves_from_elsewhere_after_all_takes_nothing_where_it_was(world: World) -> None:
    web, till = world.stores["web"], world.stores["till"]
    web.put("orders", build_sale(3))
    await advance(world)
    web.put("orders", build_sale(3, location="D"))
    await advance(world)
    assert read_on_hand(till, "t-mug", "L") == 40 and await read_counter(world, "t-mug", "L") == (40, 0)
    web.put("orders", build_sale(2))
    await advance(world)
    assert read_on_hand(till, "t-mug", "L") == 38 and await read_counter(world, "t-mug", "L") == (38, 0)


async def test_an_order_that_is_read_again_is_sold_once(world: World) -> None:
    web = world.stores["web"]
    web.put("orders", build_sale(3))
    for number in range(3):
        web.change("orders", "w-9", number=f"read-{number}")
        await advance(world)
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 37 and len(await list_reservation_states(world)) == 1


async def test_a_sale_of_an_unknown_product_is_reported_to_the_authority_once_the_product_is_known(
    world: World,
) -> None:
    web, till = world.stores["web"], world.stores["till"]
    line = record_builders.build_line("1", "w-new", 2, place="l-web")
    web.put("orders", record_builders.build_order("w-10", [line], stock_posted=True))
    await advance(world)
    assert await list_reservation_states(world) == []
    till.put("products", record_builders.build_product("t-new", sku="NEW"))
    till.put("stock", record_builders.build_stock("t-new", "L", 9))
    web.put("products", record_builders.build_product("w-new", sku="NEW"))
    await advance(world)
    await advance(world)
    assert read_on_hand(till, "t-new", "L") == 7 and await read_counter(world, "t-new", "L") == (7, 0)


async def test_a_two_pack_takes_two(world: World) -> None:
    web, till = world.stores["web"], world.stores["till"]
    pack = record_builders.build_variant("w-pack", gtin="04006381333931", units=2)
    web.put("products", {"id": "w-pack", "title": "Two mugs", "variants": [pack]})
    await advance(world)
    web.put(
        "orders",
        record_builders.build_order(
            "w-11", [record_builders.build_line("1", "w-pack", 3, place="l-web")], stock_posted=True
        ),
    )
    await advance(world)
    assert read_on_hand(till, "t-mug", "L") == 34


async def test_a_sale_of_more_than_there_is_is_subtracted_all_the_same(world: World) -> None:
    """Two channels really sold the last unit; the sync never fails for that reason (rule K8)."""
    world.stores["web"].put("orders", build_sale(50))
    await advance(world)
    assert read_on_hand(world.stores["till"], "t-mug", "L") == -10 and await read_counter(world, "t-mug", "L") == (
        -10,
        0,
    )


async def test_a_lost_response_does_not_report_the_sale_twice(world: World) -> None:
    lost = lose_answer(OutcomeUnknownError("the connection broke"))
    world.stores["till"].apply(lost, feed="AdjustStock", method="send", times=1)
    world.stores["web"].put("orders", build_sale(3))
    await advance(world)
    await advance(world)
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 37 and await read_counter(world, "t-mug", "L") == (37, 0)


async def test_an_authority_that_refuses_leaves_the_units_subtracted(world: World) -> None:
    no = return_value([Refused(code="LOCKED", message="the books are closed")])
    world.stores["till"].apply(no, feed="AdjustStock", method="send")
    world.stores["web"].put("orders", build_sale(3))
    await advance(world)
    assert await read_counter(world, "t-mug", "L") == (40, 3) and await list_reservation_states(world) == ["COMMITTED"]


async def test_a_line_that_is_taken_out_of_an_order_takes_nothing(world: World) -> None:
    lines = [
        record_builders.build_line("1", "w-mug", 3, place="l-web"),
        record_builders.build_line("2", "w-mug", 2, place="l-web"),
    ]
    world.stores["web"].put("orders", record_builders.build_order("w-9", lines, stock_posted=True))
    await advance(world)
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 35
    world.stores["web"].put("orders", build_sale(3))
    await advance(world)
    await advance(world)
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 37 and await read_counter(world, "t-mug", "L") == (37, 0)


# ------------------------------------------------------------------------------------------------ late counts (K4)


async def test_what_a_till_has_sold_and_not_counted_yet_is_not_there(world: World) -> None:
    till = world.stores["till"]
    own = record_builders.build_order(
        "t-9", [record_builders.build_line("1", "t-mug", 2)], place="L", stock_posted=False
    )
    till.put("orders", own)
    await advance(world)
    assert await read_counter(world, "t-mug", "L") == (40, 2)
    till.put("orders", own | {"stock_posted": True})
    till.change("stock", "t-mug@L", on_hand=38)
    await advance(world)
    await advance(world)
    assert await read_counter(world, "t-mug", "L") == (38, 0) and await list_reservation_states(world) == ["SETTLED"]
    assert not [ask for ask in till.calls if ask.method == "send"]  # the till knows its own sale


# ------------------------------------------------------------------------------------------------ proof (K3)


async def test_a_count_that_is_slow_to_show_it_does_not_put_it_on_sale_again(database_url: str) -> None:
    """The authority acknowledges at once and shows the units in five minutes; until then its count proves nothing."""
    slow = {"config": {"writes": ["adjust"], "settle": 300, "delay": 240, "deltas": False}}
    tables = {**TABLES, "channels": {**TABLES["channels"], "till": slow}}
    async with open_world(database_url, build_stores(), **tables) as world:
        world.stores["web"].put("orders", build_sale(3))
        await advance(world, minutes=2)
        for _ in range(6):
            known, held = await read_counter(world, "t-mug", "L")
            assert known - held <= 37
            await advance(world, minutes=1)
        await advance(world, minutes=5)
        assert await read_counter(world, "t-mug", "L") == (37, 0)


def settle_when_acknowledged(row: ReservationRow, *_: object) -> bool:
    return row.acknowledged_count is not None


async def test_without_the_proof_it_would_be_on_sale_again(database_url: str) -> None:
    slow = {"config": {"writes": ["adjust"], "settle": 300, "delay": 240, "deltas": False}}
    tables = {**TABLES, "channels": {**TABLES["channels"], "till": slow}}
    with patch.object(movements, "_is_proved", settle_when_acknowledged):
        async with open_world(database_url, build_stores(), **tables) as world:
            world.stores["web"].put("orders", build_sale(3))
            await advance(world, minutes=2)
            await advance(world, minutes=1)
            assert await list_reservation_states(world) == ["SETTLED"]
            assert await read_counter(world, "t-mug", "L") == (40, 0)  # three sold units


async def test_a_movement_is_one_row_however_often_its_order_is_taken(world: World) -> None:
    world.stores["web"].put("orders", build_sale(3))
    await advance(world)
    (row,) = await world.gateway.database.read(reservations.find_movements_of_orders, "web", ["w-9"])
    assert (row.quantity, row.turn, row.line_ref) == (3, 0, "1")
    assert replace(row).counter == ("till", "t-mug", "L")
