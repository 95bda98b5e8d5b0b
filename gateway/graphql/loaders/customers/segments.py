"""Loaders of segments of customers."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.execution.context import Context
from gateway.graphql.segments import build_segment_queries
from gateway.storage.reads.customers.search import count_customers, find_segments


async def load_segments(context: Context, ids: Sequence[str]) -> Sequence[list[str]]:
    """Load the keys of the segments that customers belong to."""
    found = await context.read(find_segments, ids, build_segment_queries(context))
    return [list(found[id_]) for id_ in ids]


async def load_segment_sizes(context: Context, keys: Sequence[str]) -> Sequence[int]:
    """Load how many customers segments have."""
    queries = build_segment_queries(context)
    counts = await context.read(count_customers, {key: queries[key] for key in keys})
    return [counts[key] for key in keys]
