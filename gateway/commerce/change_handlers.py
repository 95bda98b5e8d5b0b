"""Change handlers: what changes in the log lead to, in the background: shortages are resolved, and followers pushed."""

from __future__ import annotations

from gateway.commerce.context import SellingContext
from gateway.commerce.fulfillment import shortages
from gateway.commerce.push import confirmation, followers
from gateway.storage import change_log, consistency
from gateway.storage.database import Connection

LOG_READER = "pushes"


def handle_changes(conn: Connection, context: SellingContext) -> int:
    """Handle new entries of the change log. Returns how many there were."""
    changes = change_log.read_changes(conn, LOG_READER, context.now)
    if changes is None:
        followers.mark_all_followers(conn, context.topology)
        shortages.resolve_shortages(conn, consistency.find_short_counter_ids(conn), context)
        return 1
    stock_ids = {id_ for change in changes if change.kind == "STOCK" for id_, _ in change.subjects}
    listing_ids = {id_ for change in changes if change.kind == "LISTING" for id_, _ in change.subjects}
    if stock_ids:
        confirmation.handle_count_changes(conn, stock_ids, context)
        shortages.resolve_shortages(conn, stock_ids, context)
    if listing_ids:
        followers.mark_listings(conn, listing_ids, context.topology)
    return len(changes)
