"""Statements over configured tables and columns, and conversion of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeGuard

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import Config, InvalidValueError, Money, Raw, format_number_code, parse_gtin, parse_number_gtin

Row = dict[str, Any]
IdCondition = Callable[[sa.ColumnElement[Any]], sa.ColumnElement[bool]]
"""Builds the condition for a column of IDs."""


def build_table(names: Config, columns: Iterable[str], more: Iterable[str] = ()) -> sa.TableClause:
    """Build the table of a layout, with the columns of the given fields, and these."""
    schema, name = split_table_name(str(getattr(names, "table", "")))
    mapped = (column for field in columns if (column := getattr(names, field)) is not None)
    column_names = dict.fromkeys((*mapped, *more))
    return sa.table(name, *(sa.column(column) for column in column_names), schema=schema)


def split_table_name(configured: str) -> tuple[str | None, str]:
    """Split the name of a table into that of its schema, None: the default one, and its own."""
    schema, _, name = configured.rpartition(".")
    return schema or None, name


def label_columns(source: sa.FromClause, names: Config, columns: Iterable[str]) -> list[sa.ColumnElement[Any]]:
    """Label columns with the names of their fields; null where the till has no such column."""
    return [
        (sa.null() if (column := getattr(names, field)) is None else source.c[column]).label(field) for field in columns
    ]


def fetch_rows(conn: Connection, statement: sa.Select[Any]) -> list[Row]:
    """Fetch the rows of a statement."""
    return [dict(row) for row in conn.execute(statement).mappings()]


def format_id(value: object) -> str:
    """Format an ID as text, a number without a fraction. A missing ID is empty, which is rejected."""
    if isinstance(value, float | Decimal) and value == value // 1:
        return str(int(value))
    return "" if value is None else str(value)


def build_raws(rows: Iterable[Row]) -> list[Raw]:
    """Build a raw record for each ID: not every till has unique keys, and a join may duplicate a row."""
    by_id: dict[str, list[Row]] = {}
    for row in rows:
        same = by_id.setdefault(format_id(row["id"]), [])
        if row not in same:
            same.append(row)
    return [Raw(id, same[0] if len(same) == 1 else {"id": id, "rows": same}) for id, same in by_id.items()]


def get_single_row(raw: Raw) -> Row:
    """Return the single row of a record."""
    row: Row = raw.data
    if "rows" in row:
        raise InvalidValueError("id", f"expected one row with this ID, found {len(row['rows'])} different ones")
    return row


class IdColumn:
    """A column of IDs: text in the SDK, text or integers at the till."""

    def __init__(self, integers: bool) -> None:
        self._integers = integers

    def convert_ids(self, ids: Iterable[str]) -> list[Any]:
        """Convert IDs to the column's type; those that it cannot contain are omitted."""
        return [int(id) for id in ids if _is_integer(id)] if self._integers else list(ids)

    def filter_after(self, column: sa.ColumnElement[Any], token: str | None) -> sa.ColumnElement[bool]:
        """Build the condition for IDs after the last one of the previous page."""
        if token is None:
            return sa.true()
        return column > (sa.literal(int(token), sa.BigInteger) if self._integers else bind_text(token))

    def filter_among(self, column: sa.ColumnElement[Any], ids: Sequence[str]) -> sa.ColumnElement[bool]:
        """Build the condition for any of these IDs."""
        values = self.convert_ids(ids)
        return column.in_(
            [sa.literal(value, sa.BigInteger) if self._integers else bind_text(value) for value in values]
        )


def bind_text(text: str) -> sa.ColumnElement[str]:
    """Bind a text for comparison. No driver accepts text that is not UTF-8, which SQLite may return."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return sa.literal(text, sa.String)
    return sa.cast(sa.literal(text.encode(errors="surrogateescape"), sa.LargeBinary), sa.String)


def bind_amount(conn: Connection, amount: Decimal) -> sa.ColumnElement[Any]:
    """Bind an amount for a numeric column: SQLite's driver accepts no decimals, and converts text."""
    return sa.literal(str(amount), sa.String) if conn.dialect.name == "sqlite" else sa.literal(amount, sa.Numeric)


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 19


def group_rows(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    """Group rows by a column, which is removed from them."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(format_id(row.pop(key)), []).append(row)
    return groups


def is_true(value: object) -> bool:
    """Whether a column of flags is set: a boolean, a number, or a bit."""
    return value is not None and not is_false(value)


def is_false(value: object) -> bool:
    """Whether a column of flags is set to false; a missing flag is not."""
    return value in (0, b"\0", b"", "0")


def get_text(row: Mapping[str, Any], field: str) -> str | None:
    """Return a text; None if empty. Some tills store codes as numbers."""
    value = row.get(field)
    if is_number(value):
        return format_number_code(field, value)
    if value is not None and not isinstance(value, str):
        raise InvalidValueError(field, f"expected text, found {type(value).__name__}")
    return value if value and value.strip() else None


def get_gtin(row: Mapping[str, Any], field: str) -> str | None:
    """Return a GTIN; None if the code is none."""
    value = row.get(field)
    return parse_number_gtin(value) if is_number(value) else parse_gtin(get_text(row, field))


def is_number(value: Any) -> TypeGuard[float | Decimal]:
    """Whether a value is a number."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def get_number(row: Mapping[str, Any], field: str) -> Decimal:
    """Return a number, exactly as it would be printed."""
    value = row[field]
    if not is_number(value):
        raise InvalidValueError(field, f"expected a number, found {type(value).__name__}")
    amount = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not amount.is_finite():
        raise InvalidValueError(field, f"{value} is not a number")
    return amount


def round_money(exact: Decimal, currency: str) -> Money:
    """Round an amount to the currency's precision: doubles contain errors such as 1e-17."""
    return Money.rounded(_round("amount", exact, 9), currency)


def get_exact_price(row: Mapping[str, Any], field: str) -> Decimal:
    """Return a price with six digits: net prices have more than the currency, and doubles contain errors."""
    return _round(field, _round(field, get_number(row, field), 9), 6)


def format_units(row: Mapping[str, Any], field: str, parts: int = 1) -> str:
    """Format a number of units for `parse_pieces`: sums of doubles drift in the last digits. `parts`: of a unit."""
    return str((_round(field, get_number(row, field), 6) * parts).normalize())


def _round(field: str, exact: Decimal, digits: int) -> Decimal:
    try:
        return round(exact, digits)
    except InvalidOperation as error:
        raise InvalidValueError(field, f"{exact:.3e} is out of range") from error
