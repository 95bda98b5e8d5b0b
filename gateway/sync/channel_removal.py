"""Removal of a channel that is not configured any more, in slices with gaps between them, as retention deletes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from gateway.commerce import channel_data
from gateway.commerce.ingest_batch import IngestRules
from gateway.storage import channel_purge
from gateway.storage.database import Connection, Database
from gateway.sync.retention import PRUNE_SLICE, SLICE_GAP

T = TypeVar("T")
P = ParamSpec("P")

PRODUCT_SLICE = 100
"""Products removed in one transaction: each is matched again with all that it was one with."""


async def forget_channel(database: Database, channel: str, rules: IngestRules, now: Callable[[], datetime]) -> None:
    """Purge what the channel has stored. Killed in between, it continues when it is repeated.

    Raises:
        ChannelServedError: a process serves the channel. Each slice checks it, because one may start meanwhile.
    """

    async def write(work: Callable[Concatenate[Connection, str, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await database.write(_run_unserved, channel, now(), lambda conn: work(conn, channel, *args, **kwargs))

    await write(channel_data.begin_removal)
    while await write(channel_data.remove_products, rules, now(), PRODUCT_SLICE):  # noqa: ASYNC110 each call is a slice
        await asyncio.sleep(SLICE_GAP)
    while await write(channel_purge.purge_slice, PRUNE_SLICE):  # noqa: ASYNC110 each call is a slice
        await asyncio.sleep(SLICE_GAP)
    await write(channel_purge.release_reservations, now())
    await write(channel_data.finish_removal, now())


def _run_unserved(conn: Connection, channel: str, now: datetime, work: Callable[[Connection], T]) -> T:
    channel_data.check_unserved(conn, channel, now)
    return work(conn)
