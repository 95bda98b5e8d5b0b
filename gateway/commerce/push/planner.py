"""Push planning: computes what followers should offer, and enqueues the pushes (rules K5, K6).

The quantity is computed when it is sent, from the same definition of availability that queries and carts use. One
push of a listing is in flight at a time, and it is done when the channel shows the quantity.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.commerce.context import SellingContext
from gateway.commerce.inventory.reservations import StockRequest
from gateway.commerce.outbox.commands import OutboxCommand, enqueue
from gateway.commerce.push import allocation
from gateway.commerce.push.drift import hold_drift
from gateway.commerce.push.followers import list_followed_locations
from gateway.commerce.push.planned_quantity import PlannedQuantity
from gateway.commerce.topology import Topology
from gateway.model.channels import PushState
from gateway.model.ids import generate_id
from gateway.model.locations import Location
from gateway.sdk.records import Ref
from gateway.sdk.writes import Command, SetStock
from gateway.storage.database import Connection
from gateway.storage.outbox import Entry
from gateway.storage.reads import stock_levels
from gateway.storage.sync import channel_health
from gateway.storage.writes import pushes
from gateway.storage.writes.pushes import FollowerOffer, PushRow

PUSH = "push"
"""Outbox commands about a push: the push with the command's key waits for the result."""

MASS_ZERO_RATIO, MASS_ZERO_MINIMUM = 10, 10
"""A push cycle stops with a fault if it takes more than ten offers, and more than one in ten, to zero at once."""

MIN_PUSH_RETRY, MAX_PUSH_RETRY = timedelta(seconds=5), timedelta(minutes=10)

BATCH_SIZE = 200


def plan_follower(conn: Connection, channel: str, topology: Topology) -> list[PlannedQuantity]:
    """Plan all offers of a follower. Returns those that would be pushed now."""
    rows = [
        PushRow(channel=channel, listing_id=id_, place=external_location, location=location.key)
        for location, external_location in list_followed_locations(channel, topology)
        for id_ in pushes.find_follower_offers(conn, channel, external_location)
    ]
    return [plan for plan in plan_rows(conn, channel, rows, topology) if plan.differs]


def plan_rows(conn: Connection, channel: str, rows: Sequence[PushRow], topology: Topology) -> Iterator[PlannedQuantity]:
    """Plan the offers of these push rows."""
    by_external_location: dict[str, list[PushRow]] = defaultdict(list)
    for row in rows:
        by_external_location[row.place].append(row)
    for external_location, located_rows in by_external_location.items():
        location = topology.find_location(channel, external_location)
        offers = pushes.find_follower_offers(
            conn, channel, external_location, listing_ids=[row.listing_id for row in located_rows]
        )
        if location is None:
            continue
        yield from _plan_location(conn, location, located_rows, offers, topology)


def _plan_location(
    conn: Connection,
    location: Location,
    rows: Sequence[PushRow],
    offers: Mapping[str, FollowerOffer],
    topology: Topology,
) -> Iterator[PlannedQuantity]:
    channel, variants = rows[0].channel, {offer.variant_id for offer in offers.values()}
    (external_location,) = stock_levels.build_counted_locations([location], topology.buffers)
    free, threshold = (
        stock_levels.find_unreserved(conn, variants, external_location),
        topology.allocation_thresholds.get(channel, 0),
    )
    allocations = allocation.load_allocations(conn, channel, location, variants)
    for row in rows:
        offer, row_allocations = offers.get(row.listing_id), allocations.get(row.listing_id, ())
        if offer is None:
            continue
        if (unreserved := free.get(offer.variant_id)) is None:
            yield PlannedQuantity(row, offer, None, True, row_allocations)
            continue
        units = sum(reservation.claimed for reservation in row_allocations)
        target = allocation.compute_offer(unreserved, units, offer.published or 0, offer.units, threshold)
        yield PlannedQuantity(row, offer, target, unreserved + units <= threshold, row_allocations)


def enqueue_pushes(conn: Connection, channel: str, context: SellingContext) -> int:
    """Enqueue pushes for the dirty offers of a follower. Returns how many offers were planned."""
    rows = pushes.lock_dirty(conn, channel, context.now, BATCH_SIZE)
    planned = list(plan_rows(conn, channel, rows, context.topology))
    if sum(hold_drift(conn, channel, plan, context) for plan in planned if plan.differs):
        planned = list(plan_rows(conn, channel, rows, context.topology))
    plans = {(plan.row.listing_id, plan.row.place): plan for plan in planned}
    if not _check_push_allowed(conn, channel, context.topology, plans.values()):
        _suppress(conn, rows)
        return 0
    unavailable = _update_allocations(conn, channel, plans, context)  # they are planned again
    plans = {key: plan for key, plan in plans.items() if key not in unavailable}
    due = sorted((plan for plan in plans.values() if plan.differs), key=lambda plan: plan.priority)
    commands = {id(plan.row): generate_id(context.now) for plan in due}
    rows = [row for row in rows if (row.listing_id, row.place) not in unavailable]
    for row in rows:
        _record_plan(row, plans.get((row.listing_id, row.place)), commands.get(id(row)), context.now)
    pushes.update_pushes(conn, rows)
    enqueue(conn, [_build_command(plan, commands[id(plan.row)]) for plan in due], context.now)
    return len(rows)


def _update_allocations(
    conn: Connection, channel: str, plans: Mapping[allocation.OfferKey, PlannedQuantity], context: SellingContext
) -> Collection[allocation.OfferKey]:
    """Allocate and release units before the push. Returns the keys of offers for which too few units are available."""
    requests = {
        key: StockRequest(plan.offer.variant_id, plan.row.location, plan.missing_units)
        for key, plan in plans.items()
        if plan.missing_units > 0
    }
    unavailable = allocation.allocate_units(conn, requests, channel, context)
    for plan in plans.values():
        if plan.missing_units < 0:
            allocation.release_units(conn, plan.allocations, -plan.missing_units, context.now)
    return unavailable


def _record_plan(row: PushRow, planned: PlannedQuantity | None, command: str | None, now: datetime) -> None:
    row.dirty, row.due_at = False, None
    row.wanted = None if planned is None else planned.target
    if command is not None:
        row.command, row.queued_at, row.state = command, now, PushState.QUEUED.value
    elif row.sent is None:
        row.state = PushState.IN_SYNC.value
        row.confirmed, row.confirmed_at = (None if planned is None else planned.offer.published), now
        row.set_fault(None)


def _check_push_allowed(conn: Connection, channel: str, topology: Topology, plans: Iterable[PlannedQuantity]) -> bool:
    """Check whether pushes may be sent (rule K5): the follower is armed, the counts are complete, and no mass zeroing.

    A mass zeroing stops the channel with a fault.
    """
    arming = pushes.get_arming(conn, channel)
    followed = [location for location, _ in list_followed_locations(channel, topology)]
    counting = {location.authority.channel for location in followed if location.authority is not None}
    if arming.armed_at is None or arming.fault is not None or channel_health.find_unsynced(conn, {channel, *counting}):
        return False
    zeroed = sum(plan.target == 0 and (plan.offer.published or 0) > 0 for plan in plans)
    if zeroed <= MASS_ZERO_MINIMUM:
        return True
    offered = sum(
        (offer.published or 0) > 0
        for _, external_location in list_followed_locations(channel, topology)
        for offer in pushes.find_follower_offers(conn, channel, external_location).values()
    )
    if zeroed * MASS_ZERO_RATIO <= offered:
        return True
    fault = f"{zeroed} of {offered} offers would go to 0. Check `gateway push plan {channel}` and arm the channel again"
    pushes.disarm(conn, channel, fault)
    return False


def _suppress(conn: Connection, rows: Sequence[PushRow]) -> None:
    """Keep the rows dirty, and show that their pushes are suppressed."""
    changed = [row for row in rows if row.state != PushState.SUPPRESSED.value]
    for row in changed:
        row.state = PushState.SUPPRESSED.value
    pushes.update_pushes(conn, changed)


def _build_command(planned: PlannedQuantity, command: str) -> OutboxCommand:
    set_stock = SetStock(
        key=command,
        subject=Ref(planned.offer.external_id, planned.offer.note),
        item=planned.offer.item,
        place=planned.row.place,
        quantity=max(0, planned.target or 0),
        seen=planned.offer.published,
    )
    subject = f"push {planned.offer.item} {planned.row.place}"
    return OutboxCommand(
        channel=planned.row.channel,
        command=set_stock,
        subject=subject,
        about=f"{PUSH}:{command}",
        priority=planned.priority,
    )


def prepare_push(conn: Connection, entry: Entry, command: Command, context: SellingContext) -> Command | None:
    """Compute the quantity of a `SetStock` command when it is sent; None: the channel shows it already."""
    row = pushes.lock_in_flight(conn, entry.key)
    if row is None or not isinstance(command, SetStock):
        return None
    planned = next(plan_rows(conn, entry.channel, [row], context.topology), None)
    if planned is None or not planned.differs:
        return None
    unavailable = _update_allocations(conn, entry.channel, {(row.listing_id, row.place): planned}, context)
    row.wanted = 0 if unavailable else planned.target
    pushes.update_pushes(conn, [row])
    return replace(command, quantity=max(0, row.wanted or 0), seen=planned.offer.published)
