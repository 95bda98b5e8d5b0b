"""What shops have of a variant, as shoppers are told."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.stock import StockStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAvailability:
    """A variant in one shop.

    Attributes:
        available: None: unknown, or not tracked. Capped for those who may not see the exact figure.
    """

    location_key: str
    status: StockStatus
    available: int | None
