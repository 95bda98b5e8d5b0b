"""Guests: the identity that an order without a customer record has, from its contact (rule C9).

One identity per order and not per contact: with one per contact, a person who once ordered in another's name would
hold the token of an order of the same identity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.commerce.customers.config import CustomerConfig
from gateway.model.customers.profiles import GUEST
from gateway.model.ids import generate_id
from gateway.model.validation import fold
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json, load_json
from gateway.storage.writes.customers import identities
from gateway.storage.writes.customers.identities import IdentityRow
from gateway.storage.writes.orders import OrderRow


def assign_guest(row: OrderRow, former: OrderRow | None = None) -> None:
    """Let an order that has a contact and no customer refer to the identity of its guest. It keeps the one that it has:
    what the channel removes from the order is removed from the guest.
    """
    has_guest = _is_reachable(_read_contact(row)) or (former is not None and is_guest(former))
    if has_guest and row.customer is None:
        _set_guest(row)


def replace_erased_customer(row: OrderRow, former: OrderRow | None) -> None:
    """Let an order that was placed with an erased account refer to a guest (rule C12), if anything in it is personal.
    It may have no email address and no phone number: whose it is must be found all the same.
    """
    if _has_personal_data(row) or (former is not None and is_guest(former)):
        _set_guest(row)


def _set_guest(row: OrderRow) -> None:
    if row.attached_to is None and not row.test:
        row.customer_channel, row.customer = GUEST + row.channel, row.id


def store_guests(
    conn: Connection, rows: Sequence[OrderRow], config: CustomerConfig, now: datetime, *, are_new: bool = False
) -> None:
    """Store the identities of guests. They are recognized in the background, so that no order waits for that.

    Args:
        are_new: whether the orders have just been created, so that none of their guests is known.
    """
    guests = [row for row in rows if is_guest(row)]
    known = {} if are_new else _find_identities(conn, guests)
    built = [(_build_identity(row, known.get(row.id), config, now), known.get(row.id)) for row in guests]
    changed = [replace(row, changed_at=now, pending_since=now) for row, former in built if row != former]
    identities.store_identities(conn, changed)


def _find_identities(conn: Connection, guests: Sequence[OrderRow]) -> Mapping[str, IdentityRow]:
    """Find the identities that these orders have already, by order."""
    return {
        row.external_id: row
        for channel in {order.channel for order in guests}
        for row in identities.find_by_external_id(
            conn, GUEST + channel, [order.id for order in guests if order.channel == channel]
        )
    }


def is_guest(row: OrderRow) -> bool:
    """Whether an order refers to the identity of a guest."""
    return row.customer == row.id and (row.customer_channel or "").startswith(GUEST)


def read_guest(identity: IdentityRow, order: OrderRow, config: CustomerConfig) -> IdentityRow:
    """Return the identity of a guest with the fields of the order. What a marketplace only lends is not copied."""
    if identity.erased_at is not None:
        return identity
    contact, channel = _read_contact(order), order.channel
    row = replace(
        identity, contact_key=_digest_contact(order, contact), record_created_at=order.placed_at, has_login=False
    )
    if channel in config.survivorship.lending:
        return row
    given, _, family = (contact.get("name") or "").strip().partition(" ")
    address = order.shipping_address or order.billing_address
    return replace(
        row,
        display_name=contact.get("name"),
        given_name=given or None,
        family_name=family.strip() or None,
        emails=_dump_point(channel, contact.get("email")),
        phones=_dump_point(channel, contact.get("phone")),
        addresses=dump_json([load_json(address)] if address else []),
    )


def _build_identity(order: OrderRow, former: IdentityRow | None, config: CustomerConfig, now: datetime) -> IdentityRow:
    return read_guest(former or mint_guest(order, now), order, config)


def mint_guest(order: OrderRow, now: datetime) -> IdentityRow:
    """Mint the identity of a guest, without data."""
    home = generate_id(now)
    return IdentityRow(
        id=generate_id(now),
        customer_id=home,
        channel=GUEST + order.channel,
        external_id=order.id,
        home=home,
        proved_id=home,
        linked_at=now,
    )


def _read_contact(row: OrderRow) -> Mapping[str, Any]:
    contact: Mapping[str, Any] = load_json(row.contact) if row.contact else {}
    return contact


def _is_reachable(contact: Mapping[str, Any]) -> bool:
    return bool(contact.get("email") or contact.get("phone"))


def _has_personal_data(row: OrderRow) -> bool:
    return any((*_read_contact(row).values(), row.shipping_address, row.billing_address))


def _digest_contact(order: OrderRow, contact: Mapping[str, Any]) -> str | None:
    """Digest the contact of an order: guests of a channel with the same one are one holder of its values. A name alone
    is that of many people. None: nothing is known of the guest.
    """
    phone = "".join(character for character in contact.get("phone") or "" if character.isdigit())
    values = [order.channel, fold(contact.get("email") or ""), phone, fold(contact.get("name") or "")]
    if not _is_reachable(contact):
        if not _has_personal_data(order):
            return None
        values = [order.channel, order.id]
    return "contact:" + hashlib.sha256("\t".join(values).encode()).hexdigest()[:32]


def _dump_point(channel: str, value: str | None) -> str:
    return dump_json([[value, False, True, [channel]]] if value else [])
