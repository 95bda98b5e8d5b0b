"""Telling followers what they may offer (rules K5, K6).

What is wanted is computed when it is sent, from the same definition by which everybody else is promised stock. One push
of a listing is under way at a time, and is done when the channel shows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.commerce import allotting, ledger
from gateway.commerce.commands import Wish, wish
from gateway.commerce.ground import Ground
from gateway.commerce.ledger import Want
from gateway.commerce.news import News
from gateway.commerce.selling import Selling
from gateway.model.channels import Location, LocationKind, Resource
from gateway.model.ids import new_id
from gateway.model.stock import MovementReason, ReservationState
from gateway.sdk.records import Ref
from gateway.sdk.writes import Command, SetStock
from gateway.storage import counters, health, levels, pushes, reservations, sources
from gateway.storage.database import Connection
from gateway.storage.outbox import Entry, OutboxState
from gateway.storage.pushes import Offered, PushRow, PushState
from gateway.storage.reservations import ReservationRow

PUSH = "push"
"""In the outbox: the push with this command waits for it."""

TO_ZERO, DOWN, UP = 1, 2, 3
"""Lanes: what must not be offered any more goes first, and what may be offered again last."""

ONE_IN, FEW = 10, 10
"""More than a tenth of what is offered, and more than ten, going to nothing at once: nobody believes that unasked."""

SOON, LATEST = timedelta(seconds=5), timedelta(minutes=10)
MOST = 200


def follower_places(channel: str, ground: Ground) -> list[tuple[Location, str]]:
    """The locations that a channel sells from while another one counts them, and what it calls them."""
    return [
        (place, place.external_ids[channel])
        for place in ground.locations.values()
        if channel in place.external_ids
        and place.authority != channel
        and place.kind is not LocationKind.MARKETPLACE_FULFILLMENT
    ]


def followers(ground: Ground) -> list[str]:
    """Channels that follow others' counts and can be told."""
    return [key for key in ground.writes if ground.can(key, SetStock) and follower_places(key, ground)]


# ------------------------------------------------------------------------------------------------ what changed


def look_at_everything(conn: Connection, ground: Ground) -> None:
    """It is not known what has changed."""
    for channel in followers(ground):
        mark_all(conn, channel, ground)


def listings_changed(conn: Connection, listing_ids: Iterable[str], ground: Ground) -> None:
    """Listings of anybody have changed: what they are may be offered otherwise."""
    variants = pushes.variants_of_listings(conn, set(listing_ids))
    for channel in followers(ground):
        _mark(conn, channel, follower_places(channel, ground), variants)


def mark_all(conn: Connection, channel: str, ground: Ground) -> None:
    """Have everything be looked at that a channel offers in others' places."""
    for location, place in follower_places(channel, ground):
        pushes.mark(conn, channel, place, location.key, pushes.offered(conn, channel, place))


def _mark(conn: Connection, channel: str, places: Iterable[tuple[Location, str]], variants: Sequence[str]) -> None:
    mine = pushes.listings_of_variants(conn, channel, variants)
    for location, place in places if mine else ():
        pushes.mark(conn, channel, place, location.key, mine)


def counts_changed(conn: Connection, ids: Iterable[str], ground: Ground, now: datetime) -> None:
    """A count of an authority changes what may be offered; one of a follower shows what it took."""
    channels = followers(ground)
    by_place: dict[tuple[str, str], list[str]] = defaultdict(list)
    for channel, place, variant in pushes.variants_of_stock(conn, list(ids)):
        by_place[channel, place].append(variant)
    for (counting, place), variants in by_place.items():
        location = ground.at(counting, place)
        if location is None:
            continue
        if location.authority != counting:
            _shown(conn, counting, place, variants, now)
        for channel in channels if location.authority == counting else [counting]:
            here = [(one, name) for one, name in follower_places(channel, ground) if one is location]
            _mark(conn, channel, here, variants)


def _shown(conn: Connection, channel: str, place: str, variants: Sequence[str], now: datetime) -> None:
    """The channel shows what it offers: what it was told, or something else."""
    mine = pushes.listings_of_variants(conn, channel, variants)
    shown = pushes.offered(conn, channel, place, listing_ids=mine)
    changed = [row for row in pushes.unconfirmed(conn, channel, mine, place) if _confirm(row, shown, now)]
    pushes.store(conn, changed)


def _confirm(row: PushRow, shown: Mapping[str, Offered], now: datetime) -> bool:
    one = shown.get(row.listing_id)
    if one is None or row.command is not None or one.published != row.sent:
        return False
    row.confirmed, row.confirmed_at, row.sent, row.dirty, row.failures = one.published, now, None, True, 0
    row.state = PushState.IN_SYNC.value
    row.note(None)
    return True


# ------------------------------------------------------------------------------------------------ what is wanted


@dataclass(frozen=True, slots=True)
class Planned:
    """What a follower offers of a listing in a place, and what it is to offer. None: not known, so it is left alone.

    `few`: it is offered what is set aside for it, and no more.
    """

    row: PushRow
    offer: Offered
    wanted: int | None
    few: bool = False
    aside: Sequence[ReservationRow] = ()

    @property
    def differs(self) -> bool:
        """Whether it has to be told."""
        return self.wanted is not None and self.offer.published is not None and self.wanted != self.offer.published

    @property
    def aside_units(self) -> int:
        """Units that are set aside for it."""
        return sum(row.claimed for row in self.aside)

    @property
    def more(self) -> int:
        """Units that have to be set aside before it offers what it is to offer; fewer, where some are not needed."""
        if not self.few:
            return -self.aside_units
        if self.offer.published is None or self.wanted is None:
            return 0
        more = self.wanted * self.offer.units - self.aside_units
        return max(0, more) if self.differs else more

    @property
    def lane(self) -> int:
        """How urgent that is."""
        if self.wanted == 0:
            return TO_ZERO
        return DOWN if (self.wanted or 0) < (self.offer.published or 0) else UP


def arm(conn: Connection, channel: str, ground: Ground, now: datetime) -> None:
    """Let quantities be sent to a channel: everything that it offers in others' places is looked at."""
    pushes.arm(conn, channel, now)
    mark_all(conn, channel, ground)


def plan(conn: Connection, channel: str, ground: Ground) -> list[Planned]:
    """What would be sent if everything were looked at now."""
    rows = [
        PushRow(channel=channel, listing_id=id_, place=place, location=location.key)
        for location, place in follower_places(channel, ground)
        for id_ in pushes.offered(conn, channel, place)
    ]
    return [one for one in planned(conn, channel, rows, ground) if one.differs]


def planned(conn: Connection, channel: str, rows: Sequence[PushRow], ground: Ground) -> Iterator[Planned]:
    """What is wanted of these."""
    by_place: dict[str, list[PushRow]] = defaultdict(list)
    for row in rows:
        by_place[row.place].append(row)
    for place, some in by_place.items():
        location = ground.at(channel, place)
        offers = pushes.offered(conn, channel, place, listing_ids=[row.listing_id for row in some])
        if location is None:
            continue
        yield from _planned_at(conn, location, some, offers, ground)


def _planned_at(
    conn: Connection, location: Location, rows: Sequence[PushRow], offers: Mapping[str, Offered], ground: Ground
) -> Iterator[Planned]:
    channel, variants = rows[0].channel, {one.variant_id for one in offers.values()}
    (place,) = levels.counted([location], ground.buffers)
    free, few = levels.left_at(conn, variants, place), ground.few.get(channel, 0)
    aside = allotting.set_aside(conn, channel, location, variants)
    for row in rows:
        offer, mine = offers.get(row.listing_id), aside.get(row.listing_id, ())
        if offer is None:
            continue
        if (left := free.get(offer.variant_id)) is None:
            yield Planned(row, offer, None, True, mine)
            continue
        units = sum(one.claimed for one in mine)
        wanted = allotting.offer(left, units, offer.published or 0, offer.units, few)
        yield Planned(row, offer, wanted, left + units <= few, mine)


# ------------------------------------------------------------------------------------------------ sending


def push(conn: Connection, channel: str, ground: Ground, now: datetime) -> int:
    """Wish for what a channel is to offer now; how many listings were looked at."""
    rows = pushes.dirty(conn, channel, now, MOST)
    first = list(planned(conn, channel, rows, ground))
    if sum(drift(conn, channel, one, ground, now) for one in first if one.differs):
        first = list(planned(conn, channel, rows, ground))
    known = {(one.row.listing_id, one.row.place): one for one in first}
    if not _may(conn, channel, ground, known.values()):
        _suppress(conn, rows)
        return 0
    short = _set_aside(conn, channel, known, ground, now)  # somebody was faster: they are looked at again
    known = {key: one for key, one in known.items() if key not in short}
    due = sorted((one for one in known.values() if one.differs), key=lambda one: one.lane)
    commands = {id(one.row): new_id(now) for one in due}
    rows = [row for row in rows if (row.listing_id, row.place) not in short]
    for row in rows:
        _looked_at(row, known.get((row.listing_id, row.place)), commands.get(id(row)), now)
    pushes.store(conn, rows)
    wish(conn, [_wish(one, commands[id(one.row)]) for one in due], now)
    return len(rows)


def _set_aside(
    conn: Connection, channel: str, found: Mapping[allotting.Key, Planned], ground: Ground, now: datetime
) -> Collection[allotting.Key]:
    """Hold what is offered by this channel alone, before it is told; those of which there is not enough any more."""
    wants = {key: Want(one.offer.variant_id, one.row.location, one.more) for key, one in found.items() if one.more > 0}
    short = allotting.take(conn, wants, channel, ground, now)
    for one in found.values():
        if one.more < 0:
            allotting.give_back(conn, one.aside, -one.more, now)
    return short


def _looked_at(row: PushRow, one: Planned | None, command: str | None, now: datetime) -> None:
    row.dirty, row.due_at = False, None
    row.wanted = None if one is None else one.wanted
    if command is not None:
        row.command, row.queued_at, row.state = command, now, PushState.QUEUED.value
    elif row.sent is None:
        row.state = PushState.IN_SYNC.value
        row.confirmed, row.confirmed_at = (None if one is None else one.offer.published), now
        row.note(None)


def _may(conn: Connection, channel: str, ground: Ground, found: Iterable[Planned]) -> bool:
    """Never unless an operator has let it, nor before the counts are complete, nor what nobody would believe."""
    arming = pushes.arming(conn, channel)
    counting = {place.authority for place, _ in follower_places(channel, ground)}
    if arming.armed_at is None or arming.fault is not None or health.unsynced(conn, {channel, *counting}):
        return False
    gone = sum(one.wanted == 0 and (one.offer.published or 0) > 0 for one in found)
    if gone <= FEW:
        return True
    offered = sum(
        (one.published or 0) > 0
        for _, place in follower_places(channel, ground)
        for one in pushes.offered(conn, channel, place).values()
    )
    if gone * ONE_IN <= offered:
        return True
    why = f"{gone} of {offered} offers would go to 0 at once; look at `gateway push plan {channel}`, and arm it again"
    pushes.stop(conn, channel, why)
    return False


def _suppress(conn: Connection, rows: Sequence[PushRow]) -> None:
    """They stay to be looked at; that nothing is sent is said."""
    changed = [row for row in rows if row.state != PushState.SUPPRESSED.value]
    for row in changed:
        row.state = PushState.SUPPRESSED.value
    pushes.store(conn, changed)


def _wish(one: Planned, command: str) -> Wish:
    told = SetStock(
        key=command,
        subject=Ref(one.offer.external_id, one.offer.note),
        item=one.offer.item,
        place=one.row.place,
        quantity=max(0, one.wanted or 0),
        seen=one.offer.published,
    )
    subject = f"push {one.offer.item} {one.row.place}"
    return Wish(channel=one.row.channel, command=told, subject=subject, about=f"{PUSH}:{command}", lane=one.lane)


def prepared(conn: Connection, entry: Entry, command: Command, selling: Selling, now: datetime) -> Command | None:
    """What is wanted by now; None: the channel shows that already."""
    row = pushes.under_way(conn, entry.key)
    if row is None or not isinstance(command, SetStock):
        return None
    one = next(planned(conn, entry.channel, [row], selling.ground), None)
    if one is None or not one.differs:
        return None
    short = _set_aside(conn, entry.channel, {(row.listing_id, row.place): one}, selling.ground, now)
    row.wanted = 0 if short else one.wanted
    pushes.store(conn, [row])
    return replace(command, quantity=max(0, row.wanted or 0), seen=one.offer.published)


def heard(conn: Connection, news: News, selling: Selling, now: datetime) -> None:
    """News of a push."""
    row = pushes.under_way(conn, news.entry.key)
    if row is None:
        return
    if news.done is not None:
        row.command, row.sent, row.sent_at, row.accepted_at = None, row.wanted, now, now
        row.state, row.dirty = PushState.ACCEPTED.value, False
        row.note(None)
        _confirm(row, pushes.offered(conn, row.channel, row.place, listing_ids=[row.listing_id]), now)
        _read_back(conn, row, now)
    elif news.state is OutboxState.DEAD:  # refused; or nobody can tell what became of it, but what is offered is read
        row.command, row.failures, row.dirty = None, row.failures + 1, True
        row.state = (PushState.FAILED if row.failures > 2 else PushState.QUEUED).value
        row.due_at = now + min(LATEST, SOON * 2 ** min(row.failures - 1, 8))
        row.note(news.fault)
        _read_back(conn, row, now)
    else:
        row.note(news.fault)
    pushes.store(conn, [row])


def _read_back(conn: Connection, row: PushRow, now: datetime) -> None:
    """What the channel shows is read again: only that tells what it took."""
    one = pushes.offered(conn, row.channel, row.place, listing_ids=[row.listing_id]).get(row.listing_id)
    if one is not None:
        sources.hint(conn, row.channel, Resource.STOCK.value, one.feed, [one.record], now)


def give_up(conn: Connection, channel: str, ground: Ground, now: datetime) -> int:
    """What a channel has taken long ago and does not show is looked at anew; how many."""
    traits = ground.traits.get(channel)
    late = pushes.overdue(conn, channel, now - (traits.max_processing if traits else LATEST), MOST)
    for row in late:
        row.sent, row.dirty = None, True
    pushes.store(conn, late)
    return len(late)


# ------------------------------------------------------------------------------------------------ what is told late


def drift(conn: Connection, channel: str, one: Planned, ground: Ground, now: datetime) -> int:
    """Hold what vanished from a follower's own count and of which it has told nothing yet (rule K6); how many units.

    It was sold there, or will be told to have been: until its order comes, or would have come, nobody else gets it.
    """
    row, offer = one.row, one.offer
    traits, location = ground.traits.get(channel), ground.locations.get(row.location)
    if traits is None or location is None or row.confirmed is None or offer.published is None:
        return 0
    vanished = row.confirmed - offer.published
    spot = _spot(conn, offer, location)
    if vanished <= 0 or spot is None:
        return 0
    told = ledger.sold_since(conn, channel, spot[1], row.confirmed_at or now)
    units = vanished * offer.units - told
    if units <= 0:
        return 0
    allotting.give_back(conn, one.aside, units, now)
    held = _drift(channel, spot, location, units, now + traits.order_latency, now)
    reservations.add(conn, [held])
    locked = counters.locked(conn, [held.spot])
    counters.hold(conn, locked, reservations.claimed([held]), now)
    return units


def _spot(conn: Connection, offer: Offered, location: Location) -> tuple[str, tuple[str, str, str]] | None:
    listed = counters.of_variants(conn, location.authority, [offer.variant_id]).get(offer.variant_id, [])
    place = location.external_ids[location.authority]
    return next(((listing, (location.authority, item, place)) for listing, item in listed), None)


def _drift(
    channel: str,
    spot: tuple[str, tuple[str, str, str]],
    location: Location,
    units: int,
    until: datetime,
    now: datetime,
) -> ReservationRow:
    listing, (authority, item, place) = spot
    return ReservationRow(
        id=new_id(now),
        channel=authority,
        item=item,
        place=place,
        location=location.key,
        listing_id=listing,
        quantity=units,
        state=ReservationState.HELD.value,
        reason=MovementReason.SALE.value,
        owner=ledger.drift_owner(channel),
        expires_at=until,
        created_at=now,
        updated_at=now,
    )
