"""A process of the version before stores no time of what it sees first: the ids of its rows have it (rules L6, H1)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from gateway.commerce.ingest_batch import IngestRules
from gateway.model.ids import generate_id, read_time
from gateway.sdk.testing import record_builders
from gateway.storage.database import Connection, Database
from gateway.storage.tables import EPOCH, listings, products, variants
from tests.commerce.catalog_ingest import NOW, Catalog

pytestmark = pytest.mark.anyio

RULES = IngestRules(priority={"web": 0, "till": 1})


def store_as_before(conn: Connection, channel: str, at: datetime) -> None:
    """Give the only product of a channel what a process of the version before stores."""
    row = conn.execute(sa.select(listings).where(listings.c.channel == channel)).one()
    listing, product = generate_id(at), generate_id(at)
    conn.execute(
        sa.update(listings)
        .where(listings.c.id == row.id)
        .values(id=listing, variant_id=listing, product_id=product, first_seen_at=EPOCH)
    )
    conn.execute(sa.update(variants).where(variants.c.id == row.variant_id).values(id=listing, product_id=product))
    values = {"id": product, "first_seen_at": EPOCH}
    conn.execute(sa.update(products).where(products.c.id == row.product_id).values(values))


async def build_catalog(database: Database, first: str, second: str) -> Catalog:
    """Build a catalog of two channels with one product each: a process of the version before stores that of the till,
    one second earlier or later than this version that of the web store.
    """
    catalog = Catalog(database, RULES)
    for channel in (first, second):
        await catalog.ingest(channel, record_builders.build_product("1", sku=channel, title="Mug"))
    (till,) = [row for row in await catalog.list_live_listings() if row.channel == "till"]
    await database.write(store_as_before, "till", till.first_seen_at)
    return catalog


@pytest.mark.parametrize("first", ["web", "till"])
async def test_the_older_one_counts_as_older_whichever_version_has_stored_it(database_url: str, first: str) -> None:
    database = Database(database_url)
    catalog = await build_catalog(database, first, "till" if first == "web" else "web")
    before = {channel: await catalog.find_listing(channel, "1") for channel in ("web", "till")}
    await catalog.ingest("web", record_builders.build_product("1", sku="till", title="Mug"))
    for channel in ("web", "till"):
        after = await catalog.find_listing(channel, "1")
        assert (after.variant_id, after.product_id) == (before[first].variant_id, before[first].product_id)
    await database.close()


async def test_the_next_records_store_the_time_and_clients_see_no_change(database_url: str) -> None:
    database = Database(database_url)
    catalog = await build_catalog(database, "web", "till")
    (before,) = [row for row in await catalog.list_rows(products) if row.first_seen_at == EPOCH]
    await catalog.ingest("web", record_builders.build_product("2", sku="other", title="Cup"))
    listing = await catalog.find_listing("till", "1")
    assert listing.first_seen_at == read_time(listing.id) == NOW + timedelta(seconds=2)
    await catalog.ingest("till", record_builders.build_product("1", sku="till", title="Mug"))
    (after,) = [row for row in await catalog.list_rows(products) if row.id == before.id]
    assert after.first_seen_at == read_time(after.id)
    assert after.version == before.version, "clients see no change"
    await database.close()
