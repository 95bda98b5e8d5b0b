"""Policies: decisions that a retailer may want to take differently. Named functions, chosen by the configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.model.catalog import Listing
from gateway.sdk.records import VariantRecord

Matching = Callable[[Sequence[VariantRecord]], Sequence[str | None]]
"""A key per variant, or None: variants of equal keys are one thing, where neither GTIN nor SKU says otherwise."""

Prices = Callable[[Sequence[Sequence[Listing]]], Sequence[Listing | None]]
"""Per variant, given its listings by catalogue priority: the one whose price stands where no channel is named."""

KINDS = ("matching", "prices")
"""What there is to decide."""


def codes_only(variants: Sequence[VariantRecord]) -> Sequence[str | None]:
    """Default of ``matching``: GTIN and SKU alone tell."""
    return [None] * len(variants)


def first_priced(listings: Sequence[Sequence[Listing]]) -> Sequence[Listing | None]:
    """Default of ``prices``: the first channel by catalogue priority that has a price."""
    return [next((listing for listing in group if listing.price is not None), None) for group in listings]
