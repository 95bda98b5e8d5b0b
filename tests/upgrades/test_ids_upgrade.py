"""Rows that an earlier version has stored keep their ids and their age after the upgrade (rule H1)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.storage.database import Connection, Database
from tests.graphql.shopper import build_stores
from tests.graphql.world import ADMIN, build_global_id, open_world
from tests.upgrades.dumps import restore_database
from tests.upgrades.test_upgrade import OLD, OLD_TABLES

pytestmark = pytest.mark.anyio

TABLES = ("listings", "products", "channel_products")
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"


@pytest.fixture
def old_database(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that the earlier version wrote."""
    with restore_database(request, OLD, database_kind, tmp_path) as url:
        yield url


def list_ids(conn: Connection, table: str) -> list[Any]:
    """List the ids of rows as the earlier version sorted them by age."""
    return [row.id for row in conn.exec_driver_sql(f"SELECT id FROM {table} ORDER BY id")]


def list_by_age(conn: Connection, table: str) -> list[Any]:
    return [tuple(row) for row in conn.exec_driver_sql(f"SELECT id, first_seen_at FROM {table} ORDER BY 2, 1")]


async def test_rows_keep_their_ids_and_their_age(old_database: str) -> None:
    database = Database(old_database)
    before = {table: await database.read(list_ids, table) for table in TABLES}
    await database.close()
    async with open_world(old_database, build_stores(), **OLD_TABLES) as world:
        for table, ids in before.items():
            rows = await world.gateway.database.read(list_by_age, table)
            assert [id_ for id_, _ in rows if id_ in ids] == ids
            assert all(time == int(id_[:12], 16) * 1000 for id_, time in rows if id_ in ids)
        for type_, table in (("Product", "products"), ("ProductVariant", "listings"), ("Listing", "listings")):
            nodes = await world.client.fetch_data(
                NODES, ADMIN, ids=[build_global_id(type_, id_) for id_ in before[table]]
            )
            assert None not in nodes["nodes"]
