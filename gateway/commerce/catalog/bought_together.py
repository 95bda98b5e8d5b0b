"""Products that are bought together: counted in the baskets of recent orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.storage.writes.bought_together import Basket, TogetherRow
from gateway.storage.writes.sold_units import ALL_CHANNELS

MIN_ORDERS = 2
"""Orders that two products are in at least: one order alone would show what one customer has bought."""

MAX_OTHERS = 24
"""Products that are stored for each product and channel."""


def count_pairs(baskets: Sequence[Basket], part: str) -> set[TogetherRow]:
    """Count the orders that products with this last digit share with others, by channel and over all channels."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for channel, product_ids in baskets:
        for product_id in product_ids:
            if product_id[-1] == part:
                for key in ((product_id, channel), (product_id, ALL_CHANNELS)):
                    counts.setdefault(key, Counter()).update(product_ids)
    return {
        TogetherRow(product_id, channel, other_id, orders)
        for (product_id, channel), others in counts.items()
        for other_id, orders in _select_most_frequent(product_id, others)
    }


def _select_most_frequent(product_id: str, others: Counter[str]) -> Sequence[tuple[str, int]]:
    frequent = [(other_id, orders) for other_id, orders in others.items() if orders >= MIN_ORDERS]
    ranked = sorted(frequent, key=lambda other: (-other[1], other[0]))
    return [other for other in ranked if other[0] != product_id][:MAX_OTHERS]
