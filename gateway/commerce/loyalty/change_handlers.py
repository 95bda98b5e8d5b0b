"""Change handlers of loyalty: every change of an order or a customer leads to what it says about points.

A reader of the change log rather than a step of each use case: an order changes in a dozen places (ingest, handover,
cancellation, expiry, late payments), and all of them are in the log, in the transaction of the change. The reader's
position is stored in the transaction that posts, so a process that is killed between loses nothing and posts nothing
twice.
"""

from __future__ import annotations

from gateway.commerce.context import SellingContext
from gateway.commerce.loyalty import accounts, channel_points, earning, posting
from gateway.commerce.loyalty.program import LoyaltyProgram
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.reads.customers import loyalty_orders
from gateway.storage.writes.customers import loyalty

LOG_READER = "loyalty"

CHANGES, ORDERS, ACCOUNTS = 5, 50, 50
"""Rows of the log, orders of a scan, and accounts, that one transaction handles at most."""


def is_due(conn: Connection, context: SellingContext) -> bool:
    """Whether anything changed that concerns points, or points begin or expire."""
    return (
        change_log.is_behind(conn, LOG_READER)
        or loyalty.has_scan(conn)
        or bool(loyalty.find_due_accounts(conn, context.now, 1))
        or bool(channel_points.list_showing_channels(context) and loyalty.find_unshown(conn, 1))
    )


def handle_changes(conn: Connection, program: LoyaltyProgram, context: SellingContext) -> int:
    """Handle some of what is due. Returns how much there was."""
    now = context.now
    changes = change_log.read_changes(conn, LOG_READER, now, CHANGES)
    if changes is None:
        loyalty.start_scan(conn)
        return 1
    order_ids = {id_ for change in changes if change.kind == "ORDER" for id_, _ in change.subjects}
    customer_ids = {id_ for change in changes if change.kind == "CUSTOMER" for id_, _ in change.subjects}
    if customer_ids:
        accounts.assign_cards_of_customers(conn, customer_ids, program, now)
        order_ids |= set(loyalty_orders.find_unearned(conn, customer_ids, program.since))
    if order_ids:
        earning.post_orders(conn, order_ids, program, now)
    handled = len(changes) + _scan(conn, program, context) + posting.post_due(conn, program, now, ACCOUNTS)
    return handled + channel_points.show_points(conn, context, ACCOUNTS)


def _scan(conn: Connection, program: LoyaltyProgram, context: SellingContext) -> int:
    """Look at some of all orders and cards: the program is new, or the reader was behind the log."""
    after = loyalty.find_scanned(conn)
    if after is None:
        return 0
    order_ids = loyalty_orders.list_orders_after(conn, after, program.since, ORDERS)
    earning.post_orders(conn, order_ids, program, context.now)
    if order_ids or channel_points.import_remaining_points(conn, program, context.now, ACCOUNTS):
        loyalty.store_scanned(conn, order_ids[-1] if order_ids else after)
    else:
        loyalty.store_scanned(conn, None)
    return 1
