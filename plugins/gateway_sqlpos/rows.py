"""Statements over tables and columns that only the configuration names, and what their values mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import Config, InvalidValueError, Money

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
        return column > (sa.literal(int(token), sa.BigInteger) if self._integers else sa.literal(token, sa.String))

    def among(self, column: sa.ColumnElement[Any], ids: Sequence[str]) -> sa.ColumnElement[bool]:
        """One of these."""
        kind = sa.BigInteger() if self._integers else sa.String()
        return column.in_([sa.literal(one, kind) for one in self.bound(ids)])


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
    return Money.rounded(round(exact, 9), currency)


def units(row: Mapping[str, Any], field: str) -> str:
    """A count of units, for `sdk.pieces`: sums of doubles drift in the last digits."""
    return str(number(row, field).quantize(Decimal("0.000001")).normalize())
