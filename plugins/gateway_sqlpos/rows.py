"""Statements over tables and columns that only the configuration names, and what their values mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import Config, InvalidValueError, Money, Raw

Row = dict[str, Any]


def table(names: Config, columns: Iterable[str]) -> sa.TableClause:
    """The table that these names are of, with the columns that stand in the given fields."""
    schema, _, name = str(getattr(names, "table", "")).rpartition(".")
    found = dict.fromkeys(column for field in columns if (column := getattr(names, field)) is not None)
    return sa.table(name, *(sa.column(column) for column in found), schema=schema or None)


def labelled(source: sa.FromClause, names: Config, columns: Iterable[str]) -> list[sa.ColumnElement[Any]]:
    """Those columns, called as the fields are; None where the till has no such column."""
    return [
        (sa.null() if (column := getattr(names, field)) is None else source.c[column]).label(field) for field in columns
    ]


def rows(conn: Connection, statement: sa.Select[Any]) -> list[Row]:
    """What the statement finds."""
    return [dict(row) for row in conn.execute(statement).mappings()]


def key(value: object) -> str:
    """An id as the SDK has it: text. Empty, which is rejected, where there is none."""
    return "" if value is None else str(value)


def raws(found: Iterable[Row]) -> list[Raw]:
    """A raw record for each id: not every till has keys that are unique, and a join may double a row."""
    by_id: dict[str, list[Row]] = {}
    for row in found:
        same = by_id.setdefault(key(row["id"]), [])
        if row not in same:
            same.append(row)
    return [Raw(one, same[0] if len(same) == 1 else {"id": one, "rows": same}) for one, same in by_id.items()]


def only(raw: Raw) -> Row:
    """The row of this id."""
    row: Row = raw.data
    if "rows" in row:
        raise InvalidValueError("id", f"{len(row['rows'])} different rows have it")
    return row


class Ids:
    """Ids in the SDK are text; in the till they may be integers."""

    def __init__(self, integers: bool) -> None:
        self._integers = integers

    def bound(self, ids: Iterable[str]) -> list[Any]:
        """The ids that the till could have, to be compared with its own."""
        return [int(one) for one in ids if _is_integer(one)] if self._integers else list(ids)

    def after(self, column: sa.ColumnElement[Any], token: str | None) -> sa.ColumnElement[bool]:
        """Beyond the id with which the last page ended."""
        if token is None:
            return sa.true()
        return column > (sa.literal(int(token), sa.BigInteger) if self._integers else bound(token))

    def among(self, column: sa.ColumnElement[Any], ids: Sequence[str]) -> sa.ColumnElement[bool]:
        """One of these."""
        known = self.bound(ids)
        return column.in_([sa.literal(one, sa.BigInteger) if self._integers else bound(one) for one in known])


def bound(text: str) -> sa.ColumnElement[str]:
    """A text to compare with. No driver takes one that is not UTF-8, as SQLite gives them out."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return sa.literal(text, sa.String)
    return sa.cast(sa.literal(text.encode(errors="surrogateescape"), sa.LargeBinary), sa.String)


def exact(conn: Connection, amount: Decimal) -> sa.ColumnElement[Any]:
    """An amount for a column of numbers, of whatever kind: SQLite's driver takes no decimals, and reads their text."""
    return sa.literal(str(amount), sa.String) if conn.dialect.name == "sqlite" else sa.literal(amount, sa.Numeric)


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 19


def grouped(found: Iterable[Row], key: str) -> dict[str, list[Row]]:
    """The rows by this column, which is taken out of them."""
    groups: dict[str, list[Row]] = {}
    for row in found:
        groups.setdefault(str(row.pop(key)), []).append(row)
    return groups


def text(row: Mapping[str, Any], field: str) -> str | None:
    """A text, None where there is nothing in it. Numbers are what some tills keep codes in."""
    value = row.get(field)
    if isinstance(value, int):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise InvalidValueError(field, f"expected text, found {type(value).__name__}")
    return value if value and value.strip() else None


def number(row: Mapping[str, Any], field: str) -> Decimal:
    """A number, exactly as it would be printed."""
    value = row[field]
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidValueError(field, f"expected a number, found {type(value).__name__}")
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        raise InvalidValueError(field, f"{value} is not a number")
    return exact


def money(exact: Decimal, currency: str) -> Money:
    """The amount that a till means: its doubles carry dust such as 1e-17."""
    return Money.rounded(_rounded("amount", exact, 9), currency)


def units(row: Mapping[str, Any], field: str) -> str:
    """A count of units, for `sdk.pieces`: sums of doubles drift in the last digits."""
    return str(_rounded(field, number(row, field), 6).normalize())


def _rounded(field: str, exact: Decimal, places: int) -> Decimal:
    try:
        return round(exact, places)
    except InvalidOperation as error:
        raise InvalidValueError(field, f"{exact:.3e} is out of range") from error
