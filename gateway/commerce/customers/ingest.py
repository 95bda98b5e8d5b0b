"""Customer ingest: applies the customers that channels report. Every channel identity is a customer of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord
from gateway.model.customers.profiles import ContactPoint, IdentityRule
from gateway.model.ids import generate_id
from gateway.model.orders import OrderStatus
from gateway.model.validation import fold
from gateway.sdk.records import CustomerRecord
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.sql.text_search import join_words
from gateway.storage.writes import products
from gateway.storage.writes.customers import profiles
from gateway.storage.writes.customers.profiles import Contact, CustomerRow, IdentityRow

VOID_ORDER_STATUSES = (OrderStatus.CANCELLED.value, OrderStatus.FAILED.value)
"""States of orders that do not count as sales."""


def ingest_customers(conn: Connection, batch: IngestBatch[CustomerRecord]) -> None:
    """Apply the customer records of one channel."""
    linked = profiles.find_identities(conn, [*(ingested.source_id for ingested in batch.records), *batch.removed])
    before = profiles.lock_customers(conn, {row.customer_id for row in linked.values()})
    links = [_build_identity(batch, ingested, linked.get(ingested.source_id)) for ingested in batch.records]
    rows = [
        _build_customer(batch, ingested.record, link, before)
        for ingested, link in zip(batch.records, links, strict=True)
    ]
    removed = [linked[id_] for id_ in batch.removed if id_ in linked]
    rows += [replace(before[link.customer_id], visible=False) for link in removed]
    changed = [_bump_version(row, before, batch) for row in rows if row != before.get(row.id)]
    profiles.store_customers(conn, changed, before, [*links, *(replace(link, gone=True) for link in removed)])
    _index_contacts(conn, batch, links)
    products.store_words(conn, "customer", changed, before)
    profiles.recompute_orders(conn, {link.customer_id for link in links}, VOID_ORDER_STATUSES)
    change_log.log_change(conn, "CUSTOMER", [(row.id, row.version) for row in changed], batch.now)


def _build_identity(
    batch: IngestBatch[CustomerRecord], ingested: IngestedRecord[CustomerRecord], former: IdentityRow | None
) -> IdentityRow:
    record = ingested.record
    evidence = [[IdentityRule.EXTERNAL_REFERENCE.value, record.ref.id]]
    if record.loyalty_number:
        evidence.append([IdentityRule.LOYALTY_NUMBER.value, record.loyalty_number])
    return IdentityRow(
        id=ingested.source_id,
        customer_id=former.customer_id if former else generate_id(batch.now),
        channel=batch.channel,
        external_id=record.ref.id,
        loyalty_number=record.loyalty_number,
        merged_into=record.merged_into,
        evidence=dump_json(evidence),
        gone=False,
        linked_at=former.linked_at if former else batch.now,
    )


def _build_customer(
    batch: IngestBatch[CustomerRecord], record: CustomerRecord, link: IdentityRow, before: dict[str, CustomerRow]
) -> CustomerRow:
    former = before.get(link.customer_id)
    return CustomerRow(
        id=link.customer_id,
        version=former.version if former else 0,
        display_name=_get_display_name(record),
        given_name=record.given_name,
        family_name=record.family_name,
        emails=_serialize_points(batch.channel, record.emails),
        phones=_serialize_points(batch.channel, record.phones),
        addresses=dump_json([asdict(address) for address in record.addresses]),
        tags=dump_json(list(record.tags)),
        visible=record.merged_into is None,
        sort_name=fold(_get_display_name(record) or "")[:600],  # characters in an index: PostgreSQL takes 2,704 bytes
        words=join_words([_get_display_name(record) or "", record.loyalty_number or ""]),
        created_at=former.created_at if former else record.created_at or batch.now,
        updated_at=former.updated_at if former else batch.now,
    )


def _get_display_name(record: CustomerRecord) -> str | None:
    whole = " ".join(part for part in (record.given_name, record.family_name) if part)
    return record.display_name or whole or None


def _serialize_points(channel: str, points: Sequence[ContactPoint]) -> str:
    return dump_json([[point.value, point.verified, point.primary, [channel]] for point in points])


def _bump_version(row: CustomerRow, before: dict[str, CustomerRow], batch: IngestBatch[CustomerRecord]) -> CustomerRow:
    return replace(row, version=before[row.id].version + 1 if row.id in before else 1, updated_at=batch.now)


def _index_contacts(conn: Connection, batch: IngestBatch[CustomerRecord], links: Sequence[IdentityRow]) -> None:
    contacts = [
        Contact(kind, value, link.customer_id)
        for ingested, link in zip(batch.records, links, strict=True)
        for kind, value in _list_contacts(ingested.record)
    ]
    profiles.store_contacts(conn, [link.customer_id for link in links], contacts)


def _list_contacts(record: CustomerRecord) -> set[tuple[str, str]]:
    emails = {("email", fold(point.value)[:600]) for point in record.emails}
    phones = {("phone", extract_digits(point.value)) for point in record.phones}
    return emails | phones | {("tag", tag) for tag in record.tags}


def extract_digits(phone: str) -> str:
    """Extract the digits of a phone number, by which it is searched."""
    return "".join(character for character in phone if character.isdigit())
