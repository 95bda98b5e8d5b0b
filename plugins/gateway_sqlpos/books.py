"""The books of a till in its built-in layout: a receipt with all that belongs to it, in a cash session of our own."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway_sqlpos.bill import Article, Bill, BillError, Tax
from gateway_sqlpos.ours import id_of, session_of
from gateway_sqlpos.rows import bound, exact, number, rows
from gateway_sqlpos.till import instant

SALE = 0
PAID_ELSEWHERE = "gateway"
"""How our receipts are paid: no till has taken this money."""

_PROPERTIES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
    '<!DOCTYPE properties SYSTEM "http://java.sun.com/dtd/properties.dtd"><properties>{}</properties>'
)


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *map(sa.column, columns))


products = _table("products", "id", "reference", "name", "taxcat")
taxes = _table("taxes", "id", "category", "custcategory", "parentid", "rate")
sessions = _table("closedcash", "money", "host", "hostsequence", "datestart", "dateend")
receipts = _table("receipts", "id", "money", "datenew", "attributes")
tickets = _table("tickets", "id", "tickettype", "ticketid", "person", "customer", "status")
lines = _table("ticketlines", "ticket", "line", "product", "units", "price", "taxid", "attributes")
payments = _table("payments", "id", "receipt", "payment", "total")
tax_lines = _table("taxlines", "id", "receipt", "taxid", "base", "amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What is to be written. `number`: of the order, for whoever looks at the receipt."""

    key: str
    number: str
    at: datetime
    place: str
    clerk: str
    bill: Bill
    payment: str
    total: Decimal


def is_written(conn: Connection, key: str) -> bool:
    """Whether there is a receipt of this command."""
    return conn.execute(sa.select(receipts.c.id).where(receipts.c.id == id_of(key))).first() is not None


def articles(conn: Connection, ids: Sequence[str]) -> Mapping[str, Article]:
    """Those of these products that the till has, with the one tax that it asks of each.

    Raises:
        BillError: it asks no tax, or several.
    """
    general = (taxes.c.category == products.c.taxcat, taxes.c.custcategory.is_(None), taxes.c.parentid.is_(None))
    joined = products.outerjoin(taxes, sa.and_(*general))
    columns = (products.c.id, products.c.name, products.c.reference, taxes.c.id.label("tax"), taxes.c.rate)
    chosen = sa.select(*columns).select_from(joined).where(products.c.id.in_([bound(one) for one in ids]))
    found: dict[str, Article] = {}
    for row in rows(conn, chosen):
        if row["tax"] is None or row["id"] in found:
            raise BillError("NO_TAX", f"the till has not exactly one tax for the product {row['id']}")
        found[row["id"]] = Article(row["id"], row["name"], row["reference"], Tax(row["tax"], number(row, "rate")))
    return found


def untaxed(conn: Connection) -> Tax | None:
    """The till's tax of 0 %."""
    found = conn.execute(sa.select(sa.func.min(taxes.c.id)).where(taxes.c.rate == 0)).scalar()
    return None if found is None else Tax(found, Decimal(0))


def write(conn: Connection, receipt: Receipt) -> None:
    """Write it down, but for the stock."""
    one = id_of(receipt.key)
    date = instant(conn, receipt.at)
    session = _session(conn, receipt.place, receipt.at)
    noted = _noted({"gateway.order": receipt.number})
    _insert(conn, receipts, {"id": one, "money": bound(session), "datenew": date, "attributes": noted})
    ticket = {"id": one, "tickettype": SALE, "ticketid": _number(conn), "person": receipt.clerk, "status": 0}
    _insert(conn, tickets, ticket)
    paid = {"receipt": one, "payment": receipt.payment, "total": exact(conn, receipt.total)}
    _insert(conn, payments, {"id": id_of(receipt.key, 0), **paid})
    _write_lines(conn, one, receipt.bill)
    for position, total in enumerate(receipt.bill.taxes):
        amounts = {"base": exact(conn, total.base), "amount": exact(conn, total.amount)}
        _insert(conn, tax_lines, {"id": id_of(receipt.key, position), "receipt": one, "taxid": total.tax.id, **amounts})


def _write_lines(conn: Connection, receipt: str, bill: Bill) -> None:
    for position, line in enumerate(bill.lines):
        article = line.article
        sku = {} if article is None else {"product.reference": article.sku}
        values = {
            "ticket": receipt,
            "line": position,
            "product": None if article is None else bound(article.id),
            "units": line.units,
            "price": exact(conn, line.price),
            "taxid": line.tax.id,
            "attributes": _noted({**sku, "product.name": line.title}),
        }
        _insert(conn, lines, values)


def _session(conn: Connection, place: str, at: datetime) -> str:
    """Our open cash session in this place; another one is opened if somebody has closed it."""
    host, columns = session_of(place), sessions.c
    ours = sa.select(columns.money, columns.hostsequence, columns.dateend).where(columns.host == bound(host))
    known = rows(conn, ours.order_by(columns.hostsequence.desc()))
    if known and known[0]["dateend"] is None:
        return str(known[0]["money"])
    turn = known[0]["hostsequence"] + 1 if known else 1
    money = f"{host}-{turn}"
    opened = {"host": bound(host), "hostsequence": turn, "datestart": instant(conn, at)}
    _insert(conn, sessions, {"money": bound(money), **opened})
    return money


def _number(conn: Connection) -> int:
    """Our receipts are numbered downwards from -1: the till's own numbers are the till's."""
    lowest = conn.execute(sa.select(sa.func.min(tickets.c.ticketid)).where(tickets.c.tickettype == SALE)).scalar()
    return min(0, lowest or 0) - 1


def _noted(properties: Mapping[str, str]) -> bytes:
    entries = (f'<entry key="{key}">{html.escape(value)}</entry>' for key, value in properties.items())
    return _PROPERTIES.format("".join(entries)).encode(errors="replace")


def _insert(conn: Connection, table: sa.TableClause, values: Mapping[str, Any]) -> None:
    conn.execute(sa.insert(table).values(dict(values)))
