"""Contacts of orders of erased customers, which a channel still shows (rule C12). An open order keeps its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.customers import guests
from gateway.commerce.privacy.invoices import keep_invoices
from gateway.commerce.privacy.suppression import OPEN_ORDERS, NewRecord, find_suppressed
from gateway.model.customers.profiles import GUEST
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.privacy import erased_rows, suppressions
from gateway.storage.sql.bulk import load_json
from gateway.storage.writes import orders
from gateway.storage.writes.customers import identities
from gateway.storage.writes.customers.identities import IdentityRow
from gateway.storage.writes.orders import OrderRow

Buyer = tuple[str, str]
"""The channel and the ID there of the identity that an order names."""


def clear_contacts(
    conn: Connection, rows: Sequence[OrderRow], before: Mapping[str, OrderRow], context: SellingContext
) -> None:
    """Clear the contacts of orders whose customer was erased after they were placed. The law keeps their invoices.
    Orders that were placed afterwards refer to guests: who buys on is a customer again, with what is new since.

    The identities are locked, so that an erase waits for these orders, or is seen here.
    """
    erased = _find_erased(conn, _find_buyers(conn, rows))
    for row in rows:
        if row.id in erased and row.placed_at >= erased[row.id]:
            guests.replace_erased_customer(row, before.get(row.id))
    if suppressions.has_suppressions(conn):  # the guest of an order may be erased, whomever the channel names by now
        erased |= _find_erased(conn, {row.id: (GUEST + row.channel, row.id) for row in rows})
    erased |= _find_erased_guests(conn, [row for row in rows if row.id not in before], context)
    cleared = [
        row for row in rows if row.id in erased and row.placed_at < erased[row.id] and row.status not in OPEN_ORDERS
    ]
    keep_invoices(conn, cleared, context)
    for row in cleared:
        _clear_contact(row, before.get(row.id))


def apply_erases(conn: Connection, shells: Sequence[IdentityRow], context: SellingContext) -> None:
    """Apply the erase of records to the orders that name them and were stored before it."""
    by_channel: dict[str, list[str]] = defaultdict(list)
    for row in shells:
        by_channel[row.channel].append(row.external_id)
    named = [id_ for channel, ids in by_channel.items() for id_ in erased_rows.find_named(conn, channel, ids)]
    before = orders.lock_orders(conn, named)
    rows = [replace(row) for row in before.values()]
    clear_contacts(conn, rows, before, context)
    changed = [replace(row, version=row.version + 1, updated_at=context.now) for row in rows if row != before[row.id]]
    orders.store_orders(conn, changed, before)
    guests.store_guests(conn, changed, context.config.customers, context.now)
    change_log.log_change(conn, "ORDER", [(row.id, row.version) for row in changed], context.now)


def _clear_contact(row: OrderRow, former: OrderRow | None) -> None:
    """Clear the contact of an order, which stays that of its guest."""
    if row.customer is None and former is not None:
        row.customer, row.customer_channel = former.customer, former.customer_channel
    row.contact = row.shipping_address = row.billing_address = None


def _find_buyers(conn: Connection, rows: Sequence[OrderRow]) -> dict[str, Buyer]:
    """Find the buyers of orders, by order: of a copy, that of the original."""
    originals = erased_rows.find_buyers(conn, {row.attached_to for row in rows if row.attached_to is not None})
    return {row.id: originals.get(row.attached_to or "") or _get_buyer(row) for row in rows}


def _find_erased(conn: Connection, buyers: Mapping[str, Buyer]) -> dict[str, datetime]:
    """Find the orders whose customer, or whose guest, was erased, with the time of that."""
    named: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for order_id, (channel, id_) in buyers.items():
        named[channel][id_].append(order_id)
    return {
        order_id: identity.erased_at
        for channel, ids in sorted(named.items())
        for identity in identities.lock_by_external_id(conn, channel, ids)
        if identity.erased_at is not None
        for order_id in ids[identity.external_id]
    }


def _get_buyer(row: OrderRow) -> Buyer:
    if row.customer is None or row.customer_channel is None:
        return GUEST + row.channel, row.id
    return row.customer_channel, row.customer


def _find_erased_guests(conn: Connection, rows: Sequence[OrderRow], context: SellingContext) -> dict[str, datetime]:
    """Find the new orders of guests that name an erased customer, and were placed before the erase."""
    records: dict[str, list[NewRecord]] = defaultdict(list)
    for row in rows:
        contact = load_json(row.contact) if row.contact else {}
        if row.customer is None and contact.get("email"):
            name = (contact.get("name") or "").strip().partition(" ")[0]
            records[GUEST + row.channel].append(
                NewRecord(row.id, row.id, [contact["email"]], name or None, row.placed_at)
            )
    found: dict[str, datetime] = {}
    for channel, some in sorted(records.items()):
        found |= find_suppressed(conn, channel, some, context.config)
    return found
