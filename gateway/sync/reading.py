"""From a channel's raw records to items that can be applied: what is unchanged is not even read."""

from __future__ import annotations

import asyncio
import hashlib
import json
import reprlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.channels.guard import BadRecord
from gateway.sdk.feeds import AnyFeed, Raw
from gateway.sdk.records import Gone, Record
from gateway.storage import sources
from gateway.sync.channel import Syncing, resource_of
from gateway.sync.take import Bad, Item, Reading

LONGEST_PAYLOAD = 64_000


async def reading(sync: Syncing, feed: AnyFeed, *, fetched: bool = False) -> Reading:
    """A reading that begins now."""
    begin = await sync.database.read(sources.current_count)
    return Reading(
        channel=sync.key,
        feed=feed.name,
        resource=resource_of(feed),
        begin=begin,
        observed_at=sync.now(),
        live=feed.name in sync.channel.live_feeds,
        fetched=fetched,
        rules=sync.rules,
    )


async def items(sync: Syncing, feed: AnyFeed, raws: Sequence[Raw]) -> list[Item]:
    """What these raw records say, as items."""
    digested = await asyncio.to_thread(_digested, sync.channel.plugin_version, raws)
    known = await sync.database.read(sources.digests, sync.key, resource_of(feed).value, [raw.id for raw in raws])
    changed = [raw for raw in raws if digested[raw.id].fit and known.get(raw.id) != digested[raw.id].digest]
    said = await sync.channel.read(feed.name, changed) if changed else ()
    found = dict(zip((raw.id for raw in changed), said, strict=True))
    return [_item(id_, one, found.get(id_)) for id_, one in digested.items()]


class Digested(NamedTuple):
    """Raw data as text, its digest, and whether it is data that a plugin may hand out."""

    text: str
    digest: str
    fit: bool = True


def _item(id_: str, raw: Digested, said: Record | Gone | BadRecord | None) -> Item:
    if not raw.fit:
        return Item(id_, raw.digest, Bad("the raw data is not JSON-like, or nested too deep", None, raw.text))
    if isinstance(said, BadRecord):
        return Item(id_, raw.digest, Bad(said.reason, said.field, raw.text[:LONGEST_PAYLOAD]))
    return Item(id_, None if isinstance(said, Gone) else raw.digest, said)


def _digested(version: str, raws: Sequence[Raw]) -> dict[str, Digested]:
    return {raw.id: _digest(version, raw.data) for raw in raws}


def _digest(version: str, data: Any) -> Digested:
    """With the plugin's version: a plugin that reads differently reads everything anew."""
    text = raw_text(data)
    shown = json.dumps(_shortly(data)) if text is None else text
    digest = hashlib.blake2b(f"{version}\n{shown}".encode(), digest_size=16).hexdigest()
    return Digested(shown, digest, fit=text is not None)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode


def raw_text(data: Any) -> str | None:
    """Raw data as JSON text, ASCII only, so that every database can hold whatever a channel sent (rule L1)."""
    try:
        return _encode(data)
    except Exception:  # noqa: BLE001 keys of several types, a circle, nested too deep, or what an object's str raises
        return None


def _shortly(data: Any) -> str:
    try:
        return reprlib.repr(data)
    except ValueError:  # an integer of thousands of digits
        return f"<{type(data).__name__}>"
