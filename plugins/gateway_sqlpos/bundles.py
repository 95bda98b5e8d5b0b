"""Bundles: products whose sale moves the stock of their components, as the till's own sales do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import sqlalchemy as sa

from gateway.sdk import InvalidValueError
from gateway_sqlpos.row_values import Row, build_table, fetch_rows, format_id, get_number, label_columns
from gateway_sqlpos.till import TillSession

Bundle = Mapping[str, Decimal]
"""Units of each component in one bundle; empty if they are not known."""

MAX_DEPTH = 20
"""Maximum number of bundles inside bundles. A till does not prevent one that contains itself."""


class Pack(NamedTuple):
    """A bundle that consists of units of one component."""

    component: str
    units: int


def load_bundles(till: TillSession) -> Mapping[str, Bundle]:
    """Load all bundles, with the components of bundles inside them."""
    return till.load_once(_read_bundles)


def _read_bundles(till: TillSession) -> Mapping[str, Bundle]:
    names, columns = till.layout.bundles, ("product", "component", "quantity")
    if names.table is None:
        return {}
    direct: dict[str, list[tuple[str, Decimal]]] = {}
    for row in fetch_rows(till.conn, sa.select(*label_columns(build_table(names, columns), names, columns))):
        part = (format_id(row["component"]), _get_quantity(row))
        direct.setdefault(format_id(row["product"]), []).append(part)
    return {product: _resolve_components(direct, product) for product in direct}


def _get_quantity(row: Row) -> Decimal:
    """Return the quantity of a component; 0 if it is not a number above 0."""
    try:
        return max(Decimal(0), get_number(row, "quantity"))
    except InvalidValueError:
        return Decimal(0)


def _resolve_components(direct: Mapping[str, Sequence[tuple[str, Decimal]]], product: str) -> Bundle:
    """Return all components of a bundle; none if one has no quantity, or if the bundle contains itself."""
    components, remaining = dict[str, Decimal](), [(product, Decimal(1), 0)]
    while remaining:
        inner, units, depth = remaining.pop()
        if depth > MAX_DEPTH or not units:
            return {}
        if inner in direct:
            remaining += [(component, units * quantity, depth + 1) for component, quantity in direct[inner]]
        else:
            components[inner] = components.get(inner, Decimal(0)) + units
    return components


def find_pack(bundle: Bundle) -> Pack | None:
    """Return the pack that a bundle is; None if it has several components, or a fraction of a unit."""
    if len(bundle) != 1:
        return None
    ((component, quantity),) = bundle.items()
    is_whole = quantity >= 1 and quantity == quantity.to_integral_value()
    return Pack(component, int(quantity)) if is_whole else None


def count_bundles(bundle: Bundle, counts: Mapping[str, Decimal]) -> int | None:
    """Count the bundles that the components make up; None if the count of a component is unknown."""
    if not bundle or any(component not in counts for component in bundle):
        return None
    return min(math.floor(counts[component] / quantity) for component, quantity in bundle.items())
