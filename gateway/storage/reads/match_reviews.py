"""Match reviews: listings whose matching waits for an operator's decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.reads.catalog import Visibility, is_listing_visible
from gateway.storage.sql.bulk import load_json
from gateway.storage.sql.json_arrays import expand_texts
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.tables import listings, match_reviews


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchReview:
    """A listing with an ambiguous match. `candidate_ids`: the listings that it may match."""

    id: str
    listing_id: str
    candidate_ids: tuple[str, ...]
    reason: str
    created_at: datetime


def list_reviews(visibility: Visibility) -> Rows[MatchReview]:
    """List the open reviews of listings that the caller sees, longest waiting first."""
    return Rows(_select_open(visibility), Sort(match_reviews.c.created_at, match_reviews.c.id), read_review)


def find_reviews(conn: Connection, ids: Sequence[str], visibility: Visibility) -> Mapping[str, MatchReview]:
    """Find the open reviews with these ids, of listings that the caller sees."""
    rows = conn.execute(_select_open(visibility).where(is_among(conn, match_reviews.c.id, ids)))
    return {row.id: read_review(row) for row in rows}


def _select_open(visibility: Visibility) -> sa.Select[Any]:
    seen = sa.select(listings.c.id).where(listings.c.id == match_reviews.c.listing_id, is_listing_visible(visibility))
    reviews = sa.select(match_reviews).where(seen.correlate(match_reviews).exists())
    return reviews if visibility.configured is None else reviews.where(_has_visible_candidate(visibility))


def _has_visible_candidate(visibility: Visibility) -> sa.ColumnElement[bool]:
    """Build the condition that there is something to decide: not all candidates are listings of removed channels."""
    candidate = expand_texts(match_reviews.c.candidates)
    seen = sa.select(listings.c.id).where(listings.c.id == candidate.c.value, is_listing_visible(visibility))
    shown = sa.select(candidate.c.value).select_from(candidate).where(seen.correlate(candidate).exists())
    return sa.or_(match_reviews.c.candidates == "[]", shown.correlate(match_reviews).exists())


def read_review(row: sa.Row[Any]) -> MatchReview:
    """Read a row of `match_reviews`."""
    return MatchReview(
        id=row.id,
        listing_id=row.listing_id,
        candidate_ids=tuple(load_json(row.candidates)),
        reason=row.reason,
        created_at=row.created_at,
    )
