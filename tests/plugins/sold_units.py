"""What is true of an order of a store, whatever the store did with it: where its units left, or are to leave from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Parcel:
    """Units that are assigned to a location together. `waiting`: not shipped yet; `shipped`: the others."""

    location: str
    waiting: int
    shipped: int = 0

    def take(self, units: int) -> int:
        """Take waiting units, as many as there are. Returns how many."""
        taken = min(units, self.waiting)
        self.waiting -= taken
        return taken


@dataclass
class SoldUnits:
    """The only line of an order.

    Attributes:
        parcels: in the order in which the store assigned them; none ever leaves the list.
        handed: units that were handed over, by the location that they left.
        back: of these, taken back and for sale again, by the location where they are.
        refunded: units that were paid back and are not taken off the order.
    """

    order: str
    sku: str
    parcels: list[Parcel]
    handed: Counter[str] = field(default_factory=Counter)
    back: Counter[str] = field(default_factory=Counter)
    refunded: int = 0
    is_canceled: bool = False

    @property
    def units(self) -> int:
        """Units that were handed over or still are to be."""
        return self.waiting + self.handed.total()

    @property
    def waiting(self) -> int:
        return sum(parcel.waiting for parcel in self.parcels)

    @property
    def editable(self) -> int:
        return 0 if self.is_canceled else min(self.units - self.refunded, self.waiting)

    @property
    def returnable(self) -> int:
        return min(self.units - self.refunded, self.handed.total() - self.back.total())

    @property
    def movable(self) -> int:
        return max(parcel.waiting for parcel in self.parcels)

    def remove(self, units: int) -> None:
        """Take unshipped units off the order: those of the first parcels."""
        for parcel in self.parcels:
            units -= parcel.take(units)

    def add(self, units: int) -> None:
        """Add units: they are assigned to the location of the first parcel."""
        self.parcels.append(Parcel(self.parcels[0].location, units))

    def move(self, units: int, location: str) -> None:
        """Move units to a location, from the first parcel elsewhere that has as many."""
        parcel = next(self.list_movable(units, location))
        if parcel.waiting == units and not parcel.shipped:
            parcel.location = location
            return
        parcel.take(units)
        self.parcels.append(Parcel(location, units))

    def list_movable(self, units: int, location: str) -> Iterator[Parcel]:
        """List the parcels at other locations that have as many units to ship."""
        return (parcel for parcel in self.parcels if parcel.location != location and parcel.waiting >= units)

    def ship(self, units: int) -> None:
        """Ship units, those of the first parcels."""
        for parcel in self.parcels:
            taken = parcel.take(units)
            parcel.shipped += taken
            self.handed[parcel.location] += taken
            units -= taken

    def count_missing(self, location: str) -> int:
        """Count the units that a location lacks; negative: more came back than left."""
        waiting = sum(parcel.waiting for parcel in self.parcels if parcel.location == location)
        return waiting + self.handed[location] - self.back[location]
