"""A database that is built anew answers the ids and handles of the former one (rule H1).

Two databases get the same records of the same channels in different orders, one of them with other codes at first.
Whatever ids and handles one of them ever gave, both answer with the same thing, though perhaps under another id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.commerce.ingest_batch import IngestRules
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.record_builders import Row
from gateway.storage import tables
from gateway.storage.database import Connection, Database
from gateway.storage.reads import catalog as reads
from gateway.storage.reads.catalog import Visibility
from gateway.storage.sync.source_records import SourceRecord, insert_records
from tests.commerce.catalog_ingest import Catalog, clear_catalog, source_id

Answers = Mapping[tuple[str, str], frozenset[tuple[str, str]] | None]
"""What a database answers, by kind and id: the listings that the thing consists of."""

RULES = IngestRules(priority={"web": 0, "till": 1, "market": 2})
EVERYTHING = Visibility(everything=True)
SOURCES = [(channel, id_) for channel in ("web", "till", "market") for id_ in ("1", "2")]
SKUS = st.sampled_from(["S", "M", "L", "XL"])
records = st.fixed_dictionaries(
    {
        source: st.tuples(
            st.lists(SKUS, min_size=1, max_size=4, unique=True),
            st.sampled_from([None, "own"]),
            st.sampled_from([("Clothing", "{channel} {id}"), ("Clothing",), ()]),
        )
        for source in SOURCES
    }
)
steps = st.lists(st.tuples(st.sampled_from(SOURCES), st.permutations(["S", "M", "L", "XL"])), max_size=4)
"""SKUs that the variants of a product have at first."""


def build_record(source: tuple[str, str], skus: Sequence[str], handle: str | None, category: Sequence[str]) -> Row:
    """Build a product with one variant for each SKU. The variants keep their ids, whatever SKUs they have."""
    channel, id_ = source
    variants = [
        record_builders.build_variant(f"{id_}-{n}", sku=sku, title=str(n), options={"Size": str(n)})
        for n, sku in enumerate(skus)
    ]
    named = {} if handle is None else {"handle": f"{channel}-{id_}"}
    titles = [title.format(channel=channel, id=id_) for title in category]
    return {"id": id_, "title": f"Shirt {id_}", "variants": variants, "category": titles, **named}


async def build(catalog: Catalog, rows: Sequence[tuple[tuple[str, str], Row]]) -> set[tuple[str, str]]:
    """Ingest records, and return all ids and handles that clients can have seen meanwhile."""
    given_ids: set[tuple[str, str]] = set()
    for source, row in rows:
        await catalog.ingest(source[0], row)
        given_ids |= await catalog.database.read(list_given)
    return given_ids


def clear_all(conn: Connection) -> None:
    """Delete the catalog, and store that all records were read."""
    clear_catalog(conn)
    conn.execute(sa.delete(tables.sources))
    rows = [SourceRecord(source_id(*it), it[0], "PRODUCTS", it[1], "products", gone=False) for it in SOURCES]
    insert_records(conn, rows)


def list_given(conn: Connection) -> set[tuple[str, str]]:
    products = conn.execute(
        sa.select(tables.products.c.id, tables.products.c.handle, tables.products.c.category_id)
    ).all()
    pairs = [("product", row.id) for row in products] + [("handle", row.handle) for row in products]
    pairs += [("variant", id_) for id_ in conn.scalars(sa.select(tables.variants.c.id))]
    pairs += [("category", row.category_id) for row in products if row.category_id]
    shown = sa.select(tables.listings.c.id).where(tables.listings.c.current, ~tables.listings.c.gone)
    return {*pairs, *(("listing", id_) for id_ in conn.scalars(shown))}


def answer(conn: Connection, given_ids: set[tuple[str, str]]) -> Answers:
    """Answer ids and handles, as queries do."""
    kinds = ("product", "variant", "listing", "category")
    ids = {kind: [id_ for other, id_ in given_ids if other == kind] for kind in kinds}
    products = reads.find_products(conn, ids["product"], EVERYTHING)
    variants = reads.find_variants(conn, ids["variant"], EVERYTHING)
    listings = reads.find_listings(conn, ids["listing"], EVERYTHING)
    categories = reads.find_categories(conn, ids["category"], EVERYTHING)
    handles = {
        handle: reads.find_product_by_handle(conn, handle, EVERYTHING) for kind, handle in given_ids if kind == "handle"
    }
    rows = conn.execute(sa.select(tables.listings).where(tables.listings.c.current, ~tables.listings.c.gone)).all()
    consists: dict[str, Callable[[str], set[tuple[str, str]]]] = {
        "product": lambda id_: list_members(rows, "product_id", products.get(id_)),
        "variant": lambda id_: list_members(rows, "variant_id", variants.get(id_)),
        "listing": lambda id_: list_members(rows, "id", listings.get(id_)),
        "category": lambda id_: {("category", categories[id_].path)} if id_ in categories else set(),
        "handle": lambda id_: list_members(rows, "product_id", handles.get(id_)),
    }
    return {(kind, id_): frozenset(consists[kind](id_)) for kind, id_ in given_ids}


def list_members(rows: Sequence[Any], column: str, thing: Any) -> set[tuple[str, str]]:
    """List the listings that a thing consists of, by channel and external id."""
    return {(row.channel, row.external_id) for row in rows if thing and getattr(row, column) == thing.id}


async def compare(database: Database, orders: Sequence[Sequence[tuple[tuple[str, str], Row]]]) -> None:
    given_ids = set[tuple[str, str]]()
    for rows in orders:
        await database.write(clear_all)
        given_ids |= await build(Catalog(database, RULES), rows)
    last = await database.read(answer, given_ids)
    await database.write(clear_all)
    given_again = await build(Catalog(database, RULES), orders[0])
    assert given_again <= given_ids
    first = await database.read(answer, given_ids)
    assert {id_: (found, last[id_]) for id_, found in first.items() if found != last[id_]} == {}
    assert {id_ for id_, found in first.items() if not found} == set(), "every id leads somewhere"


def check_rebuilds(database_url: str, examples: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    """Compare the answers of random databases with those of databases that were built anew."""
    with asyncio.Runner() as runner:
        database = Database(database_url)

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=phases)
        @given(records, steps, st.permutations(SOURCES), st.permutations(SOURCES))
        def check(
            world: Mapping[tuple[str, str], Any],
            earlier: Sequence[tuple[tuple[str, str], Sequence[str]]],
            one: Sequence[tuple[str, str]],
            other: Sequence[tuple[str, str]],
        ) -> None:
            first = [(it, build_record(it, skus[: len(world[it][0])], *world[it][1:])) for it, skus in earlier]
            last = {source: build_record(source, *values) for source, values in world.items()}
            orders = [[*first, *((it, last[it]) for it in one)], [(it, last[it]) for it in other]]
            runner.run(compare(database, orders))

        try:
            check()
        finally:
            runner.run(database.close())


@pytest.mark.any_database
def test_a_database_built_anew_answers_all_ids_and_handles(database_url: str, examples: int) -> None:
    check_rebuilds(database_url, examples)


def test_the_proof_a_product_that_keeps_the_id_of_another_one_breaks_the_promise(
    database_url: str, examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.commerce.catalog.product_grouping._is_owner", lambda *_: True)
    with pytest.raises(AssertionError):
        check_rebuilds(database_url, examples, [Phase.generate])
