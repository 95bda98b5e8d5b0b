"""Insertion of receipts in the built-in layout, in a cash session of the gateway."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from gateway_sqlpos.receipt_totals import ReceiptError, ReceiptLine, ReceiptTotals, TaxRate, TillProduct
from gateway_sqlpos.row_ids import build_number_id, build_row_id, build_session_host
from gateway_sqlpos.row_values import Row, bind_amount, bind_text, fetch_rows, get_number, is_true
from gateway_sqlpos.till import TillSession

SALE = 0
GATEWAY_PAYMENT = "gateway"
"""Payment method of the gateway's receipts: the till has not received the money."""

OPEN_PAYMENT = "gateway-open"
"""Payment method of amounts that are not paid yet. The till's own method for them needs one of its customers, and adds
the amount to their debt.
"""

_PROPERTIES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
    '<!DOCTYPE properties SYSTEM "http://java.sun.com/dtd/properties.dtd"><properties>{}</properties>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReceipt:
    """A receipt to insert. `number`: number of the order, for reference."""

    key: str
    number: str
    at: datetime
    location: str
    clerk: str
    totals: ReceiptTotals
    payment: str
    total: Decimal


class ReceiptWriter:
    """Writes receipts in a session of a till."""

    def __init__(self, till: TillSession) -> None:
        define = till.define_table
        self._till = till
        self._products = define("products", "id", "reference", "name", "category", "taxcat", "isservice")
        self._taxes = define("taxes", "id", "category", "custcategory", "parentid", "rate", "validfrom")
        self._sessions = define("closedcash", "money", "host", "hostsequence", "datestart", "dateend")
        self._receipts = define("receipts", "id", "money", "datenew", "attributes")
        self._tickets = define("tickets", "id", "tickettype", "ticketid", "person", "status")
        self._lines = define("ticketlines", *("ticket", "line", "product", "units", "price", "taxid", "attributes"))
        self._payments = define("payments", "id", "receipt", "payment", "total")
        self._tax_lines = define("taxlines", "id", "receipt", "taxid", "base", "amount")

    def is_written(self, key: str) -> bool:
        """Whether the receipt of this command exists."""
        column = self._receipts.c.id
        return self._till.conn.execute(sa.select(column).where(column == build_row_id(key))).first() is not None

    def load_products(self, ids: Sequence[str], at: datetime) -> Mapping[str, TillProduct]:
        """Load the existing products of these IDs, each with its tax at this time.

        Raises:
            ReceiptError: A product has no tax, or several.
        """
        columns = self._products.c
        statement = sa.select(self._products).where(columns.id.in_([bind_text(id) for id in ids]))
        taxes = self._load_taxes(at)
        return {row["id"]: _map_product(row, taxes) for row in fetch_rows(self._till.conn, statement)}

    def _load_taxes(self, at: datetime) -> list[TaxRate]:
        """Load the general taxes that apply at this time: of each category those with the latest begin."""
        columns, conn = self._taxes.c, self._till.conn
        valid_from = columns.validfrom if "validfrom" in columns else sa.null()
        statement = sa.select(columns.id, columns.category, columns.rate, valid_from.label("since"))
        general = statement.where(columns.custcategory.is_(None), columns.parentid.is_(None))
        if "validfrom" in columns:
            now = self._till.bind_date(self._taxes.name, "validfrom", at)
            general = general.where(sa.or_(columns.validfrom.is_(None), columns.validfrom <= now))
        latest: dict[str, list[Row]] = {}
        for row in sorted(fetch_rows(conn, general.order_by(columns.id)), key=_get_begin, reverse=True):
            found = latest.setdefault(row["category"], [])
            if not found or _get_begin(found[0]) == _get_begin(row):
                found.append(row)
        return [
            TaxRate(row["id"], get_number(row, "rate"), row["category"]) for rows in latest.values() for row in rows
        ]

    def find_zero_tax(self, at: datetime) -> TaxRate | None:
        """Find the till's tax of 0 %."""
        return min((tax for tax in self._load_taxes(at) if not tax.rate), key=lambda tax: tax.id, default=None)

    def insert_receipt(self, receipt: NewReceipt) -> None:
        """Insert a receipt with its ticket, payment, lines and taxes, without its stock.

        The ID of the payment contains the number of the receipt, so the primary key keeps two connections from taking
        the same one.
        """
        id, conn = build_row_id(receipt.key), self._till.conn
        date = self._till.bind_date(self._receipts.name, "datenew", receipt.at)
        session, number = self._open_session(receipt.location, receipt.at), self._get_next_number()
        attributes = _format_properties({"gateway.order": receipt.number})
        self._insert(self._receipts, {"id": id, "money": bind_text(session), "datenew": date, "attributes": attributes})
        ticket = {"id": id, "tickettype": SALE, "ticketid": number, "person": receipt.clerk, "status": 0}
        self._insert(self._tickets, ticket)
        paid = {"receipt": id, "payment": receipt.payment, "total": bind_amount(conn, receipt.total)}
        self._insert(self._payments, {"id": build_number_id(number), **paid})
        self._insert_lines(id, receipt.totals)
        for position, total in enumerate(receipt.totals.taxes):
            amounts = {"base": bind_amount(conn, total.base), "amount": bind_amount(conn, total.amount)}
            tax_line = {"id": build_row_id(receipt.key, position), "receipt": id, "taxid": total.tax.id, **amounts}
            self._insert(self._tax_lines, tax_line)

    def _insert_lines(self, receipt: str, totals: ReceiptTotals) -> None:
        for position, line in enumerate(totals.lines):
            values = {
                "ticket": receipt,
                "line": position,
                "product": None if line.product is None else bind_text(line.product.id),
                "units": line.units,
                "price": bind_amount(self._till.conn, line.price),
                "taxid": line.tax.id,
                "attributes": _format_properties(build_line_properties(line)),
            }
            self._insert(self._lines, values)

    def _open_session(self, location: str, at: datetime) -> str:
        """Return the gateway's open cash session of the location; open a new one if it was closed."""
        host, columns = build_session_host(location), self._sessions.c
        statement = sa.select(columns.money, columns.hostsequence, columns.dateend)
        statement = statement.where(columns.host == bind_text(host)).order_by(columns.hostsequence.desc())
        existing = fetch_rows(self._till.conn, statement)
        if existing and existing[0]["dateend"] is None:
            return str(existing[0]["money"])
        sequence = existing[0]["hostsequence"] + 1 if existing else 1
        start = self._till.bind_date(self._sessions.name, "datestart", at)
        opened = {"host": bind_text(host), "hostsequence": sequence, "datestart": start, "dateend": sa.null()}
        self._insert(self._sessions, {"money": bind_text(f"{host}-{sequence}"), **opened})
        return f"{host}-{sequence}"

    def _get_next_number(self) -> int:
        """Return the next receipt number. The gateway counts down from -1, as positive numbers belong to the till."""
        columns = self._tickets.c
        lowest = sa.select(sa.func.min(columns.ticketid)).where(columns.tickettype == SALE)
        return min(0, self._till.conn.execute(lowest).scalar() or 0) - 1

    def _insert(self, table: sa.TableClause, values: Mapping[str, Any]) -> None:
        self._till.conn.execute(sa.insert(table).values(dict(values)))


def _map_product(row: Row, taxes: Sequence[TaxRate]) -> TillProduct:
    found = [tax for tax in taxes if tax.category == row["taxcat"]]
    if len(found) != 1:
        raise ReceiptError("NO_TAX", f"the product {row['id']} must have exactly one tax at the till")
    service = is_true(row.get("isservice"))
    return TillProduct(row["id"], row["name"], row["reference"], found[0], row["category"], service)


def _get_begin(row: Row) -> str:
    """Return since when a tax applies, as text; empty: always."""
    return "" if row["since"] is None else str(row["since"])


def build_line_properties(line: ReceiptLine) -> Mapping[str, str]:
    """Build the properties that the till needs to reopen a receipt: it looks up the tax again by its category."""
    article, tax = line.product, {"product.taxcategoryid": line.tax.category}
    if article is None:
        return {"product.name": line.title, **tax}
    category = {"product.categoryid": article.category, "product.service": str(article.is_service).lower()}
    return {"product.reference": article.sku, "product.name": line.title, **tax, **category, "product.com": "false"}


def _format_properties(properties: Mapping[str, str]) -> bytes:
    entries = (f'<entry key="{key}">{html.escape(value)}</entry>' for key, value in properties.items())
    return _PROPERTIES.format("".join(entries)).encode(errors="replace")
