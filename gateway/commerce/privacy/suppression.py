"""Suppression: what was erased does not come back with the records of channels (rule C12).

A record that was erased is stored as an empty shell, so that its orders still attach. Another record is one only if it
has an erased email address and was created before the erase: who registers again is taken anew. A phone number
suppresses no one: it may be another person's by now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from gateway.commerce.config import SellingConfig
from gateway.commerce.customers.recognition.evidence import read_email
from gateway.commerce.privacy.keyed_values import DigestKind, build_digest, build_digests, build_key_id, get_keys
from gateway.model.customers.profiles import GUEST
from gateway.model.orders import OrderStatus
from gateway.model.validation import fold
from gateway.storage.database import Connection
from gateway.storage.privacy import suppressions
from gateway.storage.privacy.suppressions import SuppressionRow
from gateway.storage.sql.bulk import load_json
from gateway.storage.writes.customers import identities
from gateway.storage.writes.customers.consents import FactRow
from gateway.storage.writes.customers.identities import IdentityRow
from gateway.storage.writes.orders import OrderRow

OPEN_ORDERS = (OrderStatus.PENDING.value, OrderStatus.OPEN.value, OrderStatus.CANCELLING.value)
"""States in which an order keeps its contact, because goods or money are still to be handed over."""


class NewRecord(NamedTuple):
    """A record that was never stored here. `created_at`: None: the channel does not say it."""

    id: str
    external_id: str
    emails: Sequence[str]
    created_at: datetime | None


def find_suppressed(
    conn: Connection, channel: str, records: Iterable[NewRecord], config: SellingConfig
) -> Mapping[str, datetime]:
    """Find the records that were erased, with the time of that, by ID."""
    new = list(records)
    if not new or not suppressions.has_suppressions(conn):
        return {}
    digests = {record.id: _list_digests(channel, record, config) for record in new}
    found = suppressions.find_suppressions(conn, {digest for some in digests.values() for digest in some})
    suppressed: dict[str, datetime] = {}
    for record in new:
        times = [_get_time(found.get(digest), record) for digest in digests[record.id]]
        if known := [time for time in times if time is not None]:
            suppressed[record.id] = max(known)
    return suppressed


def _list_digests(channel: str, record: NewRecord, config: SellingConfig) -> list[str]:
    own = build_digests(config, DigestKind.RECORD, channel, record.external_id)
    emails = [digest for email in record.emails for digest in build_digests(config, DigestKind.EMAIL, normalize(email))]
    return [*own, *emails]


def _get_time(row: SuppressionRow | None, record: NewRecord) -> datetime | None:
    """Return when a record was erased, by a digest that it has."""
    if row is None:
        return None
    if row.kind == DigestKind.RECORD.value:
        return row.erased_at
    is_older = record.created_at is not None and record.created_at < row.erased_at
    return row.erased_at if is_older else None


def normalize(email: str) -> str:
    """Return the compared form of an email address."""
    return read_email(email) or fold(email.strip())


def build_suppressions(
    members: Iterable[IdentityRow], facts: Iterable[FactRow], config: SellingConfig, now: datetime
) -> list[SuppressionRow]:
    """Build what keeps these identities from coming back, and what they have denied from being forgotten."""
    rows = list(members)
    values: dict[tuple[DigestKind, tuple[str, ...]], datetime] = {}
    for row in rows:
        values[DigestKind.RECORD, (row.channel, row.external_id)] = now
        values |= {(DigestKind.EMAIL, (normalize(point[0]),)): now for point in load_json(row.emails)}
    for fact in facts:
        if not fact.granted and fact.address is not None:
            about = (DigestKind.DENIAL, (fact.purpose, fact.address))
            values[about] = max(fact.latest, values.get(about, fact.latest))
    key = get_keys(config)[0]
    return [
        SuppressionRow(
            digest=build_digest(key, kind, *texts), kind=kind.value, key_id=build_key_id(key), erased_at=time
        )
        for (kind, texts), time in values.items()
    ]


def drop_denied(conn: Connection, facts: Sequence[FactRow], config: SellingConfig) -> list[FactRow]:
    """Leave out grants that may be older than what somebody has denied who is erased by now."""
    grants = [fact for fact in facts if fact.granted and fact.address is not None]
    if not grants or not suppressions.has_suppressions(conn):
        return list(facts)
    digests = {fact.id: build_digests(config, DigestKind.DENIAL, fact.purpose, fact.address or "") for fact in grants}
    found = suppressions.find_suppressions(conn, {digest for some in digests.values() for digest in some})
    denied = {
        fact.id
        for fact in grants
        for digest in digests[fact.id]
        if digest in found and found[digest].erased_at >= fact.earliest
    }
    return [fact for fact in facts if fact.id not in denied]


def is_login_suppressed(
    conn: Connection, channel: str, subject: str, issued_at: datetime, config: SellingConfig
) -> bool:
    """Return whether a login was issued before the data of its subject was erased."""
    found = suppressions.find_suppressions(conn, build_digests(config, DigestKind.RECORD, channel, subject))
    return any(issued_at < row.erased_at for row in found.values())


def clear_orders(conn: Connection, rows: Sequence[OrderRow], config: SellingConfig) -> None:
    """Clear the contact of orders of erased customers that a channel still shows. An open order keeps its own."""
    if not rows or not suppressions.has_suppressions(conn):
        return
    erased = _find_erased_buyers(conn, rows)
    erased |= _find_erased_guests(conn, [row for row in rows if row.customer is None], config)
    for row in rows:
        if row.id in erased and row.placed_at < erased[row.id] and row.status not in OPEN_ORDERS:
            row.contact = row.shipping_address = row.billing_address = None


def _find_erased_buyers(conn: Connection, rows: Sequence[OrderRow]) -> dict[str, datetime]:
    """Find the orders that name an erased customer, or whose guest was erased, with the time of that."""
    named = {(row.customer_channel or GUEST + row.channel, row.customer or row.id): row.id for row in rows}
    channels = {channel for channel, _ in named}
    found = [
        identity
        for channel in sorted(channels)
        for identity in identities.find_by_external_id(conn, channel, {id_ for key, id_ in named if key == channel})
    ]
    return {
        named[row.channel, row.external_id]: row.erased_at
        for row in found
        if row.erased_at is not None and (row.channel, row.external_id) in named
    }


def _find_erased_guests(conn: Connection, rows: Collection[OrderRow], config: SellingConfig) -> dict[str, datetime]:
    """Find the orders of guests that name an erased email address, and were placed before the erase."""
    records = [
        NewRecord(row.id, row.id, [contact["email"]], row.placed_at)
        for row in rows
        if (contact := load_json(row.contact) if row.contact else {}).get("email")
    ]
    by_channel = {row.id: GUEST + row.channel for row in rows}
    found: dict[str, datetime] = {}
    for channel in sorted(set(by_channel.values())):
        some = [record for record in records if by_channel[record.id] == channel]
        found |= find_suppressed(conn, channel, some, config)
    return found
