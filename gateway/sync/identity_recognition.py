"""Recognition of identities that wait for it: of guests, of earlier versions, and after a change of the configuration.

It takes slices, each in a transaction of its own, so that placing an order does not wait for it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.customer_rows import rebuild_customers
from gateway.commerce.customers.pending_identities import recognize_identities, set_aside
from gateway.storage.database import Connection, Database
from gateway.storage.reads.customers.outdated import find_outdated_customers
from gateway.storage.sql.bulk import slice_items
from gateway.storage.writes.customers import evidence, identities
from gateway.sync.record_isolation import apply_isolated

BATCH_SIZE = 200

_log = logging.getLogger(__name__)


async def recognize_pending(database: Database, config: CustomerConfig, now: datetime) -> bool:
    """Recognize the identities that wait. Returns whether there were any."""
    count = 0
    while pending := await database.read(identities.find_pending, BATCH_SIZE):
        count += await database.write(_recognize, pending, config, now)
    return count > 0


async def rebuild_outdated(database: Database, config: CustomerConfig, now: datetime) -> None:
    """Rebuild the customers whose rows an earlier release has left otherwise, beside this one or after a rollback."""
    outdated = await database.read(find_outdated_customers)
    for some in slice_items(outdated, BATCH_SIZE):
        await database.write(_rebuild, some, config, now)
    if outdated:
        _log.info("%d customers that an earlier release had changed were rebuilt", len(outdated))


def _rebuild(conn: Connection, ids: Sequence[str], config: CustomerConfig, now: datetime) -> None:
    evidence.lock_recognition(conn)
    rebuild_customers(conn, ids, config, now)


def _recognize(conn: Connection, ids: Sequence[str], config: CustomerConfig, now: datetime) -> int:
    """Recognize these identities. One whose data makes that fail stays on its own, and blocks no other."""

    def recognize(some: Sequence[str]) -> int:
        return recognize_identities(conn, some, config, now)

    def skip(id_: str, error: Exception) -> int:
        _log.error("the identity %s could not be recognized (%s); it stays on its own", id_, type(error).__name__)
        return set_aside(conn, id_)

    return apply_isolated(conn, ids, recognize, skip)
