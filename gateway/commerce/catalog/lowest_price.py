"""The lowest price before a reduction (rule H4; Directive 98/6/EC, article 6a, as amended by (EU) 2019/2161)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.model.offers import Offer
from gateway.storage.writes.price_history import BEFORE_REDUCTION, PriceSpan

MAX_GAP = timedelta(days=1)
"""Within a shorter time without observation, a price is taken as unchanged."""


def compute_lowest_price(offer: Offer, former: Sequence[PriceSpan]) -> int | None:
    """Compute the lowest price of the 30 days before the running reduction began, in minor units.

    `former`: the former prices of the listing in the currency, oldest first. None: the price is not reduced, the begin
    of the reduction was not seen, or not all of the 30 days are known.
    """
    if not offer.on_sale or offer.price_since is None:
        return None
    begin, earlier = _find_begin(offer.price_since, former)
    lowest, known_from = None, begin
    for span in reversed(earlier):
        if known_from - span.seen_until >= MAX_GAP:
            return None
        lowest = span.price if lowest is None else min(lowest, span.price)
        known_from = span.seen_from
        if known_from <= begin - BEFORE_REDUCTION:
            return lowest
    return None


def _find_begin(since: datetime, former: Sequence[PriceSpan]) -> tuple[datetime, Sequence[PriceSpan]]:
    """Find when the reduction began, of which a further cut is a part, and the prices before."""
    for number in range(len(former), 0, -1):
        span = former[number - 1]
        if not span.is_reduced or since - span.seen_until >= MAX_GAP:
            return since, former[:number]
        since = span.seen_from
    return since, ()
