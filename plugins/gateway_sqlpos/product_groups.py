"""Groups of products: their category, and the unit of measure of what the till sells by weight, volume or length, which
is counted in a smaller unit (rule O7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gateway_sqlpos.bundles import load_bundles
from gateway_sqlpos.row_values import IdColumn, Row, build_table, fetch_rows, format_id, is_true, label_columns
from gateway_sqlpos.till import TillSession

EACH = "each"
"""Unit of measure of what is counted in pieces."""

PARTS = 1_000
"""Number of units of measure in a unit of the till: g in kg, ml in l, mm in m."""

UNITS = ("g", "ml", "mm")
BY_WEIGHT = "g"
"""Unit of measure of what the till sells by weight."""


def load_units(till: TillSession, products: Sequence[str]) -> dict[str, str]:
    """Load the units of measure of these products; those that are counted in pieces are left out, as bundles are."""
    names, fields = till.layout.products, ("id", "scale", "category")
    if not products or (names.scale is None and not till.units):
        return {}
    table = build_table(names, fields)
    among = IdColumn(till.layout.integer_ids).filter_among(table.c[names.id], products)
    rows = fetch_rows(till.conn, sa.select(*label_columns(table, names, fields)).where(among))
    bundles, paths = load_bundles(till), load_category_paths(till) if till.units else {}
    units = {
        format_id(row["id"]): _find_unit(till, paths.get(format_id(row["category"]), []), row["scale"]) for row in rows
    }
    return {id: unit for id, unit in units.items() if unit is not None and id not in bundles}


def _find_unit(till: TillSession, path: Sequence[object], scale: object) -> str | None:
    """Return the configured unit of the innermost category, otherwise that of what is sold by weight."""
    named = (till.units[str(title)] for title in reversed(path) if str(title) in till.units)
    return next(named, BY_WEIGHT if is_true(scale) else None)


def format_item(product: str, unit: str | None) -> str:
    """Format the ID of an inventory item. What is counted in another unit is another item: a count or a movement in
    grams is never taken for one in pieces, whenever the till's product changes.
    """
    return product if unit is None else f"{unit}:{product}"


def parse_item(item: str) -> tuple[str, int]:
    """Parse the ID of an inventory item: its product, and how many of the item are in a unit of the till."""
    unit, _, product = item.partition(":")
    return (product, PARTS) if product and unit in UNITS else (item, 1)


def load_category_paths(till: TillSession) -> Mapping[str, Sequence[Any]]:
    """Load the titles from the root to each category, by category ID."""
    return till.load_once(_read_category_paths)


def _read_category_paths(till: TillSession) -> Mapping[str, Sequence[Any]]:
    names = till.layout.categories
    if names.table is None:
        return {}
    columns = ("id", "title", "parent")
    rows = fetch_rows(till.conn, sa.select(*label_columns(build_table(names, columns), names, columns)))
    by_id = {format_id(row["id"]): row for row in rows}
    return {key: _build_path(by_id, key) for key in by_id}


def _build_path(by_id: Mapping[str, Row], key: str) -> list[Any]:
    path: dict[str, Any] = {}
    while key in by_id and key not in path:  # the till allows a category to be its own ancestor
        path[key] = by_id[key]["title"]
        key = format_id(by_id[key]["parent"])
    return list(reversed(path.values()))
