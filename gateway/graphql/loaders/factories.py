"""Factories of loaders: batch functions whose only work is to read rows by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from gateway.execution.context import Batch, Context
from gateway.storage.database import Connection

Read = Callable[[Connection, Sequence[str]], Mapping[str, Any]]


def make_loader(read: Read) -> Batch:
    """Return a loader of the rows that `read` finds; a row that does not exist is None."""

    async def load(context: Context, keys: Sequence[str]) -> Sequence[Any]:
        rows = await context.read(read, keys)
        return [rows.get(key) for key in keys]

    return load


def make_group_loader(read: Read) -> Batch:
    """Return a loader of the groups of rows that `read` gives for every key."""

    async def load(context: Context, keys: Sequence[str]) -> Sequence[Any]:
        groups = await context.read(read, keys)
        return [groups[key] for key in keys]

    return load


@cache
def make_list_loader(batch: Batch) -> Batch:
    """Return a loader whose keys are tuples of the keys of `batch`; objects that do not exist are left out."""

    async def load(context: Context, keys: Sequence[tuple[Any, ...]]) -> Sequence[list[Any]]:
        distinct_keys = list(dict.fromkeys(key for group in keys for key in group))
        objects = dict(zip(distinct_keys, await context.load_all(batch, distinct_keys), strict=True))
        return [[objects[key] for key in group if objects[key] is not None] for group in keys]

    return load
