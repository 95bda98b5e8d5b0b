"""Counters: what an authority counts of one item in one place, and how much of that is spoken for (rules I4, K1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage import log
from gateway.storage.reservations import Spot
from gateway.storage.rows import Keyed, updating
from gateway.storage.tables import listings, reservations, stock


@dataclass(slots=True)
class Counter:
    """A row of `stock`, locked. `known`: the count can be believed."""

    id: str
    channel: str
    item: str
    place: str
    on_hand: int
    committed: int
    held: int
    known: bool
    version: int
    updated_at: datetime

    @property
    def spot(self) -> Spot:
        """What it counts."""
        return self.channel, self.item, self.place

    @property
    def free(self) -> int:
        """Units that nobody has spoken for; 0 where the count is not known."""
        return self.on_hand - self.committed - self.held if self.known else 0


_names = ("id", "channel", "item", "place", "on_hand", "committed", "held", "known", "version", "updated_at")
_columns = tuple(stock.c[name] for name in _names)
_at = (stock.c.channel == sa.bindparam("channel"), stock.c.place == sa.bindparam("place"))
_of_items = Keyed(sa.select(*_columns).where(*_at), stock.c.item, locked_by=stock.c.id)
_of_reservations = Keyed(
    lambda among: sa.select(*_columns).where(
        sa.tuple_(stock.c.channel, stock.c.item, stock.c.place).in_(
            sa.select(reservations.c.channel, reservations.c.item, reservations.c.place).where(among)
        )
    ),
    reservations.c.id,
    locked_by=stock.c.id,
)
_listed = Keyed(
    sa.select(listings.c.variant_id, listings.c.id, listings.c.inventory_item, listings.c.tracked)
    .where(listings.c.channel == sa.bindparam("channel"), listings.c.current, ~listings.c.gone)
    .order_by(listings.c.id),
    listings.c.variant_id,
)
_set = updating(stock, ("id", "held", "version", "updated_at"))


def locked(conn: Connection, spots: Collection[Spot]) -> dict[Spot, Counter]:
    """These counters, as far as they are known, locked in order of their ids (rule L4)."""
    items: dict[tuple[str, str], list[str]] = defaultdict(list)
    for channel, item, place in spots:
        items[channel, place].append(item)
    if len(items) > 1:
        _lock_in_order(conn, items)
    found: list[Counter] = []
    for (channel, place), some in sorted(items.items()):
        found += [Counter(*row) for row in _of_items.all(conn, some, channel=channel, place=place)]
    return {counter.spot: counter for counter in found}


def _lock_in_order(conn: Connection, items: Mapping[tuple[str, str], Sequence[str]]) -> None:
    """Counters of several places stand in one order all the same: else two that want them would wait for each other."""
    here = [
        sa.and_(stock.c.channel == channel, stock.c.place == place, stock.c.item.in_(sorted(set(some))))
        for (channel, place), some in items.items()
    ]
    conn.execute(sa.select(stock.c.id).where(sa.or_(*here)).order_by(stock.c.id).with_for_update()).all()


def locked_for(conn: Connection, reservation_ids: Collection[str]) -> dict[Spot, Counter]:
    """The counters of these reservations, locked as by `locked`."""
    found = [Counter(*row) for row in _of_reservations.all(conn, reservation_ids)]
    return {counter.spot: counter for counter in found}


Listed = dict[str, list[tuple[str, str]]]
"""By variant, the listings by which a channel counts it, each with its item; the oldest first."""


def of_variants(conn: Connection, channel: str, variant_ids: Collection[str]) -> Listed:
    """How a channel counts these variants."""
    return listed(conn, channel, variant_ids)[0]


def listed(conn: Connection, channel: str, variant_ids: Collection[str]) -> tuple[Listed, set[str]]:
    """How a channel counts these variants; and those of them that it lists and does not count."""
    counted: Listed = {}
    uncounted: set[str] = set()
    for row in _listed.all(conn, variant_ids, channel=channel):
        if row.tracked:
            counted.setdefault(row.variant_id, []).append((row.id, row.inventory_item))
        else:
            uncounted.add(row.variant_id)
    return counted, uncounted


def hold(conn: Connection, counters: Mapping[Spot, Counter], more: Mapping[Spot, int], now: datetime) -> None:
    """Have so many more (or fewer) units of these locked counters be spoken for."""
    moved = [counters[spot] for spot, units in sorted(more.items()) if units and spot in counters]
    for counter in moved:
        counter.held += more[counter.spot]
        counter.version, counter.updated_at = counter.version + 1, now
    _set.run(conn, moved)
    log.record(conn, "STOCK", [(counter.id, counter.version) for counter in moved], now)
