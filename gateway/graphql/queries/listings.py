"""Listings, for those who keep the catalogue."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, fingerprint, page_of
from gateway.graphql.inputs import ListingFilter
from gateway.graphql.queries import filters
from gateway.model.catalog import Listing
from gateway.storage import catalog as stored


async def listings(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    channel_key: Annotated[str | None, strawberry.argument(description="Key of a channel: only its listings.")] = None,
    filter: Annotated[ListingFilter | None, strawberry.argument(description="Which listings.")] = None,
) -> Connection[Listing]:
    rows = stored.listings_matching(filters.listings(context, channel_key, filter))
    mark = fingerprint("listings", channel_key, filter)
    return await page_of(context, rows, Paging(first, after, last, before), mark)
