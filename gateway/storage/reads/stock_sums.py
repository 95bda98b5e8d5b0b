"""Stock sums: what can be sold of variants at groups of locations, summed by the database.

A list that shows only how much each channel can sell needs one row for each variant and channel, however many locations
there are. The sums are those of the levels (rule K1).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.validation import MAX_QUANTITY, clamp_quantity
from gateway.storage.reads.stock_levels import CountedLocation, select_counts
from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.sql.json_arrays import build_table
from gateway.storage.tables import Count, Text, listings

LocationGroup = tuple[str, ...]
"""Keys of locations."""


@dataclass(frozen=True, slots=True)
class StockSum:
    """The stock of a variant at a group of locations.

    Attributes:
        available: the units that can be sold; None: no location tracks the variant and knows its count.
        is_untracked: whether a location lists the variant and does not track its stock.
    """

    available: int | None
    is_untracked: bool


NOTHING_LISTED = StockSum(None, is_untracked=False)
"""Of a variant that none of the locations lists."""


def find_stock_sums(
    conn: Connection,
    variant_ids: Collection[str],
    locations: Sequence[CountedLocation],
    groups: Collection[LocationGroup],
) -> Mapping[tuple[str, LocationGroup], StockSum]:
    """Find the stock of each variant at each group of locations, by both; a variant that none lists has none."""
    numbered = tuple(sorted(set(groups)))
    wanted = {key for group in numbered for key in group}
    counted = tuple(location for location in locations if location.location in wanted)
    if not counted:
        return {}
    rows = _build_sums(counted, numbered).select(conn, variant_ids)
    return {(row.variant_id, numbered[row.number]): _read_sum(row) for row in rows}


def _read_sum(row: sa.Row[Any]) -> StockSum:
    return StockSum(None if row.available is None else clamp_quantity(row.available), bool(row.untracked))


@lru_cache(256)  # to put the statement together takes longer than to run it
def _build_sums(locations: tuple[CountedLocation, ...], groups: tuple[LocationGroup, ...]) -> BulkSelect:
    return BulkSelect(lambda among: _select_sums(locations, groups, among), listings.c.variant_id)


def _select_sums(
    locations: Sequence[CountedLocation], groups: Sequence[LocationGroup], among: sa.ColumnElement[bool]
) -> sa.Select[Any]:
    level = select_counts(locations, [among]).subquery()
    members = [(number, key) for number, group in enumerate(groups) for key in group]
    table = build_table("location_groups", {"number": Count, "location": Text}, members)
    is_counted = sa.and_(level.c.tracked == 1, level.c.on_hand.is_not(None))
    remaining = _clamp(level.c.on_hand) - _clamp(level.c.reserved) - level.c.buffer
    available = sa.case((is_counted, sa.case((remaining < 0, 0), else_=remaining)))
    return (
        sa.select(
            level.c.variant_id,
            table.c.number,
            sa.cast(sa.func.sum(available), Count).label("available"),  # PostgreSQL sums to numeric
            sa.func.max(sa.case((level.c.tracked == 1, 0), else_=1)).label("untracked"),
        )
        .join(table, table.c.location == level.c.location)
        .group_by(level.c.variant_id, table.c.number)
    )


def _clamp(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """Limit a count as `clamp_quantity` does."""
    return sa.case((column > MAX_QUANTITY, MAX_QUANTITY), (column < -MAX_QUANTITY, -MAX_QUANTITY), else_=column)
