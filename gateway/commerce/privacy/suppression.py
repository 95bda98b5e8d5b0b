"""Suppression: what was erased does not come back with the records of channels (rule C12).

A record that was erased is stored as an empty shell, so that its orders still attach. Another record is one only if it
has an erased email address, under the same given name or none, and was created before the erase: who registers again is
taken anew, and a family that shares the mailbox stays. A phone number suppresses no one: it may be another person's by
now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from gateway.commerce.config import SellingConfig
from gateway.commerce.customers.recognition.evidence import read_email
from gateway.commerce.customers.recognition.given_names import normalize_given_name
from gateway.commerce.privacy.keyed_values import DigestKind, build_digest, build_digests, build_key_id, get_keys
from gateway.model.orders import OrderStatus
from gateway.model.validation import fold
from gateway.storage.database import Connection
from gateway.storage.privacy import suppressions
from gateway.storage.privacy.suppressions import SuppressionRow
from gateway.storage.sql.bulk import load_json
from gateway.storage.writes.customers.consents import FactRow
from gateway.storage.writes.customers.identities import IdentityRow

OPEN_ORDERS = (OrderStatus.PENDING.value, OrderStatus.OPEN.value, OrderStatus.CANCELLING.value)
"""States in which an order keeps its contact, because goods or money are still to be handed over."""


class NewRecord(NamedTuple):
    """A record that was never stored here. `created_at`: None: the channel does not say it."""

    id: str
    external_id: str
    emails: Sequence[str]
    given_name: str | None
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
    name = _fold_name(record.given_name)
    emails = [
        digest for email in record.emails for digest in build_digests(config, DigestKind.EMAIL, normalize(email), name)
    ]
    return [*own, *emails]


def _get_time(row: SuppressionRow | None, record: NewRecord) -> datetime | None:
    """Return when a record was erased, by a digest that it has."""
    if row is None:
        return None
    if row.kind == DigestKind.RECORD.value:
        return row.erased_at
    is_older = record.created_at is not None and record.created_at < row.erased_at
    return row.erased_at if is_older else None


def _fold_name(given_name: str | None) -> str:
    """Return the compared form of a given name, or an empty text: a mailbox may be that of a family."""
    return normalize_given_name(given_name) or ""


def normalize(email: str) -> str:
    """Return the compared form of an email address."""
    return read_email(email) or fold(email.strip())


def build_suppressions(
    members: Iterable[IdentityRow],
    facts: Iterable[FactRow],
    config: SellingConfig,
    now: datetime,
    *,
    has_addresses: bool,
) -> list[SuppressionRow]:
    """Build what keeps these identities from coming back, and what they have denied from being forgotten.

    Args:
        has_addresses: whether other records with their email addresses do not come back either.
    """
    rows = list(members)
    values: dict[tuple[DigestKind, tuple[str, ...]], datetime] = {}
    for row in rows:
        values[DigestKind.RECORD, (row.channel, row.external_id)] = now
        names = {"", _fold_name(row.given_name or (row.display_name or "").partition(" ")[0])}
        addresses = [normalize(point[0]) for point in load_json(row.emails) if has_addresses]
        values |= {(DigestKind.EMAIL, (address, name)): now for address in addresses for name in names}
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
