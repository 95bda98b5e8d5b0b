"""What shops have of a variant, as shoppers are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.model.stock import StockStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAvailability:
    """A variant in one shop.

    Attributes:
        available: None: unknown, or not tracked. Capped for those who may not see the exact figure.
        ready_at: when one that is ordered now can be collected there, brought from elsewhere if need be. None: not at
            all.
    """

    location_key: str
    status: StockStatus
    available: int | None
    ready_at: datetime | None
