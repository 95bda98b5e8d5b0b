"""Resolver of search suggestions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.execution.text_inputs import COMPARED
from gateway.graphql.arguments import LocaleArgument
from gateway.graphql.filters import parse_search
from gateway.graphql.loaders.catalog import load_products
from gateway.graphql.loaders.collections import list_smart_collections
from gateway.graphql.loaders.content import load_contents
from gateway.model.catalog import Category, Collection, Product
from gateway.model.search.completion import Completion, complete_text
from gateway.model.search.text import split_runs
from gateway.storage.reads.product_search import ProductQuery
from gateway.storage.reads.suggestions import find_suggestions

MIN_LENGTH = 2
"""Letters and digits from which on something is suggested."""

MAX_PRODUCTS = 10


@dataclass(frozen=True, slots=True)
class SearchSuggestions:
    """What is suggested for a text that is typed."""

    queries: Sequence[Completion] = ()
    products: Sequence[Product] = ()
    categories: Sequence[Category] = ()
    collections: Sequence[Collection] = ()


async def resolve_search_suggestions(
    context: Context,
    *,
    search: Annotated[
        str, strawberry.argument(description="The text as typed so far. From 2 letters on.", metadata=COMPARED)
    ],
    channel_key: Annotated[
        str | None,
        strawberry.argument(description="Key of a channel. Suggests products that the channel lists."),
    ] = None,
    locale: LocaleArgument = None,
) -> SearchSuggestions:
    parsed = parse_search(search, context.gateway.settings.search.synonym_table)
    channels = None if channel_key is None else (context.require_channel(channel_key),)
    runs = split_runs(search)
    if parsed is None or sum(map(len, runs)) < MIN_LENGTH:
        return SearchSuggestions()
    query = ProductQuery(visibility=context.visibility, channels=channels, sort="RELEVANCE")
    found = await context.read(find_suggestions, query, parsed, runs, list(list_smart_collections(context).values()))
    products = await context.load_all(load_products, [id_ for id_, _ in found.products[:MAX_PRODUCTS]])
    titles = await _translate_titles(context, found.products, channel_key, locale)
    return SearchSuggestions(
        complete_text(search, titles, found.corrections),
        [product for product in products if product is not None],
        found.categories,
        found.collections,
    )


async def _translate_titles(
    context: Context, products: Sequence[tuple[str, str]], channel: str | None, locale: str | None
) -> Sequence[str]:
    """Return the titles of products in a language, or as they are."""
    if locale is None:
        return [title for _, title in products]
    ids = [id_ for id_, _ in products]
    contents = await context.load_all(load_contents, ids, locale=locale, channel_key=channel)
    return [title if content is None else content.title for (_, title), content in zip(products, contents, strict=True)]
