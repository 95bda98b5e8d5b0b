"""How receipts are found: the statements, and the raw record that a receipt is with all that belongs to it."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import Raw
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.rows import Ids, Row, grouped, key, labelled, raws, rows, table

_LINES = ("receipt", "line", "product", "units", "price", "attributes")
_PROPERTY = re.compile(r'<entry key="product\.(name|reference)">([^<]*)</entry>')


class Tickets:
    """The receipts of a till. A receipt without a ticket is money put into the drawer, and no order."""

    def __init__(self, config: SqlPosConfig) -> None:
        self._layout = layout = config.layout
        self._ids = Ids(layout.integer_ids)
        self._receipts = table(layout.receipts, ("id", "date", "till"))
        tickets = table(layout.tickets, ("id", "number", "customer", "kind", "reverses"))
        self._tickets = tickets.alias("ticket")  # a layout may have both in one table
        self._id = self._receipts.c[layout.receipts.id]
        self._date = self._receipts.c[layout.receipts.date]
        self._kind = None if layout.tickets.kind is None else self._tickets.c[layout.tickets.kind]
        self._from = self._receipts.join(self._tickets, self._tickets.c[layout.tickets.id] == self._id)

    def dates(self, conn: Connection, since: sa.ColumnElement[Any]) -> list[tuple[str, str]]:
        """Ids and dates of all receipts from a date on."""
        found = sa.select(self._id, as_text(self._date)).select_from(self._from)
        found = found.where(self._orders(), self._date >= since)
        return [(str(one), str(date)) for one, date in conn.execute(found)]

    def latest(self, conn: Connection) -> datetime | None:
        """The date of the latest receipt; None if there is none, or if it is no date."""
        return moment(conn.execute(sa.select(as_text(sa.func.max(self._date))).select_from(self._receipts)).scalar())

    def after(self, conn: Connection, token: str | None, limit: int) -> tuple[list[Raw], bool]:
        """The receipts that follow this id, and whether there may be more."""
        found = self._found(conn, self._headers().where(self._ids.after(self._id, token)).limit(limit))
        return raws(found), len(found) == limit

    def by_ids(self, conn: Connection, ids: Sequence[str]) -> list[Raw]:
        """Those of these receipts that there are."""
        return raws(self._found(conn, self._headers().where(self._ids.among(self._id, ids)))) if ids else []

    def _orders(self) -> sa.ColumnElement[bool]:
        names = self._layout.tickets
        return sa.true() if self._kind is None else self._kind.in_([names.sales, names.refunds])

    def _headers(self) -> sa.Select[Any]:
        layout, joined = self._layout, self._from
        tickets = labelled(self._tickets, layout.tickets, ("number", "customer", "kind", "reverses"))
        columns = [*labelled(self._receipts, layout.receipts, ("id", "date", "till")), *tickets]
        columns[1] = as_text(self._date).label("date")
        if layout.sessions.table is not None and layout.receipts.till is not None:
            sessions = table(layout.sessions, ("id", "till"))
            same = sessions.c[layout.sessions.id] == self._receipts.c[layout.receipts.till]
            joined = joined.outerjoin(sessions, same)
            columns[2] = sessions.c[layout.sessions.till].label("till")
        return sa.select(*columns).select_from(joined).where(self._orders()).order_by(self._id)

    def _found(self, conn: Connection, headers: sa.Select[Any]) -> list[Row]:
        found = rows(conn, headers)
        ids = [key(row["id"]) for row in found]
        if not ids:
            return []
        lines, payments, taxes = self._lines(conn, ids), self._payments(conn, ids), self._taxes(conn, ids)
        originals = self._originals(conn, found)
        for one, row in zip(ids, found, strict=True):
            row["reverses"] = originals.get(row["reverses"]) if self._is_refund(row) else None
            row |= {"lines": lines.get(one, []), "payments": payments.get(one, []), "taxes": taxes.get(one, [])}
        return found

    def _is_refund(self, row: Row) -> bool:
        return self._kind is not None and bool(row["kind"] == self._layout.tickets.refunds)

    def _lines(self, conn: Connection, ids: Sequence[str]) -> dict[str, list[Row]]:
        names, goods = self._layout.lines, self._layout.products
        lines, products = table(names, _LINES), table(goods, ("id", "title", "sku"))
        columns = [*labelled(lines, names, _LINES), *labelled(products, goods, ("title", "sku"))]
        joined = lines.outerjoin(products, products.c[goods.id] == lines.c[names.product])
        statement = sa.select(*columns).select_from(joined).where(self._ids.among(lines.c[names.receipt], ids))
        found = rows(conn, statement.order_by(lines.c[names.receipt], lines.c[names.line]))
        return grouped((as_sold(row) for row in found), "receipt")

    def _payments(self, conn: Connection, ids: Sequence[str]) -> dict[str, list[Row]]:
        names, columns = self._layout.payments, ("receipt", "method", "total")
        if names.table is None:
            return {}
        paid = table(names, columns)
        statement = sa.select(*labelled(paid, names, columns)).where(self._ids.among(paid.c[names.receipt], ids))
        return grouped(in_order(rows(conn, statement)), "receipt")

    def _taxes(self, conn: Connection, ids: Sequence[str]) -> dict[str, list[Row]]:
        names, rates = self._layout.tax_lines, self._layout.taxes
        if names.table is None:
            return {}
        lines, taxes = table(names, ("receipt", "tax", "amount")), table(rates, ("id", "title", "rate"))
        columns = [*labelled(lines, names, ("receipt", "amount")), *labelled(taxes, rates, ("title", "rate"))]
        joined = lines.outerjoin(taxes, taxes.c[rates.id] == lines.c[names.tax or ""])
        statement = sa.select(*columns).select_from(joined).where(self._ids.among(lines.c[names.receipt], ids))
        return grouped(in_order(rows(conn, statement)), "receipt")

    def _originals(self, conn: Connection, found: Sequence[Row]) -> dict[Any, str]:
        """The sale that has the number to which a refund points, if exactly one has it."""
        names = self._layout.tickets
        reversed_ = {row["reverses"] for row in found if self._is_refund(row)}
        numbers = {number for number in reversed_ if isinstance(number, int) and number}
        if not numbers or names.number is None or self._kind is None:
            return {}
        one, number = self._tickets.c[names.id], self._tickets.c[names.number]
        sales = sa.select(number.label("number"), sa.func.min(one).label("id"), sa.func.count().label("count"))
        statement = sales.where(self._kind == names.sales, number.in_(sorted(numbers))).group_by(number)
        return {row["number"]: str(row["id"]) for row in rows(conn, statement) if row["count"] == 1}


def as_text(date: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """A date as the database prints it: a driver that fails on one impossible date takes its page with it."""
    return sa.cast(date, sa.String)


def moment(printed: object) -> datetime | None:
    """The date that was printed; None if it is none."""
    try:
        return datetime.fromisoformat(str(printed))
    except ValueError:
        return None


def as_sold(row: Row) -> Row:
    """The line as it was called when it was sold, where the till noted that: products are renamed, receipts are not."""
    noted = row.pop("attributes")
    xml = noted.decode(errors="replace") if isinstance(noted, bytes) else str(noted or "")
    found = {key: html.unescape(value) for key, value in _PROPERTY.findall(xml)}
    row["title"] = found.get("name", row["title"])
    row["sku"] = found.get("reference", row["sku"])
    return row


def in_order(found: Sequence[Row]) -> list[Row]:
    """The rows in an order of their own: a database gives them in any, and another order is not another record."""
    return sorted(found, key=lambda row: [str(value) for value in row.values()])
