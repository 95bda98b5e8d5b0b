"""K2, K3, K4: what one channel sells from a place that another one counts, until that count shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from gateway.commerce import ledger
from gateway.sdk import OutcomeUnknownError, Refused, UnavailableError
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import losing, raising, returning
from gateway.storage import reservations
from gateway.storage.reservations import ReservationRow
from tests.graphql.buying import TABLES, stores
from tests.graphql.selling import counter, on_hand, states
from tests.graphql.world import World, opened

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

TILL_WITHOUT_LEDGER = {"config": {"writes": ["adjust"], "read_your_writes": True}}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with opened(database_url, stores(), **TABLES) as world:
        yield world


def sold(quantity: int = 1, *, place: str | None = "l-web", **more: Any) -> dict[str, Any]:
    """An order of the web store that takes mugs from a shop of the till's."""
    return rows.order("w-9", [rows.line("1", "w-mug", quantity, place=place)], stock_posted=True, **more)


async def later(world: World, **amount: float) -> None:
    """So much later, when every feed has been read."""
    world.clock.forward(**(amount or {"minutes": 10}))
    for channel in world.stores:
        await world.gateway.make_due(channel)
    await world.gateway.run_due()


async def test_a_sale_in_anothers_place_is_told_to_whoever_counts_there(world: World) -> None:
    world.stores["web"].put("orders", sold(3))
    await later(world)
    assert on_hand(world.stores["till"], "t-mug", "L") == 37
    assert await counter(world, "t-mug", "L") == (37, 0) and await states(world) == ["SETTLED"]


async def test_a_sale_is_subtracted_from_the_moment_it_is_known(world: World) -> None:
    world.stores["till"].apply(raising(UnavailableError("the till is off")), method="send")
    world.stores["web"].put("orders", sold(3))
    await later(world)
    assert await counter(world, "t-mug", "L") == (40, 3)


async def test_what_was_sold_before_the_channel_was_known_is_in_everybodys_counts(database_url: str) -> None:
    before = stores()
    before["web"].put("orders", sold(3))
    async with opened(database_url, before, **TABLES) as world:
        assert await counter(world, "t-mug", "L") == (40, 0) and await states(world) == []
        before["web"].change("orders", "w-9", number="another")
        await later(world)
        assert await states(world) == []


async def test_an_edited_order_comes_to_what_it_is_now(world: World) -> None:
    web, till = world.stores["web"], world.stores["till"]
    web.put("orders", sold(3))
    await later(world)
    web.put("orders", sold(1))
    await later(world)
    assert on_hand(till, "t-mug", "L") == 39 and await counter(world, "t-mug", "L") == (39, 0)
    web.put("orders", sold(4))
    await later(world)
    assert on_hand(till, "t-mug", "L") == 36 and await counter(world, "t-mug", "L") == (36, 0)


async def test_a_canceled_order_takes_nothing(world: World) -> None:
    world.stores["web"].put("orders", sold(3, status="OPEN"))
    await later(world)
    canceled = sold(3, status="CANCELLED")
    canceled["lines"][0]["fulfilled"] = 0
    world.stores["web"].put("orders", canceled)
    await later(world)
    assert on_hand(world.stores["till"], "t-mug", "L") == 40 and await counter(world, "t-mug", "L") == (40, 0)


async def test_what_is_canceled_comes_back_where_it_was_even_if_nobody_says_any_more_where_that_is(
    world: World,
) -> None:
    world.stores["web"].put("orders", sold(3, status="OPEN"))
    await later(world)
    canceled = sold(3, status="CANCELLED", place=None)
    canceled["lines"][0]["fulfilled"] = 0
    world.stores["web"].put("orders", canceled)
    await later(world)
    assert on_hand(world.stores["till"], "t-mug", "L") == 40 and await counter(world, "t-mug", "L") == (40, 0)


async def test_an_order_that_leaves_from_elsewhere_after_all_takes_nothing_where_it_was(world: World) -> None:
    web, till = world.stores["web"], world.stores["till"]
    web.put("orders", sold(3))
    await later(world)
    web.put("orders", sold(3, place="D"))
    await later(world)
    assert on_hand(till, "t-mug", "L") == 40 and await counter(world, "t-mug", "L") == (40, 0)
    web.put("orders", sold(2))
    await later(world)
    assert on_hand(till, "t-mug", "L") == 38 and await counter(world, "t-mug", "L") == (38, 0)


async def test_an_order_that_is_read_again_is_sold_once(world: World) -> None:
    web = world.stores["web"]
    web.put("orders", sold(3))
    for number in range(3):
        web.change("orders", "w-9", number=f"read-{number}")
        await later(world)
    assert on_hand(world.stores["till"], "t-mug", "L") == 37 and len(await states(world)) == 1


async def test_a_sale_of_what_the_catalogue_does_not_know_yet_is_told_once_it_does(world: World) -> None:
    web, till = world.stores["web"], world.stores["till"]
    line = rows.line("1", "w-new", 2, place="l-web")
    web.put("orders", rows.order("w-10", [line], stock_posted=True))
    await later(world)
    assert await states(world) == []
    till.put("products", rows.product("t-new", sku="NEW"))
    till.put("stock", rows.stock("t-new", "L", 9))
    web.put("products", rows.product("w-new", sku="NEW"))
    await later(world)
    await later(world)
    assert on_hand(till, "t-new", "L") == 7 and await counter(world, "t-new", "L") == (7, 0)


async def test_a_two_pack_takes_two(world: World) -> None:
    web, till = world.stores["web"], world.stores["till"]
    pack = rows.variant("w-pack", gtin="04006381333931", units=2)
    web.put("products", {"id": "w-pack", "title": "Two mugs", "variants": [pack]})
    await later(world)
    web.put("orders", rows.order("w-11", [rows.line("1", "w-pack", 3, place="l-web")], stock_posted=True))
    await later(world)
    assert on_hand(till, "t-mug", "L") == 34


async def test_a_sale_of_more_than_there_is_is_subtracted_all_the_same(world: World) -> None:
    """Two channels really sold the last unit: sync never fails on it (rule K8)."""
    world.stores["web"].put("orders", sold(50))
    await later(world)
    assert on_hand(world.stores["till"], "t-mug", "L") == -10 and await counter(world, "t-mug", "L") == (-10, 0)


async def test_a_lost_answer_is_not_told_twice(world: World) -> None:
    lost = losing(OutcomeUnknownError("the connection broke"))
    world.stores["till"].apply(lost, feed="AdjustStock", method="send", times=1)
    world.stores["web"].put("orders", sold(3))
    await later(world)
    await later(world)
    assert on_hand(world.stores["till"], "t-mug", "L") == 37 and await counter(world, "t-mug", "L") == (37, 0)


async def test_an_authority_that_refuses_leaves_the_units_subtracted(world: World) -> None:
    no = returning([Refused(code="LOCKED", message="the books are closed")])
    world.stores["till"].apply(no, feed="AdjustStock", method="send")
    world.stores["web"].put("orders", sold(3))
    await later(world)
    assert await counter(world, "t-mug", "L") == (40, 3) and await states(world) == ["COMMITTED"]


async def test_a_line_that_is_taken_out_of_an_order_takes_nothing(world: World) -> None:
    lines = [rows.line("1", "w-mug", 3, place="l-web"), rows.line("2", "w-mug", 2, place="l-web")]
    world.stores["web"].put("orders", rows.order("w-9", lines, stock_posted=True))
    await later(world)
    assert on_hand(world.stores["till"], "t-mug", "L") == 35
    world.stores["web"].put("orders", sold(3))
    await later(world)
    await later(world)
    assert on_hand(world.stores["till"], "t-mug", "L") == 37 and await counter(world, "t-mug", "L") == (37, 0)


# ------------------------------------------------------------------------------------------------ late counts (K4)


async def test_what_a_till_has_sold_and_not_counted_yet_is_not_there(world: World) -> None:
    till = world.stores["till"]
    own = rows.order("t-9", [rows.line("1", "t-mug", 2)], place="L", stock_posted=False)
    till.put("orders", own)
    await later(world)
    assert await counter(world, "t-mug", "L") == (40, 2)
    till.put("orders", own | {"stock_posted": True})
    till.change("stock", "t-mug@L", on_hand=38)
    await later(world)
    await later(world)
    assert await counter(world, "t-mug", "L") == (38, 0) and await states(world) == ["SETTLED"]
    assert not [ask for ask in till.calls if ask.method == "send"]  # it knows by itself


# ------------------------------------------------------------------------------------------------ proof (K3)


async def test_a_count_that_is_slow_to_show_it_does_not_put_it_on_sale_again(database_url: str) -> None:
    """The authority says yes at once and shows it five minutes later: until then its count proves nothing."""
    slow = {"config": {"writes": ["adjust"], "settle": 300, "delay": 240, "deltas": False}}
    tables = {**TABLES, "channels": {**TABLES["channels"], "till": slow}}
    async with opened(database_url, stores(), **tables) as world:
        world.stores["web"].put("orders", sold(3))
        await later(world, minutes=2)
        for _ in range(6):
            known, held = await counter(world, "t-mug", "L")
            assert known - held <= 37
            await later(world, minutes=1)
        await later(world, minutes=5)
        assert await counter(world, "t-mug", "L") == (37, 0)


def settled_at_once(row: ReservationRow, *_: object) -> bool:
    return row.acknowledged_count is not None


async def test_without_the_proof_it_would_be_on_sale_again(database_url: str) -> None:
    slow = {"config": {"writes": ["adjust"], "settle": 300, "delay": 240, "deltas": False}}
    tables = {**TABLES, "channels": {**TABLES["channels"], "till": slow}}
    with patch.object(ledger, "_proved", settled_at_once):
        async with opened(database_url, stores(), **tables) as world:
            world.stores["web"].put("orders", sold(3))
            await later(world, minutes=2)
            await later(world, minutes=1)
            assert await states(world) == ["SETTLED"]
            assert await counter(world, "t-mug", "L") == (40, 0)  # three that are sold


async def test_a_movement_is_one_row_however_often_its_order_is_taken(world: World) -> None:
    world.stores["web"].put("orders", sold(3))
    await later(world)
    (row,) = await world.gateway.database.read(reservations.of_orders, "web", ["w-9"])
    assert (row.quantity, row.turn, row.line_ref) == (3, 0, "1")
    assert replace(row).spot == ("till", "t-mug", "L")
