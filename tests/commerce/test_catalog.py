"""I1 to I3 on both databases: variants and products as listings come, change and go."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
import sqlalchemy as sa

from gateway.commerce.taking import Rules
from gateway.sdk.testing import rows
from gateway.sdk.testing.rows import Row
from gateway.storage import tables
from gateway.storage.database import Database
from tests.commerce.catalogue import Catalogue

pytestmark = pytest.mark.anyio

MUG, BOOK = "4006381333931", "9780201379624"
RULES = Rules(priority={"web": 0, "till": 1, "market": 2}, services=frozenset({"post"}))


@pytest.fixture
async def catalogue(open_database: Callable[[], AbstractAsyncContextManager[Database]]) -> AsyncIterator[Catalogue]:
    async with open_database() as database:
        yield Catalogue(database, RULES)


def shirt(id_: str, *variants: tuple[str, str], title: str = "Shirt") -> Row:
    """A product with sizes: (size, sku) each."""
    parts = [rows.variant(f"{id_}-{size}", sku=sku, title=size, options={"Size": size}) for size, sku in variants]
    return {"id": id_, "title": title, "variants": parts}


async def test_a_merge_leads_old_variant_ids_to_the_survivor_and_a_split_gives_them_back(catalogue: Catalogue) -> None:
    await catalogue.take("till", rows.product("1", sku="A"))
    await catalogue.take("web", rows.product("9", sku="B"))
    older, younger = await catalogue.of("till", "1"), await catalogue.of("web", "9")
    await catalogue.take("web", rows.product("9", sku="A"))
    merged = await catalogue.of("web", "9")
    assert (merged.variant_id, merged.id, merged.matched_by) == (older.variant_id, younger.variant_id, "SKU")
    assert [row.id for row in await catalogue.rows(tables.variants)] == [older.variant_id]
    await catalogue.take("web", rows.product("9", sku="B"))
    assert (await catalogue.of("web", "9")).variant_id == younger.variant_id
    assert (await catalogue.of("till", "1")).variant_id == older.variant_id


async def test_a_product_that_was_merged_leads_to_the_one_it_became(catalogue: Catalogue) -> None:
    await catalogue.take("till", rows.product("1", sku="A"))
    await catalogue.take("web", rows.product("9", sku="B"))
    await catalogue.take("market", rows.product("5", sku="C"))
    old = {channel: (await catalogue.of(channel, id_)).product_id for channel, id_ in (("web", "9"), ("market", "5"))}
    await catalogue.take("web", rows.product("9", sku="C"))
    await catalogue.take("market", rows.product("5", sku="A"))
    await catalogue.take("web", rows.product("9", sku="A"))
    (survivor,) = {row.product_id for row in await catalogue.live()}
    redirects = {row.old_id: row.new_id for row in await catalogue.rows(tables.redirects)}
    for product_id in {*old.values()} - {survivor}:
        assert redirects[product_id] == survivor
    assert not redirects.keys() & {row.id for row in await catalogue.rows(tables.products)}


async def test_the_preferred_channel_that_groups_gives_group_and_texts(catalogue: Catalogue) -> None:
    await catalogue.take(
        "till", rows.product("1", sku="S", title="SHIRT S"), rows.product("2", sku="M", title="SHIRT M")
    )
    assert len(await catalogue.products()) == 2
    await catalogue.take("market", shirt("x", ("S", "S"), ("M", "M"), title="Market shirt"))
    assert await catalogue.products() == {frozenset({"till:1", "till:2", "market:x-S", "market:x-M"})}
    await catalogue.take("web", shirt("w", ("S", "S"), title="Web shirt") | {"brand": "Acme"})
    assert [row[0] for row in await catalogue.shown()] == ["Market shirt", "Web shirt"]
    await catalogue.take("web", shirt("w", ("S", "S"), ("M", "M"), title="Web shirt") | {"brand": "Acme"})
    ((title, brand, options, *_),) = await catalogue.shown()
    assert (title, brand, options) == ("Web shirt", "Acme", '[["Size",["S","M"]]]')


async def test_an_ungrouped_channel_of_higher_priority_attaches_to_the_one_that_groups(catalogue: Catalogue) -> None:
    await catalogue.take("web", rows.product("1", sku="S", title="Single"))
    await catalogue.take("till", shirt("t", ("S", "S"), ("M", "M")))
    assert await catalogue.products() == {frozenset({"web:1", "till:t-S", "till:t-M"})}
    assert [row[0] for row in await catalogue.shown()] == ["Shirt"]


async def test_a_product_keeps_the_id_that_most_of_its_variants_had(catalogue: Catalogue) -> None:
    await catalogue.take("market", shirt("old", ("S", "S")))
    await catalogue.take("till", shirt("big", ("M", "M"), ("L", "L")))
    most = (await catalogue.of("till", "big-M")).product_id
    await catalogue.take("web", shirt("w", ("S", "S"), ("M", "M"), ("L", "L")))
    assert {row.product_id for row in await catalogue.live()} == {most}


async def test_a_product_keeps_its_id_though_a_clock_ran_backwards(catalogue: Catalogue) -> None:
    """So that what comes later looks older, and its variant ids win."""
    await catalogue.take("till", shirt("big", ("M", "M"), ("L", "L")))
    (product_id,) = {row.product_id for row in await catalogue.live()}
    catalogue.step = -catalogue.step
    await catalogue.take("web", shirt("w", ("M", "M"), ("L", "L")))
    assert {row.product_id for row in await catalogue.live()} == {product_id}


async def test_of_as_many_the_older_product_keeps_its_id(catalogue: Catalogue) -> None:
    await catalogue.take("market", shirt("one", ("S", "S")))
    await catalogue.take("till", shirt("two", ("M", "M")))
    ids = sorted(row.product_id for row in await catalogue.live())
    await catalogue.take("web", shirt("w", ("S", "S"), ("M", "M")))
    assert {row.product_id for row in await catalogue.live()} == {ids[0]}


async def test_a_product_that_lost_a_variant_is_not_found_by_its_words_any_more(catalogue: Catalogue) -> None:
    await catalogue.take("till", shirt("t", ("Purple", "P"), ("Green", "G")))
    await catalogue.take("till", shirt("t", ("Green", "G")))
    ((_, _, options, _, variants, words),) = await catalogue.shown()
    assert (options, words) == ('[["Size",["Green"]]]', ["green", "shirt"])
    assert [variant[1] for variant in variants] == ["G"]


async def test_units_per_listing_are_the_listings_own(catalogue: Catalogue) -> None:
    await catalogue.take("till", rows.product("1", sku="A"))
    three = {"id": "9", "title": "Three", "variants": [rows.variant("9", sku="A", title="Three", units=3)]}
    await catalogue.take("web", three)
    assert await catalogue.variants() == {frozenset({"till:1", "web:9"})}
    assert (
        (await catalogue.of("till", "1")).units_per_listing,
        (await catalogue.of("web", "9")).units_per_listing,
    ) == (1, 3)


async def test_a_person_links_unlinks_and_links_again(catalogue: Catalogue) -> None:
    await catalogue.take("till", rows.product("1", sku="A"))
    await catalogue.take("web", rows.product("9", sku="A"), rows.product("8", sku="B"))
    together, apart = {"till:1", "web:9"}, {frozenset({"till:1"}), frozenset({"web:9"}), frozenset({"web:8"})}
    await catalogue.link(("web", "9"), None)
    assert await catalogue.variants() == apart
    await catalogue.take("web", rows.product("9", sku="A", price="3.00"))
    assert await catalogue.variants() == apart
    await catalogue.link(("web", "9"), ("web", "8"))
    assert await catalogue.variants() == {frozenset({"till:1"}), frozenset({"web:8", "web:9"})}
    assert (await catalogue.of("web", "9")).matched_by == "MANUAL"
    await catalogue.link(("web", "9"), ("till", "1"))
    assert await catalogue.variants() == {frozenset(together), frozenset({"web:8"})}


async def test_a_link_to_what_comes_later_holds_once_it_is_there(catalogue: Catalogue) -> None:
    await catalogue.take("till", rows.product("1"))
    await catalogue.link(("till", "1"), ("web", "9"))
    await catalogue.take("web", rows.product("9"))
    assert await catalogue.variants() == {frozenset({"till:1", "web:9"})}


async def test_a_decision_is_in_the_log(catalogue: Catalogue) -> None:
    await catalogue.take("till", rows.product("1", sku="A"))
    await catalogue.take("web", rows.product("9", sku="A"))
    before = len(await catalogue.rows(tables.changes))
    await catalogue.link(("web", "9"), None)
    kinds = [row.kind for row in await catalogue.rows(tables.changes)][before:]
    assert kinds == ["PRODUCT", "PRODUCT_VARIANT", "LISTING"]


async def test_services_stay_apart_in_every_channel(catalogue: Catalogue) -> None:
    await catalogue.take("till", rows.product("1", sku="POST"))
    await catalogue.take("web", rows.product("9", sku="post"))
    assert len(await catalogue.variants()) == 2
    assert await catalogue.reviews() == {}


async def test_a_variant_that_two_products_name_is_in_one_of_them_and_stops_nobody(catalogue: Catalogue) -> None:
    one, other = shirt("1", ("S", "S")), shirt("2", ("M", "M"))
    one["variants"] += [rows.variant("shared", sku="X")]
    other["variants"] += [rows.variant("shared", sku="X")]
    for _ in range(2):
        await catalogue.take("till", one, other, rows.product("3"))
        assert {row.external_id for row in await catalogue.live()} == {"1-S", "2-M", "shared", "3"}
    await catalogue.take("till", one)
    assert (await catalogue.of("till", "shared")).channel_product_id == "till:1"


async def test_a_variant_that_moves_to_another_product_stays_the_same_listing(catalogue: Catalogue) -> None:
    await catalogue.take("till", shirt("1", ("S", "S")))
    before = (await catalogue.of("till", "1-S")).id
    moved = {"id": "2", "title": "Other", "variants": [rows.variant("1-S", sku="S", title="S")]}
    await catalogue.take("till", moved, gone=["1"])
    assert (await catalogue.of("till", "1-S")).id == before


ALPHABETS = {"latin": range(ord("a"), ord("z")), "chinese": range(0x4E00, 0x9FA6), "korean": range(0xAC00, 0xD7A4)}


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
async def test_the_longest_texts_that_a_record_may_have_can_be_stored(catalogue: Catalogue, alphabet: range) -> None:
    """A text in an index of PostgreSQL is limited in bytes, folded, and hard to compress."""
    seeded = random.Random(1)

    def text(length: int) -> str:
        return "".join(chr(seeded.choice(alphabet)) for _ in range(length))

    deep = [text(255) for _ in range(8)]
    await catalogue.take("till", rows.product("1", title=text(1000), sku=text(255), brand=text(255), category=deep))
    await catalogue.take("till", rows.product("2", title=text(1000), category=[*deep[:7], text(255)]))
    assert len(await catalogue.rows(tables.categories)) == 9
    assert len(await catalogue.shown()) == 2


async def test_products_without_a_letter_of_latin_have_handles_of_their_own(catalogue: Catalogue) -> None:
    await catalogue.take("till", *(rows.product(f"{n}", title="茶碗") for n in range(300)))
    handles = {row.handle for row in await catalogue.rows(tables.products)}
    assert len(handles) == 300
    assert all(len(handle.removeprefix("product-")) == 12 for handle in handles), "48 bits: no two of 100,000 alike"


async def test_a_sku_that_thousands_carry_costs_no_more_than_any_other(catalogue: Catalogue) -> None:
    """ "N/A" on everything: were they one variant, each change of one would read and write all of them."""
    await catalogue.take("till", *(rows.product(f"{n}", sku="N/A") for n in range(1500)))
    assert len(await catalogue.variants()) == 1500
    read: list[str] = []
    engine = sa.engine.Engine

    def count(conn: sa.Connection, cursor: object, statement: str, *rest: object) -> None:
        read.append(statement)

    sa.event.listen(engine, "after_cursor_execute", count)
    before = len(await catalogue.rows(tables.changes))
    try:
        await catalogue.take("till", rows.product("7", sku="N/A", price="1.00"))
    finally:
        sa.event.remove(engine, "after_cursor_execute", count)
    assert 0 < len(read) < 60
    subjects = [row.subjects.count("[") - 1 for row in (await catalogue.rows(tables.changes))[before:]]
    assert subjects == [1] or max(subjects) <= 1
