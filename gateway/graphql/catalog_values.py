"""Values of a list of products that are computed once while the catalog stays the same: facets and counts (rule E2)."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from gateway.execution.context import Context
from gateway.graphql.cursors import compute_fingerprint
from gateway.storage.database import Connection
from gateway.storage.reads.catalog_values import CATALOG_KINDS, STOCK_KINDS, CachedValue, refresh_value
from gateway.storage.reads.product_search import ProductQuery

T = TypeVar("T")


async def load_cached(
    context: Context,
    name: Hashable,
    query: ProductQuery,
    compute: Callable[[Connection], T],
    weigh: Callable[[T], int],
) -> T:
    """Load a value of the products of a query, computed anew if the catalog, or stock it depends on, has changed."""
    cache, key = context.gateway.catalog_values, compute_fingerprint(name, query.drop_conditions())
    cached: CachedValue[T] | None = cache.get(key)
    kinds = STOCK_KINDS if query.has_conditions else CATALOG_KINDS
    current = await context.read(refresh_value, compute, kinds, cached, context.now)
    if current is not cached:
        cache.put(key, current, weigh(current.value))
    return current.value
