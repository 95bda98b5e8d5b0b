"""Queries of receipts, which build raw records with lines, payments and taxes."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gateway.sdk import Raw
from gateway_sqlpos.product_groups import load_units
from gateway_sqlpos.row_values import (
    IdColumn,
    Row,
    build_raws,
    build_table,
    fetch_rows,
    format_id,
    group_rows,
    label_columns,
)
from gateway_sqlpos.till import TillSession

_LINE_COLUMNS = ("receipt", "line", "product", "units", "price", "attributes")
_PROPERTY = re.compile(r'<entry key="product\.(name|reference)">([^<]*)</entry>')


class ReceiptQueries:
    """Queries of a till's receipts. A receipt without a ticket is a cash movement of the drawer, not an order."""

    def __init__(self, till: TillSession) -> None:
        self._till, self._conn = till, till.conn
        self._layout = layout = till.layout
        self._ids = IdColumn(layout.integer_ids)
        self._receipts = build_table(layout.receipts, ("id", "date", "till"))
        tickets = build_table(layout.tickets, ("id", "number", "customer", "kind", "reverses"))
        self._tickets = tickets.alias("ticket")  # a layout may have both in one table
        self._id = self._receipts.c[layout.receipts.id]
        self._date = self._receipts.c[layout.receipts.date]
        self._kind = None if layout.tickets.kind is None else self._tickets.c[layout.tickets.kind]
        self._dates: dict[datetime, list[tuple[str, str]]] = {}
        self._from = self._receipts.join(self._tickets, self._tickets.c[layout.tickets.id] == self._id)

    def list_dates(self, since: datetime) -> list[tuple[str, str]]:
        """List IDs and dates of all receipts since a local time, once."""
        if since not in self._dates:
            self._dates[since] = self._read_dates(since)
        return self._dates[since]

    def _read_dates(self, since: datetime) -> list[tuple[str, str]]:
        statement = sa.select(self._id, cast_to_text(self._date)).select_from(self._from)
        begin = self._till.bind_date(self._receipts.name, self._layout.receipts.date, since)
        statement = statement.where(self._filter_orders(), self._date >= begin)
        return [(format_id(receipt), str(self._format_date(date))) for receipt, date in self._conn.execute(statement)]

    def _format_date(self, text: object) -> Any:
        return self._till.format_date(self._receipts.name, self._layout.receipts.date, text)

    def get_latest_date(self) -> datetime | None:
        """Return the date of the latest receipt; None if there is none or it is invalid."""
        latest = sa.select(cast_to_text(sa.func.max(self._date))).select_from(self._receipts)
        return parse_date(self._format_date(self._conn.execute(latest).scalar()))

    def list_after(self, token: str | None, limit: int) -> tuple[list[Raw], bool]:
        """Return the receipts after this ID, and whether there may be more."""
        receipts = self._load_receipts(
            self._select_headers().where(self._ids.filter_after(self._id, token)).limit(limit)
        )
        return build_raws(receipts), len(receipts) == limit

    def find_by_ids(self, ids: Sequence[str]) -> list[Raw]:
        """Return the existing receipts of these IDs."""
        return (
            build_raws(self._load_receipts(self._select_headers().where(self._ids.filter_among(self._id, ids))))
            if ids
            else []
        )

    def _filter_orders(self) -> sa.ColumnElement[bool]:
        names = self._layout.tickets
        return sa.true() if self._kind is None else self._kind.in_([names.sales, names.refunds])

    def _select_headers(self) -> sa.Select[Any]:
        layout, joined = self._layout, self._from
        tickets = label_columns(self._tickets, layout.tickets, ("number", "customer", "kind", "reverses"))
        columns = [*label_columns(self._receipts, layout.receipts, ("id", "date", "till")), *tickets]
        columns[1] = cast_to_text(self._date).label("date")
        if layout.sessions.table is not None and layout.receipts.till is not None:
            sessions = build_table(layout.sessions, ("id", "till"))
            same = sessions.c[layout.sessions.id] == self._receipts.c[layout.receipts.till]
            joined = joined.outerjoin(sessions, same)
            columns[2] = sessions.c[layout.sessions.till].label("till")
        return sa.select(*columns).select_from(joined).where(self._filter_orders()).order_by(self._id)

    def _load_receipts(self, headers: sa.Select[Any]) -> list[Row]:
        receipts = fetch_rows(self._conn, headers)
        ids = [format_id(row["id"]) for row in receipts]
        if not ids:
            return []
        lines, payments, taxes = (
            self._load_lines(ids),
            self._load_payments(ids),
            self._load_taxes(ids),
        )
        originals = self._find_originals(receipts)
        for id, row in zip(ids, receipts, strict=True):
            row["date"] = self._format_date(row["date"])
            row["reverses"] = originals.get(row["reverses"]) if self._is_refund(row) else None
            row |= {"lines": lines.get(id, []), "payments": payments.get(id, []), "taxes": taxes.get(id, [])}
        return receipts

    def _is_refund(self, row: Row) -> bool:
        return self._kind is not None and bool(row["kind"] == self._layout.tickets.refunds)

    def _load_lines(self, ids: Sequence[str]) -> dict[str, list[Row]]:
        names, product_names = self._layout.lines, self._layout.products
        lines, products = build_table(names, _LINE_COLUMNS), build_table(product_names, ("id", "title", "sku"))
        columns = [
            *label_columns(lines, names, _LINE_COLUMNS),
            *label_columns(products, product_names, ("title", "sku")),
        ]
        joined = lines.outerjoin(products, products.c[product_names.id] == lines.c[names.product])
        statement = sa.select(*columns).select_from(joined).where(self._ids.filter_among(lines.c[names.receipt], ids))
        rows = fetch_rows(self._conn, statement.order_by(lines.c[names.receipt], lines.c[names.line]))
        sold = {format_id(row["product"]) for row in rows if row["product"] is not None}
        units = load_units(self._till, sorted(sold))
        for row in rows:
            row |= {"unit": unit} if (unit := units.get(format_id(row["product"]))) else {}
        return group_rows((restore_sold_title(row) for row in rows), "receipt")

    def _load_payments(self, ids: Sequence[str]) -> dict[str, list[Row]]:
        names, columns = self._layout.payments, ("receipt", "method", "total")
        if names.table is None:
            return {}
        paid = build_table(names, columns)
        statement = sa.select(*label_columns(paid, names, columns)).where(
            self._ids.filter_among(paid.c[names.receipt], ids)
        )
        return group_rows(sort_rows(fetch_rows(self._conn, statement)), "receipt")

    def _load_taxes(self, ids: Sequence[str]) -> dict[str, list[Row]]:
        names, rates = self._layout.tax_lines, self._layout.taxes
        if names.table is None:
            return {}
        lines, taxes = build_table(names, ("receipt", "tax", "amount")), build_table(rates, ("id", "title", "rate"))
        columns = [*label_columns(lines, names, ("receipt", "amount")), *label_columns(taxes, rates, ("title", "rate"))]
        joined = lines.outerjoin(taxes, taxes.c[rates.id] == lines.c[names.tax or ""])
        statement = sa.select(*columns).select_from(joined).where(self._ids.filter_among(lines.c[names.receipt], ids))
        return group_rows(sort_rows(fetch_rows(self._conn, statement)), "receipt")

    def _find_originals(self, receipts: Sequence[Row]) -> dict[Any, str]:
        """Find the sales that refunds refer to by number, where the number is unique."""
        names = self._layout.tickets
        reversed_ = {row["reverses"] for row in receipts if self._is_refund(row)}
        numbers = {number for number in reversed_ if isinstance(number, int) and number}
        if not numbers or names.number is None or self._kind is None:
            return {}
        id_column, number = self._tickets.c[names.id], self._tickets.c[names.number]
        sales = sa.select(number.label("number"), sa.func.min(id_column).label("id"), sa.func.count().label("count"))
        statement = sales.where(self._kind == names.sales, number.in_(sorted(numbers))).group_by(number)
        return {row["number"]: format_id(row["id"]) for row in fetch_rows(self._conn, statement) if row["count"] == 1}


def cast_to_text(date: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Cast a date to text in the database: a driver that fails on one invalid date would fail for the whole page."""
    return sa.cast(date, sa.String)


def parse_date(printed: object) -> datetime | None:
    """Parse a date; None if invalid."""
    try:
        return datetime.fromisoformat(str(printed))
    except ValueError:
        return None


def restore_sold_title(row: Row) -> Row:
    """Restore title and SKU at the time of sale if the till stored them: products are renamed later."""
    attributes = row.pop("attributes")
    xml = attributes.decode(errors="replace") if isinstance(attributes, bytes) else str(attributes or "")
    properties = {key: html.unescape(value) for key, value in _PROPERTY.findall(xml)}
    row["title"] = properties.get("name", row["title"])
    row["sku"] = properties.get("reference", row["sku"])
    return row


def sort_rows(rows: Sequence[Row]) -> list[Row]:
    """Sort rows by their values: they come in any order, and another order must not change the record."""
    return sorted(rows, key=lambda row: [str(value) for value in row.values()])
