"""Collections of the configuration: built when the gateway opens, and logged as changed if they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime

from gateway.model.catalog import Collection, CollectionKind
from gateway.model.content import ProductText
from gateway.model.media import Image
from gateway.sdk.html import extract_text, sanitize_html
from gateway.settings.collections import CollectionTable
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.writes import configured_collections
from gateway.storage.writes.configured_collections import ConfiguredCollection


def build_smart_collections(
    conn: Connection, tables: Mapping[str, CollectionTable], now: datetime
) -> Mapping[str, Collection]:
    """Build the collections of the configuration, in its order, and log those that changed since the last start."""
    before = configured_collections.read_collections(conn)
    digests = {key: _compute_digest(table) for key, table in tables.items()}
    after = {
        key: known if (known := before.get(key)) and known.digest == digest else ConfiguredCollection(digest, now)
        for key, digest in digests.items()
    }
    changed = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    if changed:
        configured_collections.store_collections(conn, after)
        change_log.log_change(conn, "COLLECTION", [(key, 1) for key in changed], now)
    return {key: _build_collection(key, table, after[key].updated_at) for key, table in tables.items()}


def _compute_digest(table: CollectionTable) -> str:
    return hashlib.blake2b(table.model_dump_json().encode(), digest_size=16).hexdigest()


def _build_collection(key: str, table: CollectionTable, updated_at: datetime) -> Collection:
    return Collection(
        id=key,
        handle=table.handle or key,
        channel_key=None,
        kind=CollectionKind.SMART,
        texts=tuple(_build_texts(table)),
        image=None if table.image is None else Image(url=table.image, channel_key=table.channel),
        updated_at=updated_at,
    )


def _build_texts(table: CollectionTable) -> Iterator[ProductText]:
    """Build the texts by locale, the default first. What a locale lacks is as in the default one."""
    default = next(iter(table.titles))
    for locale in dict.fromkeys((*table.titles, *table.descriptions)):
        html = sanitize_html("descriptions", table.descriptions.get(locale, table.descriptions.get(default, "")))
        title = table.titles.get(locale, table.titles[default])
        yield ProductText(locale=locale, title=title, description=extract_text(html), html=html)
