"""Loaders of reviews."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.arguments import After, Before, ChannelKey, First, Last
from gateway.graphql.connections import Connection, Paging, load_pages
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.enums import ReviewSortKey, SortDirection
from gateway.graphql.inputs import ReviewSort
from gateway.graphql.loaders.attributes import load_referenced_products
from gateway.graphql.loaders.catalog import load_variants
from gateway.model.catalog import Variant
from gateway.model.reviews import Review
from gateway.storage.reads import catalog
from gateway.storage.reads.merchandising import reviews
from gateway.storage.reads.merchandising.reviews import ReviewQuery

MAX_RATING = 5

MinRating = Annotated[
    int | None, strawberry.argument(description="Minimum number of stars, 1 to 5. Default: all reviews.")
]
Sorting = Annotated[ReviewSort | None, strawberry.argument(description="Sort order. Default: WRITTEN_AT, descending.")]


async def load_reviews(context: Context, ids: Sequence[str]) -> Sequence[Review | None]:
    """Load reviews of products that the caller sees."""
    found = await context.read(reviews.find_reviews, ids, context.visibility)
    products = await context.load_all(load_referenced_products, [review.product for review in found.values()])
    visible = {id_: review for (id_, review), product in zip(found.items(), products, strict=True) if product}
    return [visible.get(id_) for id_ in ids]


async def load_reviews_by_product(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    channel_key: ChannelKey = None,
    min_rating: MinRating = None,
    sort: Sorting = None,
) -> Sequence[Connection[Review]]:
    """Load the reviews of products, in one channel or all that the caller sees."""
    query = _build_query(context, channel_key, min_rating, sort)
    fingerprint = compute_fingerprint("Product.reviews", query.channel, min_rating, query.by_rating, query.descending)
    rows, paging = reviews.list_reviews_of_products(query), Paging(first, after, last, before)
    return await load_pages(context, rows, ids, paging, fingerprint)


def _build_query(
    context: Context, channel_key: str | None, min_rating: int | None, sort: ReviewSort | None
) -> ReviewQuery:
    if min_rating is not None and not 1 <= min_rating <= MAX_RATING:
        raise BadUserInputError(f"minRating must be between 1 and {MAX_RATING}.")
    return ReviewQuery(
        visibility=context.visibility,
        channel=None if channel_key is None else context.require_channel(channel_key),
        min_rating=min_rating,
        by_rating=sort is not None and sort.key is ReviewSortKey.RATING,
        descending=sort is None or sort.direction is SortDirection.DESC,
    )


async def load_reviewed_variants(context: Context, references: Sequence[tuple[str, str]]) -> Sequence[Variant | None]:
    """Load variants by channel and ID there. None: it is gone, or the caller does not see it."""
    ids = await context.read(catalog.find_referenced_variants, references)
    variants = dict(zip(ids, await context.load_all(load_variants, list(ids.values())), strict=True))
    return [variants.get(reference) for reference in references]
