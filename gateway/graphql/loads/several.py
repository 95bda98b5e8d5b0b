"""Loading several things for each key, by a load that gives one for each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from gateway.execution.context import Batch, Context


@cache
def all_of(batch: Batch) -> Batch:
    """For keys that are tuples of the batch's keys: what it has for each, without what is not there."""

    async def several(context: Context, keys: Sequence[tuple[Any, ...]]) -> Sequence[list[Any]]:
        wanted = list(dict.fromkeys(key for some in keys for key in some))
        found = dict(zip(wanted, await context.load_all(batch, wanted), strict=True))
        return [[found[key] for key in some if found[key] is not None] for some in keys]

    return several
