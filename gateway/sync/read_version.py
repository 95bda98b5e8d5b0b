"""Read versions: records that an earlier version read are read again after an upgrade (rule S11).

A change of what is made of a record raises the version: that of the plugin for its mapping, `INGEST_VERSIONS` for the
ingest of a resource. The next pass over the whole feed is then due at once, and decodes every record anew, page by page
as any other pass.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from gateway.commerce.catalog import attributes
from gateway.model.channels import Resource
from gateway.sdk.feeds import AnyFeed
from gateway.storage.sync.feed_cursors import DELTA, SWEEP, FeedCursorRow
from gateway.sync.channel_sync import ChannelSync

INGEST_VERSIONS: Mapping[Resource, int] = {Resource.CUSTOMERS: 3, Resource.ORDERS: 2, Resource.PRODUCTS: 5}
"""Versions of the ingest of resources. Those that are missing have the first version."""

FIRST_VERSION = 1


def compute_read_version(sync: ChannelSync, resource: Resource) -> str:
    """Compute the version under which records are read now: that of the plugin, and of the ingest if it has changed."""
    version = INGEST_VERSIONS.get(resource, FIRST_VERSION)
    ingest = "" if version == FIRST_VERSION else f"+{version}"
    declared = attributes.compute_digest(sync.key, sync.rules.attributes) if resource is Resource.PRODUCTS else ""
    preferred = sync.rules.survivorship if resource is Resource.PRODUCTS else ""
    named = _digest_references(sync) if resource is Resource.CUSTOMERS else ""
    return f"{sync.channel.plugin_version}{ingest}" + "".join(f"+{it}" for it in (declared, preferred, named) if it)


def _digest_references(sync: ChannelSync) -> str:
    """Return the digest of the fields by which customers name others; empty: there are none."""
    fields = sync.rules.selling.customers.references.get(sync.key)
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:8] if fields else ""


def is_outdated(sync: ChannelSync, row: FeedCursorRow) -> bool:
    """Return whether the last pass over the whole feed began under another version."""
    return row.version != compute_read_version(sync, Resource(row.resource))


def restart_outdated(sync: ChannelSync, feed: AnyFeed, row: FeedCursorRow | None) -> FeedCursorRow | None:
    """Return the sweep as it must be stored to begin now, because an earlier version has read the feed; None: it stays
    as it is.
    """
    if row is None or not is_outdated(sync, row):
        return None
    sync.ephemeral_tokens.pop((feed.name, row.kind), None)
    restarted = replace(row, token=None, begin=None, begun_at=None, reached=None, due_at=sync.now())
    return set_version(sync, restarted)


def mark_reread(passes: Mapping[tuple[str, str], FeedCursorRow], row: FeedCursorRow) -> FeedCursorRow | None:
    """Return the delta as it must be stored when a pass over the whole feed is complete; None: it stays as it is."""
    delta = passes.get((row.feed, DELTA))
    if row.kind == DELTA or delta is None or delta.version == row.version:
        return None
    return replace(delta, version=row.version)


def list_waiting(sync: ChannelSync, passes: Mapping[tuple[str, str], FeedCursorRow]) -> list[tuple[str, int]]:
    """List the feeds that wait to be read again after an upgrade, each with the pages that were read so far."""
    waiting: list[tuple[str, int]] = []
    for feed in sync.channel.feeds:
        delta, sweep = passes.get((feed, DELTA)), passes.get((feed, SWEEP))
        if delta is None or delta.completed_at is None or not is_outdated(sync, delta):
            continue
        is_begun = sweep is not None and not is_outdated(sync, sweep) and sweep.begin is not None
        waiting.append((feed, sweep.pages if is_begun and sweep is not None else 0))
    return waiting


def set_version(sync: ChannelSync, row: FeedCursorRow) -> FeedCursorRow:
    """Set the version of a pass that reads the whole feed."""
    return replace(row, version=compute_read_version(sync, Resource(row.resource)))
