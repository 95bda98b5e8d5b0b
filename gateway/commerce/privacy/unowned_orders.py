"""Orders that belong to no identity: they have neither a customer nor an email address or phone number (rule C11).

The erase of all data of a channel gives them guests, which are erased with it: what the channel still shows of such an
order does not come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.commerce.context import SellingContext
from gateway.commerce.customers import guests
from gateway.commerce.privacy.parts import CHANNEL
from gateway.commerce.privacy.requests import DataRequestDraft, insert_request
from gateway.model.customers.data_requests import DataRequestKind
from gateway.storage.database import Connection
from gateway.storage.privacy import data_requests, erased_rows
from gateway.storage.privacy.data_requests import RequestRow
from gateway.storage.writes import orders
from gateway.storage.writes.customers import identities
from gateway.storage.writes.orders import OrderRow

UNOWNED = ""
"""In place of a customer ID: the request is about the orders of its channel that belong to no identity."""

SLICE_SIZE = 500
"""Orders of one request."""


def request_unowned(conn: Connection, channel: str, context: SellingContext) -> None:
    """Request the erase of the orders of a channel that belong to no identity, unless it is requested already."""
    name = f"{CHANNEL}{channel}"
    if erased_rows.find_unowned(conn, channel, 1) and not data_requests.find_open_about(conn, name, UNOWNED):
        _insert_request(conn, name, context)


def _insert_request(conn: Connection, requested_by: str, context: SellingContext) -> RequestRow:
    draft = DataRequestDraft(kind=DataRequestKind.ERASE, customer_id=UNOWNED, proved=False, requested_by=requested_by)
    return insert_request(conn, draft, [], context)


def assign_unowned(conn: Connection, request: RequestRow, context: SellingContext) -> None:
    """Give the orders that a request is about guests, who are its members. The rest is another request, due at once."""
    found = erased_rows.find_unowned(conn, request.requested_by.removeprefix(CHANNEL), SLICE_SIZE + 1)
    rows = list(orders.lock_orders(conn, found[:SLICE_SIZE]).values())
    data_requests.add_members(conn, request.id, _store_guests(conn, rows, context))
    if len(found) > SLICE_SIZE:
        rest = _insert_request(conn, request.requested_by, context)
        data_requests.store_request(conn, replace(rest, executes_at=context.now))


def _store_guests(conn: Connection, rows: Sequence[OrderRow], context: SellingContext) -> list[str]:
    """Store the identities of guests, without data, and let the orders refer to them."""
    minted = {row.id: guests.mint_guest(row, context.now) for row in rows}
    identities.store_identities(conn, minted.values())
    owned = [replace(row, customer_channel=minted[row.id].channel, customer=minted[row.id].external_id) for row in rows]
    orders.store_orders(conn, owned, minted)
    return [row.id for row in minted.values()]
