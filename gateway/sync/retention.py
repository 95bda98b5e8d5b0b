"""Retention (rule V1): deletes what is older than the configuration says, and holds that no listing needs any more.

Everything is deleted in slices, with gaps between them, because other transactions wait meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from gateway.commerce.context import SellingContext
from gateway.commerce.push import allocation
from gateway.settings.schema import RetentionTable
from gateway.storage import audit, change_log, idempotency, outbox
from gateway.storage.database import Connection, Database
from gateway.storage.privacy import data_requests, suppressions
from gateway.storage.sync import leases, notices, rejects, webhook_inbox
from gateway.storage.writes import attempts, carts, price_history

ABANDONED_CARTS = timedelta(days=1)
"""How long expired carts of clients without a token are kept."""

DEAD_PROCESSES = timedelta(days=1)
"""How long the leases of processes that were killed are kept after they have expired."""

PRICES = timedelta(days=90)
"""Retention of former prices (rule H4)."""

PRUNE_SLICE = 500
"""Rows deleted in one transaction."""

SLICE_GAP = 0.01
"""Seconds between two slices, in which others write."""

Prune = Callable[[Connection, datetime, int], int]
"""`prune(connection, before, most)`: deletes a slice of what is older, and returns how many rows."""


async def purge_expired(database: Database, retention: RetentionTable, context: SellingContext) -> None:
    """Delete what is older than its retention."""
    now = context.now
    for prune, before in _list_prunes(retention, now):
        while await database.write(prune, before, PRUNE_SLICE) >= PRUNE_SLICE:  # noqa: ASYNC110 each call is a slice
            await asyncio.sleep(SLICE_GAP)
    await database.write(attempts.prune_attempts, now - attempts.MAX_WINDOW)
    await database.write(data_requests.delete_expired_files, now)
    await database.write(suppressions.delete_expired_invoices, now)
    await database.write(allocation.release_stale_allocations, context)


def _list_prunes(retention: RetentionTable, now: datetime) -> Iterator[tuple[Prune, datetime]]:
    yield lambda conn, before, most: change_log.prune_log(conn, before, now, most), now - retention.log
    yield webhook_inbox.prune_deliveries, now - retention.inbox
    yield outbox.prune_entries, now - retention.outbox
    yield notices.prune_notices, now - retention.outbox
    yield rejects.purge_payloads, now - retention.rejects
    yield carts.prune_carts, now - retention.carts
    yield carts.prune_abandoned_carts, now - ABANDONED_CARTS
    yield attempts.prune_expired_attempts, now - attempts.MAX_WINDOW
    yield audit.prune_refusals, now - retention.audit
    yield audit.prune_entries, now - retention.audit
    yield price_history.prune_spans, now - PRICES
    yield idempotency.prune_keys, now
    yield leases.prune_processes, now - DEAD_PROCESSES
