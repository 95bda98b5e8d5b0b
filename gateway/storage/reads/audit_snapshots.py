"""Snapshots of objects for the audit trail: the values that mutations change, as texts by field name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.tables import (
    api_tokens,
    carts,
    channels,
    document_policies,
    fulfillments,
    listings,
    orders,
    outbox,
)

Snapshot = Mapping[str, str | None]

_STATEMENTS: Mapping[str, sa.Select[Any]] = {
    "ApiToken": sa.select(
        api_tokens.c.scopes,
        api_tokens.c.channels.label("channelKeys"),
        api_tokens.c.locations.label("locationKeys"),
        api_tokens.c.expires_at.label("expiresAt"),
        api_tokens.c.rotates_at.label("rotatesAt"),
        api_tokens.c.revoked_at.label("revokedAt"),
    ).where(api_tokens.c.id == sa.bindparam("id")),
    "Cart": sa.select(
        carts.c.status, carts.c.channel.label("channelKey"), carts.c.customer_id.label("customerId")
    ).where(carts.c.id == sa.bindparam("id")),
    "Channel": sa.select(channels.c.paused).where(channels.c.key == sa.bindparam("id")),
    "Document": sa.select(
        document_policies.c.blocked,
        document_policies.c.max_age_seconds.label("maxAgeSeconds"),
        document_policies.c.max_per_minute.label("maxPerMinute"),
        document_policies.c.deadline_ms.label("deadlineMs"),
    ).where(document_policies.c.document_id == sa.bindparam("id")),
    "Fulfillment": sa.select(
        fulfillments.c.status, fulfillments.c.channel.label("channelKey"), fulfillments.c.location.label("locationKey")
    ).where(fulfillments.c.id == sa.bindparam("id")),
    "Listing": sa.select(listings.c.variant_id.label("variantId"), listings.c.channel.label("channelKey")).where(
        listings.c.id == sa.bindparam("id")
    ),
    "Order": sa.select(
        orders.c.status,
        orders.c.payment_status.label("paymentStatus"),
        orders.c.fulfillment_status.label("fulfillmentStatus"),
        orders.c.channel.label("channelKey"),
    ).where(orders.c.id == sa.bindparam("id")),
    "OutboxEntry": sa.select(outbox.c.state, outbox.c.channel.label("channelKey")).where(
        outbox.c.key == sa.bindparam("id")
    ),
}


_SNAPSHOTS = {name: DriverSelect(statement) for name, statement in _STATEMENTS.items()}


def read_snapshot(conn: Connection, type_name: str | None, id_: str | None) -> Snapshot:
    """Read the values of an object. Empty: it does not exist, or objects of its type have no values of interest."""
    statement = _SNAPSHOTS.get(type_name or "")
    rows = [] if statement is None or id_ is None else statement.fetch(conn, {"id": id_})
    return {name: _format_value(value) for name, value in rows[0]._asdict().items()} if rows else {}


def _format_value(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value is None else str(value)
