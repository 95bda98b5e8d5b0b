"""Reading how channels fare: health, ages, progress, rejects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import ChannelHealth, Fault, FaultCode, HealthStatus, Resource, SyncStatus
from gateway.storage.paging import Rows, Sort, among
from gateway.storage.tables import Instant, channels, passes, rejects, sources

DOWN_AFTER = 3
"""Failures in a row, after which a channel counts as down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReject:
    """A record that could not be taken in.

    Attributes:
        payload: what the channel sent, as JSON; empty once it has expired.
    """

    id: str
    channel_key: str
    resource: Resource
    external_id: str
    reason: str
    field: str | None
    payload: str
    rejected_at: datetime


@dataclass(frozen=True, slots=True)
class Age:
    """How old a resource of a channel is: as its oldest feed. `as_of`: None while one has never been complete."""

    as_of: datetime | None
    completed_at: datetime | None
    fault: Fault | None


def ages(conn: Connection) -> Mapping[tuple[str, Resource], Age]:
    """The ages of all resources of all channels, over their feeds."""
    feeds: dict[tuple[str, Resource], list[sa.Row[Any]]] = {}
    for row in conn.execute(_feeds()):
        feeds.setdefault((row.channel, Resource(row.resource)), []).append(row)
    faults = _faults(conn)
    return {key: _age(rows, faults.get(key)) for key, rows in feeds.items()}


def _feeds() -> sa.Select[Any]:
    """Per feed, when it was last complete; a resource is as old as the oldest of its feeds."""
    return sa.select(
        passes.c.channel,
        passes.c.resource,
        passes.c.feed,
        sa.func.max(passes.c.complete_as_of, type_=Instant()).label("as_of"),
        sa.func.max(passes.c.completed_at, type_=Instant()).label("completed_at"),
    ).group_by(passes.c.channel, passes.c.resource, passes.c.feed)


def _age(rows: Sequence[sa.Row[Any]], fault: Fault | None) -> Age:
    return Age(_oldest([row.as_of for row in rows]), _oldest([row.completed_at for row in rows]), fault)


def _oldest(times: Sequence[datetime | None]) -> datetime | None:
    known = [time for time in times if time is not None]
    return min(known) if len(known) == len(times) else None


def _faults(conn: Connection) -> Mapping[tuple[str, Resource], Fault]:
    """The latest fault of each resource that has one."""
    statement = sa.select(passes).where(passes.c.fault_code.is_not(None)).order_by(passes.c.fault_at)
    return {(row.channel, Resource(row.resource)): made for row in conn.execute(statement) if (made := fault(row))}


def healths(conn: Connection, keys: Sequence[str]) -> Mapping[str, ChannelHealth]:
    """How the calls of these channels go. Those that were never called are missing."""
    statement = sa.select(channels).where(among(conn, channels.c.key, keys))
    return {row.key: _health(row) for row in conn.execute(statement)}


def _health(row: sa.Row[Any]) -> ChannelHealth:
    return ChannelHealth(
        status=_status(row), last_success_at=row.last_success_at, retry_at=row.retry_at, fault=fault(row)
    )


def _status(row: sa.Row[Any]) -> HealthStatus:
    if row.failures == 0:
        return HealthStatus.UNKNOWN if row.last_success_at is None else HealthStatus.HEALTHY
    return HealthStatus.DOWN if row.failures >= DOWN_AFTER else HealthStatus.DEGRADED


def fault(row: sa.Row[Any]) -> Fault | None:
    """The fault in the columns `fault_…` of a row."""
    if row.fault_code is None:
        return None
    return Fault(
        code=FaultCode(row.fault_code),
        retryable=bool(row.fault_retryable),
        occurred_at=row.fault_at,
        message=row.fault_message,
    )


def progress(conn: Connection, keys: Sequence[str]) -> Mapping[str, Sequence[SyncStatus]]:
    """How far each resource of these channels is synced."""
    known, known_ages = _counts(conn, sources, keys, ~sources.c.gone), ages(conn)
    rejected = _counts(conn, rejects, keys, sa.true())
    return {
        key: [
            SyncStatus(
                resource=resource,
                last_completed_at=age.completed_at,
                records=known.get((key, resource.value), 0),
                rejected=rejected.get((key, resource.value), 0),
                fault=age.fault,
            )
            for resource in Resource
            if (age := known_ages.get((key, resource))) is not None
        ]
        for key in keys
    }


def _counts(
    conn: Connection, table: sa.Table, keys: Sequence[str], condition: sa.ColumnElement[bool]
) -> Mapping[tuple[str, str], int]:
    statement = (
        sa.select(table.c.channel, table.c.resource, sa.func.count())
        .where(among(conn, table.c.channel, keys), condition)
        .group_by(table.c.channel, table.c.resource)
    )
    return {(channel, resource): number for channel, resource, number in conn.execute(statement)}


def rejects_matching(channel: str | None, resource: Resource | None) -> Rows[SyncReject]:
    """Records that could not be taken in, the latest first."""
    statement = sa.select(rejects)
    if channel is not None:
        statement = statement.where(rejects.c.channel == channel)
    if resource is not None:
        statement = statement.where(rejects.c.resource == resource.value)
    return Rows(statement, Sort(rejects.c.rejected_at, rejects.c.id, descending=True), reject)


def rejects_by_id(conn: Connection, ids: Sequence[str]) -> Mapping[str, SyncReject]:
    """The rejects with these ids."""
    return {row.id: reject(row) for row in conn.execute(sa.select(rejects).where(among(conn, rejects.c.id, ids)))}


def reject(row: sa.Row[Any]) -> SyncReject:
    """A row of `rejects`."""
    return SyncReject(
        id=row.id,
        channel_key=row.channel,
        resource=Resource(row.resource),
        external_id=row.external_id,
        reason=row.reason,
        field=row.field,
        payload=row.payload or "",
        rejected_at=row.rejected_at,
    )
