"""What there is to do for a channel, seen at one look: each question of its own would cost more than its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.commerce import noticing
from gateway.sdk.writes import SetStock
from gateway.storage import health, inbox, log, outbox, passes, pushes, reservations, sales, sources
from gateway.storage.database import Connection
from gateway.storage.passes import PassRow
from gateway.sync.channel import Syncing
from gateway.sync.feeds import new_passes
from gateway.sync.inbox import INBOX

Passes = Mapping[tuple[str, str], PassRow]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What may be read of a channel.

    Attributes:
        paused: nothing is, because a person said so.
        known: the passes of its feeds; `missing`: those that are still to be stored.
        letters: deliveries wait that can be looked at now.
        waiting: how many single records wait to be read again, by feed; none of feeds that rest.
    """

    paused: bool
    known: Passes
    missing: Sequence[PassRow]
    letters: bool
    waiting: Mapping[str, int]


def look(conn: Connection, sync: Syncing) -> Outlook:
    """What may be read of the channel now."""
    known = passes.of_channel(conn, sync.key)
    waiting = sources.count_dirty(conn, sync.key)
    return Outlook(
        paused=health.paused(conn, sync.key),
        known=known,
        missing=[row for feed in sync.channel.feeds.values() for row in new_passes(sync, feed, known)],
        letters=not sync.rests(INBOX) and inbox.any_waiting(conn, sync.key),
        waiting={name: waiting[name] for name in sync.channel.live_feeds if name in waiting and not sync.rests(name)},
    )


def is_wished(conn: Connection, sync: Syncing) -> bool:
    """Whether there may be something to find out for, or to tell, the channel."""
    now = sync.now()
    return (
        outbox.is_due(conn, sync.key, now)
        or log.is_behind(conn, noticing.READER)
        or bool(sales.unplaced(conn, sync.key, 1))
        or bool(reservations.unproved(conn, sync.key, now, 1))
        or (SetStock in sync.channel.writes and _is_to_offer(conn, sync))
    )


def _is_to_offer(conn: Connection, sync: Syncing) -> bool:
    overdue = sync.now() - sync.channel.traits.max_processing
    return pushes.any_dirty(conn, sync.key, sync.now()) or pushes.any_overdue(conn, sync.key, overdue)
