"""Former prices of the demo: what is shown beside each of its reduced prices (rule H4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.demo.__main__ import DATA
from examples.demo.channels import build_worlds, start_sandboxes
from examples.demo.gateway_process import CONFIG
from examples.demo.pictures import render_picture
from examples.demo.prices import COLUMNS, KNOWN_FOR, build_history, list_rows
from examples.demo.retail import read_receipts
from gateway.cli.prices import read_file
from gateway.commerce.catalog.lowest_price import compute_lowest_price
from gateway.model.money import Money
from gateway.model.offers import Offer
from gateway.settings.loading import load
from gateway.storage.writes.price_history import PriceSpan
from tests.plugins.test_demo import ENVIRONMENT

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def build_spans(title: str, price: int, usual: int) -> list[PriceSpan]:
    """Build the spans that the import of a history stores."""
    history = build_history(title, Decimal(price) / 100, Decimal(usual) / 100)
    ends = [*(NOW - ago for ago, _, _ in history[1:]), NOW]
    return [
        PriceSpan("l", "GBP", NOW - ago, end, int(100 * amount), None if before is None else int(100 * before))
        for (ago, amount, before), end in zip(history, ends, strict=True)
    ]


@given(st.text(max_size=40), st.integers(1, 10_000), st.integers(20, 60))
def test_the_lowest_price_before_every_reduction_is_known(title: str, price: int, raised: int) -> None:
    usual = price + max(1, price * raised // 100)
    spans = build_spans(title, price, usual)
    assert spans[0].seen_from == NOW - KNOWN_FOR
    money = [Money(amount, "GBP") for amount in (price, usual)]
    offer = Offer(
        variant_id="v",
        channel_key="web",
        currency_code="GBP",
        listing_id="l",
        price=money[0],
        compare_at_price=money[1],
        price_since=NOW,
    )
    lowest = compute_lowest_price(offer, spans)
    assert lowest == min(span.price for span in spans[:-1])
    assert timedelta(days=2) <= NOW - spans[-1].seen_from <= timedelta(days=13)


@pytest.mark.anyio
async def test_the_file_names_every_reduced_variant_of_the_store_as_the_import_reads_it(tmp_path: Path) -> None:
    lines = [line for line in read_receipts(DATA) if line.code in ("84969", "22748", "22423")]
    async with start_sandboxes(build_worlds(lines), tmp_path) as twins:
        rows = [COLUMNS, *list_rows(twins.web, NOW)]
        reduced = {
            variant["id"].rpartition("/")[2]: variant["price"]
            for variant in twins.web.shop.list_nodes("ProductVariant")
            if variant["compareAtPrice"] is not None
        }
    (tmp_path / "prices.csv").write_text("\n".join(map(",".join, rows)), encoding="utf-8")
    prices = read_file(tmp_path / "prices.csv", load(CONFIG, ENVIRONMENT), NOW).values()
    assert len(reduced) == 2
    assert {(one.listing[1], one.price.amount) for one in prices if one.seen_until == NOW} == {*reduced.items()}


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ({}, 'width="1600" height="1200"'),
        ({"width": "400"}, 'width="400" height="300"'),
        ({"width": "400", "height": "100"}, 'width="133" height="99"'),
        ({"height": "600"}, 'width="800" height="600"'),
        ({"width": "400", "height": "100", "crop": "top"}, 'height="100" preserveAspectRatio="xMidYMin slice"'),
        ({"width": "99999", "height": "0", "crop": "middle"}, 'width="1600" height="1200"'),
        ({"width": '1"/>'}, 'width="1600" height="1200"'),
    ],
)
def test_a_picture_has_the_size_that_is_asked_for(query: dict[str, str], size: str) -> None:
    picture = render_picture("mug-b3262e-210-1", query)
    assert picture is not None and f"{size}>" in picture
