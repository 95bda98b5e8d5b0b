"""What waits for a person."""

from __future__ import annotations

from gateway.execution.context import Context
from gateway.graphql.arguments import After, First
from gateway.graphql.connections import Connection, Paging, fingerprint, page_of
from gateway.storage import reviews as stored
from gateway.storage.reviews import MatchReview


async def match_reviews(context: Context, *, first: First = None, after: After = None) -> Connection[MatchReview]:
    return await page_of(context, stored.reviews(), Paging(first, after), fingerprint("matchReviews"))
