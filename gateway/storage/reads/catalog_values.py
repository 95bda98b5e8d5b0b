"""Cached values of the catalog, such as facets and counts: right as long as it has not changed since (rule E2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.tables import changes, log_head

T = TypeVar("T")

CATALOG_KINDS = ("PRODUCT", "PRODUCT_VARIANT", "LISTING", "CATEGORY", "COLLECTION")
"""Changes after which a value of the catalog can differ."""

STOCK_KINDS = (*CATALOG_KINDS, "STOCK")
"""Changes after which a value that depends on stock, too, can differ."""

MAX_AGE = timedelta(minutes=1)
"""Age after which a value is computed again, so that few rows of the log have to be checked."""


@dataclass(frozen=True, slots=True)
class CachedValue(Generic[T]):
    """A value. `position`: that of the change log before it was computed."""

    value: T
    position: int
    computed_at: datetime


def refresh_value(
    conn: Connection,
    compute: Callable[[Connection], T],
    kinds: Sequence[str],
    cached: CachedValue[T] | None,
    now: datetime,
) -> CachedValue[T]:
    """Return the cached value if nothing of these kinds has changed since, else compute it."""
    if cached is not None and now - cached.computed_at < MAX_AGE and not _has_changed(conn, cached.position, kinds):
        return cached
    position = conn.scalar(sa.select(log_head.c.pos)) or 0
    return CachedValue(compute(conn), position, now)


def _has_changed(conn: Connection, position: int, kinds: Sequence[str]) -> bool:
    """Whether a committed change is beyond the position, or has none yet (rule L2)."""
    return bool(_select_changes(tuple(kinds)).fetch(conn, {"position": position}))


@lru_cache(64)
def _select_changes(kinds: tuple[str, ...]) -> DriverSelect:
    since = sa.or_(changes.c.pos > sa.bindparam("position", type_=changes.c.pos.type), changes.c.pos.is_(None))
    return DriverSelect(sa.select(changes.c.id).where(since, changes.c.kind.in_(kinds)).limit(1))
