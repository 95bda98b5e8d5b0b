"""A deleted record stays deleted for late responses, and returns as a new object (rule S5, rule I2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.runtime.gateway import Gateway
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.writes import listings
from tests.gateways import Clock, run_gateway
from tests.sync.observed_records import ask, configure_till, hint, list_rows, list_titles, source

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    store.put("products", record_builders.build_product("1", sku="A", gtin="4006381333931", title="Mug", brand="Acme"))
    yield store
    store.mend()


async def delete_product(gateway: Gateway, store: MemoryStore) -> None:
    store.remove("products", "1")
    await hint(gateway, "1")
    await gateway.run_due()


@pytest.mark.parametrize("versions", [True, False])
async def test_a_late_webhook_does_not_resurrect_a_deleted_product(
    database_url: str, store: MemoryStore, versions: bool
) -> None:
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(versions=versions)) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="Mug, new")
        late = await ask(gateway, "1")
        await delete_product(gateway, store)
        await late.deliver()
        await hint(gateway, "1")
        await gateway.run_due()
        assert await list_titles(gateway) == []
        assert (await source(gateway, "1")).gone


async def test_a_read_that_began_after_the_tombstone_brings_the_product_back_as_the_next_generation(
    database_url: str, store: MemoryStore
) -> None:
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till()) as gateway:
        await gateway.run_due()
        await delete_product(gateway, store)
        store.put(
            "products", record_builders.build_product("1", sku="A", gtin="4006381333931", title="Mug", brand="Acme")
        )
        await hint(gateway, "1")
        await gateway.run_due()
        assert await list_titles(gateway) == ["Mug"]
        assert (await source(gateway, "1")).generation == 2
        assert await list_rows(gateway, tables.listings, "generation", "current", "gone") == [
            (1, False, True),
            (2, True, False),
        ]
        assert len(set(await list_rows(gateway, tables.listings, "variant_id"))) == 1, "it is the same thing again"


async def test_rows_of_what_was_deleted_are_kept_so_that_links_do_not_break(
    database_url: str, store: MemoryStore
) -> None:
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till()) as gateway:
        await gateway.run_due()
        before = await list_rows(gateway, tables.products, "id", "handle")
        await delete_product(gateway, store)
        assert await list_rows(gateway, tables.products, "id", "handle") == before
        assert await list_rows(gateway, tables.variants, "visible") == [False]


async def list_lines(gateway: Gateway) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = await list_rows(gateway, tables.order_lines, "variant", "generation")
    return found


async def test_orders_of_a_former_generation_keep_what_they_sold(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    store.put("orders", record_builders.build_order("o1", [record_builders.build_line("1", "1")]))
    async with run_gateway(database_url, {"till": store}, clock, configure_till("products", "orders")) as gateway:
        await gateway.run_due()
        store.change(
            "products",
            "1",
            title="Lamp",
            brand="Other",
            variants=[record_builders.build_variant("1", title="Lamp", sku="B")],
        )
        clock.forward(minutes=5)
        await gateway.run_due()
        store.put("orders", record_builders.build_order("o2", [record_builders.build_line("1", "1")]))
        store.change("orders", "o1", number="changed since")
        clock.forward(minutes=5)
        await gateway.run_due()
        assert await list_lines(gateway) == [("1", 1), ("1", 2)]
        variants = dict(await list_rows(gateway, tables.listings, "generation", "variant_id"))
        assert variants[1] != variants[2]
        assert sorted(await list_rows(gateway, tables.variants, "title", "visible")) == [("Lamp", True), ("Mug", False)]


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
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        await gateway.run_due()
        store.put("products", record_builders.build_product("1", **values))  # type: ignore[arg-type]
        clock.forward(minutes=5)
        await gateway.run_due()
        generations = await list_rows(gateway, tables.listings, "generation", "current")
        assert generations == ([(1, False), (2, True)] if another else [(1, True)])
        reasons = await list_rows(gateway, tables.match_reviews, "reason")
        assert reasons == (["another thing stands under the same id since"] if another else [])


async def test_a_listing_that_a_person_has_unlinked_stays_alone_when_it_comes_back(
    database_url: str, store: MemoryStore
) -> None:
    clock, web = Clock(), MemoryStore()
    web.put("products", record_builders.build_product("w1", sku="A", title="Mug"))
    able = {**configure_till(), "web": configure_till()["till"]}
    async with run_gateway(database_url, {"till": store, "web": web}, clock, able) as gateway:
        await gateway.run_due()
        assert len(await list_rows(gateway, tables.variants, "id")) == 1
        await gateway.database.write(listings.store_decision, ("till", "1"), None, clock())
        await delete_product(gateway, store)
        store.put(
            "products", record_builders.build_product("1", sku="A", gtin="4006381333931", title="Mug", brand="Acme")
        )
        await hint(gateway, "1")
        await gateway.run_due()
        live = [
            (external_id, variant)
            for external_id, variant, current, gone in await list_rows(
                gateway, tables.listings, "external_id", "variant_id", "current", "gone"
            )
            if current and not gone
        ]
        assert {external_id for external_id, _ in live} == {"1", "w1"}
        assert len({variant for _, variant in live}) == 2
