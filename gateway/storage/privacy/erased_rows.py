"""Writes of an erase beyond the declared columns: rows that name a customer by a value of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Resource
from gateway.model.customers.profiles import GUEST
from gateway.storage.outbox import OutboxState
from gateway.storage.sql.keyset import is_among
from gateway.storage.tables import (
    cart_lines,
    carts,
    channel_orders,
    evidence_keys,
    identities,
    loyalty_accounts,
    orders,
    outbox,
    rejects,
)
from gateway.storage.writes.customers.identities import IdentityRow

WITHDRAWN = ("SetConsent", "SetLoyalty")
"""Commands about a customer that are not sent any more. Orders are: they were bought."""


_CONTACT = (orders.c.contact, orders.c.shipping_address, orders.c.billing_address)


def can_finish_orders(conn: Connection, order_ids: Collection[str], open_: Collection[str]) -> bool:
    """Return whether none of these orders is open any more, or one that is complete still has its contact.

    Args:
        open_: the states of orders that are not complete.
    """
    own = is_among(conn, orders.c.id, order_ids)
    named = sa.or_(*(column.is_not(None) for column in _CONTACT))
    waiting = sa.select(orders.c.id).where(own, orders.c.status.in_(open_)).limit(1)
    complete = sa.select(orders.c.id).where(own, orders.c.status.not_in(open_), named).limit(1)
    return conn.execute(waiting).first() is None or conn.execute(complete).first() is not None


def select_placed_before(conn: Connection, order_ids: Collection[str], time: datetime) -> list[str]:
    """Select those of these orders that were placed before a time."""
    earlier = sa.select(orders.c.id).where(is_among(conn, orders.c.id, order_ids), orders.c.placed_at < time)
    return sorted(conn.scalars(earlier))


def find_buyers(conn: Connection, order_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Find the channel and the ID there of the identities that orders name, by order."""
    if not order_ids:
        return {}
    named = sa.and_(is_among(conn, orders.c.id, order_ids), orders.c.customer.is_not(None))
    rows = conn.execute(sa.select(orders.c.id, orders.c.customer_channel, orders.c.customer).where(named))
    return {row.id: (row.customer_channel, row.customer) for row in rows}


def find_named(conn: Connection, channel: str, external_ids: Collection[str]) -> list[str]:
    """Find the orders that name these IDs of a channel as their customer."""
    named = is_among(conn, orders.c.customer, external_ids)
    return sorted(conn.scalars(sa.select(orders.c.id).where(orders.c.customer_channel == channel, named)))


def find_unowned(conn: Connection, channel: str, most: int) -> list[str]:
    """Find orders of a channel that have personal data and belong to no identity."""
    guest = GUEST + channel
    buyer = sa.and_(identities.c.channel == orders.c.customer_channel, identities.c.external_id == orders.c.customer)
    own = sa.and_(identities.c.channel == guest, identities.c.external_id == orders.c.id)
    named = [column.is_not(None) for column in (*_CONTACT, orders.c.client_key, orders.c.network_key)]
    unowned = sa.and_(~sa.exists().where(buyer), ~sa.exists().where(own), orders.c.attached_to.is_(None))
    statement = sa.select(orders.c.id).where(orders.c.channel == channel, sa.or_(*named), unowned)
    return list(conn.scalars(statement.order_by(orders.c.id).limit(most)))


def lock_carts(conn: Connection, homes: Collection[str]) -> None:
    """Lock the carts of customers: an order that is being placed is stored before this returns, or finds no cart."""
    owned = sa.select(carts.c.id).where(is_among(conn, carts.c.customer_id, homes)).order_by(carts.c.id)
    conn.execute(owned.with_for_update()).all()


def clear_carts(conn: Connection, homes: Collection[str]) -> None:
    """Remove the lines of the open carts of customers."""
    owned = sa.select(carts.c.id).where(is_among(conn, carts.c.customer_id, homes), carts.c.status == "ACTIVE")
    conn.execute(sa.delete(cart_lines).where(cart_lines.c.cart_id.in_(owned)))


def withdraw_commands(conn: Connection, members: Iterable[IdentityRow]) -> None:
    """Delete the commands about customers that were not sent yet, and what was sent before. `members`: those whose
    channels erase them: elsewhere a denial is still sent.
    """
    for channel, ids in _group(members):
        subjects = [f"customer:{id_}" for id_ in ids]
        ended = sa.or_(
            outbox.c.state == OutboxState.DONE.value,
            sa.and_(outbox.c.state == OutboxState.QUEUED.value, ~outbox.c.sent),
        )
        about = sa.and_(outbox.c.channel == channel, is_among(conn, outbox.c.subject, subjects))
        conn.execute(sa.delete(outbox).where(about, ended, outbox.c.operation.in_(WITHDRAWN)))


def forget_order_commands(conn: Connection, order_ids: Collection[str]) -> None:
    """Delete the commands that have sent orders to channels: each has the contact of its order."""
    parts = sa.select(channel_orders.c.client_reference).where(is_among(conn, channel_orders.c.order_id, order_ids))
    sent = sa.and_(outbox.c.key.in_(parts), outbox.c.state == OutboxState.DONE.value)
    conn.execute(sa.delete(outbox).where(sent))


def forget_rejects(conn: Connection, members: Iterable[IdentityRow]) -> None:
    """Delete the payloads of records that could not be applied."""
    for channel, ids in _group(members):
        about = sa.and_(
            rejects.c.channel == channel,
            rejects.c.resource == Resource.CUSTOMERS.value,
            is_among(conn, rejects.c.external_id, ids),
        )
        conn.execute(sa.update(rejects).where(about).values(payload=None, detail=None))


def share_cards(conn: Connection, account_ids: Collection[str], members: Collection[str]) -> list[str]:
    """Give the accounts of cards that others hold, too, to the oldest of these. Returns their IDs."""
    rows = conn.execute(
        sa.select(loyalty_accounts.c.id, identities.c.id.label("holder"))
        .join(identities, identities.c.loyalty_number == loyalty_accounts.c.number)
        .where(
            is_among(conn, loyalty_accounts.c.id, account_ids),
            ~is_among(conn, identities.c.id, members),
            identities.c.erased_at.is_(None),
            ~identities.c.gone,
        )
        .order_by(identities.c.linked_at.desc(), identities.c.id.desc())
    )
    holders = {row.id: row.holder for row in rows}
    for id_, holder in sorted(holders.items()):
        conn.execute(sa.update(loyalty_accounts).where(loyalty_accounts.c.id == id_).values(identity_id=holder))
    return sorted(holders)


def forget_cards(conn: Connection, account_ids: Collection[str]) -> None:
    """Take the number and the owner from loyalty accounts. Their entries stay."""
    owned = is_among(conn, loyalty_accounts.c.id, account_ids)
    key = sa.literal("erased:") + loyalty_accounts.c.id
    conn.execute(sa.update(loyalty_accounts).where(owned).values(key=key, identity_id=None))


def delete_unheld_keys(conn: Connection) -> None:
    """Delete the values of evidence without holders."""
    conn.execute(sa.delete(evidence_keys).where(evidence_keys.c.holders <= 0))


def rename_account(conn: Connection, row: IdentityRow) -> None:
    """Take the subject of a login from its identity and orders: who logs in anew gets an identity of its own."""
    name = f"erased:{row.id}"
    conn.execute(sa.update(identities).where(identities.c.id == row.id).values(external_id=name))
    own = sa.and_(orders.c.customer_channel == row.channel, orders.c.customer == row.external_id)
    conn.execute(sa.update(orders).where(own).values(customer=name))


def _group(members: Iterable[IdentityRow]) -> Sequence[tuple[str, list[str]]]:
    by_channel: dict[str, list[str]] = {}
    for row in members:
        by_channel.setdefault(row.channel, []).append(row.external_id)
    return sorted(by_channel.items())
