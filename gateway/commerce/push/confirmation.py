"""Push confirmation: what a follower accepted, refused, or shows after a push (rules K5, K6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.outbox.results import CommandResult
from gateway.commerce.push.followers import list_followed_locations, list_followers, mark_variants
from gateway.commerce.push.planner import BATCH_SIZE, MAX_PUSH_RETRY, MIN_PUSH_RETRY
from gateway.model.channels import PushState, Resource
from gateway.storage.database import Connection
from gateway.storage.outbox import OutboxState
from gateway.storage.sync import source_records
from gateway.storage.writes import pushes
from gateway.storage.writes.pushes import FollowerOffer, PushRow


def handle_count_changes(conn: Connection, ids: Iterable[str], context: SellingContext) -> None:
    """Handle changed counts: authorities' counts change offers, followers' counts confirm pushes."""
    channels = list_followers(context.topology)
    by_external_location: dict[tuple[str, str], list[str]] = defaultdict(list)
    for channel, external_location, variant in pushes.find_variants_of_stock(conn, list(ids)):
        by_external_location[channel, external_location].append(variant)
    for (counting, external_location), variants in by_external_location.items():
        location = context.topology.find_location(counting, external_location)
        if location is None:
            continue
        if not location.is_counted_by(counting):
            _confirm_shown_offers(conn, counting, external_location, variants, context.now)
        for channel in channels if location.is_counted_by(counting) else [counting]:
            locations = [
                (followed, name)
                for followed, name in list_followed_locations(channel, context.topology)
                if followed is location
            ]
            mark_variants(conn, channel, locations, variants)


def _confirm_shown_offers(
    conn: Connection, channel: str, external_location: str, variants: Sequence[str], now: datetime
) -> None:
    """Confirm the pushes of a follower whose offers show the quantity that was sent."""
    listing_ids = pushes.find_listings_of_variants(conn, channel, variants)
    shown = pushes.find_follower_offers(conn, channel, external_location, listing_ids=listing_ids)
    changed = [
        row
        for row in pushes.lock_unconfirmed(conn, channel, listing_ids, external_location)
        if _confirm_push(row, shown, now)
    ]
    pushes.update_pushes(conn, changed)


def _confirm_push(row: PushRow, shown: Mapping[str, FollowerOffer], now: datetime) -> bool:
    offer = shown.get(row.listing_id)
    if offer is None or row.command is not None or offer.published != row.sent:
        return False
    row.confirmed, row.confirmed_at, row.sent, row.dirty, row.failures = offer.published, now, None, True, 0
    row.state = PushState.IN_SYNC.value
    row.set_fault(None)
    return True


def handle_result(conn: Connection, result: CommandResult, context: SellingContext) -> None:
    """Handle the result of a `SetStock` command."""
    row = pushes.lock_in_flight(conn, result.entry.key)
    if row is None:
        return
    if result.done is not None:
        row.command, row.sent, row.sent_at, row.accepted_at = None, row.wanted, context.now, context.now
        row.state, row.dirty = PushState.ACCEPTED.value, False
        row.set_fault(None)
        _confirm_push(
            row, pushes.find_follower_offers(conn, row.channel, row.place, listing_ids=[row.listing_id]), context.now
        )
        _schedule_read_back(conn, row, context.now)
    elif result.state is OutboxState.DEAD:  # refused, or the outcome is unknown: the offer is read back either way
        row.command, row.failures, row.dirty = None, row.failures + 1, True
        row.state = (PushState.FAILED if row.failures > 2 else PushState.QUEUED).value
        row.due_at = context.now + min(MAX_PUSH_RETRY, MIN_PUSH_RETRY * 2 ** min(row.failures - 1, 8))
        row.set_fault(result.fault)
        _schedule_read_back(conn, row, context.now)
    else:
        row.set_fault(result.fault)
    pushes.update_pushes(conn, [row])


def _schedule_read_back(conn: Connection, row: PushRow, now: datetime) -> None:
    """Schedule a read of the offer: only that proves what the follower applied."""
    offer = pushes.find_follower_offers(conn, row.channel, row.place, listing_ids=[row.listing_id]).get(row.listing_id)
    if offer is not None:
        source_records.hint_records(conn, row.channel, Resource.STOCK.value, offer.feed, [offer.record], now)


def retry_overdue_pushes(conn: Connection, channel: str, context: SellingContext) -> int:
    """Mark pushes as dirty that a follower accepted long ago and still does not show. Returns how many."""
    traits = context.topology.traits.get(channel)
    late = pushes.lock_overdue(
        conn, channel, context.now - (traits.max_processing if traits else MAX_PUSH_RETRY), BATCH_SIZE
    )
    for row in late:
        row.sent, row.dirty = None, True
    pushes.update_pushes(conn, late)
    return len(late)
