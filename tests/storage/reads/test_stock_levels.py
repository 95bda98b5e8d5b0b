"""The available quantity has one definition (rule K1): in Python for fields, in SQL for filters."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from gateway.model.stock import StockLevel
from gateway.model.validation import MAX_QUANTITY, clamp_quantity
from gateway.storage.database import Database
from gateway.storage.reads.offered_listings import SellingChannel
from gateway.storage.reads.stock_levels import (
    CountedLocation,
    StalenessLimits,
    filter_sellable_products,
    find_levels,
    is_product_available_at,
    select_levels,
)
from gateway.storage.reads.stock_sums import NOTHING_LISTED, StockSum, find_stock_sums
from gateway.storage.tables import channel_products, listings, products, stock, variants
from tests.gateways import START

COUNTED_LOCATIONS = (
    CountedLocation("london", "till", "L"),
    CountedLocation("leeds", "till", "M", 2),
    CountedLocation("depot", "web", "D", 1),
    CountedLocation("paris", "till", ""),  # its authority is not accepted yet
)
AGEING = StalenessLimits(
    {"till": timedelta(hours=1), "web": timedelta(hours=1)}, {p.location: p.authority for p in COUNTED_LOCATIONS}
)

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
ListingValues = tuple[int, str, int, bool, int, str, bool]
Listed = list[ListingValues]
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
    locations = [*COUNTED_LOCATIONS, *(CountedLocation(f"shop-{n}", "till", f"S{n}") for n in range(2_000))]
    ageing = StalenessLimits(
        {"till": timedelta(hours=1)}, {location.location: location.authority for location in locations}
    )
    database = Database(database_url)
    try:
        await database.write(fill, [(0, "till", 0, True, 1, "ACTIVE", False)], {("till", 0, "M"): (5, 0, 0, True)})
        found = await database.read(find_levels, ["v0"], locations, ageing)
        sellable = await database.read(filter_sellable_products, ["p0"], SellingChannel("till", "GBP"), locations)
    finally:
        await database.close()
    assert [level.location_key for level in found["v0"] if level.on_hand] == ["leeds"]
    assert len(found["v0"]) == len(locations) - 1  # the depot counts for the web store, which does not list the variant
    assert sellable == {"p0"}


def compare(conn: Connection, listed: Listed) -> None:
    ids = [f"v{n}" for n in range(3)]
    known = find_levels(conn, ids, COUNTED_LOCATIONS, AGEING)
    buffers = {location.location: location.buffer for location in COUNTED_LOCATIONS}
    for row in conn.execute(select_levels(COUNTED_LOCATIONS)):
        (level,) = [one for one in known[row.variant_id] if one.location_key == row.location]
        assert row.available == level.compute_available(buffers[row.location])
    for channel, locations in (
        ("till", COUNTED_LOCATIONS[:2]),
        ("web", COUNTED_LOCATIONS),
        ("web", COUNTED_LOCATIONS[2:]),
        ("till", COUNTED_LOCATIONS[3:]),
    ):
        seller, ids = SellingChannel(channel, "GBP"), [f"p{n}" for n in range(3)]
        sellable = filter_sellable_products(conn, ids, seller, locations)
        assert sellable == {
            f"p{one[0]}" for one in list_offers(listed, channel) if is_promised(known[f"v{one[0]}"], locations, one[4])
        }
    for location in COUNTED_LOCATIONS:
        statement = sa.select(products.c.id).where(is_product_available_at(location))
        expected = {f"p{n}" for n in range(3) if is_promised(known[f"v{n}"], [location], 1)}
        assert set(conn.scalars(statement)) == expected

    groups = [("london",), ("leeds", "london"), tuple(sorted(buffers)), ()]
    sums = find_stock_sums(conn, [f"v{n}" for n in range(3)], COUNTED_LOCATIONS, groups)
    for id_, group in itertools.product(known, groups):
        assert sums.get((id_, group), NOTHING_LISTED) == add_levels(known[id_], group, buffers)


def add_levels(levels: Sequence[StockLevel], group: Sequence[str], buffers: Mapping[str, int]) -> StockSum:
    """Add up the levels of a group in Python."""
    here = [level for level in levels if level.location_key in group]
    amounts = [level.compute_available(buffers[level.location_key]) for level in here if level.tracked]
    known = [amount for amount in amounts if amount is not None]
    is_untracked = any(not level.tracked for level in here)
    return StockSum(clamp_quantity(sum(known)) if known else None, is_untracked)


@pytest.mark.anyio
@pytest.mark.parametrize("on_hand", [3 * MAX_QUANTITY, -3 * MAX_QUANTITY])
@pytest.mark.parametrize("committed", [0, 2 * MAX_QUANTITY])
async def test_counts_beyond_what_clients_can_read_are_added_up_like_levels(
    database_url: str, on_hand: int, committed: int
) -> None:
    def add_up(conn: Connection) -> None:
        fill(
            conn,
            [(0, "till", 0, True, 1, "ACTIVE", False)],
            {("till", 0, location): (on_hand, committed, 0, True) for location in ("L", "M")},
        )
        levels = find_levels(conn, ["v0"], COUNTED_LOCATIONS, AGEING)["v0"]
        sums = find_stock_sums(conn, ["v0"], COUNTED_LOCATIONS, [("leeds", "london")])
        buffers = {location.location: location.buffer for location in COUNTED_LOCATIONS}
        assert sums["v0", ("leeds", "london")] == add_levels(levels, ("leeds", "london"), buffers)

    database = Database(database_url)
    await database.write(add_up)
    await database.close()


def list_offers(listed: Listed, channel: str) -> list[ListingValues]:
    """List the offers of a channel: of several listings of a variant the oldest that is for sale."""
    for_sale = [one for one in listed if one[1] == channel and one[5] == "ACTIVE" and not one[6]]
    return [one for n, one in enumerate(for_sale) if one[0] not in {older[0] for older in for_sale[:n]}]


def is_promised(found: Any, locations: Sequence[CountedLocation], units: int) -> bool:
    """Compute the promise in Python, with the model's own arithmetic: one location has all units of a listing."""
    buffers = {location.location: location.buffer for location in locations}
    here = [level for level in found if level.location_key in buffers]
    amounts = [level.compute_available(buffers[level.location_key]) for level in here if level.tracked]
    return any(not level.tracked for level in here) or any(amount is not None and amount >= units for amount in amounts)


def fill(conn: Connection, listed: Listed, counts: Counts) -> None:
    for table in (listings, stock, products, variants, channel_products):
        conn.execute(sa.delete(table))
    conn.execute(sa.insert(products), [build_product_row(n) for n in range(3)])
    conn.execute(sa.insert(variants), [build_variant_row(n) for n in range(3)])
    if listed:
        conn.execute(sa.insert(listings), [build_listing_row(n, listing) for n, listing in enumerate(listed)])
        conn.execute(
            sa.insert(channel_products), [build_channel_product_row(n, one[1]) for n, one in enumerate(listed)]
        )
    if counts:
        conn.execute(sa.insert(stock), [build_stock_row(n, *one) for n, one in enumerate(counts.items())])


def build_product_row(n: int) -> dict[str, Any]:
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


def build_variant_row(n: int) -> dict[str, Any]:
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


def build_listing_row(n: int, listing: ListingValues) -> dict[str, Any]:
    variant, channel, item, tracked, units, status, gone = listing
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
        "price": 100,
        "currency": "GBP",
        "price_includes_tax": True,
        "units_per_listing": units,
        "tracked": tracked,
        "inventory_item": str(item),
        "status": status,
    }


def build_channel_product_row(n: int, channel: str) -> dict[str, Any]:
    texts = {"title": "", "description": "", "tags": "[]", "images": "[]", "category": "[]"}
    flags = {"grouped": False, "gone": False, "status": "ACTIVE"}
    return {"id": f"cp{n}", "channel": channel, "external_id": f"{n}", **texts, **flags}


def build_stock_row(n: int, key: tuple[str, int, str], counts: tuple[int, int, int, bool]) -> dict[str, Any]:
    (channel, item, location), (on_hand, committed, held, known) = key, counts
    named = {"id": f"s{n}", "channel": channel, "item": str(item), "place": location, "known": known}
    numbers = {"on_hand": on_hand, "committed": committed, "held": held, "incoming": 0, "version": 1}
    return {**named, **numbers, "updated_at": START}
