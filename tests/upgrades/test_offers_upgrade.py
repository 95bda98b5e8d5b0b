"""Prices that an earlier version has stored are offers after the upgrade, without being read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.storage.database import Connection, Database
from gateway.storage.migrate import migrate
from gateway.storage.reads.variant_offers import find_currencies
from gateway.storage.tables import EPOCH, listings, offers
from tests.upgrades.dumps import restore_database
from tests.upgrades.test_upgrade import OLD

pytestmark = pytest.mark.anyio


@pytest.fixture
def old_database(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that the earlier version wrote."""
    with restore_database(request, OLD, database_kind, tmp_path) as url:
        yield url


def reduce_prices(conn: Connection) -> str:
    """Reduce all prices of one channel by a third, rounded, and return its key."""
    channel = conn.exec_driver_sql("SELECT channel FROM offers WHERE currency IS NOT NULL ORDER BY channel").scalar()
    conn.exec_driver_sql(f"UPDATE listings SET compare_at_price = price * 3 / 2 WHERE channel = '{channel}'")
    return str(channel)


async def test_reductions_and_currencies_are_known_after_the_upgrade(old_database: str) -> None:
    database = Database(old_database)
    reduced = await database.write(reduce_prices)
    await migrate(database)
    rows = await database.read(lambda conn: conn.execute(sa.select(offers).where(offers.c.currency.is_not(None))).all())
    currencies = await database.read(find_currencies, {row.channel for row in rows})
    live = sa.select(listings).where(listings.c.current, ~listings.c.gone, listings.c.price.is_not(None))
    listed = await database.read(lambda conn: conn.execute(live).all())
    await database.close()
    assert {row.channel for row in rows if row.discount > 0} == {reduced}
    assert all(3_200 <= row.discount <= 3_400 for row in rows if row.channel == reduced)
    assert all(row.currency in currencies[row.channel] for row in rows)
    assert listed
    assert all((row.price_since is None) == (row.updated_at == EPOCH) for row in listed if row.status == "ACTIVE")
