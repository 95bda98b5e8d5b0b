from __future__ import annotations

import pytest
import sqlalchemy as sa

from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import tables
from gateway.storage.database import Connection
from tests.house import Clock, running

pytestmark = pytest.mark.anyio


async def test_everything_a_channel_has_is_known_after_a_sync(database_url: str) -> None:
    store, clock = MemoryStore(), Clock()
    for n in range(250):
        store.put("products", rows.product(str(n), sku=f"SKU-{n}", price="2.55"))
        store.put("stock", rows.stock(str(n), "shop", n))
    store.put("customers", rows.customer("c1"))
    store.put("orders", rows.order("o1", [rows.line("1", "7")], customer="c1", place="shop"))
    async with running(database_url, {"till": store}, clock) as gateway:
        await gateway.run_due()
        counts = await gateway.database.read(row_counts)
        assert counts["products"] == counts["variants"] == counts["listings"] == counts["stock"] == 250
        assert counts["orders"] == counts["customers"] == 1
        assert counts["rejects"] == 0


def row_counts(conn: Connection) -> dict[str, int]:
    """How many rows each table has."""
    return {
        name: conn.scalars(sa.select(sa.func.count()).select_from(table)).one()
        for name, table in tables.metadata.tables.items()
    }
