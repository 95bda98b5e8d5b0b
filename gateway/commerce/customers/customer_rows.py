"""Customer rows: derived from the identities of each customer, with what customers are searched and sorted by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce.consents.derivation import refresh_consents
from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.golden_record import is_known
from gateway.commerce.customers.golden_records import build_own_record
from gateway.model.customers.profiles import ACCOUNT, GUEST
from gateway.model.orders import OrderStatus
from gateway.model.validation import fold
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json, load_json
from gateway.storage.sql.text_search import join_words
from gateway.storage.tables.customers import MAX_CHANNELS_LENGTH
from gateway.storage.writes import products
from gateway.storage.writes.customers import edits, identities, profiles
from gateway.storage.writes.customers.edits import AddressRow, EditRow
from gateway.storage.writes.customers.identities import IdentityRow
from gateway.storage.writes.customers.profiles import Contact, CustomerRow

VOID_ORDER_STATUSES = (OrderStatus.CANCELLED.value, OrderStatus.FAILED.value)
"""States of orders that do not count as sales."""


def rebuild_customers(conn: Connection, ids: Collection[str], config: CustomerConfig, now: datetime) -> None:
    """Derive these customers from their identities of today. One that has none left is hidden, with its version."""
    members = _group_by_customer(identities.lock_members(conn, ids))
    before = profiles.lock_customers(conn, ids)
    all_ids = [row.id for rows in members.values() for row in rows]
    entered, addresses = edits.find_edits(conn, all_ids), edits.find_addresses(conn, all_ids)
    rows = [
        _build_row(id_, members.get(id_, []), entered, addresses, before.get(id_), config, now)
        for id_ in sorted(set(ids))
        if id_ in members or id_ in before
    ]
    changed = [_bump_version(row, before.get(row.id), now) for row in rows if row != before.get(row.id)]
    profiles.store_customers(conn, changed, before)
    profiles.store_contacts(
        conn, [row.id for row in changed], [contact for row in changed for contact in _list_contacts(row)]
    )
    products.store_words(conn, "customer", changed, before)
    count_orders(conn, [row.id for row in rows], config)
    refresh_consents(conn, [row.id for row in rows])
    change_log.log_change(conn, "CUSTOMER", [(row.id, row.version) for row in changed], now)


def count_orders(conn: Connection, customer_ids: Collection[str], config: CustomerConfig) -> None:
    """Count the orders of these customers anew."""
    profiles.recompute_orders(conn, customer_ids, VOID_ORDER_STATUSES, config.store_channels)


def touch_customers(conn: Connection, ids: Collection[str], now: datetime) -> None:
    """Give customers a new version, as something that belongs to them has changed."""
    before = profiles.lock_customers(conn, ids)
    changed = [_bump_version(row, row, now) for row in before.values()]
    profiles.store_customers(conn, changed, before)
    change_log.log_change(conn, "CUSTOMER", [(row.id, row.version) for row in changed], now)


def _group_by_customer(rows: Sequence[IdentityRow]) -> Mapping[str, list[IdentityRow]]:
    members: dict[str, list[IdentityRow]] = defaultdict(list)
    for row in rows:
        members[row.customer_id].append(row)
    return members


def _build_row(
    id_: str,
    members: Sequence[IdentityRow],
    entered: Sequence[EditRow],
    addresses: Sequence[AddressRow],
    former: CustomerRow | None,
    config: CustomerConfig,
    now: datetime,
) -> CustomerRow:
    golden = build_own_record(members, entered, addresses, config.survivorship)
    name, channels = golden.display_name or "", _dump_channels(members)
    return CustomerRow(
        id=id_,
        version=former.version if former else 0,
        display_name=golden.display_name,
        given_name=golden.given_name,
        family_name=golden.family_name,
        emails=dump_json(golden.emails),
        phones=dump_json(golden.phones),
        addresses=dump_json(golden.addresses),
        tags=dump_json(golden.tags),
        visible=any(_is_visible(row, config) for row in members),
        sort_name=fold(name)[:600],  # characters in an index: PostgreSQL takes 2,704 bytes
        words=join_words([name, *_list_search_texts(members, config)]),
        locale=golden.locale,
        has_login=any(row.has_login for row in members),
        channels=channels,
        channels_version=None if channels is None else former.version if former else 0,
        created_at=_find_creation(members) or (former.created_at if former else now),
        updated_at=former.updated_at if former else now,
    )


def _is_visible(row: IdentityRow, config: CustomerConfig) -> bool:
    """Whether an identity alone makes a customer: a guest's only with a contact, and none that its channel merged.

    A guest whose contact a marketplace lends is a customer without a name (rule C6).
    """
    if row.channel.startswith(GUEST):
        return row.contact_key is not None and not row.gone and row.erased_at is None
    return is_known(row, config.survivorship) and row.merged_into is None


def _list_search_texts(members: Sequence[IdentityRow], config: CustomerConfig) -> list[str]:
    known = [row for row in members if is_known(row, config.survivorship)]
    return [text for row in known for text in (row.display_name, row.loyalty_number) if text]


def _dump_channels(members: Sequence[IdentityRow]) -> str | None:
    """Encode the channels with a record or a guest order. None: they are too long for an index, and are looked up."""
    keys = {row.channel.removeprefix(GUEST) for row in members if not row.gone}
    text = dump_json(sorted(key for key in keys if not key.startswith(ACCOUNT)))
    return text if len(text) <= MAX_CHANNELS_LENGTH else None


def _find_creation(members: Sequence[IdentityRow]) -> datetime | None:
    return min((row.record_created_at or row.linked_at for row in members), default=None)


def _bump_version(row: CustomerRow, former: CustomerRow | None, now: datetime) -> CustomerRow:
    version = former.version + 1 if former else 1
    channels_version = version if row.channels_version == version - 1 else row.channels_version
    return replace(row, version=version, channels_version=channels_version, updated_at=now)


def _list_contacts(row: CustomerRow) -> set[Contact]:
    emails = {("email", fold(point[0])[:600]) for point in load_json(row.emails)}
    phones = {("phone", extract_digits(point[0])) for point in load_json(row.phones)}
    tags = {("tag", tag) for tag in load_json(row.tags)}
    return {Contact(kind, value, row.id) for kind, value in emails | phones | tags}


def extract_digits(phone: str) -> str:
    """Extract the digits of a phone number, by which it is searched."""
    return "".join(character for character in phone if character.isdigit())
