"""Images and texts that an earlier version has stored are shown as media and content, without being read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.media import Image, wrap_images
from gateway.storage.database import Connection, Database
from gateway.storage.migrate import migrate
from gateway.storage.reads.catalog import Visibility, find_products
from gateway.storage.reads.product_texts import find_texts
from tests.upgrades.dumps import restore_database
from tests.upgrades.test_upgrade import OLD

pytestmark = pytest.mark.anyio

STORED = '[{"url":"https://images.example.com/1.jpg","alt_text":"One","width":40,"height":30}]'
SHOWN = (Image(url="https://images.example.com/1.jpg", alt_text="One", width=40, height=30),)


def add_images(conn: Connection) -> list[str]:
    """Give every product the stored images of an earlier version."""
    conn.exec_driver_sql(f"UPDATE products SET images = '{STORED}'")
    return [row[0] for row in conn.exec_driver_sql("SELECT id FROM products WHERE visible")]


@pytest.fixture
def old_database(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that the earlier version wrote."""
    with restore_database(request, OLD, database_kind, tmp_path) as url:
        yield url


async def test_stored_images_and_texts_are_media_and_content_after_the_upgrade(old_database: str) -> None:
    database = Database(old_database)
    ids = await database.write(add_images)
    await migrate(database)
    products = await database.read(find_products, ids, Visibility(everything=True))
    texts = await database.read(find_texts, ids, ["de"], everything=True)
    await database.close()
    assert all(products[id_].title in {found.own.title for found in texts[id_]} for id_ in ids)
    assert ids and set(products) == set(ids)
    assert {product.images for product in products.values()} == {SHOWN}
    assert {product.all_media for product in products.values()} == {wrap_images(SHOWN)}
