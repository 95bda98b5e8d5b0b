"""What waits for a person."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import After, First
from gateway.graphql.connections import Connection, Paging, fingerprint, page_of
from gateway.graphql.queries.filters import present
from gateway.storage import reviews as stored
from gateway.storage.outbox import OutboxEntry, OutboxState, entries
from gateway.storage.reviews import MatchReview


async def match_reviews(context: Context, *, first: First = None, after: After = None) -> Connection[MatchReview]:
    return await page_of(context, stored.reviews(), Paging(first, after), fingerprint("matchReviews"))


async def outbox_entries(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    states: Annotated[list[OutboxState] | None, strawberry.argument(description="In one of these states.")] = None,
) -> Connection[OutboxEntry]:
    wanted = None if not present(states) else tuple(one.value for one in states or ())
    return await page_of(context, entries(wanted), Paging(first, after), fingerprint("outboxEntries", wanted))
