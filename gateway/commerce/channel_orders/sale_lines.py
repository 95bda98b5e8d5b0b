"""Lines of external sales: which stock they take, and which movements they need (rules K2, K4, K11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.commerce.channel_orders.line_locations import ExternalSaleLine, LocationUnits, count_units
from gateway.commerce.topology import Topology
from gateway.model.ids import generate_id
from gateway.model.locations import Authority, Location
from gateway.model.stock import MovementReason, ReservationState
from gateway.model.validation import MAX_QUANTITY
from gateway.storage.database import Connection
from gateway.storage.writes import stock_counters
from gateway.storage.writes.orders import SoldVariant
from gateway.storage.writes.reservations import ReservationRow, StockCounterKey

NUMBERS_PER_LOCATION = 2
"""Movements that one change of a line can need at a location: the recalled units, and those that are forwarded anew."""


@dataclass(frozen=True, slots=True)
class StockSource:
    """The stock that a line takes at a location.

    Attributes:
        posting_mode: the posting mode by which the authority learns of the sale; None: it counts the sale itself.
        units: stock units in one unit of the line.
    """

    posting_mode: str | None
    listing_id: str
    counter_key: StockCounterKey
    units: int


class Unplaced:
    """Marks units that cannot be placed yet: their variant is unknown, the authority has not counted it, it is not
    known who counts the location (rule G2), or they are more than a count can be, because the units per listing are
    wrong. Neither can those that are in another unit of measure than what the line has moved (rule O7).
    """


@dataclass(frozen=True, slots=True)
class LineShare:
    """A line at one location: what it takes from there now, and the movements that it has there.

    Attributes:
        moved_unit: unit of measure of the movements; None: there are none.
    """

    sale: ExternalSaleLine
    location: Location
    units: LocationUnits
    movements: Sequence[ReservationRow]
    moved_unit: str | None


@dataclass(frozen=True, slots=True)
class LineMovement:
    """A line at one location, with the stock that it takes.

    Attributes:
        next_number: number of the line's next movement.
    """

    share: LineShare
    source: StockSource
    next_number: int

    @property
    def sale(self) -> ExternalSaleLine:
        """The line."""
        return self.share.sale

    @property
    def quantity(self) -> int:
        """Quantity that the location lacks now; negative: more came back than it supplied."""
        return self.share.units.quantity

    @property
    def moved_units(self) -> int:
        """Units of its movements so far."""
        return sum(row.quantity for row in self.share.movements)

    @property
    def missing_units(self) -> int:
        """Units to move so that all movements add up to what was sold."""
        return self.quantity * self.source.units - self.moved_units

    def build_movement(self, units: int, number: int, now: datetime) -> ReservationRow:
        """Build the movement of some units."""
        channel, item, external_location = self.source.counter_key
        return ReservationRow(
            id=generate_id(now),
            channel=channel,
            item=item,
            place=external_location,
            location=self.share.location.key,
            listing_id=self.source.listing_id,
            quantity=units,
            state=ReservationState.COMMITTED.value,
            reason=(MovementReason.SALE if units > 0 else MovementReason.CANCELLATION).value,
            order_channel=self.sale.order.channel,
            order_ref=self.sale.order.external_id,
            line_ref=self.sale.line.external_id,
            turn=number,
            created_at=now,
            updated_at=now,
        )


@dataclass(frozen=True, slots=True)
class LinePlan:
    """The movements that a line needs. `is_unplaced`: some of its units cannot be placed yet."""

    movements: Sequence[LineMovement]
    is_unplaced: bool


def plan_line(
    conn: Connection,
    sale: ExternalSaleLine,
    sold: SoldVariant | None,
    movements: Sequence[ReservationRow],
    topology: Topology,
    units_of_measure: Mapping[str, str],
) -> LinePlan:
    """Compare a line with its movements, by location. A location that it is not taken from any more lacks nothing.
    `units_of_measure`: those of the movements' listings.
    """
    line_units = count_units(sale, sold, movements, topology)
    sources = [
        (share, _find_source(conn, share, sold, topology))
        for share in _list_shares(sale, line_units.by_location, movements, topology, units_of_measure)
    ]
    number = 1 + max((row.turn for row in movements), default=-1)
    found = [(share, source) for share, source in sources if isinstance(source, StockSource)]
    planned = [
        LineMovement(share, source, number + NUMBERS_PER_LOCATION * position)
        for position, (share, source) in enumerate(found)
    ]
    return LinePlan(planned, line_units.has_unmapped or any(source is Unplaced for _, source in sources))


def _list_shares(
    sale: ExternalSaleLine,
    units: Mapping[str, LocationUnits],
    movements: Sequence[ReservationRow],
    topology: Topology,
    units_of_measure: Mapping[str, str],
) -> Iterator[LineShare]:
    """List the locations that the line is taken from now, then those that it was taken from before."""
    by_location: dict[str, list[ReservationRow]] = {key: [] for key in units}
    for row in movements:
        by_location.setdefault(row.location, []).append(row)
    for key, rows in by_location.items():
        if key in topology.locations:
            moved_unit = units_of_measure.get(rows[0].listing_id) if rows else None
            yield LineShare(sale, topology.locations[key], units.get(key, LocationUnits()), rows, moved_unit)


def _find_source(
    conn: Connection, share: LineShare, sold: SoldVariant | None, topology: Topology
) -> StockSource | type[Unplaced] | None:
    """Find the stock that a line takes at a location. Returns None if no authority has to learn of the sale."""
    location, channel = share.location, share.sale.order.channel
    if location.authority is None:
        return Unplaced if _is_open(share, sold) else None
    own = location.authority.channel == channel
    posting_mode = None if own else topology.posting_modes.get((location.key, channel))
    if (own and share.sale.posted is not False) or (not own and posting_mode is None):
        return None
    if sold is None and (share.units.quantity or not share.movements):
        return Unplaced
    if sold is not None and not _has_same_unit(share, sold):
        return Unplaced
    units = 1 if sold is None else sold.units  # 1: nothing is taken any more
    if abs(share.units.quantity) * units > MAX_QUANTITY:
        return Unplaced
    if share.movements:
        first = share.movements[0]
        return StockSource(posting_mode, first.listing_id, first.counter, units)
    chosen = None if sold is None else _choose_counter(conn, location.authority, sold)
    return Unplaced if chosen is None else StockSource(posting_mode, *chosen, units)


def _has_same_unit(share: LineShare, sold: SoldVariant) -> bool:
    """Whether what is sold can be compared with what was moved. Nothing is nothing in every unit."""
    return not share.units.quantity or share.moved_unit in (None, sold.unit_of_measure)


def _is_open(share: LineShare, sold: SoldVariant | None) -> bool:
    """Return whether the movements of a line at a location do not add up to what it takes from there."""
    units = 1 if sold is None else sold.units
    return share.units.quantity * units != sum(row.quantity for row in share.movements)


def _choose_counter(conn: Connection, authority: Authority, sold: SoldVariant) -> tuple[str, StockCounterKey] | None:
    """Choose the stock counter of the authority with the most available units. Returns its listing and its key."""
    counter_keys = stock_counters.find_counters(conn, authority, [sold.variant_id]).get(sold.variant_id)
    if not counter_keys:
        return None
    counters = stock_counters.lock_counters(conn, counter_keys)
    counter_key = max(counters, key=lambda key: counters[key].available) if counters else next(iter(counter_keys))
    return counter_keys[counter_key], counter_key
