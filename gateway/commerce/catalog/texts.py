"""Texts of channel products: HTML, texts for search engines, and translations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from gateway.commerce.ingest_batch import IngestedRecord
from gateway.sdk.records import ProductRecord
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes import product_texts
from gateway.storage.writes.listings import ChannelProductRow
from gateway.storage.writes.product_texts import TextRow


def store_translations(
    conn: Connection, records: Sequence[IngestedRecord[ProductRecord]], before: dict[str, ChannelProductRow]
) -> None:
    """Store the translations of product records. What a translation leaves out is as in the channel's own language."""
    known = [id_ for id_, row in before.items() if row.texts_digest is not None]
    rows = {(row.channel_product_id, row.locale): row for one in records for row in _build_rows(one)}
    product_texts.store_texts(conn, known, list(rows.values()))


def _build_rows(ingested: IngestedRecord[ProductRecord]) -> Iterable[TextRow]:
    record = ingested.record
    for text in record.translations:
        if text.locale != record.locale:
            yield TextRow(
                ingested.source_id,
                text.locale,
                text.title or record.title,
                text.description or record.description,
                record.description_html if text.html is None and not text.description else text.html,
                text.seo_title,
                text.seo_description,
            )


def compute_digest(record: ProductRecord) -> str | None:
    """Compute a digest of what a product has beside its title and description; None: it has nothing."""
    texts = [record.locale, record.description_html, record.seo_title, record.seo_description]
    if not any(texts) and not record.translations:
        return None
    return _hash([*texts, [asdict(text) for text in record.translations]])


def combine_digests(rows: Iterable[ChannelProductRow]) -> str | None:
    """Combine the digests of the channel products of a product; None: they have none."""
    digests = sorted(f"{row.id} {row.texts_digest}" for row in rows if row.texts_digest is not None)
    return _hash(digests) if digests else None


def _hash(value: object) -> str:
    return hashlib.blake2b(dump_json(value).encode(), digest_size=16).hexdigest()
