"""Loaders of collections: those of channels, and those of the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last, LocaleArgument
from gateway.graphql.connections import Connection, Paging, load_pages
from gateway.graphql.cursors import compute_fingerprint
from gateway.model.catalog import Collection
from gateway.model.content import UNKNOWN_LOCALE, Content, build_content, list_fallbacks
from gateway.model.ids import is_row_id
from gateway.storage.reads.merchandising import collections

CollectionChannel = Annotated[
    str | None,
    strawberry.argument(
        description="Key of a channel. Returns the collections of that channel. Default: all channels."
    ),
]


def list_smart_collections(context: Context) -> Mapping[str, Collection]:
    """Return the collections of the configuration that the caller sees, by key.

    One whose filter compares prices or stock of a hidden channel, or lists hidden channels only, is hidden.
    """
    tables = context.gateway.settings.collections
    return {
        key: collection
        for key, collection in context.gateway.collections.items()
        if _is_seen(context, (tables[key].channel,)) and _is_seen(context, tables[key].filter.channel_keys or (None,))
    }


def _is_seen(context: Context, channels: Sequence[str | None]) -> bool:
    return any(channel is None or channel in context.channels for channel in channels)


async def load_collections(context: Context, ids: Sequence[str]) -> Sequence[Collection | None]:
    """Load collections by row ID, or by key of the configuration."""
    smart, rows = list_smart_collections(context), [id_ for id_ in ids if is_row_id(id_)]
    found = await context.read(collections.find_collections, rows, context.visibility) if rows else {}
    return [found.get(id_) if is_row_id(id_) else smart.get(id_) for id_ in ids]


async def load_collections_by_product(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    channel_key: CollectionChannel = None,
) -> Sequence[Connection[Collection]]:
    channel = None if channel_key is None else context.require_channel(channel_key)
    rows = collections.list_collections_of_products(context.visibility, channel)
    fingerprint = compute_fingerprint("Product.collections", channel_key)
    return await load_pages(context, rows, ids, Paging(first, after, last, before), fingerprint)


async def load_collection_contents(
    context: Context, shown: Sequence[Collection], *, locale: LocaleArgument = None
) -> Sequence[Content]:
    """Load the texts of collections in a locale or what it falls back to, else in their own language."""
    fallbacks = () if locale is None else list_fallbacks(locale)
    return [_select_content(context, collection, fallbacks) for collection in shown]


def _select_content(context: Context, collection: Collection, fallbacks: Sequence[str]) -> Content:
    own, *translations = collection.texts
    own = replace(own, locale=own.locale or _get_default_locale(context, collection.channel_key))
    matches = (text for fallback in fallbacks for text in (own, *translations) if text.locale == fallback)
    return build_content(next(matches, own))


def _get_default_locale(context: Context, channel: str | None) -> str:
    table = context.gateway.settings.channels.get(channel or "")
    return next(iter(table.locales if table else ()), UNKNOWN_LOCALE)
