"""Units of a sale line by location: where they are taken from, and where returned ones are for sale again (rule K11).

A channel may name the locations of all units, of some, or of none. Units without one are taken from the location of the
line or of the order; if there is none either, from where they were taken before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.commerce.topology import Topology
from gateway.model.orders import OrderStatus
from gateway.storage.writes.orders import OrderLineRow, OrderRow, SoldVariant, read_locations
from gateway.storage.writes.reservations import ReservationRow

VOID_STATUSES = (OrderStatus.CANCELLED.value, OrderStatus.FAILED.value)


@dataclass(frozen=True, slots=True)
class ExternalSaleLine:
    """A line of an order that a channel sold."""

    order: OrderRow
    line: OrderLineRow

    @property
    def external_location(self) -> str | None:
        """The external location of units whose location is not named."""
        return self.line.place or self.order.place

    @property
    def quantity(self) -> int:
        """Units that were handed over or still are to be."""
        is_void = self.order.status in VOID_STATUSES
        return max(0, self.line.fulfilled_quantity if is_void else self.line.quantity)

    @property
    def restocked_quantity(self) -> int:
        """Returned units that the channel sells again."""
        return self.line.restocked_quantity or 0

    @property
    def posted(self) -> bool | None:
        """Whether the channel's own count contains the sale; None: the channel does not report it."""
        return self.order.stock_posted


@dataclass(frozen=True, slots=True)
class LocationUnits:
    """Units of a line at one location: taken from its stock, and of the returned ones, for sale there again."""

    taken: int = 0
    restocked: int = 0

    @property
    def quantity(self) -> int:
        """Units that the location lacks; negative: it has more than it supplied."""
        return self.taken - self.restocked


@dataclass(frozen=True, slots=True)
class LineUnits:
    """Units of a line by location key.

    Attributes:
        has_unmapped: whether units are taken from a location that the configuration does not have.
    """

    by_location: Mapping[str, LocationUnits]
    has_unmapped: bool


def count_units(
    sale: ExternalSaleLine, sold: SoldVariant | None, movements: Sequence[ReservationRow], topology: Topology
) -> LineUnits:
    """Count the units of a line at each location. `movements`: what the line has taken so far."""
    taken, unknown = _count_taken(sale)
    by_key, has_unmapped = _map_locations(sale, taken, topology)
    by_key += _count_as_before(unknown, by_key, movements, 1 if sold is None else sold.units)
    restocked = _count_restocked(sale, by_key, topology)
    keys = dict.fromkeys((*by_key, *restocked))
    return LineUnits({key: LocationUnits(by_key[key], restocked[key]) for key in keys}, has_unmapped)


def _count_taken(sale: ExternalSaleLine) -> tuple[Counter[str], int]:
    """Count the taken units by external location, and those without one."""
    taken, left = Counter[str](), sale.quantity
    for location, quantity in read_locations(sale.line.locations).items():
        taken[location] = min(quantity, left)
        left -= taken[location]
    if sale.external_location is None:
        return taken, left
    taken[sale.external_location] += left
    return taken, 0


def _map_locations(sale: ExternalSaleLine, units: Mapping[str, int], topology: Topology) -> tuple[Counter[str], bool]:
    """Sum units by location key. Returns also whether the configuration lacks a location of some."""
    by_key, has_unmapped = Counter[str](), False
    for external_location, quantity in units.items():
        location = topology.find_location(sale.order.channel, external_location)
        if location is not None:
            by_key[location.key] += quantity
        has_unmapped |= location is None and quantity > 0
    return by_key, has_unmapped


def _count_as_before(
    unknown: int, named: Counter[str], movements: Sequence[ReservationRow], units: int
) -> Counter[str]:
    """Count units without a location where movements have taken them, the rest at the location of the last movement."""
    moved = Counter[str]()
    for row in movements:
        moved[row.location] += row.quantity
    counted = Counter[str]()
    for key, stock_units in moved.items():
        counted[key] = min(unknown, max(0, stock_units // units - named[key]))
        unknown -= counted[key]
    if movements:
        counted[movements[-1].location] += unknown
    return +counted


def _count_restocked(sale: ExternalSaleLine, taken: Counter[str], topology: Topology) -> Counter[str]:
    """Count the units that are for sale again, by location key. Those whose location is not named are where they came
    from. A location that the configuration lacks has no count to correct.
    """
    restocked, left = Counter[str](), min(sale.restocked_quantity, sale.quantity)
    for external_location, quantity in read_locations(sale.line.restocked_locations).items():
        location, named = topology.find_location(sale.order.channel, external_location), min(quantity, left)
        left -= named
        if location is not None:
            restocked[location.key] += named
    for key in taken:
        returned = min(left, max(0, taken[key] - restocked[key]))
        restocked[key] += returned
        left -= returned
    return +restocked
