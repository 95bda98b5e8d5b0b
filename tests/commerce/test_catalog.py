"""Variants and products while listings are added, changed and removed (rules I1 to I3), on both databases."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
import sqlalchemy as sa

from gateway.commerce.ingest_batch import IngestRules
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.record_builders import Row
from gateway.storage import tables
from gateway.storage.database import Database
from gateway.storage.reads.catalog import Visibility, find_products
from tests.commerce.catalog_ingest import Catalog, source_id

pytestmark = pytest.mark.anyio

MUG, BOOK = "4006381333931", "9780201379624"
RULES = IngestRules(priority={"web": 0, "till": 1, "market": 2}, service_codes=frozenset({"post"}))


@pytest.fixture
async def catalog(open_database: Callable[[], AbstractAsyncContextManager[Database]]) -> AsyncIterator[Catalog]:
    async with open_database() as database:
        yield Catalog(database, RULES)


def build_shirt(id_: str, *variants: tuple[str, str], title: str = "Shirt") -> Row:
    """Build a product with variants: (size, sku) each."""
    parts = [
        record_builders.build_variant(f"{id_}-{size}", sku=sku, title=size, options={"Size": size})
        for size, sku in variants
    ]
    return {"id": id_, "title": title, "variants": parts}


async def test_a_merge_leads_old_variant_ids_to_the_survivor_and_a_split_gives_them_back(catalog: Catalog) -> None:
    await catalog.ingest("till", record_builders.build_product("1", sku="A"))
    await catalog.ingest("web", record_builders.build_product("9", sku="B"))
    older, younger = await catalog.find_listing("till", "1"), await catalog.find_listing("web", "9")
    await catalog.ingest("web", record_builders.build_product("9", sku="A"))
    merged = await catalog.find_listing("web", "9")
    assert (merged.variant_id, merged.id, merged.matched_by) == (older.variant_id, younger.variant_id, "SKU")
    assert [row.id for row in await catalog.list_rows(tables.variants)] == [older.variant_id]
    await catalog.ingest("web", record_builders.build_product("9", sku="B"))
    assert (await catalog.find_listing("web", "9")).variant_id == younger.variant_id
    assert (await catalog.find_listing("till", "1")).variant_id == older.variant_id


async def test_a_product_that_was_merged_leads_to_the_one_it_became(catalog: Catalog) -> None:
    await catalog.ingest("till", record_builders.build_product("1", sku="A"))
    await catalog.ingest("web", record_builders.build_product("9", sku="B"))
    await catalog.ingest("market", record_builders.build_product("5", sku="C"))
    old = {
        channel: (await catalog.find_listing(channel, id_)).product_id
        for channel, id_ in (("web", "9"), ("market", "5"))
    }
    await catalog.ingest("web", record_builders.build_product("9", sku="C"))
    await catalog.ingest("market", record_builders.build_product("5", sku="A"))
    await catalog.ingest("web", record_builders.build_product("9", sku="A"))
    (survivor,) = {row.product_id for row in await catalog.list_live_listings()}
    found = await catalog.database.read(find_products, [*old.values()], Visibility(everything=True))
    assert {id_: product.id for id_, product in found.items()} == dict.fromkeys(old.values(), survivor)
    assert [row.id for row in await catalog.list_rows(tables.products)] == [survivor]


async def test_the_preferred_channel_that_groups_gives_group_and_texts(catalog: Catalog) -> None:
    await catalog.ingest(
        "till",
        record_builders.build_product("1", sku="S", title="SHIRT S"),
        record_builders.build_product("2", sku="M", title="SHIRT M"),
    )
    assert len(await catalog.group_by_product()) == 2
    await catalog.ingest("market", build_shirt("x", ("S", "S"), ("M", "M"), title="Market shirt"))
    assert await catalog.group_by_product() == {frozenset({"till:1", "till:2", "market:x-S", "market:x-M"})}
    await catalog.ingest("web", build_shirt("w", ("S", "S"), title="Web shirt") | {"brand": "Acme"})
    assert [row[0] for row in await catalog.read_shown()] == ["Market shirt", "Web shirt"]
    await catalog.ingest("web", build_shirt("w", ("S", "S"), ("M", "M"), title="Web shirt") | {"brand": "Acme"})
    ((title, brand, options, *_),) = await catalog.read_shown()
    assert (title, brand, options) == ("Web shirt", "Acme", '[["Size",["S","M"]]]')


async def test_an_ungrouped_channel_of_higher_priority_attaches_to_the_one_that_groups(catalog: Catalog) -> None:
    await catalog.ingest("web", record_builders.build_product("1", sku="S", title="Single"))
    await catalog.ingest("till", build_shirt("t", ("S", "S"), ("M", "M")))
    assert await catalog.group_by_product() == {frozenset({"web:1", "till:t-S", "till:t-M"})}
    assert [row[0] for row in await catalog.read_shown()] == ["Shirt"]


async def test_a_product_keeps_the_id_that_most_of_its_variants_had(catalog: Catalog) -> None:
    await catalog.ingest("market", build_shirt("old", ("S", "S")))
    await catalog.ingest("till", build_shirt("big", ("M", "M"), ("L", "L")))
    most = (await catalog.find_listing("till", "big-M")).product_id
    await catalog.ingest("web", build_shirt("w", ("S", "S"), ("M", "M"), ("L", "L")))
    assert {row.product_id for row in await catalog.list_live_listings()} == {most}


async def test_a_product_keeps_its_id_though_a_clock_ran_backwards(catalog: Catalog) -> None:
    """Makes later records look older, so that their variant ids win."""
    await catalog.ingest("till", build_shirt("big", ("M", "M"), ("L", "L")))
    (product_id,) = {row.product_id for row in await catalog.list_live_listings()}
    catalog.step = -catalog.step
    await catalog.ingest("web", build_shirt("w", ("M", "M"), ("L", "L")))
    assert {row.product_id for row in await catalog.list_live_listings()} == {product_id}


async def test_of_as_many_the_older_product_keeps_its_id(catalog: Catalog) -> None:
    await catalog.ingest("market", build_shirt("one", ("S", "S")))
    await catalog.ingest("till", build_shirt("two", ("M", "M")))
    ids = sorted(row.product_id for row in await catalog.list_live_listings())
    await catalog.ingest("web", build_shirt("w", ("S", "S"), ("M", "M")))
    assert {row.product_id for row in await catalog.list_live_listings()} == {ids[0]}


async def test_a_product_that_lost_a_variant_is_not_found_by_its_words_any_more(catalog: Catalog) -> None:
    await catalog.ingest("till", build_shirt("t", ("Purple", "P"), ("Green", "G")))
    await catalog.ingest("till", build_shirt("t", ("Green", "G")))
    ((_, _, options, _, variants, words),) = await catalog.read_shown()
    assert (options, words) == ('[["Size",["Green"]]]', ["green", "shirt"])
    assert [variant[1] for variant in variants] == ["G"]


async def test_units_per_listing_are_the_listings_own(catalog: Catalog) -> None:
    await catalog.ingest("till", record_builders.build_product("1", sku="A"))
    three = {
        "id": "9",
        "title": "Three",
        "variants": [record_builders.build_variant("9", sku="A", title="Three", units=3)],
    }
    await catalog.ingest("web", three)
    assert await catalog.group_by_variant() == {frozenset({"till:1", "web:9"})}
    assert (
        (await catalog.find_listing("till", "1")).units_per_listing,
        (await catalog.find_listing("web", "9")).units_per_listing,
    ) == (1, 3)


async def test_a_person_links_unlinks_and_links_again(catalog: Catalog) -> None:
    await catalog.ingest("till", record_builders.build_product("1", sku="A"))
    await catalog.ingest(
        "web", record_builders.build_product("9", sku="A"), record_builders.build_product("8", sku="B")
    )
    together, apart = {"till:1", "web:9"}, {frozenset({"till:1"}), frozenset({"web:9"}), frozenset({"web:8"})}
    await catalog.link(("web", "9"), None)
    assert await catalog.group_by_variant() == apart
    await catalog.ingest("web", record_builders.build_product("9", sku="A", price="3.00"))
    assert await catalog.group_by_variant() == apart
    await catalog.link(("web", "9"), ("web", "8"))
    assert await catalog.group_by_variant() == {frozenset({"till:1"}), frozenset({"web:8", "web:9"})}
    assert (await catalog.find_listing("web", "9")).matched_by == "MANUAL"
    await catalog.link(("web", "9"), ("till", "1"))
    assert await catalog.group_by_variant() == {frozenset(together), frozenset({"web:8"})}


async def test_a_link_to_what_comes_later_holds_once_it_is_there(catalog: Catalog) -> None:
    await catalog.ingest("till", record_builders.build_product("1"))
    await catalog.link(("till", "1"), ("web", "9"))
    await catalog.ingest("web", record_builders.build_product("9"))
    assert await catalog.group_by_variant() == {frozenset({"till:1", "web:9"})}


async def test_a_decision_is_in_the_log(catalog: Catalog) -> None:
    await catalog.ingest("till", record_builders.build_product("1", sku="A"))
    await catalog.ingest("web", record_builders.build_product("9", sku="A"))
    before = len(await catalog.list_rows(tables.changes))
    await catalog.link(("web", "9"), None)
    kinds = [row.kind for row in await catalog.list_rows(tables.changes)][before:]
    assert kinds == ["PRODUCT", "PRODUCT_VARIANT", "LISTING"]


async def test_services_stay_apart_in_every_channel(catalog: Catalog) -> None:
    await catalog.ingest("till", record_builders.build_product("1", sku="POST"))
    await catalog.ingest("web", record_builders.build_product("9", sku="post"))
    assert len(await catalog.group_by_variant()) == 2
    assert await catalog.list_reviews() == {}


async def test_a_variant_that_two_products_name_is_in_one_of_them_and_blocks_no_record(catalog: Catalog) -> None:
    one, other = build_shirt("1", ("S", "S")), build_shirt("2", ("M", "M"))
    one["variants"] += [record_builders.build_variant("shared", sku="X")]
    other["variants"] += [record_builders.build_variant("shared", sku="X")]
    for _ in range(2):
        await catalog.ingest("till", one, other, record_builders.build_product("3"))
        assert {row.external_id for row in await catalog.list_live_listings()} == {"1-S", "2-M", "shared", "3"}
    await catalog.ingest("till", one)
    assert (await catalog.find_listing("till", "shared")).channel_product_id == source_id("till", "1")


async def test_a_variant_that_moves_to_another_product_stays_the_same_listing(catalog: Catalog) -> None:
    await catalog.ingest("till", build_shirt("1", ("S", "S")))
    before = (await catalog.find_listing("till", "1-S")).id
    moved = {"id": "2", "title": "Other", "variants": [record_builders.build_variant("1-S", sku="S", title="S")]}
    await catalog.ingest("till", moved, gone=["1"])
    assert (await catalog.find_listing("till", "1-S")).id == before


ALPHABETS = {
    "latin": range(ord("a"), ord("z")),
    "chinese": range(0x4E00, 0x9FA6),
    "korean": range(0xAC00, 0xD7A4),
    "squared": range(0x3300, 0x3358),
}


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
async def test_the_longest_texts_that_a_record_may_have_can_be_stored(catalog: Catalog, alphabet: range) -> None:
    """PostgreSQL limits a text in an index in bytes, after folding; random text compresses badly."""
    seeded = random.Random(1)

    def make_text(length: int) -> str:
        return "".join(chr(seeded.choice(alphabet)) for _ in range(length))

    deep = [make_text(255) for _ in range(8)]
    await catalog.ingest(
        "till",
        record_builders.build_product(
            "1", title=make_text(1000), sku=make_text(255), brand=make_text(255), category=deep
        ),
    )
    await catalog.ingest(
        "till", record_builders.build_product("2", title=make_text(1000), category=[*deep[:7], make_text(255)])
    )
    assert len(await catalog.list_rows(tables.categories)) == 9
    assert len(await catalog.read_shown()) == 2


async def test_products_without_a_letter_of_latin_have_handles_of_their_own(catalog: Catalog) -> None:
    await catalog.ingest("till", *(record_builders.build_product(f"{n}", title="茶碗") for n in range(300)))
    handles = {row.handle for row in await catalog.list_rows(tables.products)}
    assert len(handles) == 300
    assert all(len(handle.removeprefix("product-")) == 12 for handle in handles), "48 bits: no two of 100,000 alike"


async def test_a_sku_that_thousands_carry_costs_no_more_than_any_other(catalog: Catalog) -> None:
    """ "N/A" on every product: as one group, each change of one product would read and write all of them."""
    await catalog.ingest("till", *(record_builders.build_product(f"{n}", sku="N/A") for n in range(1500)))
    assert len(await catalog.group_by_variant()) == 1500
    read: list[str] = []
    engine = sa.engine.Engine

    def count(conn: sa.Connection, cursor: object, statement: str, *rest: object) -> None:
        read.append(statement)

    sa.event.listen(engine, "after_cursor_execute", count)
    before = len(await catalog.list_rows(tables.changes))
    try:
        await catalog.ingest("till", record_builders.build_product("7", sku="N/A", price="1.00"))
    finally:
        sa.event.remove(engine, "after_cursor_execute", count)
    assert 0 < len(read) < 60
    subjects = [row.subjects.count("[") - 1 for row in (await catalog.list_rows(tables.changes))[before:]]
    assert subjects == [1] or max(subjects) <= 1
