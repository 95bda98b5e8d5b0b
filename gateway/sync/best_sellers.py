"""Best sellers: counts what products have sold, and which are bought together."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from gateway.commerce.catalog.bought_together import count_pairs
from gateway.storage.database import Database
from gateway.storage.writes import bought_together
from gateway.storage.writes.sold_units import compare_sold_units, store_sold_units

PERIOD = timedelta(days=30)
"""Whose orders are counted."""

PERIOD_TOGETHER = timedelta(days=90)
"""Whose orders are counted to find what is bought together, which happens less often."""


async def count_sold_units(database: Database, now: datetime) -> None:
    """Count the units of all products, and store what has changed in short transactions."""
    for changed in await database.read(compare_sold_units, now - PERIOD):
        await database.write(store_sold_units, changed)


async def count_bought_together(database: Database, now: datetime) -> None:
    """Count the orders that products share, part by part, and store what has changed in short transactions."""
    baskets = await database.read(bought_together.find_baskets, now - PERIOD_TOGETHER)
    for part in bought_together.PARTS:
        counted = await asyncio.to_thread(count_pairs, baskets, part)
        for changed in await database.read(bought_together.compare_bought_together, counted, part):
            await database.write(bought_together.store_bought_together, changed)
