"""What the stock ledger wants done as time passes: holds that lapse, and counts that are to be read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce import following, ledger
from gateway.model.channels import Resource
from gateway.storage import carts, passes, reservations, sales, sources, stock
from gateway.storage.database import Connection, Database
from gateway.storage.passes import DELTA
from gateway.storage.reservations import ReservationRow
from gateway.sync.channel import Syncing

MOST = 200


async def expire(database: Database, now: datetime) -> bool:
    """Let go of what was held, and close carts that nobody touched, for long enough; whether there were any."""
    if not await database.read(_any_over, now):
        return False
    lapsed = await database.write(ledger.expire, now, MOST)
    return await database.write(carts.expire, now, MOST) + lapsed > 0


def _any_over(conn: Connection, now: datetime) -> bool:
    return bool(reservations.lapsed(conn, now, 1)) or carts.any_expired(conn, now)


async def place_sales(sync: Syncing) -> bool:
    """Look again at sales of which it was not known what they take from where; whether any is placed now."""
    waiting = await sync.database.read(sales.unplaced, sync.key, MOST)
    return bool(waiting) and await sync.turns.write(following.place, waiting, sync.rules.ground, sync.now()) > 0


async def ask_for_proof(sync: Syncing) -> bool:
    """Have counts read again that should show by now what their channel was told (rule K3); whether there were any."""
    now = sync.now()
    if not await sync.database.read(reservations.unproved, sync.key, now, 1):
        return False
    return await sync.turns.write(_ask, sync, now) > 0


def _ask(conn: Connection, sync: Syncing, now: datetime) -> int:
    waiting = reservations.unproved(conn, sync.key, now, MOST)
    by_feed = _records(conn, sync, waiting)
    for feed, ids in by_feed.items():
        if feed in sync.channel.live_feeds:
            sources.hint(conn, sync.key, Resource.STOCK.value, feed, ids, now)
        elif feed in sync.channel.feeds:
            passes.make_due(conn, sync.key, feed, DELTA, now)

    def asked(row: ReservationRow) -> ReservationRow | None:
        return replace(row, ask_at=None) if row.ask_at is not None else None

    ledger.change(conn, [row.id for row in waiting], asked, now)
    return len(waiting)


def _records(conn: Connection, sync: Syncing, waiting: Sequence[ReservationRow]) -> dict[str, list[str]]:
    """The records that count what is waited for, by feed."""
    by_feed: dict[str, list[str]] = {}
    for external_id, feed in stock.records_of(conn, {row.spot for row in waiting}):
        by_feed.setdefault(feed, []).append(external_id)
    return by_feed
