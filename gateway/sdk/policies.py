"""Policies: decisions that a retailer can configure. A policy is a function that the configuration selects by name.

Several threads may call it at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from gateway.model.catalog import Listing, RelatedKind
from gateway.model.locations import Address
from gateway.sdk._deprecated import alias_names
from gateway.sdk.records import CustomerRecord, VariantRecord

Matching = Callable[[Sequence[VariantRecord]], Sequence[str | None]]
"""Returns a key for each variant, or None. Variants with equal keys are matched, unless their GTINs or SKUs differ."""

Prices = Callable[[Sequence[Sequence[Listing]]], Sequence[Listing | None]]
"""Selects, for each variant, the listing that determines its price when no channel is given. Receives the listings in
the order of the catalog priority; None: no price.
"""


@dataclass(frozen=True, slots=True)
class Goods:
    """A sold item, for the calculation of taxes.

    Attributes:
        channel: Key of the channel that sells it.
        sku: SKU of the variant; None: it has none.
        title: Title of the listing.
    """

    channel: str
    sku: str | None
    title: str


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A tax rate. `rate`: a fraction, 0.2 for 20 %."""

    title: str
    rate: Decimal


Taxes = Callable[[Sequence[Goods], Address | None], Sequence[TaxRate | None]]
"""Returns the tax rate of each item for a destination address (None: not known). A rate of None is not known; such
items are not sold through the gateway.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to fulfill an order, for ranking.

    Attributes:
        parts: Number of locations that supply goods, including transfers.
        kilometers: Distance to the farthest location; None: not known.
        lying_since: When the oldest of the stock counts involved last changed; None: not known.
        units: Number of units that can be fulfilled.
    """

    parts: int
    kilometers: float | None
    lying_since: datetime | None
    units: int


Routing = Callable[[Sequence[Plan]], Sequence[int]]
"""Returns the positions of the plans, best plan first."""


@dataclass(frozen=True, slots=True)
class RelatedCandidate:
    """A product that may be related to another one, and why.

    Attributes:
        product_id: Row ID of the product.
        same_brand: Whether both have the same brand, for similar products.
        shared_attributes: Number of values of attributes that both have, for similar products.
        orders: Number of recent orders that contain both, for complementary products.
    """

    product_id: str
    same_brand: bool = False
    shared_attributes: int = 0
    orders: int = 0


@dataclass(frozen=True, slots=True)
class RelatedRequest:
    """A product for which related ones are shown. `candidates`: what the gateway has found."""

    kind: RelatedKind
    product_id: str
    candidates: Sequence[RelatedCandidate]


Related = Callable[[Sequence[RelatedRequest]], Sequence[Sequence[str]]]
"""Returns for each product the row IDs of related ones, the best first: of candidates, or of others. The first 12 that
the caller sees and the channel can sell are shown.
"""

Recognition = Callable[[str, Sequence[CustomerRecord]], Sequence[str | None]]
"""Returns a key for each customer record of a channel, whose key in the configuration is the first argument, or None.
Records with equal keys are linked to one customer, in all channels, unless their given names differ or people decided
otherwise (rule C3). The key of a record must depend on that record alone.
"""

KINDS = ("matching", "prices", "recognition", "related", "routing", "taxes")
"""The kinds of policies."""


def match_by_codes(variants: Sequence[VariantRecord]) -> Sequence[str | None]:
    """Match variants by GTIN and SKU only: the default of ``matching``."""
    return [None] * len(variants)


def recognize_by_evidence(channel: str, customers: Sequence[CustomerRecord]) -> Sequence[str | None]:
    """Recognize customers by the gateway's own evidence only: the default of ``recognition``."""
    return [None] * len(customers)


def select_first_priced(listings: Sequence[Sequence[Listing]]) -> Sequence[Listing | None]:
    """Select the first channel of the catalog priority that has a price: the default of ``prices``."""
    return [next((listing for listing in group if listing.price is not None), None) for group in listings]


def apply_no_taxes(goods: Sequence[Goods], destination: Address | None) -> Sequence[TaxRate | None]:
    """Return no tax rates: the default of ``taxes`` if no rate is configured."""
    return [None] * len(goods)


def make_flat_taxes(rate: TaxRate) -> Taxes:
    """Return a policy that applies one rate to all items: the default of ``taxes`` if a rate is configured."""

    def apply_rate(goods: Sequence[Goods], destination: Address | None) -> Sequence[TaxRate | None]:
        return [rate] * len(goods)

    return apply_rate


def rank_by_parts_distance_age(plans: Sequence[Plan]) -> Sequence[int]:
    """Rank plans by fewest parts, then shortest distance, then oldest stock count: the default of ``routing``."""

    def rank(position: int) -> tuple[object, ...]:
        plan = plans[position]
        distance = float("inf") if plan.kilometers is None else plan.kilometers
        counted_at = _NEVER if plan.lying_since is None else plan.lying_since
        return (-plan.units, plan.parts, distance, counted_at, position)

    return sorted(range(len(plans)), key=rank)


def rank_by_evidence(requests: Sequence[RelatedRequest]) -> Sequence[Sequence[str]]:
    """Rank related products by what they share, then by the orders that contain both: the default of ``related``."""

    def rank(candidate: RelatedCandidate) -> int:
        return -(3 * candidate.same_brand + 2 * candidate.shared_attributes + candidate.orders)

    return [[one.product_id for one in sorted(request.candidates, key=rank)] for request in requests]


_NEVER = datetime.max.replace(tzinfo=UTC)


if not TYPE_CHECKING:
    __getattr__ = alias_names(
        __name__,
        {
            "codes_only": "match_by_codes",
            "first_priced": "select_first_priced",
            "no_taxes": "apply_no_taxes",
            "flat": "make_flat_taxes",
            "fewest_nearest_longest": "rank_by_parts_distance_age",
        },
    )
