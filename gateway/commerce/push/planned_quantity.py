"""The planned quantity of an offer: what a follower offers of a listing, and what it should offer (rules K5, K6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.storage.writes.pushes import FollowerOffer, PushRow
from gateway.storage.writes.reservations import ReservationRow

PRIORITY_TO_ZERO, PRIORITY_DECREASE, PRIORITY_INCREASE = 1, 2, 3
"""Priorities of pushes: to zero first, then decreases, then increases."""


@dataclass(frozen=True, slots=True)
class PlannedQuantity:
    """The quantity that a follower should offer of a listing at a location.

    Attributes:
        target: None: unknown, so the offer is left as it is.
        is_allocated: only allocated units are offered.
        allocations: the reservations of the allocated units.
    """

    row: PushRow
    offer: FollowerOffer
    target: int | None
    is_allocated: bool = False
    allocations: Sequence[ReservationRow] = ()

    @property
    def differs(self) -> bool:
        """Whether the offer has to be pushed."""
        return self.target is not None and self.offer.published is not None and self.target != self.offer.published

    @property
    def allocated_units(self) -> int:
        """Stock units that are allocated to the offer."""
        return sum(row.claimed for row in self.allocations)

    @property
    def missing_units(self) -> int:
        """Stock units to allocate before the push; negative: units to release."""
        if not self.is_allocated:
            return -self.allocated_units
        if self.offer.published is None or self.target is None:
            return 0
        missing = self.target * self.offer.units - self.allocated_units
        return max(0, missing) if self.differs else missing

    @property
    def priority(self) -> int:
        """Priority of the push; lower ones are sent first."""
        if self.target == 0:
            return PRIORITY_TO_ZERO
        return PRIORITY_DECREASE if (self.target or 0) < (self.offer.published or 0) else PRIORITY_INCREASE
