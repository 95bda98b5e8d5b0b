"""Reading what waits for a person's decision about listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.catalog import LIVE
from gateway.storage.paging import Rows, Sort, among
from gateway.storage.rows import load
from gateway.storage.tables import listings, match_reviews

_open = sa.select(match_reviews).where(match_reviews.c.listing_id.in_(sa.select(listings.c.id).where(LIVE)))


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchReview:
    """A listing that could belong to others. `candidate_ids`: of listings that it could belong with."""

    id: str
    listing_id: str
    candidate_ids: tuple[str, ...]
    reason: str
    created_at: datetime


def reviews() -> Rows[MatchReview]:
    """Everything that waits for a decision, the longest waiting first."""
    return Rows(_open, Sort(match_reviews.c.created_at, match_reviews.c.id), review)


def reviews_by_id(conn: Connection, ids: Sequence[str]) -> Mapping[str, MatchReview]:
    """The open reviews with these ids."""
    return {row.id: review(row) for row in conn.execute(_open.where(among(conn, match_reviews.c.id, ids)))}


def review(row: sa.Row[Any]) -> MatchReview:
    """A row of `match_reviews`."""
    return MatchReview(
        id=row.id,
        listing_id=row.listing_id,
        candidate_ids=tuple(load(row.candidates)),
        reason=row.reason,
        created_at=row.created_at,
    )
