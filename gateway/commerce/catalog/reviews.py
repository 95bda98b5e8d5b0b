"""Review ingest: applies the reviews that channels report."""

from __future__ import annotations

from dataclasses import replace

from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord
from gateway.model.ids import derive_id
from gateway.sdk.reviews import ReviewRecord
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.sync.id_namespaces import ensure_namespace
from gateway.storage.writes import product_reviews
from gateway.storage.writes.product_reviews import ReviewRow

ID_KIND = "Review"


def ingest_reviews(conn: Connection, batch: IngestBatch[ReviewRecord]) -> None:
    """Apply the review records of one channel. What caches hold of the reviewed products is dropped."""
    before = product_reviews.find_reviews(conn, [*(one.source_id for one in batch.records), *batch.removed])
    namespace = ensure_namespace(conn, batch.channel)
    rows = [_build_row(batch.channel, namespace, one) for one in batch.records]
    rows += [_clear_row(before[id_]) for id_ in batch.removed if id_ in before]
    changed = [row for row in rows if row != before.get(row.source_id)]
    product_reviews.store_reviews(conn, changed)
    former = (before[row.source_id] for row in changed if row.source_id in before)
    reviewed = {row.external_product_id for row in (*changed, *former)}
    subjects = product_reviews.find_reviewed_products(conn, batch.channel, reviewed) if reviewed else []
    change_log.log_change(conn, "PRODUCT", subjects, batch.now)


def _build_row(channel: str, namespace: str, ingested: IngestedRecord[ReviewRecord]) -> ReviewRow:
    record = ingested.record
    return ReviewRow(
        id=derive_id(ID_KIND, namespace, record.ref.id, 1),
        source_id=ingested.source_id,
        channel=channel,
        external_id=record.ref.id,
        external_product_id=record.product,
        external_variant_id=record.variant,
        rating=record.rating,
        title=record.title,
        body=record.body,
        author=record.author,
        verified_purchase=record.verified_purchase,
        locale=record.locale,
        reply=record.reply,
        written_at=record.written_at,
        gone=False,
    )


def _clear_row(row: ReviewRow) -> ReviewRow:
    """Build the tombstone of a review: nothing is left of what its author wrote."""
    return replace(row, gone=True, title=None, body=None, author=None, reply=None, locale=None)
