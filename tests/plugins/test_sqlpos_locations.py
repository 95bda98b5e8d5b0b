"""A location that is deleted at the till stops selling at the next pass over stock."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.storage import tables
from gateway.storage.database import Connection
from gateway_sqlpos_sandbox import schema
from tests.plugins.sqlpos_gateway import open_till_testbed

pytestmark = pytest.mark.anyio


def list_known(conn: Connection) -> set[str]:
    """List the locations of the till with known counts."""
    stock = tables.stock
    return set(conn.scalars(sa.select(stock.c.place).where(stock.c.known, stock.c.channel == "till")))


def delete_leeds(conn: Connection) -> None:
    """Delete a location at the till, with all that refers to it."""
    for table in (schema.stockcurrent, schema.stockdiary):
        conn.execute(sa.delete(table).where(table.c.location == "leeds"))
    conn.execute(sa.delete(schema.locations).where(schema.locations.c.id == "leeds"))


async def test_a_deleted_location_stops_selling_at_the_next_pass(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path) as till:
        await till.advance()
        assert await till.gateway.database.read(list_known) == {"london", "leeds"}
        await till.sandbox.run(delete_leeds)
        await till.advance()
        assert await till.gateway.database.read(list_known) == {"london"}
