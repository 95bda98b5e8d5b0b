"""Customer ingest: stores the customer records of channels as identities, and derives which customers they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from gateway.commerce.consents.pushes import push_denials
from gateway.commerce.consents.recording import ReportedConsent, record_consents
from gateway.commerce.customers.regrouping import regroup
from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord
from gateway.commerce.loyalty import channel_points
from gateway.commerce.privacy import late_copies, order_contacts
from gateway.commerce.privacy.channel_erases import confirm_erases, is_empty
from gateway.commerce.privacy.suppression import NewRecord, find_suppressed
from gateway.model.customers.profiles import ContactPoint, IdentityRule
from gateway.model.ids import generate_id
from gateway.sdk.records import CustomerRecord
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes.customers import evidence, identities
from gateway.storage.writes.customers.identities import IdentityRow


def ingest_customers(conn: Connection, batch: IngestBatch[CustomerRecord]) -> None:
    """Apply the customer records of one channel."""
    evidence.lock_recognition(conn)  # before the identities, as all that recognizes them
    ids = [ingested.source_id for ingested in batch.records]
    known = identities.lock_identities(conn, [*ids, *batch.removed])
    erased = _find_erased(conn, batch, known)
    keys = batch.rules.selling.customers.policy(batch.channel, [ingested.record for ingested in batch.records])
    rows = [
        _build_identity(batch, ingested, known.get(ingested.source_id), key, erased.get(ingested.source_id))
        for ingested, key in zip(batch.records, keys, strict=True)
    ]
    removed = [replace(known[id_], gone=True, changed_at=batch.now) for id_ in batch.removed if id_ in known]
    identities.store_identities(conn, [*rows, *removed])
    facts = record_consents(conn, _list_consents(batch, rows), batch.rules.selling, batch.now)
    regroup(conn, [row.id for row in (*rows, *removed)], batch.rules.selling.customers, batch.now)
    points = {row.loyalty_number: row.loyalty_points for row in rows if row.loyalty_number and row.loyalty_points}
    channel_points.import_points(conn, batch.channel, points, batch.rules.selling, batch.now)
    push_denials(conn, facts, batch.rules.selling, batch.now, only_granted=True)
    _confirm_erases(conn, batch, [*rows, *removed])
    _erase_copies(conn, batch, [row for row in rows if row.erased_at is not None and row.id not in known])


def _find_erased(
    conn: Connection, batch: IngestBatch[CustomerRecord], known: Mapping[str, IdentityRow]
) -> Mapping[str, datetime]:
    """Find the records that were erased here: they are stored as shells, without data (rule C12)."""
    erased = {id_: row.erased_at for id_, row in known.items() if row.erased_at is not None}
    records = [one for one in batch.records if one.source_id not in known]
    new = [
        NewRecord(
            one.source_id,
            one.record.ref.id,
            [point.value for point in one.record.emails],
            one.record.given_name or (one.record.display_name or "").partition(" ")[0],
            one.record.created_at,
        )
        for one in records
    ]
    return {**erased, **find_suppressed(conn, batch.channel, new, batch.rules.selling)}


def _confirm_erases(conn: Connection, batch: IngestBatch[CustomerRecord], rows: Sequence[IdentityRow]) -> None:
    """Tell the erases what the channel shows of records that were erased here."""
    records = {one.source_id: one.record for one in batch.records}
    read = {row.id: records.get(row.id) for row in rows if row.erased_at is not None}
    if read:
        confirm_erases(conn, batch.channel, read, batch.now)


def _erase_copies(conn: Connection, batch: IngestBatch[CustomerRecord], shells: Sequence[IdentityRow]) -> None:
    """Let the channel erase records that were stored as shells just now, and still have data there."""
    if not shells:
        return
    order_contacts.apply_erases(conn, shells, batch.context)
    named = {one.source_id for one in batch.records if not is_empty(one.record)}
    late_copies.request_copy_erases(conn, [row for row in shells if row.id in named], batch.context)


def _list_consents(batch: IngestBatch[CustomerRecord], rows: Sequence[IdentityRow]) -> list[ReportedConsent]:
    return [
        ReportedConsent(row, consent, batch.seen.get(ingested.source_id))
        for ingested, row in zip(batch.records, rows, strict=True)
        for consent in ingested.record.consents
        if row.erased_at is None
    ]


def _build_identity(
    batch: IngestBatch[CustomerRecord],
    ingested: IngestedRecord[CustomerRecord],
    former: IdentityRow | None,
    policy_key: str | None,
    erased_at: datetime | None,
) -> IdentityRow:
    record = ingested.record
    if erased_at is not None:
        return replace(former or _mint_identity(batch, ingested), erased_at=erased_at, gone=False)
    row = replace(
        former or _mint_identity(batch, ingested),
        loyalty_number=record.loyalty_number,
        loyalty_points=None if record.loyalty is None else record.loyalty.points,
        loyalty_tier=None if record.loyalty is None else record.loyalty.tier,
        merged_into=record.merged_into,
        external_references=_serialize_references(batch, record),
        policy_key=policy_key,
        evidence=_serialize_evidence(record),
        gone=False,
        display_name=record.display_name,
        given_name=record.given_name,
        family_name=record.family_name,
        locale=record.locale,
        emails=_serialize_points(batch.channel, record.emails),
        phones=_serialize_points(batch.channel, record.phones),
        addresses=dump_json([asdict(address) for address in record.addresses]),
        tags=dump_json(list(record.tags)),
        has_login=batch.channel in batch.rules.selling.customers.login_channels,
        record_created_at=record.created_at,
    )
    return row if row == former else replace(row, changed_at=batch.now)


def _mint_identity(batch: IngestBatch[CustomerRecord], ingested: IngestedRecord[CustomerRecord]) -> IdentityRow:
    """Mint the identity of a record, and with it the customer ID that stays its own (rule C1)."""
    home = generate_id(batch.now)
    return IdentityRow(
        id=ingested.source_id,
        customer_id=home,
        channel=batch.channel,
        external_id=ingested.record.ref.id,
        home=home,
        proved_id=home,
        linked_at=batch.now,
    )


def _serialize_evidence(record: CustomerRecord) -> str:
    evidence = [[IdentityRule.EXTERNAL_REFERENCE.value, record.ref.id]]
    if record.loyalty_number:
        evidence.append([IdentityRule.LOYALTY_NUMBER.value, record.loyalty_number])
    return dump_json(evidence)


def _serialize_references(batch: IngestBatch[CustomerRecord], record: CustomerRecord) -> str | None:
    """Serialize the references of a record. Those that the configuration does not name are left out."""
    named = batch.rules.selling.customers.references.get(batch.channel, {})
    references = sorted([name, named[name], id_] for name, id_ in record.references.items() if name in named)
    return dump_json(references) if references else None


def _serialize_points(channel: str, points: Sequence[ContactPoint]) -> str:
    return dump_json([[point.value, point.verified, point.primary, [channel]] for point in points])
