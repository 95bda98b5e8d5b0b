"""Erase: one transaction removes the data of a customer here, and enqueues what channels have to do (rule C11).

What an open order needs stays with it until it is complete.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.customers.customer_rows import rebuild_customers
from gateway.commerce.customers.regrouping import regroup
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.commerce.privacy import invoices, late_copies, order_contacts
from gateway.commerce.privacy.channel_erases import enqueue_erases
from gateway.commerce.privacy.parts import CHANNEL, RESTORED, build_parts, is_open
from gateway.commerce.privacy.requests import list_homes, list_members, store_parts
from gateway.commerce.privacy.shared_denials import select_shared_denials
from gateway.commerce.privacy.suppression import OPEN_ORDERS, build_suppressions
from gateway.commerce.privacy.unowned_orders import UNOWNED, assign_unowned
from gateway.model.customers.data_requests import DataPartState, DataRequestKind, DataRequestState
from gateway.model.customers.profiles import ACCOUNT
from gateway.sdk.writes import EraseCustomer
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.privacy import data_requests, erased_rows, suppressions
from gateway.storage.privacy.data_requests import PartRow, RequestRow
from gateway.storage.privacy.personal_data import Owner
from gateway.storage.privacy.personal_rows import Owned, erase_rows, find_owned
from gateway.storage.writes import orders
from gateway.storage.writes.customers import consents, evidence, identities
from gateway.storage.writes.customers.identities import IdentityRow
from gateway.storage.writes.orders import OrderRow


def begin_erase(conn: Connection, request_id: str, context: SellingContext) -> EnqueuedKeys:
    """Erase the data of a customer. Afterwards no query, list or search finds it."""
    evidence.lock_recognition(conn)
    request = data_requests.lock_requests(conn, [request_id])[request_id]
    if request.state != DataRequestState.QUEUED.value or request.executes_at > context.now:
        return {}
    if request.requested_by == late_copies.COPY:
        return late_copies.begin_copy_erase(conn, request, context)
    if request.home == UNOWNED:
        assign_unowned(conn, request, context)
    erased_rows.lock_carts(conn, list_homes(conn, request))  # as an order does: the cart before the identities
    members = list_members(conn, request)
    data_requests.replace_members(conn, request.id, [row.id for row in members])
    parts = build_parts(conn, request, members, context)
    erased_at = request.requested_at if request.requested_by == RESTORED else context.now
    owned = _find_owned(conn, request, members)
    denials = select_shared_denials(conn, members)
    suppressions.store_suppressions(conn, _list_suppressions(conn, request, members, erased_at, context))
    waiting = _erase_orders(conn, owned, context)
    _erase_rows(conn, members, owned, waiting, context)
    consents.insert_facts(conn, denials)
    _regroup(conn, members, erased_at, context)
    if request.requested_by == RESTORED:
        order_contacts.apply_erases(conn, members, context)
    keys = enqueue_erases(conn, request, members, context)
    own = _finish_gateway_part(parts[0], is_waiting=bool(waiting), now=context.now)
    store_parts(conn, replace(request, restricted_at=erased_at), [own, *parts[1:]], context.now)
    return keys


def _list_suppressions(
    conn: Connection,
    request: RequestRow,
    members: Sequence[IdentityRow],
    erased_at: datetime,
    context: SellingContext,
) -> list[suppressions.SuppressionRow]:
    facts = consents.find_facts(conn, [row.id for row in members])
    has_addresses = not request.requested_by.startswith(CHANNEL)  # a channel does not speak for the records of others
    return build_suppressions(members, facts, context.config, erased_at, has_addresses=has_addresses)


def _erase_orders(conn: Connection, owned: Owned, context: SellingContext) -> list[str]:
    """Move what the law keeps of orders out of them. Returns the orders that are not complete."""
    rows = orders.lock_orders(conn, owned[Owner.ORDER])
    complete = [row for row in rows.values() if not is_open(row) and _has_contact(row)]
    invoices.keep_invoices(conn, complete, context)
    erased_rows.forget_order_commands(conn, [row.id for row in complete])
    _log_orders(conn, complete, context.now)
    return [id_ for id_, row in rows.items() if is_open(row)]


def _has_contact(row: OrderRow) -> bool:
    return any((row.contact, row.shipping_address, row.billing_address, row.client_key, row.network_key))


def _log_orders(conn: Connection, rows: Sequence[OrderRow], now: datetime) -> None:
    """Give orders a new version, so that no cache shows what they were."""
    changed = [replace(row, version=row.version + 1, updated_at=now) for row in rows]
    orders.store_orders(conn, changed, {row.id: row for row in rows})
    change_log.log_change(conn, "ORDER", [(row.id, row.version) for row in changed], now)


def _find_owned(conn: Connection, request: RequestRow, members: Sequence[IdentityRow]) -> Owned:
    """Find what belongs to identities alone: a card that others hold, too, is theirs. Orders that were placed after an
    erase that a restored backup does not have are not part of it.
    """
    owned = find_owned(conn, members)
    shared = set(erased_rows.share_cards(conn, owned[Owner.ACCOUNT], owned[Owner.IDENTITY]))
    own_orders = owned[Owner.ORDER]
    if request.requested_by == RESTORED:
        own_orders = erased_rows.select_placed_before(conn, own_orders, request.requested_at)
    accounts = [id_ for id_ in owned[Owner.ACCOUNT] if id_ not in shared]
    return {**owned, Owner.ACCOUNT: accounts, Owner.ORDER: own_orders}


def _erase_rows(
    conn: Connection,
    members: Sequence[IdentityRow],
    owned: Owned,
    waiting: Collection[str],
    context: SellingContext,
) -> None:
    erasing = [row for row in members if context.config.topology.can_execute(row.channel, EraseCustomer)]
    erased_rows.clear_carts(conn, owned[Owner.HOME])
    erased_rows.withdraw_commands(conn, erasing)
    erased_rows.forget_rejects(conn, members)
    erased_rows.forget_cards(conn, owned[Owner.ACCOUNT])
    data_requests.delete_files(conn, owned[Owner.IDENTITY])
    erase_rows(conn, owned, waiting)


def _regroup(conn: Connection, members: Sequence[IdentityRow], erased_at: datetime, context: SellingContext) -> None:
    """Store the identities as shells, and derive anew what was derived from them."""
    shells = identities.lock_identities(conn, [row.id for row in members])
    now = context.now
    identities.store_identities(
        conn, [replace(row, erased_at=erased_at, changed_at=now, twin_id=None) for row in shells.values()]
    )
    identities.release_twins(conn, shells, now)
    regroup(conn, list(shells), context.config.customers, now)
    rebuild_customers(conn, {row.customer_id for row in members}, context.config.customers, now)
    erased_rows.delete_unheld_keys(conn)
    for row in members:
        if row.channel.startswith(ACCOUNT):
            erased_rows.rename_account(conn, row)


def _finish_gateway_part(part: PartRow, *, is_waiting: bool, now: datetime) -> PartRow:
    if is_waiting:
        return replace(part, state=DataPartState.WAITING.value)
    proof = f"erased at {now.isoformat(timespec='seconds')}"
    return replace(part, state=DataPartState.DONE.value, proof=proof, completed_at=now)


def can_finish_orders(conn: Connection, request_id: str) -> bool:
    """Return whether `finish_orders` would change anything."""
    request = data_requests.find_request(conn, request_id)
    return erased_rows.can_finish_orders(conn, _find_owned_before(conn, request)[Owner.ORDER], OPEN_ORDERS)


def finish_orders(conn: Connection, request_id: str, context: SellingContext) -> bool:
    """Erase what orders have kept that are complete by now. Returns whether anything has changed."""
    request = data_requests.lock_requests(conn, [request_id])[request_id]
    parts = data_requests.find_parts(conn, [request_id])[request_id]
    if request.kind != DataRequestKind.ERASE.value or parts[0].state != DataPartState.WAITING.value:
        return False
    owned = _find_owned_before(conn, request)
    waiting = _erase_orders(conn, owned, context)
    erase_rows(conn, owned, waiting)
    if waiting:
        return False
    own = _finish_gateway_part(parts[0], is_waiting=False, now=context.now)
    store_parts(conn, request, [own, *parts[1:]], context.now)
    return True


def _find_owned_before(conn: Connection, request: RequestRow) -> Owned:
    """Find the orders that were placed before an erase, and what the audit trail says of them. Later ones are those of
    a customer who buys on, after the erase.
    """
    members = identities.find_identities(conn, data_requests.find_members(conn, request.id)).values()
    owned = find_owned(conn, list(members))
    before = erased_rows.select_placed_before(conn, owned[Owner.ORDER], request.restricted_at or request.executes_at)
    return {**{owner: [] for owner in Owner}, Owner.ORDER: before, Owner.AUDIT: owned[Owner.AUDIT]}
