"""Channel orders: what submission, forwarding and reconciliation share."""

from __future__ import annotations

from datetime import datetime

from gateway.model.orders import ChannelOrderState
from gateway.sdk.writes import Done
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments, orders
from gateway.storage.writes.fulfillments import ChannelOrderRow
from gateway.storage.writes.orders import OrderRow


def lock_channel_order(conn: Connection, channel_order_id: str) -> tuple[OrderRow, ChannelOrderRow] | None:
    """Lock a channel order and its order, the order first, as everywhere. Returns None if there is none."""
    order = orders.lock_order_of_channel_order(conn, channel_order_id)
    part = fulfillments.find_channel_order(conn, channel_order_id)
    return None if order is None or part is None else (order, part)


def is_accepted(part: ChannelOrderRow) -> bool:
    """Whether the channel has accepted the order; it may have canceled it since."""
    return part.state in (ChannelOrderState.ACCEPTED.value, ChannelOrderState.CANCELLED.value)


def store_acceptance(conn: Connection, part: ChannelOrderRow, done: Done, now: datetime) -> None:
    """Store that the channel has accepted the order, and the ID that it gave it."""
    part.state, part.updated_at = ChannelOrderState.ACCEPTED.value, now
    part.external_id = None if done.ref is None else done.ref.id
    fulfillments.update_channel_order(conn, part)
