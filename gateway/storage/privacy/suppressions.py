"""Writes of what was erased and must not come back (rule C12), and of what the law keeps of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect, build_upsert
from gateway.storage.tables import retained_invoices, suppressions


@dataclass(slots=True)
class SuppressionRow:
    """A row of `suppressions`. `digest`: keyed; `key_id`: with which secret."""

    digest: str
    kind: str
    key_id: str
    erased_at: datetime


@dataclass(slots=True)
class InvoiceRow:
    """A row of `retained_invoices`. `content`: encrypted."""

    order_id: str
    content: str
    placed_at: datetime
    delete_at: datetime


_names = [field.name for field in fields(SuppressionRow)]
_by_digest = BulkSelect(sa.select(*(suppressions.c[name] for name in _names)), suppressions.c.digest)
_upsert = build_upsert(suppressions, _names, key="digest")
_upsert_invoice = build_upsert(retained_invoices, [field.name for field in fields(InvoiceRow)], key="order_id")
_any = sa.select(suppressions.c.digest).limit(1)


def has_suppressions(conn: Connection) -> bool:
    """Return whether anything was ever erased."""
    return conn.execute(_any).first() is not None


def find_suppressions(conn: Connection, digests: Collection[str]) -> dict[str, SuppressionRow]:
    """Find those of these digests that are suppressed."""
    return {row.digest: SuppressionRow(*row) for row in _by_digest.select(conn, digests)}


def store_suppressions(conn: Connection, rows: Sequence[SuppressionRow]) -> None:
    """Store digests. One that is there gets the later time."""
    known = find_suppressions(conn, [row.digest for row in rows])
    _upsert.run(conn, [row for row in rows if row.digest not in known or known[row.digest].erased_at < row.erased_at])


def list_suppressions(conn: Connection) -> list[SuppressionRow]:
    """List all digests."""
    statement = sa.select(*(suppressions.c[name] for name in _names)).order_by(suppressions.c.digest)
    return [SuppressionRow(**row._mapping) for row in conn.execute(statement)]


def store_invoices(conn: Connection, rows: Sequence[InvoiceRow]) -> None:
    """Store what the law keeps of orders."""
    _upsert_invoice.run(conn, rows)


def find_invoice(conn: Connection, order_id: str) -> InvoiceRow | None:
    """Find what the law keeps of an order."""
    row = conn.execute(sa.select(retained_invoices).where(retained_invoices.c.order_id == order_id)).first()
    return None if row is None else InvoiceRow(**row._mapping)


def delete_expired_invoices(conn: Connection, now: datetime) -> int:
    """Delete what the law does not keep any more, and return how much."""
    return conn.execute(sa.delete(retained_invoices).where(retained_invoices.c.delete_at <= now)).rowcount
