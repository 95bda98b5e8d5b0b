"""What people do to stock: hold it, let go of it, correct a count, send it elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce import ledger
from gateway.commerce.commands import Told
from gateway.commerce.ground import Ground
from gateway.commerce.ledger import Draft, ShortError, Want
from gateway.model.ids import new_id
from gateway.model.outcomes import Outcome, UserError, UserErrorCode
from gateway.model.stock import MovementReason, ReservationState
from gateway.sdk.writes import AdjustStock
from gateway.storage import counters, reservations
from gateway.storage.counters import Counter
from gateway.storage.database import Connection
from gateway.storage.reservations import ReservationRow

COUNTED = frozenset({one.value for one in MovementReason} - {"SALE", "CANCELLATION", "TRANSFER"})
"""Reasons of movements by which a person puts a count right."""


def reserve(
    conn: Connection, wants: Sequence[Want], owner: str, expires_at: datetime, ground: Ground, now: datetime
) -> Outcome:
    """Hold these units, all or none of them, until then."""
    draft = Draft(state=ReservationState.HELD, owner=owner, expires_at=expires_at)
    try:
        held = ledger.take(conn, wants, draft, ground, now)
    except ShortError as error:
        return Outcome(user_errors=tuple(_short(one.position, one.available) for one in error.shortages))
    return Outcome(subjects=tuple(row.id for rows in held.values() for row in rows), done=True)


def _short(position: int, available: int) -> UserError:
    code = UserErrorCode.INSUFFICIENT_STOCK if available else UserErrorCode.OUT_OF_STOCK
    message = f"Only {available} can be had there." if available else "There is none of it there."
    return UserError(
        code=code, field=("input", "lines", str(position), "quantity"), message=message, available_quantity=available
    )


def release(conn: Connection, ids: Sequence[str], owner: str, everybodys: bool, now: datetime) -> Outcome:
    """Let go of what is held. What is not held any more, or sold by now, stays as it is."""
    known = {row.id: row for row in reservations.by_ids(conn, ids) if everybodys or row.owner == owner}
    missing = [id_ for id_ in ids if id_ not in known]
    if missing:
        return Outcome(user_errors=tuple(_missing(ids.index(id_)) for id_ in missing))
    released = {row.id for row in ledger.release(conn, ids, now)}
    sold = [n for n, id_ in enumerate(ids) if id_ not in released and known[id_].state in _SOLD]
    return Outcome(subjects=tuple(ids), done=bool(released), user_errors=tuple(_kept(position) for position in sold))


_SOLD = (ReservationState.COMMITTED.value, ReservationState.SETTLED.value)


def _missing(position: int) -> UserError:
    return UserError(
        code=UserErrorCode.NOT_FOUND,
        field=("input", "reservationIds", str(position)),
        message="There is no such reservation.",
    )


def _kept(position: int) -> UserError:
    return UserError(
        code=UserErrorCode.NOT_ALLOWED_IN_STATE,
        field=("input", "reservationIds", str(position)),
        message="These units are sold.",
    )


# ------------------------------------------------------------------------------------------------ counts


@dataclass(frozen=True, slots=True)
class Count:
    """What a person counted, and what she saw before."""

    variant_id: str
    location: str
    expected: int
    on_hand: int
    reason: MovementReason


def adjust(conn: Connection, count: Count, ground: Ground, now: datetime) -> tuple[Outcome, Told]:
    """Put a count right, if it is still what was seen; and what its authority is to be told."""
    about = Outcome(subject=count.variant_id, subjects=(count.location,))
    found = _counter(conn, count.variant_id, count.location, ground)
    if isinstance(found, UserError):
        return replace(about, user_errors=(found,)), {}
    listing, counter = found
    if refusal := _moved(conn, counter, count):
        return replace(about, user_errors=(refusal,)), {}
    if count.on_hand == count.expected:
        return replace(about, done=True), {}
    row = _movement(listing, counter, count.location, count.expected - count.on_hand, count.reason, now)
    counters.hold(conn, {counter.spot: counter}, reservations.claimed([row]), now)
    return replace(about, done=True), ledger.post_new(conn, [row], now)


def _moved(conn: Connection, counter: Counter, count: Count) -> UserError | None:
    """Another count than the one seen; or one that is being put right, and does not show it yet."""
    under_way = [row for row in reservations.open_of(conn, [counter.spot]) if row.reason in COUNTED and row.command]
    if under_way:
        return replace(
            _CHANGED,
            message="An earlier correction is not in the count yet: look again in a moment.",
            retryable=True,
            retry_after_seconds=5,
        )
    return None if counter.on_hand == count.expected else _CHANGED


_CHANGED = UserError(
    code=UserErrorCode.CONFLICT, field=("input", "expectedOnHand"), message="The count has changed: look again."
)


def transfer(conn: Connection, want: Want, to: str, ground: Ground, now: datetime) -> tuple[Outcome, Told]:
    """Send units from one location to another: they arrive once those who count where they left have taken it."""
    about = Outcome(subject=want.variant_id, subjects=(want.location, to))
    ends = [_counter(conn, want.variant_id, place, ground) for place in (want.location, to)]
    if refusals := tuple(
        replace(end, field=("input", name))
        for end, name in zip(ends, ("fromLocationKey", "toLocationKey"), strict=True)
        if isinstance(end, UserError)
    ):
        return replace(about, user_errors=refusals), {}
    draft = Draft(state=ReservationState.COMMITTED, reason=MovementReason.TRANSFER)
    try:
        leaving = ledger.take(conn, [want], draft, ground, now)[0]
    except ShortError as error:
        short = replace(_short(0, error.shortages[0].available), field=("input", "quantity"))
        return replace(about, user_errors=(short,)), {}
    listing, counter = ends[1]  # type: ignore[misc]
    arriving = [
        replace(_movement(listing, counter, to, -row.quantity, MovementReason.TRANSFER, now), follows=row.id)
        for row in leaving
    ]
    reservations.add(conn, arriving)
    return replace(about, done=True), ledger.post(conn, leaving, now)


def _counter(conn: Connection, variant_id: str, location: str, ground: Ground) -> tuple[str, Counter] | UserError:
    """The one counter of a variant at a location, and the listing that leads to it; or why there is none to tell."""
    place = ground.locations[location]
    if not ground.can(place.authority, AdjustStock):
        return UserError(
            code=UserErrorCode.NOT_SUPPORTED_BY_CHANNEL,
            field=("input", "locationKey"),
            message="Whoever counts this location cannot be told.",
            channel_key=place.authority,
        )
    listed = counters.of_variants(conn, place.authority, [variant_id]).get(variant_id, [])
    spots = {(place.authority, item, place.external_ids[place.authority]): listing for listing, item in listed}
    known = [counter for counter in counters.locked(conn, spots).values() if counter.known]
    if len(known) == 1:
        return spots[known[0].spot], known[0]
    return UserError(
        code=UserErrorCode.NOT_FOUND,
        field=("input", "variantId"),
        message="It is counted there under several items." if known else "It is not counted there.",
    )


def _movement(
    listing: str, counter: Counter, location: str, quantity: int, reason: MovementReason, now: datetime
) -> ReservationRow:
    return ReservationRow(
        id=new_id(now),
        channel=counter.channel,
        item=counter.item,
        place=counter.place,
        location=location,
        listing_id=listing,
        quantity=quantity,
        state=ReservationState.COMMITTED.value,
        reason=reason.value,
        created_at=now,
        updated_at=now,
    )
