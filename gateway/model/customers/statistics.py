"""Statistics of a customer's orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.model.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatistics:
    """What a customer has ordered, without canceled orders.

    Attributes:
        total: sum of the orders, by currency.
        favorite_location: key of the location where most of them were placed; None: not known, or online.
    """

    count: int
    total: tuple[Money, ...]
    first_at: datetime | None
    last_at: datetime | None
    favorite_location: str | None
