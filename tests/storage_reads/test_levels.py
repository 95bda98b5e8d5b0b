"""One definition of what can be promised (rule K1): in Python for the fields, in SQL for the filters."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from gateway.storage.database import Database
from gateway.storage.levels import Ageing, Counted, can_be_had_at, levels, levels_of_variants, sellable_products
from gateway.storage.tables import listings, products, stock, variants
from tests.house import START

PLACES = (Counted("london", "till", "L"), Counted("leeds", "till", "M", 2), Counted("depot", "web", "D", 1))
AGEING = Ageing({"till": timedelta(hours=1), "web": timedelta(hours=1)}, {p.location: p.authority for p in PLACES})

LISTED = st.lists(
    st.tuples(
        st.integers(0, 2),  # variant
        st.sampled_from(["till", "web"]),
        st.integers(0, 3),  # item
        st.booleans(),  # tracked
        st.integers(1, 3),  # units
        st.sampled_from(["ACTIVE", "INACTIVE"]),
        st.booleans(),  # gone
    ),
    max_size=8,
)
COUNTED = st.dictionaries(
    st.tuples(st.sampled_from(["till", "web"]), st.integers(0, 3), st.sampled_from(["L", "M", "D", "elsewhere"])),
    st.tuples(st.integers(-5, 9), st.integers(0, 3), st.integers(0, 3), st.booleans()),
    max_size=12,
)
Listed = list[tuple[int, str, int, bool, int, str, bool]]
Counts = dict[tuple[str, int, str], tuple[int, int, int, bool]]


def test_python_and_sql_agree_on_what_can_be_promised(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url)

        @settings(deadline=None, max_examples=60)
        @given(listed=LISTED, counts=COUNTED)
        def check(listed: Listed, counts: Counts) -> None:
            runner.run(database.write(fill, listed, counts))
            runner.run(database.read(compare, listed))

        try:
            check()
        finally:
            runner.run(database.close())


@pytest.mark.anyio
async def test_a_retailer_may_have_thousands_of_locations(database_url: str) -> None:
    places = [*PLACES, *(Counted(f"shop-{n}", "till", f"S{n}") for n in range(2_000))]
    ageing = Ageing({"till": timedelta(hours=1)}, {place.location: place.authority for place in places})
    database = Database(database_url)
    try:
        await database.write(fill, [(0, "till", 0, True, 1, "ACTIVE", False)], {("till", 0, "M"): (5, 0, 0, True)})
        found = await database.read(levels_of_variants, ["v0"], places, ageing)
        sellable = await database.read(sellable_products, ["p0"], "till", places)
    finally:
        await database.close()
    assert [level.location_key for level in found["v0"] if level.on_hand] == ["leeds"]
    assert len(found["v0"]) == len(places) - 1  # the depot counts for the web store, which does not list it
    assert sellable == {"p0"}


def compare(conn: Connection, listed: Listed) -> None:
    ids = [f"v{n}" for n in range(3)]
    known = levels_of_variants(conn, ids, PLACES, AGEING)
    buffers = {place.location: place.buffer for place in PLACES}
    for row in conn.execute(levels(PLACES)):
        (level,) = [one for one in known[row.variant_id] if one.location_key == row.location]
        assert row.available == level.available(buffers[row.location])
    for channel, places in (("till", PLACES[:2]), ("web", PLACES), ("web", PLACES[2:])):
        sellable = sellable_products(conn, [f"p{n}" for n in range(3)], channel, places)
        assert sellable == {f"p{one[0]}" for one in listed if offered(one, channel, known, places)}
    for place in PLACES:
        statement = sa.select(products.c.id).where(can_be_had_at(place))
        expected = {f"p{n}" for n in range(3) if promised(known[f"v{n}"], [place], 1)}
        assert set(conn.scalars(statement)) == expected


def offered(one: tuple[Any, ...], channel: str, known: Any, places: Sequence[Counted]) -> bool:
    variant, seller, _, _, units, status, gone = one
    return seller == channel and status == "ACTIVE" and not gone and promised(known[f"v{variant}"], places, units)


def promised(found: Any, places: Sequence[Counted], units: int) -> bool:
    """In Python, by the model's own arithmetic."""
    buffers = {place.location: place.buffer for place in places}
    here = [level for level in found if level.location_key in buffers]
    if here and not any(level.tracked for level in here):
        return True
    amounts = [level.available(buffers[level.location_key]) for level in here if level.tracked]
    known = [amount for amount in amounts if amount is not None]
    return bool(known) and sum(known) >= units


def fill(conn: Connection, listed: Listed, counts: Counts) -> None:
    for table in (listings, stock, products, variants):
        conn.execute(sa.delete(table))
    conn.execute(sa.insert(products), [product_row(n) for n in range(3)])
    conn.execute(sa.insert(variants), [variant_row(n) for n in range(3)])
    if listed:
        conn.execute(sa.insert(listings), [listing_row(n, *one) for n, one in enumerate(listed)])
    if counts:
        conn.execute(sa.insert(stock), [stock_row(n, *one) for n, one in enumerate(counts.items())])


def product_row(n: int) -> dict[str, Any]:
    texts = {
        "title": "",
        "description": "",
        "tags": "[]",
        "images": "[]",
        "options": "[]",
        "sort_title": "",
        "words": "",
    }
    times = {"created_at": START, "updated_at": START}
    return {"id": f"p{n}", "handle": f"h{n}", "version": 1, "status": "ACTIVE", "visible": True, **texts, **times}


def variant_row(n: int) -> dict[str, Any]:
    texts = {"title": "", "options": "[]", "unit_of_measure": "each"}
    return {
        "id": f"v{n}",
        "product_id": f"p{n}",
        "version": 1,
        "position": 0,
        "visible": True,
        "updated_at": START,
        **texts,
    }


def listing_row(
    n: int, variant: int, channel: str, item: int, tracked: bool, units: int, status: str, gone: bool
) -> dict[str, Any]:
    return {
        "id": f"l{n}",
        "channel": channel,
        "external_id": f"{n}",
        "generation": 1,
        "current": True,
        "gone": gone,
        "channel_product_id": f"cp{n}",
        "position": 0,
        "variant_id": f"v{variant}",
        "product_id": f"p{variant}",
        "condition": "new",
        "title": "",
        "options": "[]",
        "unit_of_measure": "each",
        "price_includes_tax": True,
        "units_per_listing": units,
        "tracked": tracked,
        "inventory_item": str(item),
        "status": status,
    }


def stock_row(n: int, key: tuple[str, int, str], counts: tuple[int, int, int, bool]) -> dict[str, Any]:
    (channel, item, place), (on_hand, committed, held, known) = key, counts
    named = {"id": f"s{n}", "channel": channel, "item": str(item), "place": place, "known": known}
    numbers = {"on_hand": on_hand, "committed": committed, "held": held, "incoming": 0, "version": 1}
    return {**named, **numbers, "updated_at": START}
