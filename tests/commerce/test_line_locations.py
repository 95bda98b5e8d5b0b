"""Lines that leave from several locations: each location lacks its own units, whatever becomes of them (rule K11)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.sdk import InvalidValueError, LocationQuantity, OrderLineRecord, Ref
from gateway.sdk.testing import record_builders
from tests.graphql.shopper import LOCATIONS, TABLES, build_stores
from tests.graphql.world import World, open_world
from tests.graphql.writable_channels import list_reservation_states, read_counter, read_on_hand

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

BOTH_SHOPS = {**LOCATIONS, "leeds": {**LOCATIONS["leeds"], "channels": {"till": "M", "web": "m-web"}}}
"""The web store sells from two shops of the till, as l-web and m-web, and from its own depot D."""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **{**TABLES, "locations": BOTH_SHOPS}) as world:
        yield world


def build_sale(quantity: int, locations: Mapping[str, int], status: str = "OPEN", **more: Any) -> dict[str, Any]:
    """Build an order of the web store for mugs. `more`: fields of its line."""
    line = record_builders.build_line("1", "w-mug", quantity, locations=dict(locations), **more)
    return record_builders.build_order("w-9", [line], stock_posted=True, status=status)


async def sell(world: World, quantity: int, locations: Mapping[str, int], **more: Any) -> tuple[int, int]:
    """Store the order in the web store, and return what the till counts of mugs in both shops."""
    world.stores["web"].put("orders", build_sale(quantity, locations, **more))
    for _ in range(2):
        world.clock.forward(minutes=10)
        for channel in world.stores:
            await world.gateway.request_sync(channel)
        await world.gateway.run_due()
    counted = {shop: read_on_hand(world.stores["till"], "t-mug", shop) for shop in "LM"}
    for shop, units in counted.items():
        assert await read_counter(world, "t-mug", shop) == (units, 0)
    return counted["L"], counted["M"]


async def test_each_location_lacks_the_units_that_leave_from_it(world: World) -> None:
    assert await sell(world, 3, {"l-web": 2, "D": 1}) == (38, 3)
    assert await sell(world, 3, {"D": 2, "l-web": 1}) == (39, 3)
    assert await sell(world, 3, {"m-web": 1, "l-web": 1, "D": 1}) == (39, 2)


async def test_units_without_a_location_are_taken_from_that_of_the_line(world: World) -> None:
    assert await sell(world, 4, {"m-web": 1}, place="l-web") == (37, 2)
    assert await sell(world, 4, {}, place="l-web") == (36, 3)


async def test_units_whose_locations_are_no_longer_named_stay_where_they_were(world: World) -> None:
    assert await sell(world, 3, {"l-web": 2, "m-web": 1}) == (38, 2)
    assert await sell(world, 3, {}) == (38, 2)
    assert await sell(world, 3, {"m-web": 1}) == (38, 2)
    assert await sell(world, 4, {}) == (38, 1)


async def test_a_canceled_order_lacks_nothing_wherever_it_was_to_leave_from(world: World) -> None:
    split = {"l-web": 2, "m-web": 1}
    assert await sell(world, 3, split) == (38, 2)
    assert await sell(world, 3, split, status="CANCELLED", fulfilled=0) == (40, 3)
    assert await sell(world, 3, split) == (38, 2)
    assert await sell(world, 3, {}, status="CANCELLED", fulfilled=0) == (40, 3)


async def test_a_canceled_order_lacks_what_was_handed_over(world: World) -> None:
    assert await sell(world, 3, {"l-web": 2, "m-web": 1}) == (38, 2)
    assert await sell(world, 3, {"m-web": 1}, status="CANCELLED", fulfilled=1) == (40, 2)


async def test_units_that_came_back_are_added_where_they_are(world: World) -> None:
    split = {"l-web": 2, "m-web": 1}
    assert await sell(world, 3, split, returned=1, restocked=1, restocked_locations={"m-web": 1}) == (38, 3)
    assert await sell(world, 3, split, returned=2, restocked=2, restocked_locations={"m-web": 2}) == (38, 4)
    assert await sell(world, 3, split, returned=3, restocked=3, restocked_locations={"m-web": 2}) == (39, 4)
    assert await sell(world, 3, split, returned=3, restocked=3, restocked_locations={"D": 3}) == (38, 2)


async def test_units_that_came_back_somewhere_are_added_where_they_came_from(world: World) -> None:
    assert await sell(world, 3, {"l-web": 2, "m-web": 1}, returned=3, restocked=3) == (40, 3)


async def test_a_unit_from_the_stores_own_depot_can_come_back_in_a_shop(world: World) -> None:
    assert await sell(world, 1, {"D": 1}) == (40, 3)
    assert await sell(world, 1, {"D": 1}, returned=1, restocked=1, restocked_locations={"l-web": 1}) == (41, 3)


async def test_a_location_that_is_not_configured_holds_back_no_other(world: World) -> None:
    assert await sell(world, 3, {"l-web": 2, "elsewhere": 1}) == (38, 3)
    assert await sell(world, 3, {"l-web": 1, "elsewhere": 2}) == (39, 3)
    back = {"elsewhere": 1}
    assert await sell(world, 3, {"l-web": 3}, returned=1, restocked=1, restocked_locations=back) == (37, 3)


async def test_a_line_that_was_stored_with_one_location_is_one_share(world: World) -> None:
    """Lines of earlier versions have no units by location; the next record moves only the difference."""
    assert await sell(world, 3, {}, place="l-web") == (37, 3)
    assert await sell(world, 3, {"l-web": 2, "m-web": 1}, place="l-web") == (38, 2)
    assert set(await list_reservation_states(world)) == {"SETTLED"}


SHARE = LocationQuantity("a", 1)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"locations": [SHARE, SHARE]}, "lines.locations"),
        ({"locations": [LocationQuantity("a", 2), LocationQuantity("b", 2)]}, "lines.locations"),
        ({"locations": [SHARE], "quantity": -1}, "lines.locations"),
        ({"locations": ["a"]}, "lines.locations"),
        ({"restocked_locations": [SHARE]}, "lines.restockedLocations"),
        ({"returned_quantity": 1, "restocked_quantity": 1, "restocked_locations": [SHARE, SHARE]}, "lines.restocked"),
    ],
)
def test_a_line_has_no_more_units_by_location_than_units(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValueError, match=field):
        OrderLineRecord(**{"ref": Ref("1"), "title": "Mug", "quantity": 3, **fields})


@pytest.mark.parametrize(("location", "quantity"), [("", 1), ("a", 0), ("a", -1), ("a" * 256, 1), ("a", True)])
def test_a_share_has_a_location_and_units(location: str, quantity: int) -> None:
    with pytest.raises(InvalidValueError):
        LocationQuantity(location, quantity)
