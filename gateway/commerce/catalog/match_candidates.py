"""Match candidates: the values of listings by which they can be one variant, and the reviews of doubtful ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.model.catalog import MatchEvidence

_RESTRICTED_PREFIXES = (
    *("002", "004", *(f"0{prefix}" for prefix in range(20, 30))),  # GTIN-12 and GTIN-13
    *("0000000", "0000002"),  # GTIN-8
)
"""Prefixes of GTINs for use inside a store (GS1: restricted circulation numbers), as they begin 14 digits."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MatchCode = tuple[str, str]
"""A code by which listings can match: its kind (a column of `listings`) and its value."""

ListingSource = tuple[str, str]
"""A listing's channel and external ID, by which manual decisions are stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The values of a listing that decide its matches.

    Attributes:
        live: the channel lists it now. Removed listings match nothing, but follow live ones: their IDs stay valid.
        family: the ID of its channel product.
        key: the code of the matching policy.
        first_seen_at: orders listings by age.
    """

    id: str
    source: ListingSource
    live: bool
    family: str
    sku: str | None
    sku_key: str | None
    gtin: str | None
    key: str | None
    condition: str
    title: str = ""
    first_seen_at: datetime = _EPOCH


@dataclass(frozen=True, slots=True)
class MatchReview:
    """A listing for an operator to review: it could belong to others, and why that was not decided."""

    listing_id: str
    reason: str
    candidates: tuple[str, ...]


@dataclass(slots=True)
class Matching:
    """The result: groups of listing IDs, each by age; the evidence by listing ID; and the reviews."""

    groups: list[tuple[str, ...]] = field(default_factory=list)
    evidence: dict[str, MatchEvidence] = field(default_factory=dict)
    reviews: list[MatchReview] = field(default_factory=list)


def list_codes(candidate: Candidate) -> Iterator[MatchCode]:
    """List the codes by which a listing can match."""
    codes = {"gtin": candidate.gtin if is_matchable_gtin(candidate.gtin) else None}
    codes |= {"sku_key": candidate.sku_key, "match_key": candidate.key}
    return ((kind, code) for kind, code in codes.items() if code is not None)


def is_matchable_gtin(gtin: str | None) -> bool:
    """Whether the GTIN is globally unique."""
    return gtin is not None and not gtin.startswith(_RESTRICTED_PREFIXES)


def group_by_code(
    free: Iterable[Candidate], kind: str, code_of: Callable[[Candidate], str | None], void: Collection[MatchCode]
) -> Mapping[tuple[str, str], list[Candidate]]:
    """Group listings by a code and the condition of the goods."""
    groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in free:
        code = code_of(candidate)
        if code is not None and (kind, code) not in void:
            groups[code, candidate.condition].append(candidate)
    return groups


def add_reviews(doubtful: Iterable[Candidate], group: Iterable[Candidate], reason: str, matching: Matching) -> None:
    """Add a review of each of these listings, with the other listings of the group as candidates."""
    ids = sorted(candidate.id for candidate in group)
    for candidate in doubtful:
        others = tuple(id_ for id_ in ids if id_ != candidate.id)
        matching.reviews.append(MatchReview(candidate.id, reason, others[:20]))
