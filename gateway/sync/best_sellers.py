"""Best sellers: counts what products have sold."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.storage.database import Database
from gateway.storage.writes.sold_units import compare_sold_units, store_sold_units

PERIOD = timedelta(days=30)
"""Whose orders are counted."""


async def count_sold_units(database: Database, now: datetime) -> None:
    """Count the units of all products, and store what has changed in short transactions."""
    for changed in await database.read(compare_sold_units, now - PERIOD):
        await database.write(store_sold_units, changed)
