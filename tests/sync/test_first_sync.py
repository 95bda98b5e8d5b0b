from __future__ import annotations

import pytest
import sqlalchemy as sa

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.database import Connection
from tests.gateways import Clock, run_gateway

pytestmark = pytest.mark.anyio


async def test_everything_a_channel_has_is_known_after_a_sync(database_url: str) -> None:
    store, clock = MemoryStore(), Clock()
    for n in range(250):
        store.put("products", record_builders.build_product(str(n), sku=f"SKU-{n}", price="2.55"))
        store.put("stock", record_builders.build_stock(str(n), "shop", n))
    store.put("customers", record_builders.build_customer("c1"))
    store.put(
        "orders", record_builders.build_order("o1", [record_builders.build_line("1", "7")], customer="c1", place="shop")
    )
    async with run_gateway(database_url, {"till": store}, clock) as gateway:
        await gateway.run_due()
        counts = await gateway.database.read(count_rows)
        assert counts["products"] == counts["variants"] == counts["listings"] == counts["stock"] == 250
        assert counts["orders"] == counts["customers"] == 1
        assert counts["rejects"] == 0


def count_rows(conn: Connection) -> dict[str, int]:
    """Count the rows of each table."""
    return {
        name: conn.scalars(sa.select(sa.func.count()).select_from(table)).one()
        for name, table in tables.metadata.tables.items()
    }
