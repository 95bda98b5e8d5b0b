"""Channel status: health, ages, sync progress and rejects."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import ChannelHealth, Fault, FaultCode, HealthStatus, RejectSeverity, Resource, SyncStatus
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.sync.rejects import MappedLocations, select_with_waiting
from gateway.storage.tables import channels, passes, rejects, sources

DOWN_AFTER = 3
"""Consecutive failures after which a channel is down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReject:
    """A record that could not be applied, or only without an invalid field.

    Attributes:
        payload: the channel's data, as JSON; empty once it has expired.
    """

    id: str
    channel_key: str
    resource: Resource
    external_id: str
    reason: str
    field: str | None
    payload: str
    rejected_at: datetime
    severity: RejectSeverity


@dataclass(frozen=True, slots=True)
class Age:
    """The age of a channel's resource: that of its oldest feed. `as_of`: None until every feed has been read
    completely.
    """

    as_of: datetime | None
    completed_at: datetime | None
    fault: Fault | None


_PASSES = DriverSelect(sa.select(passes))


def find_ages(conn: Connection) -> Mapping[tuple[str, Resource], Age]:
    """Find the ages of all resources of all channels, over their feeds."""
    rows_by_resource: dict[tuple[str, Resource], list[sa.Row[Any]]] = {}
    for row in _PASSES.fetch(conn, {}):
        rows_by_resource.setdefault((row.channel, Resource(row.later_resource or row.resource)), []).append(row)
    return {key: _compute_age(rows) for key, rows in rows_by_resource.items()}


def _compute_age(rows: Sequence[sa.Row[Any]]) -> Age:
    """Compute the age: a feed is as old as its latest kind of pass, a resource as old as its oldest feed."""
    faults = sorted((fault for row in rows if (fault := read_fault(row))), key=lambda fault: fault.occurred_at)
    return Age(
        _pick_oldest(_pick_latest((row.feed, row.complete_as_of) for row in rows)),
        _pick_oldest(_pick_latest((row.feed, row.completed_at) for row in rows)),
        faults[-1] if faults else None,
    )


def _pick_latest(times: Iterable[tuple[str, datetime | None]]) -> Collection[datetime | None]:
    latest: dict[str, datetime | None] = {}
    for feed, time in times:
        previous = latest.get(feed)
        latest[feed] = time if previous is None or (time is not None and time > previous) else previous
    return latest.values()


def _pick_oldest(times: Collection[datetime | None]) -> datetime | None:
    dated = [time for time in times if time is not None]
    return min(dated) if dated and len(dated) == len(times) else None


def find_health(conn: Connection, keys: Sequence[str]) -> Mapping[str, ChannelHealth]:
    """Find the health of these channels. Channels that were never called are omitted."""
    statement = sa.select(channels).where(is_among(conn, channels.c.key, keys))
    return {row.key: read_health(row) for row in conn.execute(statement)}


def read_health(row: sa.Row[Any]) -> ChannelHealth:
    """Read the health from a row of `channels`."""
    return ChannelHealth(
        status=_read_status(row), last_success_at=row.last_success_at, retry_at=row.retry_at, fault=read_fault(row)
    )


def _read_status(row: sa.Row[Any]) -> HealthStatus:
    if row.failures == 0:
        return HealthStatus.UNKNOWN if row.last_success_at is None else HealthStatus.HEALTHY
    return HealthStatus.DOWN if row.failures >= DOWN_AFTER else HealthStatus.DEGRADED


def find_paused(conn: Connection, keys: Sequence[str]) -> Collection[str]:
    """Return those of these channels that an operator has paused."""
    return frozenset(
        conn.scalars(sa.select(channels.c.key).where(channels.c.paused, is_among(conn, channels.c.key, keys)))
    )


def set_paused(conn: Connection, key: str, value: bool) -> None:
    """Pause or resume the channel."""
    conn.execute(sa.update(channels).where(channels.c.key == key).values(paused=value))


def read_fault(row: Any) -> Fault | None:
    """Read the fault from the columns `fault_…` of a row."""
    if row.fault_code is None:
        return None
    return Fault(
        code=FaultCode(row.fault_code),
        retryable=bool(row.fault_retryable),
        occurred_at=row.fault_at,
        message=row.fault_message,
    )


def find_sync_status(conn: Connection, keys: Sequence[str]) -> Mapping[str, Sequence[SyncStatus]]:
    """Find the sync status of each resource of these channels."""
    counts, ages = _count_by_resource(conn, sources, keys, ~sources.c.gone), find_ages(conn)
    rejected, warned = (
        _count_by_resource(conn, rejects, keys, rejects.c.severity == severity.value) for severity in RejectSeverity
    )
    return {
        key: [
            SyncStatus(
                resource=resource,
                last_completed_at=age.completed_at,
                records=counts.get((key, resource.value), 0),
                rejected=rejected.get((key, resource.value), 0),
                warnings=warned.get((key, resource.value), 0),
                fault=age.fault,
            )
            for resource in Resource
            if (age := ages.get((key, resource))) is not None
        ]
        for key in keys
    }


def _count_by_resource(
    conn: Connection, table: sa.Table, keys: Sequence[str], condition: sa.ColumnElement[bool]
) -> Mapping[tuple[str, str], int]:
    statement = (
        sa.select(table.c.channel, table.c.resource, sa.func.count())
        .where(is_among(conn, table.c.channel, keys), condition)
        .group_by(table.c.channel, table.c.resource)
    )
    return {(channel, resource): number for channel, resource, number in conn.execute(statement)}


def search_rejects(
    mapped: MappedLocations, channels: Sequence[str] | None, resource: Resource | None
) -> Rows[SyncReject]:
    """Search records of channels that could not be applied, and counts that wait, latest first. None: all channels."""
    records = select_with_waiting(mapped)
    statement = sa.select(records)
    if channels is not None:
        statement = statement.where(records.c.channel.in_(channels))
    if resource is not None:
        statement = statement.where(records.c.resource == resource.value)
    return Rows(statement, Sort(records.c.rejected_at, records.c.id, descending=True), read_reject)


def find_rejects(conn: Connection, ids: Sequence[str], mapped: MappedLocations) -> Mapping[str, SyncReject]:
    """Find the rejects and waiting counts with these ids."""
    records = select_with_waiting(mapped)
    return {
        row.id: read_reject(row) for row in conn.execute(sa.select(records).where(is_among(conn, records.c.id, ids)))
    }


def read_reject(row: sa.Row[Any]) -> SyncReject:
    """Read a row of `rejects`."""
    return SyncReject(
        id=row.id,
        channel_key=row.channel,
        resource=Resource(row.resource),
        external_id=row.external_id,
        reason=row.reason,
        field=row.field,
        payload=row.payload or "",
        rejected_at=row.rejected_at,
        severity=RejectSeverity(row.severity),
    )
