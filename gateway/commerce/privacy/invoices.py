"""Invoices of erased customers: what the law keeps of them, encrypted and apart from the orders (rule C11)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from gateway.commerce.context import SellingContext
from gateway.commerce.privacy.keyed_values import encrypt
from gateway.storage.database import Connection
from gateway.storage.privacy import suppressions
from gateway.storage.privacy.suppressions import InvoiceRow
from gateway.storage.sql.bulk import load_json
from gateway.storage.writes.orders import OrderRow


def keep_invoices(conn: Connection, rows: Sequence[OrderRow], context: SellingContext) -> None:
    """Keep the name and the billing address of orders for as long as the law of their country requires."""
    suppressions.store_invoices(conn, list(_build_invoices(rows, context)))


def _build_invoices(rows: Sequence[OrderRow], context: SellingContext) -> Iterator[InvoiceRow]:
    for row in rows:
        contact = load_json(row.contact) if row.contact else {}
        address = load_json(row.billing_address or row.shipping_address or "null")
        name = (address or {}).get("name") or contact.get("name")
        retention = context.config.privacy.get_invoice_retention((address or {}).get("country_code"))
        if (name or address) and row.placed_at + retention > context.now:
            content = json.dumps({"number": row.number, "name": name, "address": address}, ensure_ascii=False)
            yield InvoiceRow(
                order_id=row.id,
                content=encrypt(context.config, content.encode()),
                placed_at=row.placed_at,
                delete_at=row.placed_at + retention,
            )
