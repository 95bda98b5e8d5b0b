"""The history of prices: what reductions are compared with (rule H4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commerce.catalog.lowest_price import compute_lowest_price
from gateway.model.money import Money
from gateway.model.offers import Offer
from gateway.storage.database import Connection, Database
from gateway.storage.migrate import migrate
from gateway.storage.tables import listings, price_history
from gateway.storage.writes import price_history as writes
from gateway.storage.writes.price_history import PriceSpan

pytestmark = pytest.mark.anyio

START = datetime(2026, 1, 1, tzinfo=UTC)
Step = tuple[int, int, int | None]
"""Days that a price held, the price, and the price before a reduction."""


def build_spans(steps: Sequence[Step]) -> tuple[list[PriceSpan], datetime]:
    """Build spans without gaps, and the time at which the last one ends."""
    spans, time = [], START
    for days, price, before in steps:
        spans.append(PriceSpan("l", "GBP", time, time + timedelta(days=days), price, before))
        time += timedelta(days=days)
    return spans, time


def build_offer(price: int, before: int | None, since: datetime | None) -> Offer:
    return Offer(
        variant_id="v",
        channel_key="web",
        currency_code="GBP",
        listing_id="l",
        price=Money(price, "GBP"),
        compare_at_price=None if before is None else Money(before, "GBP"),
        price_since=since,
    )


@pytest.mark.parametrize(
    ("steps", "present", "lowest"),
    [
        ([(40, 100, None)], (80, 100), 100),
        ([(30, 100, None)], (80, 100), 100),
        ([(29, 100, None)], (80, 100), None),
        ([(20, 60, None), (40, 100, None)], (80, 100), 100),
        ([(20, 60, None), (29, 100, None)], (80, 100), 60),
        ([(40, 100, None), (5, 90, 100)], (80, 100), 100),
        ([(40, 100, None), (60, 90, 100)], (80, 100), 100),
        ([(40, 100, None), (5, 50, 100), (10, 100, None)], (80, 100), 50),
        ([(40, 90, 100)], (80, 100), None),
        ([], (80, 100), None),
        ([(40, 100, None)], (80, None), None),
        ([(40, 100, None)], (80, 80), None),
    ],
)
def test_the_lowest_price_is_that_of_the_30_days_before_the_reduction(
    steps: list[Step], present: tuple[int, int | None], lowest: int | None
) -> None:
    spans, since = build_spans(steps)
    assert compute_lowest_price(build_offer(*present, since), spans) == lowest


def test_a_gap_of_a_day_makes_it_unknown_and_a_shorter_one_does_not() -> None:
    for gap, lowest in ((timedelta(hours=23), 90), (timedelta(days=1), None)):
        first = PriceSpan("l", "GBP", START, START + timedelta(days=20), 90, None)
        begin = first.seen_until + gap
        second = PriceSpan("l", "GBP", begin, begin + timedelta(days=20), 100, None)
        assert compute_lowest_price(build_offer(80, 100, second.seen_until), [first, second]) == lowest


STEPS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 100), st.none() | st.integers(1, 120)), min_size=1, max_size=8
)


@given(steps=STEPS)
def test_the_lowest_price_is_one_of_the_window_and_none_of_it_is_lower(steps: list[Step]) -> None:
    spans, since = build_spans(steps)
    lowest = compute_lowest_price(build_offer(1, 200, since), spans)
    begin = since
    for span in reversed(spans):
        if not span.is_reduced:
            break
        begin = span.seen_from
    window = [span.price for span in spans if span.seen_from < begin and span.seen_until > begin - timedelta(days=30)]
    if lowest is not None:
        assert lowest <= min(window)
    elif begin - START >= timedelta(days=30):
        assert all(span.is_reduced for span in spans)


def add_listing(conn: Connection, id_: str, before: int | None) -> None:
    texts = ("channel", "channel_product_id", "variant_id", "product_id", "condition", "title")
    row = dict.fromkeys(texts, "x") | {"options": "[]", "unit_of_measure": "each", "status": "ACTIVE"}
    flags = {"current": True, "gone": False, "price_includes_tax": True, "tracked": True}
    numbers = {"generation": 1, "position": 0, "units_per_listing": 1, "price": 80, "compare_at_price": before}
    conn.execute(
        listings.insert().values(id=id_, external_id=id_, inventory_item=id_, currency="GBP", **row, **flags, **numbers)
    )


async def test_old_prices_are_deleted_but_those_that_a_running_reduction_is_compared_with(database_url: str) -> None:
    database = Database(database_url)
    await migrate(database)
    spans, _ = build_spans([(10, 100, None), (10, 90, None), (40, 100, None), (20, 90, 100), (90, 85, 100)])

    def fill(conn: Connection) -> None:
        add_listing(conn, "reduced", 100)
        add_listing(conn, "plain", None)
        writes.add_spans(conn, [span._replace(listing_id=id_) for span in spans for id_ in ("reduced", "plain")])

    await database.write(fill)
    before, deleted = START + timedelta(days=150), 0
    while count := await database.write(writes.prune_spans, before, 2):
        deleted += count
    rows = await database.read(lambda conn: conn.execute(price_history.select()).all())
    await database.close()
    remaining = {id_: sorted(row.price for row in rows if row.listing_id == id_) for id_ in ("reduced", "plain")}
    assert remaining == {"reduced": [85, 90, 100], "plain": [85]}
    assert deleted == 6
