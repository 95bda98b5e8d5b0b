"""Resolvers of match reviews and outbox entries."""

from __future__ import annotations

from typing import Annotated

from gateway.execution.context import Context
from gateway.graphql.arguments import After, First, declare_argument
from gateway.graphql.connections import Connection, Paging, load_page
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.filters import read_enum_values
from gateway.graphql.inputs import MAX_FILTER_VALUES
from gateway.storage.outbox import OutboxEntry, OutboxState, list_entries
from gateway.storage.reads import match_reviews
from gateway.storage.reads.match_reviews import MatchReview


async def resolve_match_reviews(
    context: Context, *, first: First = None, after: After = None
) -> Connection[MatchReview]:
    return await load_page(
        context,
        match_reviews.list_reviews(context.visibility),
        Paging(first, after),
        compute_fingerprint("matchReviews"),
    )


async def resolve_outbox_entries(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    states: Annotated[
        list[OutboxState] | None,
        declare_argument("Returns entries in any of these states.", max_items=MAX_FILTER_VALUES),
    ] = None,
) -> Connection[OutboxEntry]:
    values = read_enum_values(states) or None
    return await load_page(
        context,
        list_entries(values, context.visibility.channels),
        Paging(first, after),
        compute_fingerprint("outboxEntries", values),
    )
