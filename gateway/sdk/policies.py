"""Policies: decisions that a retailer may want to take differently. Named functions, chosen by the configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from gateway.model.catalog import Listing
from gateway.model.channels import Address
from gateway.sdk.records import VariantRecord

Matching = Callable[[Sequence[VariantRecord]], Sequence[str | None]]
"""A key per variant, or None: variants of equal keys are one thing, where neither GTIN nor SKU says otherwise."""

Prices = Callable[[Sequence[Sequence[Listing]]], Sequence[Listing | None]]
"""Per variant, given its listings by catalogue priority: the one whose price stands where no channel is named."""


@dataclass(frozen=True, slots=True)
class Goods:
    """What is sold, as far as taxes depend on it. `channel`: key of the channel that sells it."""

    channel: str
    sku: str | None
    title: str


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A tax. `rate` is a fraction: 0.2 for 20 %."""

    title: str
    rate: Decimal


Taxes = Callable[[Sequence[Goods], Address | None], Sequence[TaxRate | None]]
"""The tax on each of these, sold to this address, where that is known. None: nobody knows, and it is not sold so."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One way in which goods can reach a shopper, as far as its rank depends on it.

    Attributes:
        parts: from how many locations they come, transfers among them.
        kilometers: to the farthest of them; None: not known.
        lying_since: since when the stock that would be taken has not been counted anew: the oldest lies longest.
        units: how many units it serves.
    """

    parts: int
    kilometers: float | None
    lying_since: datetime | None
    units: int


Routing = Callable[[Sequence[Plan]], Sequence[int]]
"""The positions of the plans, the best first."""

KINDS = ("matching", "prices", "routing", "taxes")
"""What there is to decide."""


def codes_only(variants: Sequence[VariantRecord]) -> Sequence[str | None]:
    """Default of ``matching``: GTIN and SKU alone tell."""
    return [None] * len(variants)


def first_priced(listings: Sequence[Sequence[Listing]]) -> Sequence[Listing | None]:
    """Default of ``prices``: the first channel by catalogue priority that has a price."""
    return [next((listing for listing in group if listing.price is not None), None) for group in listings]


def no_taxes(goods: Sequence[Goods], destination: Address | None) -> Sequence[TaxRate | None]:
    """Nobody knows any rate."""
    return [None] * len(goods)


def flat(rate: TaxRate) -> Taxes:
    """Default of ``taxes``, where the configuration gives a rate: the same on everything."""

    def taxes(goods: Sequence[Goods], destination: Address | None) -> Sequence[TaxRate | None]:
        return [rate] * len(goods)

    return taxes


def fewest_nearest_longest(plans: Sequence[Plan]) -> Sequence[int]:
    """Default of ``routing``: the fewest parts; of those the nearest; of those the stock that lies longest."""

    def rank(position: int) -> tuple[object, ...]:
        plan = plans[position]
        far = float("inf") if plan.kilometers is None else plan.kilometers
        lying = _NEVER if plan.lying_since is None else plan.lying_since
        return (-plan.units, plan.parts, far, lying, position)

    return sorted(range(len(plans)), key=rank)


_NEVER = datetime.max.replace(tzinfo=UTC)
