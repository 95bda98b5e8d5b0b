"""Outdated customers: their rows are not as this release derives them, because an earlier one has stored them, or has
changed their identities since.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.customers.profiles import ACCOUNT, GUEST
from gateway.storage.tables import customers, identities
from gateway.storage.tables.customers import MAX_CHANNELS_LENGTH


def find_outdated_customers(conn: Connection) -> Sequence[str]:
    """Find the visible customers whose channels are missing or wrong, or who have no identity."""
    identity = sa.select(identities.c.id).where(identities.c.customer_id == customers.c.id)
    listed = sa.func.coalesce(_lists.c.channels, "[]")
    differ = (customers.c.channels_version, customers.c.version), (customers.c.channels, listed)
    is_wrong = sa.or_(*(left.is_distinct_from(right) for left, right in differ))
    has_identity = identity.correlate(customers).exists()
    is_outdated = sa.or_(sa.and_(is_wrong, sa.func.length(listed) <= MAX_CHANNELS_LENGTH), ~has_identity)
    stored = sa.select(customers.c.id).join(_lists, _lists.c.customer_id == customers.c.id, isouter=True)
    return conn.scalars(stored.where(customers.c.visible, is_outdated).order_by(customers.c.id)).all()


def _select_lists() -> sa.Subquery:
    """Select the channels of each customer, as `customers.channels` has them."""
    channel = identities.c.channel
    key = sa.case((channel.startswith(GUEST), sa.func.substr(channel, len(GUEST) + 1)), else_=channel).label("key")
    keys = sa.select(identities.c.customer_id, key).distinct().where(~identities.c.gone, ~channel.startswith(ACCOUNT))
    ordered = keys.order_by(identities.c.customer_id, key).subquery()
    quoted = sa.literal('"').concat(ordered.c.key).concat('"')
    joined = sa.literal("[").concat(sa.func.aggregate_strings(quoted, ",")).concat("]")
    return sa.select(ordered.c.customer_id, joined.label("channels")).group_by(ordered.c.customer_id).subquery()


_lists = _select_lists()
