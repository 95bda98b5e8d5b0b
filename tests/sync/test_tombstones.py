"""S5, I2: what was deleted stays deleted for what is late, and comes back as something new."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.runtime import Gateway
from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import listings, tables
from tests.house import Clock, running
from tests.sync.observed import ask, channel, hint, rows_of, source, titles

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    store.put("products", rows.product("1", sku="A", gtin="4006381333931", title="Mug", brand="Acme"))
    yield store
    store.mend()


async def deleted(gateway: Gateway, store: MemoryStore) -> None:
    store.remove("products", "1")
    await hint(gateway, "1")
    await gateway.run_due()


@pytest.mark.parametrize("versions", [True, False])
async def test_a_late_webhook_does_not_resurrect_a_deleted_product(
    database_url: str, store: MemoryStore, versions: bool
) -> None:
    async with running(database_url, {"till": store}, Clock(), channel(versions=versions)) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="Mug, new")
        late = await ask(gateway, "1")
        await deleted(gateway, store)
        await late.arrive()
        await hint(gateway, "1")
        await gateway.run_due()
        assert await titles(gateway) == []
        assert (await source(gateway, "1")).gone


async def test_a_read_that_began_after_the_tombstone_brings_the_product_back_as_the_next_generation(
    database_url: str, store: MemoryStore
) -> None:
    async with running(database_url, {"till": store}, Clock(), channel()) as gateway:
        await gateway.run_due()
        await deleted(gateway, store)
        store.put("products", rows.product("1", sku="A", gtin="4006381333931", title="Mug", brand="Acme"))
        await hint(gateway, "1")
        await gateway.run_due()
        assert await titles(gateway) == ["Mug"]
        assert (await source(gateway, "1")).generation == 2
        assert await rows_of(gateway, tables.listings, "generation", "current", "gone") == [
            (1, False, True),
            (2, True, False),
        ]
        assert len(set(await rows_of(gateway, tables.listings, "variant_id"))) == 1, "it is the same thing again"


async def test_rows_of_what_was_deleted_are_kept_so_that_links_do_not_break(
    database_url: str, store: MemoryStore
) -> None:
    async with running(database_url, {"till": store}, Clock(), channel()) as gateway:
        await gateway.run_due()
        before = await rows_of(gateway, tables.products, "id", "handle")
        await deleted(gateway, store)
        assert await rows_of(gateway, tables.products, "id", "handle") == before
        assert await rows_of(gateway, tables.variants, "visible") == [False]


async def lines(gateway: Gateway) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = await rows_of(gateway, tables.order_lines, "variant", "generation")
    return found


async def test_orders_of_a_former_generation_keep_what_they_sold(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    store.put("orders", rows.order("o1", [rows.line("1", "1")]))
    async with running(database_url, {"till": store}, clock, channel("products", "orders")) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="Lamp", brand="Other", variants=[rows.variant("1", title="Lamp", sku="B")])
        clock.forward(minutes=5)
        await gateway.run_due()
        store.put("orders", rows.order("o2", [rows.line("1", "1")]))
        store.change("orders", "o1", number="changed since")
        clock.forward(minutes=5)
        await gateway.run_due()
        assert await lines(gateway) == [("1", 1), ("1", 2)]
        variants = dict(await rows_of(gateway, tables.listings, "generation", "variant_id"))
        assert variants[1] != variants[2]
        assert sorted(await rows_of(gateway, tables.variants, "title", "visible")) == [("Lamp", True), ("Mug", False)]


@pytest.mark.parametrize(
    ("change", "another"),
    [
        ({"gtin": "9780201379624"}, True),
        ({"title": "Lamp"}, False),
        ({"brand": "Other"}, False),
        ({"title": "Lamp", "brand": "Other"}, True),
        ({"sku": "B"}, False),
        ({"gtin": None}, False),
    ],
)
async def test_another_gtin_or_another_title_and_brand_is_another_thing(
    database_url: str, store: MemoryStore, change: dict[str, str | None], another: bool
) -> None:
    clock = Clock()
    values: dict[str, str | None] = {"sku": "A", "gtin": "4006381333931", "title": "Mug", "brand": "Acme", **change}
    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        await gateway.run_due()
        store.put("products", rows.product("1", **values))  # type: ignore[arg-type]
        clock.forward(minutes=5)
        await gateway.run_due()
        generations = await rows_of(gateway, tables.listings, "generation", "current")
        assert generations == ([(1, False), (2, True)] if another else [(1, True)])
        reasons = await rows_of(gateway, tables.match_reviews, "reason")
        assert reasons == (["another thing stands under the same id since"] if another else [])


async def test_a_listing_that_a_person_has_unlinked_stays_alone_when_it_comes_back(
    database_url: str, store: MemoryStore
) -> None:
    clock, web = Clock(), MemoryStore()
    web.put("products", rows.product("w1", sku="A", title="Mug"))
    able = {**channel(), "web": channel()["till"]}
    async with running(database_url, {"till": store, "web": web}, clock, able) as gateway:
        await gateway.run_due()
        assert len(await rows_of(gateway, tables.variants, "id")) == 1
        await gateway.database.write(listings.decide, ("till", "1"), None, clock())
        await deleted(gateway, store)
        store.put("products", rows.product("1", sku="A", gtin="4006381333931", title="Mug", brand="Acme"))
        await hint(gateway, "1")
        await gateway.run_due()
        live = [
            (place, variant)
            for place, variant, current, gone in await rows_of(
                gateway, tables.listings, "external_id", "variant_id", "current", "gone"
            )
            if current and not gone
        ]
        assert {place for place, _ in live} == {"1", "w1"}
        assert len({variant for _, variant in live}) == 2
