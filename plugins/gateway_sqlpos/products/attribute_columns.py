"""Columns of the table of products that the configuration declares as attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from gateway.sdk import ContractError
from gateway_sqlpos.row_values import IdColumn, fetch_rows, format_id
from gateway_sqlpos.till import TillSession


def load_attributes(till: TillSession, names: Sequence[str], ids: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """Load the columns with these names as texts, by product. Empty ones are left out.

    Raises:
        ContractError: The till has no such column.
    """
    if not names or not ids:
        return {}
    schema, _, table = till.layout.products.table.rpartition(".")
    columns = {name: till.schema.find_column(till.layout.products.table, name) for name in names}
    if missing := [name for name, column in columns.items() if column is None]:
        raise ContractError(f"the till has no column {missing[0]} in {till.layout.products.table}")
    id = till.layout.products.id
    source = sa.table(table, *map(sa.column, {id, *filter(None, columns.values())}), schema=schema or None)
    labeled = [source.c[column].label(f"attribute{n}") for n, column in enumerate(columns.values()) if column]
    among = IdColumn(till.layout.integer_ids).filter_among(source.c[id], ids)
    rows = fetch_rows(till.conn, sa.select(source.c[id].label("id"), *labeled).where(among))
    return {
        format_id(row["id"]): {
            name: text for n, name in enumerate(columns) if (text := _format_value(row[f"attribute{n}"]))
        }
        for row in rows
    }


def _format_value(value: object) -> str:
    """Format the value of a column; empty if it is null or binary."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).strip() if isinstance(value, str | int | float | Decimal) else ""
