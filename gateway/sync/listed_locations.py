"""External locations as a stock feed lists them: what the channel has deactivated stops selling (rule S12)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from gateway.commerce.inventory import unlisted_locations
from gateway.storage.database import Connection
from gateway.storage.sync import leases
from gateway.sync.channel_sync import FeedPass

SLICE = 500
"""Counts that one transaction changes."""

Change = Callable[[Connection, str, Collection[str], datetime, int], int]


async def apply_listed(feed_pass: FeedPass, listed: frozenset[str]) -> None:
    """Hide the counts of mapped external locations that the channel does not list; request those that it lists again.

    Nothing is remembered in this process: another one may have read a different list since. A read finds what there
    is to do, so that a pass that changes nothing writes nothing.
    """
    sync = feed_pass.sync
    mapped = frozenset(
        ids[sync.key]
        for ids in (location.external_ids for location in sync.rules.topology.locations.values())
        if sync.key in ids
    )
    for change, external_locations in await sync.database.read(_find_changes, sync.key, mapped, listed):
        await _apply_in_slices(feed_pass, change, external_locations)


def _find_changes(
    conn: Connection, channel: str, mapped: frozenset[str], listed: frozenset[str]
) -> Sequence[tuple[Change, Sequence[str]]]:
    """Find which counts are not as the list says, and at which external locations."""
    unlisted, active = sorted(mapped - listed), sorted(mapped & listed)
    changes: list[tuple[Change, Sequence[str]]] = []
    if unlisted_locations.has_known_counts(conn, channel, unlisted):
        changes.append((unlisted_locations.hide_counts, unlisted))
    if unlisted_locations.has_hidden_counts(conn, channel, active):
        changes.append((unlisted_locations.request_counts, active))
    return changes


async def _apply_in_slices(feed_pass: FeedPass, change: Change, external_locations: Collection[str]) -> None:
    def apply(conn: Connection) -> int:
        leases.check_lease(conn, feed_pass.lease)
        return change(conn, feed_pass.sync.key, external_locations, feed_pass.sync.now(), SLICE)

    while await feed_pass.sync.throttle.write(apply) == SLICE:
        pass
