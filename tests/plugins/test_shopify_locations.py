"""A location that the shop deactivates stops selling at the next pass over changed levels, and sells again later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.storage import tables
from gateway.storage.database import Connection
from gateway_shopify.stock_feed import LevelPosition
from tests.plugins.shopify import ShopifyTestbed, open_testbed

pytestmark = pytest.mark.anyio


def count_known(conn: Connection) -> dict[str, int]:
    stock = tables.stock
    known = sa.select(stock.c.place, sa.func.sum(stock.c.on_hand)).where(stock.c.known).group_by(stock.c.place)
    return {row[0]: int(row[1]) for row in conn.execute(known)}


async def run_next_pass(web: ShopifyTestbed) -> dict[str, int]:
    """Run the next pass over changed levels. Returns the known units, by the name of the location."""
    await web.run_next_pass(minutes=2)
    names = {number: name for name, number in web.sandbox.locations.items()}
    known = await web.gateway.database.read(count_known)
    return {names[number]: units for number, units in known.items()}


async def test_a_deactivated_location_stops_selling_at_the_next_pass(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        before = await run_next_pass(web)
        assert set(before) == {"london", "leeds"}
        await web.sandbox.activate_location("leeds", active=False)
        assert await run_next_pass(web) == {"london": before["london"]}
        await web.sandbox.count_stock("TEA-1", "leeds", 7)
        assert await run_next_pass(web) == {"london": before["london"]}
        await web.sandbox.activate_location("leeds", active=True)
        await run_next_pass(web)
        assert set(await run_next_pass(web)) == {"london", "leeds"}


def test_a_pass_continues_from_the_token_of_an_earlier_version() -> None:
    stored = {"places": ["1", "2"], "since": "2025-01-06T12:00:00Z", "mark": "m", "cursor": "c", "depth": 3}
    position = LevelPosition.parse(stored)
    assert (position.locations, position.cursor, position.depth) == (("1", "2"), "c", 3)
    assert json.loads(position.format_token()) == stored
