"""Data of channels that are not configured any more: forgotten, or carried over to another key (rule G1)."""

from __future__ import annotations

from datetime import datetime

from gateway.commerce.access import audit
from gateway.commerce.catalog.ingest import ingest_products
from gateway.commerce.ingest_batch import IngestBatch, IngestRules
from gateway.commerce.inventory import channel_holds
from gateway.sdk.records import ProductRecord
from gateway.storage import channel_keys, channel_purge
from gateway.storage.database import Connection
from gateway.storage.sync import channel_health, leases, source_records


class ChannelServedError(Exception):
    """A process that was started with the channel serves it: its data cannot be forgotten."""


def check_unserved(conn: Connection, channel: str, now: datetime) -> None:
    """Assert that no process serves the channel, until the end of the transaction.

    Raises:
        ChannelServedError: one does, or was killed a moment ago.
    """
    channel_health.lock_channels(conn, [channel])
    if leases.is_served(conn, channel, now):
        raise ChannelServedError(
            f"a gateway process still reads {channel}: start it again with the configuration of now"
        )


def begin_removal(conn: Connection, channel: str) -> None:
    """Forget how far the feeds were read: if the channel is configured again in between, all of it is read again."""
    channel_purge.delete_cursors(conn, channel)
    channel_purge.delete_members(conn, channel)


def remove_products(conn: Connection, channel: str, rules: IngestRules, now: datetime, most: int) -> int:
    """Remove products of a channel as if it had deleted them, at most `most`. Returns how many were there."""
    channel_purge.delete_links(conn, channel)  # a listing that was linked to one of the channel is matched again
    ids = channel_purge.find_products(conn, channel, most)
    if ids:
        count = source_records.take_next_count(conn)
        batch: IngestBatch[ProductRecord] = IngestBatch(channel, (), ids, (), count, now, rules)
        ingest_products(conn, batch)
        channel_purge.clear_products(conn, ids)
    return len(ids)


def finish_removal(conn: Connection, channel: str, now: datetime) -> None:
    """Forget that the channel was configured, when nothing is left but history."""
    channel_purge.clear_hints(conn, channel)
    channel_keys.delete_channel(conn, channel)
    audit.record_command(conn, "gateway channels forget", channel, now)


def find_rename_problem(conn: Connection, old: str, new: str, now: datetime) -> str | None:
    """Find why a channel cannot be renamed now."""
    if leases.list_running(conn, now):
        return "a gateway process runs, or was killed less than a minute ago: stop all processes of this database first"
    if old not in channel_health.find_keys(conn):
        return f"the database knows no channel {old}"
    if tables := channel_keys.list_tables_with(conn, new):
        return f"{new} has data already, in {', '.join(tables)}: choose a key that was never used"
    return None


def rename_channel(conn: Connection, old: str, new: str, now: datetime) -> None:
    """Carry all data of a channel over to another key."""
    channel_keys.delete_channel(conn, new)  # it may have been configured already, and has no data
    channel_keys.rename_channel(conn, old, new)
    channel_keys.rename_owners(
        conn,
        {channel_holds.format_drift_owner(old): channel_holds.format_drift_owner(new)},
        {channel_holds.format_allocation_prefix(old): channel_holds.format_allocation_prefix(new)},
    )
    audit.record_command(conn, "gateway channels rename", new, now)
