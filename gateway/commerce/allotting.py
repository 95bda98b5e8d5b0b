"""Units that are set aside for a follower, when there are few of them and it tells its sales late (rule K6).

Some of the last units are offered by it alone: they are held, so nobody else can sell them, and it is offered no more
before it shows none. So whatever it has sold and not told yet, it has sold of what was its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from gateway.commerce import ledger
from gateway.commerce.ground import Ground
from gateway.commerce.ledger import Draft, ShortError, Want
from gateway.model.channels import Location
from gateway.model.stock import ReservationState
from gateway.storage import counters, listings, reservations
from gateway.storage.database import Connection
from gateway.storage.reservations import ReservationRow

Key = tuple[str, str]
"""A listing, and the place that it is offered from."""


def owner(channel: str, listing_id: str) -> str:
    """Who holds what is set aside for a listing."""
    return f"{ledger.allotted_to(channel)}{listing_id}"


def set_aside(
    conn: Connection, channel: str, location: Location, variant_ids: Collection[str]
) -> Mapping[str, Sequence[ReservationRow]]:
    """What of these variants is set aside there for a channel, by its listings."""
    listed = counters.of_variants(conn, location.authority, variant_ids)
    place = location.external_ids[location.authority]
    spots = {(location.authority, item, place) for found in listed.values() for _, item in found}
    prefix = ledger.allotted_to(channel)
    aside: dict[str, list[ReservationRow]] = {}
    for row in reservations.open_of(conn, spots):
        if row.owner.startswith(prefix):
            aside.setdefault(row.owner.removeprefix(prefix), []).append(row)
    return aside


def offer(free: int, aside: int, published: int, units: int, few: int) -> int:
    """How many listings a follower is to offer.

    Args:
        free: units that nobody has spoken for; negative, where more is spoken for than there is.
        aside: units that are set aside for it.
        published: listings that it offers now.
        units: in one listing.
        few: up to so many units are not offered by everybody.
    """
    there = max(0, free + aside)
    if there > few:
        return there // units
    if aside:
        return min(there, aside) // units
    half = (there // units + 1) // 2
    return min(published, half) if published else half


def take(conn: Connection, wants: Mapping[Key, Want], channel: str, ground: Ground, now: datetime) -> Collection[Key]:
    """Set units aside for listings; those for which there are not enough of them any more."""
    short = set()
    for key, want in wants.items():
        draft = Draft(state=ReservationState.HELD, owner=owner(channel, key[0]))
        try:
            ledger.take(conn, [want], draft, ground, now)
        except ShortError:
            short.add(key)
    return short


def give_back(conn: Connection, rows: Sequence[ReservationRow], units: int, now: datetime) -> None:
    """Set so many units less aside."""
    for row in rows:
        some = min(units, row.claimed)
        units -= some
        ledger.lessen(conn, row, some, now)


def forgotten(conn: Connection, ground: Ground, now: datetime) -> int:
    """Let go of what is set aside for what a channel does not offer any more; how many there were."""
    kept = {ledger.allotted_to(channel) for channel, few in ground.few.items() if few}
    rows = reservations.held_by(conn, ledger.ALLOTTED)
    ids = {row.id: row.owner.rpartition(" ")[2] for row in rows}
    live = listings.still_listed(conn, set(ids.values()))
    gone = [row.id for row in rows if ids[row.id] not in live or row.owner.removesuffix(ids[row.id]) not in kept]
    return len(ledger.release(conn, gone, now))
