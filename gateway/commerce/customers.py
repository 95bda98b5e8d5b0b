"""Customers: taking in whom channels know. One customer per identity: recognition comes with its own rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from gateway.commerce.taking import Seen, Take
from gateway.model.customers import ContactPoint, IdentityRule
from gateway.model.ids import new_id
from gateway.model.orders import OrderStatus
from gateway.model.values import folded
from gateway.sdk.records import CustomerRecord
from gateway.storage import identities, log, products
from gateway.storage.database import Connection
from gateway.storage.identities import Contact, CustomerRow, IdentityRow
from gateway.storage.rows import dump
from gateway.storage.search import kept_words

UNCOUNTED = (OrderStatus.CANCELLED.value, OrderStatus.FAILED.value)
"""Orders in these states are no sales."""


def take_customers(conn: Connection, take: Take[CustomerRecord]) -> None:
    """Apply customer records of one channel."""
    linked = identities.identities_by_id(conn, [*(seen.source_id for seen in take.seen), *take.gone])
    before = identities.customers_by_id(conn, {row.customer_id for row in linked.values()})
    links = [_identity(take, seen, linked.get(seen.source_id)) for seen in take.seen]
    wanted = [_customer(take, seen.record, link, before) for seen, link in zip(take.seen, links, strict=True)]
    gone = [linked[id_] for id_ in take.gone if id_ in linked]
    wanted += [replace(before[link.customer_id], visible=False) for link in gone]
    changed = [_versioned(row, before, take) for row in wanted if row != before.get(row.id)]
    identities.store(conn, changed, before, [*links, *(replace(link, gone=True) for link in gone)])
    _index(conn, take, links)
    products.store_words(conn, "customer", changed, before)
    identities.recount(conn, {link.customer_id for link in links}, UNCOUNTED)
    log.record(conn, "CUSTOMER", [(row.id, row.version) for row in changed], take.now)


def _identity(take: Take[CustomerRecord], seen: Seen[CustomerRecord], known: IdentityRow | None) -> IdentityRow:
    record = seen.record
    evidence = [[IdentityRule.EXTERNAL_REFERENCE.value, record.ref.id]]
    if record.loyalty_number:
        evidence.append([IdentityRule.LOYALTY_NUMBER.value, record.loyalty_number])
    return IdentityRow(
        id=seen.source_id,
        customer_id=known.customer_id if known else new_id(take.now),
        channel=take.channel,
        external_id=record.ref.id,
        loyalty_number=record.loyalty_number,
        merged_into=record.merged_into,
        evidence=dump(evidence),
        gone=False,
        linked_at=known.linked_at if known else take.now,
    )


def _customer(
    take: Take[CustomerRecord], record: CustomerRecord, link: IdentityRow, before: dict[str, CustomerRow]
) -> CustomerRow:
    known = before.get(link.customer_id)
    return CustomerRow(
        id=link.customer_id,
        version=known.version if known else 0,
        display_name=_display_name(record),
        given_name=record.given_name,
        family_name=record.family_name,
        emails=_points(take.channel, record.emails),
        phones=_points(take.channel, record.phones),
        addresses=dump([asdict(address) for address in record.addresses]),
        tags=dump(list(record.tags)),
        visible=record.merged_into is None,
        sort_name=folded(_display_name(record) or "")[:600],  # an index of PostgreSQL takes 2,704 bytes
        words=kept_words([_display_name(record) or "", record.loyalty_number or ""]),
        created_at=known.created_at if known else record.created_at or take.now,
        updated_at=known.updated_at if known else take.now,
    )


def _display_name(record: CustomerRecord) -> str | None:
    whole = " ".join(part for part in (record.given_name, record.family_name) if part)
    return record.display_name or whole or None


def _points(channel: str, points: Sequence[ContactPoint]) -> str:
    return dump([[point.value, point.verified, point.primary, [channel]] for point in points])


def _versioned(row: CustomerRow, before: dict[str, CustomerRow], take: Take[CustomerRecord]) -> CustomerRow:
    return replace(row, version=before[row.id].version + 1 if row.id in before else 1, updated_at=take.now)


def _index(conn: Connection, take: Take[CustomerRecord], links: Sequence[IdentityRow]) -> None:
    found = [
        Contact(kind, value, link.customer_id)
        for seen, link in zip(take.seen, links, strict=True)
        for kind, value in _contacts(seen.record)
    ]
    identities.store_contacts(conn, [link.customer_id for link in links], found)


def _contacts(record: CustomerRecord) -> set[tuple[str, str]]:
    emails = {("email", folded(point.value)[:600]) for point in record.emails}
    phones = {("phone", digits(point.value)) for point in record.phones}
    return emails | phones | {("tag", tag) for tag in record.tags}


def digits(phone: str) -> str:
    """The digits of a phone number, by which it is found."""
    return "".join(character for character in phone if character.isdigit())
