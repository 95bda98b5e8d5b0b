"""The stock ledger: what is spoken for of what authorities count, until their own count shows it (rules K1 to K3, K7).

Whoever writes here locks the counters first, in order of their ids, and only then looks at reservations: so what is
decided about a reservation is decided by one transaction at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.commerce.commands import Told, Wish, wish
from gateway.commerce.ground import Ground
from gateway.model.channels import Location
from gateway.model.ids import new_id
from gateway.model.stock import MovementReason, ReservationState
from gateway.sdk.records import Ref
from gateway.sdk.writes import AdjustStock
from gateway.storage import counters, reservations, sources
from gateway.storage.counters import Counter
from gateway.storage.database import Connection
from gateway.storage.reservations import ReservationRow, Spot

MOVEMENT = "movement"
"""In the outbox: the reservations with this command wait for it."""


@dataclass(frozen=True, slots=True)
class Want:
    """Units of a variant at a location."""

    variant_id: str
    location: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """There is less than what was wanted. `position`: of the want; `available`: what could be had instead."""

    position: int
    available: int


@dataclass(frozen=True, slots=True)
class Share:
    """Units of one counter that a want takes. `position`: of the want."""

    position: int
    listing_id: str
    spot: Spot
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the reservations that are made have in common. `owner`: who holds them; of movements nobody."""

    state: ReservationState
    reason: MovementReason = MovementReason.SALE
    owner: str = ""
    expires_at: datetime | None = None


class ShortError(Exception):
    """Some of what was wanted cannot be promised: nothing was taken."""

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        super().__init__(f"{len(shortages)} wants cannot be fulfilled")
        self.shortages = tuple(shortages)


# ------------------------------------------------------------------------------------------------ taking


def take(
    conn: Connection, wants: Sequence[Want], draft: Draft, ground: Ground, now: datetime
) -> Mapping[int, Sequence[ReservationRow]]:
    """As `claim`, and the reservations are added."""
    found = claim(conn, wants, draft, ground, now)
    reservations.add(conn, [row for rows in found.values() for row in rows])
    return found


def claim(
    conn: Connection, wants: Sequence[Want], draft: Draft, ground: Ground, now: datetime
) -> Mapping[int, Sequence[ReservationRow]]:
    """Speak for all of these units, or for none (rule K7); the reservations, by the position of what was wanted.

    They are not added yet: whoever calls does so in the same transaction, once it is known what they are for. What no
    counter counts needs no reservation.

    Raises:
        ShortError: there is less than that.
    """
    known = _Known.of(conn, wants, ground)
    shares, shortages = [], []
    for position, want in enumerate(wants):
        taken = known.take(position, want)
        if isinstance(taken, Shortage):
            shortages.append(taken)
        else:
            shares += taken
    if shortages:
        raise ShortError(shortages)
    rows = [_reservation(share, wants[share.position], draft, now) for share in shares]
    counters.hold(conn, known.counters, reservations.claimed(rows), now)
    return _by_position(shares, rows)


@dataclass(slots=True)
class _Known:
    """The counters of all that is wanted, locked, and what is still free of each."""

    ground: Ground
    listed: Mapping[tuple[str, str], Sequence[tuple[str, str]]]
    untracked: Collection[tuple[str, str]]
    counters: dict[Spot, Counter]
    free: dict[Spot, int]

    @classmethod
    def of(cls, conn: Connection, wants: Sequence[Want], ground: Ground) -> _Known:
        by_authority: dict[str, set[str]] = defaultdict(set)
        for want in wants:
            by_authority[ground.locations[want.location].authority].add(want.variant_id)
        known = {channel: counters.listed(conn, channel, variants) for channel, variants in by_authority.items()}
        listed = {(key, variant): some for key, (counted, _) in known.items() for variant, some in counted.items()}
        untracked = {(key, variant) for key, (_, uncounted) in known.items() for variant in uncounted}
        spots = {spot for want in wants for _, spot in _spots(want, listed, ground.locations[want.location])}
        found = counters.locked(conn, spots)
        return cls(ground, listed, untracked, found, {spot: one.free for spot, one in found.items()})

    def take(self, position: int, want: Want) -> list[Share] | Shortage:
        """Take from the fullest counters first."""
        place = self.ground.locations[want.location]
        spots = [(listing, spot) for listing, spot in _spots(want, self.listed, place) if spot in self.free]
        if not spots and (place.authority, want.variant_id) in self.untracked:
            return []
        available = max(0, sum(self.free[spot] for _, spot in spots) - self.ground.buffer(want.location))
        if available < want.quantity:
            return Shortage(position, available)
        return list(self._shares(position, want.quantity, spots))

    def _shares(self, position: int, units: int, spots: Sequence[tuple[str, Spot]]) -> Iterable[Share]:
        for listing, spot in sorted(spots, key=lambda one: -self.free[one[1]]):
            some = min(units, self.free[spot])
            if some > 0:
                self.free[spot] -= some
                units -= some
                yield Share(position, listing, spot, some)


def _spots(
    want: Want, listed: Mapping[tuple[str, str], Sequence[tuple[str, str]]], place: Location
) -> list[tuple[str, Spot]]:
    """The counters of a want, each once, with the oldest listing that leads to it."""
    known: dict[Spot, str] = {}
    for listing, item in listed.get((place.authority, want.variant_id), ()):
        known.setdefault((place.authority, item, place.external_ids[place.authority]), listing)
    return [(listing, spot) for spot, listing in known.items()]


def _reservation(share: Share, want: Want, draft: Draft, now: datetime) -> ReservationRow:
    channel, item, place = share.spot
    return ReservationRow(
        id=new_id(now),
        channel=channel,
        item=item,
        place=place,
        location=want.location,
        listing_id=share.listing_id,
        quantity=share.quantity,
        state=draft.state.value,
        reason=draft.reason.value,
        owner=draft.owner,
        expires_at=draft.expires_at,
        created_at=now,
        updated_at=now,
    )


def _by_position(shares: Sequence[Share], rows: Sequence[ReservationRow]) -> dict[int, list[ReservationRow]]:
    found: dict[int, list[ReservationRow]] = defaultdict(list)
    for share, row in zip(shares, rows, strict=True):
        found[share.position].append(row)
    return found


# ------------------------------------------------------------------------------------------------ changing


def change(
    conn: Connection,
    ids: Collection[str],
    becomes: Callable[[ReservationRow], ReservationRow | None],
    now: datetime,
) -> list[ReservationRow]:
    """Have reservations become something else; those that did. None: it stays as it is.

    `becomes` is asked once the counters are locked, about what the reservation is by then.
    """
    locked = counters.locked_for(conn, ids)
    before = reservations.by_ids(conn, ids)
    after = [(row, new) for row in before if (new := becomes(replace(row))) is not None]
    return _changed(conn, after, locked, now)


def _changed(
    conn: Connection,
    pairs: Sequence[tuple[ReservationRow, ReservationRow]],
    locked: Mapping[Spot, Counter],
    now: datetime,
) -> list[ReservationRow]:
    more: dict[Spot, int] = defaultdict(int)
    for old, new in pairs:
        new.updated_at = now
        more[old.spot] += new.claimed - old.claimed
    reservations.store(conn, [new for _, new in pairs])
    counters.hold(conn, locked, more, now)
    return [new for _, new in pairs]


def release(conn: Connection, ids: Collection[str], now: datetime) -> list[ReservationRow]:
    """Let go of what is held; those that were."""
    return change(conn, ids, _ended(ReservationState.RELEASED), now)


def expire(conn: Connection, now: datetime, most: int = 200) -> int:
    """Let go of holds whose time is over; how many."""

    def lapse(row: ReservationRow) -> ReservationRow | None:
        over = row.expires_at is not None and row.expires_at <= now
        return _ended(ReservationState.EXPIRED)(row) if over else None

    return len(change(conn, reservations.lapsed(conn, now, most), lapse, now))


def _ended(state: ReservationState) -> Callable[[ReservationRow], ReservationRow | None]:
    def end(row: ReservationRow) -> ReservationRow | None:
        return replace(row, state=state.value) if row.state == ReservationState.HELD.value else None

    return end


# ------------------------------------------------------------------------------------------------ drift (rule K6)


DRIFT = "drift "


def drift_owner(channel: str) -> str:
    """Who holds what has vanished from a channel's own count."""
    return f"{DRIFT}{channel}"


def sold_since(conn: Connection, channel: str, spot: Spot, since: datetime) -> int:
    """Units of a counter that a channel has told to have sold since, and those that are held because it did not."""
    rows = reservations.of_counter(conn, spot, since)
    sold = sum(row.quantity for row in rows if row.order_channel == channel)
    held = sum(row.claimed for row in rows if row.owner == drift_owner(channel))
    return sold + held


ALLOTTED = "allotted "


def allotted_to(channel: str) -> str:
    """Begins the names of those who hold what is set aside for a channel's listings."""
    return f"{ALLOTTED}{channel} "


def is_followers(row: ReservationRow) -> bool:
    """Whether it is held because of what a follower may have sold."""
    return row.owner.startswith((DRIFT, ALLOTTED))


def told_late(conn: Connection, channel: str, spot: Spot, units: int, now: datetime) -> None:
    """The channel has told of a sale: what was held because it had not, or for that, is not held twice."""
    held = [row for row in reservations.open_of(conn, [spot]) if row.owner == drift_owner(channel)]
    held += [row for row in reservations.open_of(conn, [spot]) if row.owner.startswith(allotted_to(channel))]
    for row in held if units > 0 else ():
        some = min(units, row.claimed)
        units -= some
        lessen(conn, row, some, now)


def lessen(conn: Connection, row: ReservationRow, units: int, now: datetime) -> None:
    """Hold so many units less."""
    if units > 0:
        change(conn, [row.id], _less(units), now)


def _less(units: int) -> Callable[[ReservationRow], ReservationRow | None]:
    def less(row: ReservationRow) -> ReservationRow | None:
        if row.state != ReservationState.HELD.value:
            return None
        if row.quantity <= units:
            return replace(row, state=ReservationState.RELEASED.value)
        return replace(row, quantity=row.quantity - units)

    return less


# ------------------------------------------------------------------------------------------------ telling the authority


def post(conn: Connection, rows: Iterable[ReservationRow], now: datetime) -> Told:
    """Have the authorities of these movements learn of them.

    Each movement is told by a command of its own, whose key is the movement's id: so the authority's ledger can prove
    that its count contains it.
    """
    told = _addressed(rows, now)
    reservations.store(conn, told)
    return wish(conn, [_adjustment(row) for row in told], now)


def post_new(conn: Connection, rows: Sequence[ReservationRow], now: datetime) -> Told:
    """As `post`, of reservations that have not been added yet."""
    told = _addressed(rows, now)
    reservations.add(conn, rows)
    return wish(conn, [_adjustment(row) for row in told], now)


def _addressed(rows: Iterable[ReservationRow], now: datetime) -> list[ReservationRow]:
    told = [row for row in rows if row.state == ReservationState.COMMITTED.value]
    for row in told:
        row.command, row.updated_at = row.id, now
    return told


def _adjustment(row: ReservationRow) -> Wish:
    command = AdjustStock(
        key=row.id,
        subject=Ref(row.item),
        place=row.place,
        delta=-row.quantity,
        reason=MovementReason(row.reason),
    )
    return Wish(channel=row.channel, command=command, subject=f"stock {row.item} {row.place}", about=MOVEMENT)


def acknowledged(conn: Connection, ids: Collection[str], ground: Ground, now: datetime) -> None:
    """The authority has taken these movements. They stay open until its count is proved to contain them (rule K3)."""
    count = sources.next_count(conn)

    def taken(row: ReservationRow) -> ReservationRow | None:
        if row.state != ReservationState.COMMITTED.value or row.acknowledged_count is not None:
            return None
        ask = now + _settle(ground, row.channel)
        return replace(row, acknowledged_count=count, acknowledged_at=now, ask_at=ask)

    done = change(conn, ids, taken, now)
    sent = [row.id for row in done if row.reason == MovementReason.TRANSFER.value]
    post(conn, [row for row in reservations.following(conn, sent) if row.command is None], now)


def undone(conn: Connection, ids: Collection[str], ground: Ground, now: datetime) -> None:
    """The authority has undone these movements itself: they close with the first count that was read after that."""
    count = sources.next_count(conn)

    def taken(row: ReservationRow) -> ReservationRow | None:
        if row.state != ReservationState.COMMITTED.value:
            return None
        ask = now + _settle(ground, row.channel)
        return replace(row, acknowledged_count=count, acknowledged_at=now, ask_at=ask)

    change(conn, ids, taken, now)


def never_left(row: ReservationRow) -> ReservationRow | None:
    """A movement that never was."""
    if row.state != ReservationState.COMMITTED.value:
        return None
    return replace(row, state=ReservationState.RELEASED.value, ask_at=None)


def refused(conn: Connection, ids: Collection[str], now: datetime) -> list[ReservationRow]:
    """The authority will never take these: units that were to come back, or to arrive, do not.

    What was sold stays sold: it is subtracted until a person has put the authority's count right.
    """

    def ended(row: ReservationRow) -> ReservationRow | None:
        open_ = row.state == ReservationState.COMMITTED.value
        return replace(row, state=ReservationState.RELEASED.value) if open_ and row.quantity < 0 else None

    waiting = [row.id for row in reservations.following(conn, ids)]
    return change(conn, {*ids, *waiting}, ended, now)


def _settle(ground: Ground, channel: str) -> timedelta:
    traits = ground.traits.get(channel)
    return timedelta(0) if traits is None or traits.read_your_writes else traits.settle


# ------------------------------------------------------------------------------------------------ proof


@dataclass(frozen=True, slots=True)
class Read:
    """A read of a counter by its authority. `contains`: keys of our commands that its own ledger shows."""

    spot: Spot
    contains: frozenset[str]


@dataclass(frozen=True, slots=True)
class Moment:
    """When a channel was read: the observation counter and the time before the request."""

    begin: int
    begun_at: datetime


def settle(
    conn: Connection, reads: Sequence[Read], moment: Moment, ground: Ground, now: datetime
) -> list[ReservationRow]:
    """Close the movements that these reads are proved to contain (rule K3); the counters are locked by whoever calls.

    In the transaction that applies the reads: base and movement change at the same instant.
    """
    by_spot = {read.spot: read for read in reads}
    proved = [row for row in reservations.open_of(conn, by_spot) if _proved(row, by_spot[row.spot], moment, ground)]
    pairs = [(row, replace(row, state=ReservationState.SETTLED.value, ask_at=None)) for row in proved]
    return _changed(conn, pairs, counters.locked(conn, {row.spot for row in proved}), now)


def _proved(row: ReservationRow, read: Read, moment: Moment, ground: Ground) -> bool:
    if row.state != ReservationState.COMMITTED.value:
        return False
    if row.command is not None and row.command in read.contains:
        return True
    if row.acknowledged_count is None or row.acknowledged_at is None or moment.begin < row.acknowledged_count:
        return False
    if row.command is None:
        return True  # the authority itself said that the order is in its count
    return moment.begun_at >= row.acknowledged_at + _settle(ground, row.channel)
