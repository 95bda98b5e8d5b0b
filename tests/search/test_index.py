"""Every text of a product is in the search index, and what is not in it any more is not found (rules T4, S11)."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from gateway.model.channels import Resource
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.database import Connection
from gateway.storage.tables import product_words, products
from gateway.sync import read_version
from tests.graphql.conftest import Make
from tests.graphql.world import World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.writes]

TEXTS = {
    "title": "Teapot",
    "brand": "Acme",
    "tags": ["festive"],
    "category": ["Kitchen", "Tableware"],
    "description": "Pours without a drop",
    "locale": "en",
    "translations": [{"locale": "de", "title": "Teekanne"}],
}
ROW = sa.select(products.c.version, products.c.updated_at, products.c.search_index)
WORDS = sa.select(product_words.c.word, product_words.c.rank).order_by(product_words.c.word)


def build_store() -> MemoryStore:
    store = MemoryStore()
    variants = [
        record_builders.build_variant(f"v{size}", sku=f"POT-77{size}", title=size, options={"Size": size})
        for size in ("Small", "Large")
    ]
    store.put("products", {"id": "1", "variants": variants, **TEXTS})
    return store


@pytest.fixture(scope="module")
def retailer() -> Make:
    return lambda url: open_world(url, {"till": MemoryStore(), "web": build_store()})


async def is_found(world: World, text: str) -> bool:
    query = "query ($text: String) { products(search: $text) { nodes { title } } }"
    return bool((await world.client.fetch_data(query, text=text))["products"]["nodes"])


async def sync(world: World, **changes: Any) -> None:
    world.stores["web"].change("products", "1", **changes)
    await world.gateway.request_sync("web")
    await world.gateway.run_due()


async def test_a_product_is_found_by_each_of_its_texts(world: World) -> None:
    texts = ("teapot", "acme", "festive", "kitchen tableware", "drop", "teekanne", "small", "POT-77LARGE", "pot-77")
    assert [text for text in texts if not await is_found(world, text)] == []


async def test_a_text_that_has_changed_is_found_by_its_new_words_only(world: World) -> None:
    await sync(world, title="Pitcher", translations=[{"locale": "de", "title": "Krug"}])
    found = [text for text in ("teapot", "teekanne", "pitcher", "krug", "acme") if await is_found(world, text)]
    assert found == ["pitcher", "krug", "acme"]


async def test_a_new_index_is_no_change_of_the_product(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before, words = await world.gateway.database.read(_read_index)
    await world.gateway.database.write(_replace_index)
    monkeypatch.setattr(read_version, "INGEST_VERSIONS", {Resource.PRODUCTS: 99})
    world.clock.forward(hours=1)
    await world.gateway.run_due()
    assert await world.gateway.database.read(_read_index) == (before, words)


def _read_index(conn: Connection) -> tuple[Any, Any]:
    return tuple(conn.execute(ROW).one()), [tuple(row) for row in conn.execute(WORDS)]


def _replace_index(conn: Connection) -> None:
    """Replace the index by that of an earlier version."""
    conn.execute(sa.delete(product_words))
    id_ = conn.scalar(sa.select(products.c.id))
    conn.execute(sa.insert(product_words).values(word="former", rank=900, product_id=id_))
    conn.execute(sa.update(products).values(search_index="former:900"))
