"""Reduced loads: batch functions that load less than the whole objects of another one (rule E1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial, wraps
from typing import Any

from gateway.execution.context import Batch, Context

MAX_BATCHES = 1_000
"""Batch functions that are kept: one for each lean one, and for each combination of optional attributes."""


@lru_cache(MAX_BATCHES)
def load_leanly(whole: Batch, lean: Batch) -> Batch:
    """Return a lean batch function that uses what the whole one has loaded: the same for the same two."""

    @wraps(lean)
    async def load(context: Context, keys: Sequence[Any], **arguments: Any) -> Sequence[Any]:
        return await _load_missing(context, keys, arguments, whole, lean)

    return load


@lru_cache(MAX_BATCHES)
def load_partially(whole: Batch, names: frozenset[str]) -> Batch:
    """Return the batch function of objects with these optional attributes only: the same for the same names."""
    partial_batch = partial(whole, names=names)

    @wraps(whole)
    async def load(context: Context, keys: Sequence[Any], **arguments: Any) -> Sequence[Any]:
        return await _load_missing(context, keys, arguments, whole, partial_batch)

    return load


async def _load_missing(
    context: Context, keys: Sequence[Any], arguments: Mapping[str, Any], whole: Batch, reduced: Batch
) -> Sequence[Any]:
    """Load what the whole batch function has not loaded.

    A failure is also one of the whole batch function: the reference executor has to meet it, because it answers for the
    operation, and would otherwise take the compiled function for the cause.
    """
    loader = context.get_loader(whole, arguments)
    known = loader.find_values(keys)
    missing = [key for key in keys if key not in known]
    if not missing:
        return [known[key] for key in keys]
    try:
        loaded = await reduced(context, missing, **arguments)
    except Exception as error:
        loader.cache_values(dict.fromkeys(missing, error))
        raise
    found = known | dict(zip(missing, loaded, strict=True))
    return [found[key] for key in keys]
