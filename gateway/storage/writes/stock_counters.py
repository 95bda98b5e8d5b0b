"""Stock counters: an authority's count of one item at one external location, and its claimed units (rules I4, K1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.locations import Authority
from gateway.storage import change_log
from gateway.storage.sql.bulk import BulkSelect, build_update
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.tables import listings, reservations, stock
from gateway.storage.writes.reservations import StockCounterKey


@dataclass(slots=True)
class StockCounter:
    """A row of `stock`, locked. `known`: the count is valid."""

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
    def key(self) -> StockCounterKey:
        """The key of the counter."""
        return self.channel, self.item, self.place

    @property
    def available(self) -> int:
        """Units that are not claimed; 0 if the count is unknown."""
        return self.on_hand - self.committed - self.held if self.known else 0


_names = ("id", "channel", "item", "place", "on_hand", "committed", "held", "known", "version", "updated_at")
_columns = tuple(stock.c[name] for name in _names)
_same_location = (stock.c.channel == sa.bindparam("channel"), stock.c.place == sa.bindparam("place"))
_of_items = BulkSelect(sa.select(*_columns).where(*_same_location), stock.c.item, locked_by=stock.c.id)
_of_reservations = BulkSelect(
    lambda among: sa.select(*_columns).where(
        sa.tuple_(stock.c.channel, stock.c.item, stock.c.place).in_(
            sa.select(reservations.c.channel, reservations.c.item, reservations.c.place).where(among)
        )
    ),
    reservations.c.id,
    locked_by=stock.c.id,
)
_listed = BulkSelect(
    sa.select(listings.c.variant_id, listings.c.id, listings.c.inventory_item, listings.c.tracked)
    .where(skip_index(listings.c.channel) == sa.bindparam("channel"), listings.c.current, ~listings.c.gone)
    .order_by(listings.c.first_seen_at, listings.c.id),
    listings.c.variant_id,
)
_update = build_update(stock, ("id", "held", "version", "updated_at"))


def lock_counters(conn: Connection, keys: Collection[StockCounterKey]) -> dict[StockCounterKey, StockCounter]:
    """Return those of these counters that exist, locked in order of their ids (rule L4)."""
    items: dict[tuple[str, str], list[str]] = defaultdict(list)
    for channel, item, external_location in keys:
        items[channel, external_location].append(item)
    if len(items) > 1:
        _lock_in_order(conn, items)
    counters: list[StockCounter] = []
    for (channel, external_location), item_ids in sorted(items.items()):
        counters += [
            StockCounter(*row) for row in _of_items.select(conn, item_ids, channel=channel, place=external_location)
        ]
    return {counter.key: counter for counter in counters}


def _lock_in_order(conn: Connection, items: Mapping[tuple[str, str], Sequence[str]]) -> None:
    """Lock counters of several external locations in one order, or two transactions could deadlock."""
    conditions = [
        sa.and_(stock.c.channel == channel, stock.c.place == external_location, stock.c.item.in_(sorted(set(item_ids))))
        for (channel, external_location), item_ids in items.items()
    ]
    conn.execute(sa.select(stock.c.id).where(sa.or_(*conditions)).order_by(stock.c.id).with_for_update()).all()


def lock_counters_of_reservations(
    conn: Connection, reservation_ids: Collection[str]
) -> dict[StockCounterKey, StockCounter]:
    """Return the counters of these reservations, locked as by `lock_counters`."""
    counters = [StockCounter(*row) for row in _of_reservations.select(conn, reservation_ids)]
    return {counter.key: counter for counter in counters}


CountedListings = dict[str, list[tuple[str, str]]]
"""By variant, the listings by which a channel counts it, each with its inventory item; oldest first."""


def find_counters(
    conn: Connection, authority: Authority | None, variant_ids: Collection[str]
) -> Mapping[str, Mapping[StockCounterKey, str]]:
    """Find the stock counters of variants at a location, each with the oldest listing that leads to it.

    There are none where the authority is not known (rule G2).
    """
    if authority is None:
        return {}
    counters: dict[str, dict[StockCounterKey, str]] = {}
    for variant, listed in find_listings(conn, authority.channel, variant_ids)[0].items():
        for listing, item in listed:
            key = (authority.channel, item, authority.external_id)
            counters.setdefault(variant, {}).setdefault(key, listing)
    return counters


def find_listings(conn: Connection, channel: str, variant_ids: Collection[str]) -> tuple[CountedListings, set[str]]:
    """Find the listings by which a channel counts these variants, and the variants that it does not count."""
    counted: CountedListings = {}
    uncounted: set[str] = set()
    for row in _listed.select(conn, variant_ids, channel=channel):
        if row.tracked:
            counted.setdefault(row.variant_id, []).append((row.id, row.inventory_item))
        else:
            uncounted.add(row.variant_id)
    return counted, uncounted


def change_held(
    conn: Connection,
    counters: Mapping[StockCounterKey, StockCounter],
    changes: Mapping[StockCounterKey, int],
    now: datetime,
) -> None:
    """Add to (or subtract from) the claimed units of locked counters, and log the change."""
    changed = [counters[key] for key, units in sorted(changes.items()) if units and key in counters]
    for counter in changed:
        counter.held += changes[counter.key]
        counter.version, counter.updated_at = counter.version + 1, now
    _update.run(conn, changed)
    change_log.log_change(conn, "STOCK", [(counter.id, counter.version) for counter in changed], now)
