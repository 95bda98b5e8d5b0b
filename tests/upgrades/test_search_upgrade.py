"""Products of a database of an earlier version are found at once, and ranked when they have been read again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.storage.database import Connection, Database
from gateway.storage.migrate import migrate
from gateway.storage.tables import product_words, products, word_edits
from tests.graphql.shopper import build_stores
from tests.graphql.world import open_world
from tests.search.indexed_products import find
from tests.upgrades.dumps import restore_database
from tests.upgrades.test_upgrade import OLD, OLD_TABLES

pytestmark = pytest.mark.anyio

UNRANKED = 900


@pytest.fixture
def old_database(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that the earlier version wrote."""
    with restore_database(request, OLD, database_kind, tmp_path) as url:
        yield url


def find_title(conn: Connection) -> str:
    """Find the title of a visible product that has a long word."""
    titles = conn.scalars(sa.select(products.c.title).where(products.c.visible).order_by(products.c.id)).all()
    found: str = next(title for title in titles if any(len(word) >= 5 and word.isalpha() for word in title.split()))
    return found


async def test_products_are_found_before_they_are_read_again_with_a_wrong_letter_too(old_database: str) -> None:
    database = Database(old_database)
    await migrate(database)
    ranks = await database.read(lambda conn: set(conn.scalars(sa.select(product_words.c.rank))))
    edits = await database.read(lambda conn: conn.scalar(sa.select(sa.func.count()).select_from(word_edits)))
    title = await database.read(find_title)
    word = next(word for word in title.lower().split() if len(word) >= 5 and word.isalpha())
    assert (ranks, bool(edits)) == ({UNRANKED}, True)
    for text in (title, word[:-2] + word[-1] + word[-2]):
        assert title in await database.read(find(text)), text
    await database.close()


async def test_products_are_ranked_when_they_are_read_again(old_database: str, database_kind: str) -> None:
    clients = json.loads((OLD / f"{database_kind}.json").read_text(encoding="utf-8"))
    channels = build_stores()
    for row in clients["web_orders"].values():
        channels["web"].put("orders", row)
    async with open_world(old_database, channels, **OLD_TABLES) as world:
        world.clock.forward(hours=1)
        await world.gateway.run_due()
        ranks = await world.gateway.database.read(lambda conn: set(conn.scalars(sa.select(product_words.c.rank))))
    assert ranks and UNRANKED not in ranks
