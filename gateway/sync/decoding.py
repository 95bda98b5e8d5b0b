"""Decoding: turns raw records of a channel into items to apply. Unchanged records are not decoded."""

from __future__ import annotations

import asyncio
import hashlib
import json
import reprlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.channels.open_channel import BadRecord
from gateway.commerce.catalog import attributes
from gateway.sdk.feeds import AnyFeed, Raw
from gateway.sdk.records import Gone, ProductRecord, Record
from gateway.storage.sync import source_records
from gateway.sync.apply import InvalidRecord, ReadContext, ReadItem
from gateway.sync.channel_sync import ChannelSync, get_resource
from gateway.sync.read_version import compute_read_version

MAX_PAYLOAD_LENGTH = 64_000


async def begin_read(sync: ChannelSync, feed: AnyFeed, *, fetched: bool = False) -> ReadContext:
    """Begin a read: the observation counter and the time before the request."""
    begin = await sync.database.read(source_records.get_current_count)
    return ReadContext(
        channel=sync.key,
        feed=feed.name,
        resource=get_resource(feed),
        begin=begin,
        observed_at=sync.now(),
        can_fetch=feed.name in sync.channel.live_feeds,
        is_fetch=fetched,
        rules=sync.rules,
    )


async def decode_items(sync: ChannelSync, feed: AnyFeed, raws: Sequence[Raw]) -> list[ReadItem]:
    """Decode raw records into items."""
    version = compute_read_version(sync, get_resource(feed))
    digests = await asyncio.to_thread(_compute_digests, version, raws)
    stored_digests = await sync.database.read(
        source_records.find_digests, sync.key, get_resource(feed).value, [raw.id for raw in raws]
    )
    changed = [raw for raw in raws if digests[raw.id].is_valid and stored_digests.get(raw.id) != digests[raw.id].digest]
    decoded = await sync.channel.read(feed.name, changed) if changed else ()
    await asyncio.to_thread(_select_attributes, sync, decoded)
    decoded_by_id = dict(zip((raw.id for raw in changed), decoded, strict=True))
    return [_build_item(id_, digest, decoded_by_id.get(id_)) for id_, digest in digests.items()]


def _select_attributes(sync: ChannelSync, decoded: Sequence[Record | Gone | BadRecord]) -> None:
    """Select the attributes that the configuration declares."""
    for record in decoded:
        if isinstance(record, ProductRecord):
            attributes.select_declared(record, sync.key, sync.rules.attributes)


class RawDigest(NamedTuple):
    """Raw data as JSON text, with its digest. `is_valid`: the data can be serialized as JSON."""

    text: str
    digest: str
    is_valid: bool = True


def _build_item(id_: str, raw: RawDigest, decoded: Record | Gone | BadRecord | None) -> ReadItem:
    if not raw.is_valid:
        return ReadItem(
            id_, raw.digest, InvalidRecord("the raw data is not JSON-like, or nested too deep", None, raw.text)
        )
    if isinstance(decoded, BadRecord):
        text = raw.text[:MAX_PAYLOAD_LENGTH]
        return ReadItem(id_, raw.digest, InvalidRecord(decoded.reason, decoded.field, text, decoded.detail))
    payload = raw.text[:MAX_PAYLOAD_LENGTH] if isinstance(decoded, Record) else None
    return ReadItem(id_, None if isinstance(decoded, Gone) else raw.digest, decoded, payload)


def _compute_digests(version: str, raws: Sequence[Raw]) -> dict[str, RawDigest]:
    return {raw.id: _compute_digest(version, raw.data) for raw in raws}


def _compute_digest(version: str, data: Any) -> RawDigest:
    """Compute the digest of raw data and the read version: a new version decodes everything anew."""
    text = serialize_raw(data)
    shown = json.dumps(_abbreviate(data)) if text is None else text
    digest = hashlib.blake2b(f"{version}\n{shown}".encode(), digest_size=16).hexdigest()
    return RawDigest(shown, digest, is_valid=text is not None)


_encode_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode


def serialize_raw(data: Any) -> str | None:
    """Serialize raw data as ASCII JSON, which every database can store (rule L1). None: it cannot be serialized."""
    try:
        return _encode_json(data)
    except Exception:  # noqa: BLE001 mixed keys, a cycle, nested too deep, or what an object's str raises
        return None


def _abbreviate(data: Any) -> str:
    try:
        return reprlib.repr(data)
    except ValueError:  # an integer of thousands of digits
        return f"<{type(data).__name__}>"
