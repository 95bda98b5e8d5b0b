"""Apply: stores the records of a read, one transaction per batch. Channel data is stored in no other way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from gateway.channels.response_validation import describe_exception
from gateway.commerce.catalog.collections import ingest_collections
from gateway.commerce.catalog.ingest import ingest_products
from gateway.commerce.catalog.reviews import ingest_reviews
from gateway.commerce.channel_orders.ingest import ingest_orders
from gateway.commerce.customers.ingest import ingest_customers
from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord, IngestRules
from gateway.commerce.inventory.ingest import ingest_stock
from gateway.model.channels import RejectSeverity, Resource
from gateway.model.ids import generate_id
from gateway.model.validation import InvalidValueError, sanitize_message
from gateway.sdk.records import Gone, Record, Ref, Version
from gateway.storage.database import Connection
from gateway.storage.sync import leases, rejects, source_records
from gateway.storage.sync.leases import Lease
from gateway.storage.sync.rejects import RejectRow
from gateway.storage.sync.source_records import SourceRecord
from gateway.storage.tables import EPOCH, MICROSECOND
from gateway.storage.writes import reservations
from gateway.sync.record_isolation import apply_isolated
from gateway.sync.versioning import Observation, Verdict, advance_source, decide_verdict

INGESTERS: Mapping[Resource, Callable[[Connection, IngestBatch[Any]], None]] = {
    Resource.PRODUCTS: ingest_products,
    Resource.STOCK: ingest_stock,
    Resource.COLLECTIONS: ingest_collections,
    Resource.CUSTOMERS: ingest_customers,
    Resource.ORDERS: ingest_orders,
    Resource.REVIEWS: ingest_reviews,
}


MAX_REASON = 2_000
"""Maximum number of characters of the warnings about one record."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InvalidRecord:
    """A record that could not be decoded, or stored."""

    reason: str
    field: str | None
    payload: str | None
    detail: str | None = None


class ReadItem(NamedTuple):
    """A record as a read returned it.

    Attributes:
        digest: of the raw data; None: the record was removed.
        record: the decoded record; None: the raw data is unchanged, so it was not decoded.
        payload: the raw data.
    """

    id: str
    digest: str | None
    record: Record | Gone | InvalidRecord | None
    payload: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContext:
    """The read that returned some items.

    Attributes:
        begin: the observation counter before the request.
        can_fetch: the feed can fetch single records; `is_fetch`: this read did.
    """

    channel: str
    feed: str
    resource: Resource
    begin: int
    observed_at: datetime
    can_fetch: bool
    is_fetch: bool
    rules: IngestRules


DEFECTS = (LookupError, TypeError, AttributeError)
"""Types of the errors of defective code, which unusual data can cause, too."""


class JudgedItem(NamedTuple):
    """An item, the verdict about it, and its source row after that."""

    item: ReadItem
    verdict: Verdict
    after: SourceRecord


def apply_items(
    conn: Connection, read: ReadContext, items: Sequence[ReadItem], lease: Lease | None, now: datetime
) -> int:
    """Apply items. Returns how many of them changed something. A record that cannot be stored is rejected alone.

    Raises:
        LeaseLostError: another process syncs the channel now.
    """
    if lease is not None:
        leases.check_lease(conn, lease)

    def apply(part: Sequence[ReadItem]) -> int:
        return _apply_batch(conn, read, part, now)

    defects: list[Exception] = []

    def reject(item: ReadItem, error: Exception) -> int:
        defects.extend([error] if isinstance(error, DEFECTS) else [])
        return _reject_item(conn, read, item, error, now)

    if not any(isinstance(item.record, Record) for item in items):
        return apply(items)  # nothing was decoded, so that nothing new is stored
    changed = apply_isolated(conn, items, apply, reject)
    if 1 < len(items) == len(defects):  # the code is defective, and not the data of each record
        raise defects[-1]
    return changed


def _reject_item(conn: Connection, read: ReadContext, item: ReadItem, error: Exception, now: datetime) -> int:
    """Reject a record that cannot be stored. What is no record, as a deletion, cannot be rejected."""
    if not isinstance(item.record, Record):
        raise error
    changed = _apply_batch(conn, read, [item._replace(record=_build_unstorable(item, error))], now)
    if changed:  # or it was rejected before
        _log.warning(
            "%s: a record of feed %s could not be stored (%s); see `gateway rejects`",
            read.channel,
            read.feed,
            type(error).__name__,
        )
    return changed


def _build_unstorable(item: ReadItem, error: Exception) -> InvalidRecord:
    """Describe why a record cannot be stored. What the database says can quote it, so that it is a detail (rule V1)."""
    if isinstance(error, InvalidValueError):
        return InvalidRecord(sanitize_message(error), sanitize_message(error.field), item.payload)
    reason = f"the gateway could not store this record: {type(error).__name__}"
    return InvalidRecord(reason, None, item.payload, describe_exception(error))


def _apply_batch(conn: Connection, read: ReadContext, items: Sequence[ReadItem], now: datetime) -> int:
    sources = _load_sources(conn, read, items, now)
    end = source_records.take_next_count(conn)
    judged = [_judge_item(item, sources[item.id], read, end) for item in items]
    _store_sources(conn, judged, sources, read, end)
    applied = [entry for entry in judged if entry.verdict is Verdict.APPLY]
    if applied:
        _store_rejects(conn, applied, sources, read, now)
    if applied or _can_prove(conn, read):
        INGESTERS[read.resource](conn, _build_batch(judged, sources, read, end, now))
    return len(applied)


def _can_prove(conn: Connection, read: ReadContext) -> bool:
    """Whether unchanged records matter: a count can prove that it contains movements (rule K3)."""
    return read.resource is Resource.STOCK and reservations.has_open_reservations(conn, read.channel)


def _load_sources(
    conn: Connection, read: ReadContext, items: Sequence[ReadItem], now: datetime
) -> dict[str, SourceRecord]:
    ids = [item.id for item in items]
    stored = source_records.lock_records(conn, read.channel, read.resource.value, ids)
    new = [id_ for id_ in ids if id_ not in stored]
    unread = source_records.build_unread(conn, read.channel, read.resource.value, read.feed, new, now)
    return stored | {source.external_id: source for source in unread}


def _judge_item(item: ReadItem, source: SourceRecord, read: ReadContext, end: int) -> JudgedItem:
    requested = source.dirty_at is not None and read.begin >= source.dirty_at
    observation = Observation(
        digest=item.digest,
        version=_get_version(item),
        is_invalid=isinstance(item.record, InvalidRecord),
        begin=read.begin,
        end=end,
        observed_at=read.observed_at,
        is_authoritative=read.is_fetch or (not read.can_fetch and requested),
    )
    verdict = decide_verdict(source, observation)
    if verdict is Verdict.APPLY and item.record is None:
        verdict = Verdict.AGAIN  # the data that it was equal to has changed meanwhile
    after = advance_source(source, observation, verdict)
    ref = _get_ref(item)
    note = ref.note if ref else source.note
    if verdict is Verdict.APPLY and (after.feed, after.note) != (read.feed, note):
        after.feed, after.note = read.feed, note
    return JudgedItem(item, verdict, after)


def _get_version(item: ReadItem) -> int | None:
    version: Version | None = item.record.version if isinstance(item.record, Record) else None
    return (version - EPOCH) // MICROSECOND if isinstance(version, datetime) else version


def _get_ref(item: ReadItem) -> Ref | None:
    return item.record.ref if isinstance(item.record, Record) else None


def _store_sources(
    conn: Connection, judged: Sequence[JudgedItem], sources: Mapping[str, SourceRecord], read: ReadContext, end: int
) -> None:
    """Store the source rows. Those that only moved forward in time are stored by one statement."""
    advanced = [
        entry
        for entry in judged
        if entry.verdict is Verdict.SAME and _is_only_later(sources[entry.item.id], entry.after)
    ]
    advanced_ids = {entry.item.id for entry in advanced}
    source_records.touch_records(conn, [entry.after.id for entry in advanced], read.begin, end, read.observed_at)
    moved = [entry for entry in judged if entry.item.id not in advanced_ids and entry.after != sources[entry.item.id]]
    source_records.insert_records(conn, [entry.after for entry in moved if _is_new(sources, entry)])
    source_records.update_records(conn, [entry.after for entry in moved if not _is_new(sources, entry)])


def _is_new(sources: Mapping[str, SourceRecord], judged: JudgedItem) -> bool:
    return sources[judged.item.id].end == 0 and sources[judged.item.id].dirty_at is None


def _is_only_later(before: SourceRecord, after: SourceRecord) -> bool:
    moved = before.copy()
    moved.begin, moved.end, moved.observed_at = after.begin, after.end, after.observed_at
    return moved == after


def _store_rejects(
    conn: Connection,
    applied: Sequence[JudgedItem],
    sources: Mapping[str, SourceRecord],
    read: ReadContext,
    now: datetime,
) -> None:
    rows = [row for entry in applied if (row := _build_reject(entry.item, read, now)) is not None]
    warned = rejects.find_warned(conn, read.channel, read.resource.value, [entry.item.id for entry in applied])
    listed = {row.external_id for row in rows}
    valid = [
        entry.item.id
        for entry in applied
        if entry.item.id not in listed and (_is_unreadable(sources[entry.item.id]) or entry.item.id in warned)
    ]
    rejects.store_rejects(conn, rows)
    rejects.clear_rejects(conn, read.channel, read.resource.value, valid)


def _build_reject(item: ReadItem, read: ReadContext, now: datetime) -> RejectRow | None:
    """Build the row of a record that was rejected, or stored without invalid fields; None: it is valid."""
    if isinstance(item.record, InvalidRecord):
        reason, field, severity = item.record.reason, item.record.field, RejectSeverity.ERROR
    elif isinstance(item.record, Record) and item.record.warnings:
        reason = "; ".join(f"{warning.field}: {warning.reason}" for warning in item.record.warnings)[:MAX_REASON]
        field, severity = item.record.warnings[0].field, RejectSeverity.WARNING
    else:
        return None
    return RejectRow(
        id=generate_id(now),
        channel=read.channel,
        resource=read.resource.value,
        external_id=item.id,
        feed=read.feed,
        reason=reason,
        field=field,
        payload=item.record.payload if isinstance(item.record, InvalidRecord) else item.payload,
        rejected_at=now,
        severity=severity.value,
        detail=item.record.detail if isinstance(item.record, InvalidRecord) else None,
    )


def _is_unreadable(source: SourceRecord) -> bool:
    """Whether the record was never decoded, or rejected by the last read."""
    return source.rejected or source.gone


def _build_batch(
    judged: Sequence[JudgedItem], sources: Mapping[str, SourceRecord], read: ReadContext, end: int, now: datetime
) -> IngestBatch[Any]:
    applied = [entry for entry in judged if entry.verdict is Verdict.APPLY]
    return IngestBatch(
        channel=read.channel,
        records=[
            IngestedRecord(entry.after.id, entry.item.record)
            for entry in applied
            if isinstance(entry.item.record, Record)
        ],
        removed=[entry.after.id for entry in applied if isinstance(entry.item.record, Gone)],
        rejected=[
            entry.after.id
            for entry in applied
            if isinstance(entry.item.record, InvalidRecord) and not sources[entry.item.id].gone
        ],
        unchanged=[entry.after.id for entry in judged if entry.verdict is Verdict.SAME],
        begin=read.begin,
        begun_at=read.observed_at,
        count=end,
        now=now,
        rules=read.rules,
        feed=read.feed,
        seen={source.id: source.observed_at for source in sources.values() if source.end > 0},
    )
