"""What reduced products of the web store cost in the last 45 days, as a shop imports its own history (rule H4).

The gateway sees prices from its first sync on, so it cannot know the lowest price before a reduction that runs already.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from examples.demo.gateway_process import DemoError, run_command
from examples.demo.generated import compute_number
from gateway_shopify_sandbox import ShopifySandbox

CHANNEL = "web"
COLUMNS = ("channel", "external_id", "currency", "price", "compare_at_price", "from", "until")
KNOWN_FOR = timedelta(days=45)
CENT = Decimal("0.01")
OFFER = Decimal("0.9")
"""The part of the usual price that half of the products cost for a week before they were reduced."""

Price = tuple[timedelta, Decimal, Decimal | None]
"""A price and the price before a reduction, from so long before the present on."""


async def import_prices(file: Path, web: ShopifySandbox, environment: Mapping[str, str], now: datetime) -> None:
    """Write the former prices to a file, and import it.

    Raises:
        DemoError: The gateway does not import it.
    """
    with file.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows([COLUMNS, *list_rows(web, now)])
    if code := await run_command("prices", environment, "import", str(file)):
        raise DemoError(f"`gateway prices import` ended with code {code}")


def list_rows(web: ShopifySandbox, now: datetime) -> Iterator[tuple[str, ...]]:
    """List the rows of the file: every price of every reduced variant."""
    for variant in web.shop.list_nodes("ProductVariant"):
        if variant["compareAtPrice"] is not None:
            yield from _list_rows_of_variant(variant, web.shop.currency, now)


def _list_rows_of_variant(variant: Mapping[str, Any], currency: str, now: datetime) -> Iterator[tuple[str, ...]]:
    prices = build_history(variant["product"]["title"], Decimal(variant["price"]), Decimal(variant["compareAtPrice"]))
    ends = [*(ago for ago, _, _ in prices[1:]), timedelta()]
    for (ago, price, before), end in zip(prices, ends, strict=True):
        named = (CHANNEL, variant["id"].rpartition("/")[2], currency)
        times = ((now - ago).isoformat(), (now - end).isoformat())
        yield (*named, str(price), "" if before is None else str(before), *times)


def build_history(title: str, price: Decimal, usual: Decimal) -> list[Price]:
    """Build the prices of a reduced product, oldest first: the reduction began two days to two weeks ago."""
    begin = timedelta(days=2 + compute_number("begin", title) % 12)
    history: list[Price] = [(KNOWN_FOR, usual, None)]
    if compute_number("offer", title) % 2:
        offer = (usual * OFFER).quantize(CENT, ROUND_HALF_UP)
        history += [(begin + timedelta(days=12), offer, None), (begin + timedelta(days=5), usual, None)]
    return [*history, (begin, price, usual)]
