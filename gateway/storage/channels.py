"""Reading how channels fare: health, ages, progress, rejects."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import ChannelHealth, Fault, FaultCode, HealthStatus, Resource, SyncStatus
from gateway.storage.paging import Rows, Sort, among
from gateway.storage.rejects import Places, with_waiting
from gateway.storage.tables import channels, passes, rejects, sources

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
    found: dict[tuple[str, Resource], list[sa.Row[Any]]] = {}
    for row in conn.execute(sa.select(passes)):
        found.setdefault((row.channel, Resource(row.resource)), []).append(row)
    return {key: _age(rows) for key, rows in found.items()}


def _age(rows: Sequence[sa.Row[Any]]) -> Age:
    """A feed is as old as the latest of its kinds of passes, a resource as the oldest of its feeds."""
    faults = sorted((made for row in rows if (made := fault(row))), key=lambda made: made.occurred_at)
    return Age(
        _oldest(_latest((row.feed, row.complete_as_of) for row in rows)),
        _oldest(_latest((row.feed, row.completed_at) for row in rows)),
        faults[-1] if faults else None,
    )


def _latest(times: Iterable[tuple[str, datetime | None]]) -> Collection[datetime | None]:
    found: dict[str, datetime | None] = {}
    for feed, time in times:
        known = found.get(feed)
        found[feed] = time if known is None or (time is not None and time > known) else known
    return found.values()


def _oldest(times: Collection[datetime | None]) -> datetime | None:
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None


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


def paused(conn: Connection, keys: Sequence[str]) -> Collection[str]:
    """Those of these channels that a person has paused."""
    return frozenset(
        conn.scalars(sa.select(channels.c.key).where(channels.c.paused, among(conn, channels.c.key, keys)))
    )


def set_paused(conn: Connection, key: str, value: bool) -> None:
    """A person stops the channel, or lets it go on."""
    conn.execute(sa.update(channels).where(channels.c.key == key).values(paused=value))


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


def rejects_matching(mapped: Places, channel: str | None, resource: Resource | None) -> Rows[SyncReject]:
    """Records that could not be taken in, or cannot be placed yet, the latest first."""
    found = with_waiting(mapped)
    statement = sa.select(found)
    if channel is not None:
        statement = statement.where(found.c.channel == channel)
    if resource is not None:
        statement = statement.where(found.c.resource == resource.value)
    return Rows(statement, Sort(found.c.rejected_at, found.c.id, descending=True), reject)


def rejects_by_id(conn: Connection, ids: Sequence[str], mapped: Places) -> Mapping[str, SyncReject]:
    """The rejects, or what waits, with these ids."""
    found = with_waiting(mapped)
    return {row.id: reject(row) for row in conn.execute(sa.select(found).where(among(conn, found.c.id, ids)))}


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
