"""Reads of reviews: of products, by channels that the caller sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.reviews import Review
from gateway.storage.reads.catalog import Visibility, is_listing_visible
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.tables import channel_products, listings, product_reviews


@dataclass(frozen=True, slots=True)
class ReviewQuery:
    """Filters of reviews, and their order. `by_rating`: by stars, otherwise by time."""

    visibility: Visibility
    channel: str | None = None
    min_rating: int | None = None
    by_rating: bool = False
    descending: bool = True


@lru_cache(64)  # building a statement takes longer than running it
def list_reviews_of_products(query: ReviewQuery) -> Rows[Review]:
    """List the reviews of each of many products, in all channels that list it and that the caller sees."""
    statement = _select_reviews(query.visibility)
    if query.channel is not None:
        statement = statement.where(product_reviews.c.channel == query.channel)
    if query.min_rating is not None:
        statement = statement.where(product_reviews.c.rating >= query.min_rating)
    column = product_reviews.c.rating if query.by_rating else product_reviews.c.written_at
    sort = Sort(column, product_reviews.c.id, descending=query.descending)
    return Rows(statement, sort, read_review, parent=listings.c.product_id)


def _select_reviews(visibility: Visibility) -> sa.Select[Any]:
    """Select reviews with the product that the channel's product has become, whatever its number of variants."""
    same = sa.and_(
        channel_products.c.channel == product_reviews.c.channel,
        channel_products.c.external_id == product_reviews.c.external_product_id,
    )
    listed = sa.select(product_reviews).join(channel_products, same)
    listed = listed.join(listings, listings.c.channel_product_id == channel_products.c.id)
    return listed.where(is_listing_visible(visibility), ~_has_earlier_variant(), ~product_reviews.c.gone)


def _has_earlier_variant() -> sa.ColumnElement[bool]:
    """Build the condition that the channel's product has another listing of the same product. Unlike DISTINCT, it lets
    the database begin with the product.
    """
    other = listings.alias("other")
    same = sa.and_(
        other.c.channel_product_id == listings.c.channel_product_id, other.c.product_id == listings.c.product_id
    )
    is_earlier = sa.and_(other.c.id < listings.c.id, other.c.current, ~other.c.gone)
    return sa.select(other.c.id).where(same, is_earlier).correlate(listings).exists()


def find_reviews(conn: Connection, ids: Sequence[str], visibility: Visibility) -> Mapping[str, Review]:
    """Find the reviews with these ids."""
    statement = _select_reviews(visibility).where(is_among(conn, product_reviews.c.id, ids))
    return {row.id: read_review(row) for row in conn.execute(statement)}


def read_review(row: sa.Row[Any]) -> Review:
    """Read a row of `product_reviews`."""
    variant = row.external_variant_id
    return Review(
        id=row.id,
        channel_key=row.channel,
        product=(row.channel, row.external_product_id),
        variant=None if variant is None else (row.channel, variant),
        rating=row.rating,
        title=row.title,
        body=row.body,
        author=row.author,
        verified_purchase=row.verified_purchase,
        locale=row.locale,
        reply=row.reply,
        written_at=row.written_at,
    )
