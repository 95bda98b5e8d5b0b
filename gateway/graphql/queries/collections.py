"""Resolvers of collections."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.execution.text_inputs import COMPARED
from gateway.graphql.arguments import SEARCH_COST, After, Before, First, Last, declare_argument
from gateway.graphql.connections import Connection, Paging, load_page
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.filters import parse_search
from gateway.graphql.loaders.collections import list_smart_collections
from gateway.model.catalog import Collection
from gateway.model.validation import fold
from gateway.storage.reads.merchandising import collections


async def resolve_collection(
    context: Context,
    *,
    handle: Annotated[
        str, strawberry.argument(description="Handle of the collection; a former one returns the present collection.")
    ],
    channel_key: Annotated[
        str | None,
        strawberry.argument(description="Key of the collection's channel. Default: the caller's default channel."),
    ] = None,
) -> Collection | None:
    channel = context.find_default_channel() if channel_key is None else context.require_channel(channel_key)
    own, has_handle_now = None, False
    if channel is not None:
        own, has_handle_now = await context.read(
            collections.find_collection_by_handle, channel, handle, context.visibility
        )
    smart = (one for one in list_smart_collections(context).values() if one.handle == handle)
    return own if has_handle_now else next(smart, own)


async def resolve_collections(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    channel_key: Annotated[
        str | None,
        strawberry.argument(
            description="Key of a channel. Returns its collections and those of the configuration. Default: all "
            "channels."
        ),
    ] = None,
    search: Annotated[
        str | None,
        declare_argument("Search text: words that the title contains.", cost=SEARCH_COST, metadata=COMPARED),
    ] = None,
) -> Connection[Collection]:
    channel = None if channel_key is None else context.require_channel(channel_key)
    parse_search(search)  # checks its length
    words = fold(search or "").split()
    smart = [one for one in list_smart_collections(context).values() if _has_words(one, words)]
    rows = collections.search_collections(context.visibility, channel, words, smart)
    fingerprint = compute_fingerprint("collections", channel_key, search)
    return await load_page(context, rows, Paging(first, after, last, before), fingerprint)


def _has_words(collection: Collection, words: list[str]) -> bool:
    return all(any(word in fold(text.title) for text in collection.texts) for word in words)
