"""Loader of opening days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import strawberry

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.model.locations import OpeningDay

MAX_DAYS = 31
FIRST_YEAR, LAST_YEAR = 1970, 2198

From = Annotated[
    date | None, strawberry.argument(description="First date. Default: today at the location.", name="from")
]
Days = Annotated[int | None, strawberry.argument(description="Number of days, 1 to 31.")]


async def load_opening_days(
    context: Context, keys: Sequence[str], *, first: From = None, days: Days = 7
) -> Sequence[list[OpeningDay]]:
    """Load when locations are open on these dates."""
    count = 7 if days is None else days
    if not 1 <= count <= MAX_DAYS:
        raise BadUserInputError(f"days: expected 1 to {MAX_DAYS}.")
    if first is not None and not FIRST_YEAR <= first.year <= LAST_YEAR:
        raise BadUserInputError(f"from: expected a date from {FIRST_YEAR} to {LAST_YEAR}.")
    return [_resolve_days(context, key, first, count) for key in keys]


def _resolve_days(context: Context, key: str, first: date | None, count: int) -> list[OpeningDay]:
    location = context.gateway.locations[key]
    if not location.has_opening_hours:
        return []
    start = first or context.now.astimezone(ZoneInfo(location.time_zone)).date()
    return [location.resolve_opening_day(start + timedelta(days=number)) for number in range(count)]
