"""The audit trail (rule X3): entries are appended, never changed. Values stand apart, so that they can be erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from gateway.model.actors import Actor, CallerKind
from gateway.model.audit import AuditChange, AuditEntry
from gateway.storage.database import is_sqlite
from gateway.storage.sql.driver_statements import DriverChange
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.tables import audit_entries, audit_values, refusal_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Filters of entries.

    Attributes:
        subject: type and ID of an object.
        channels, locations: only entries of these, and those of none; None: all.
        refused: only refused (True) or applied (False) attempts.
    """

    subject: tuple[str, str] | None = None
    actor: str | None = None
    actions: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    locations: tuple[str, ...] | None = None
    since: datetime | None = None
    before: datetime | None = None
    refused: bool | None = None


_entry_insert = DriverChange(sa.insert(audit_entries), audit_entries.columns.keys())
_value_insert = DriverChange(sa.insert(audit_values), audit_values.columns.keys())


def insert_entry(conn: Connection, entry: AuditEntry, changes: Sequence[AuditChange]) -> None:
    """Append an entry with its values."""
    _entry_insert.run(conn, _build_row(entry))
    _value_insert.run_all(conn, [_build_value(entry.id, number, change) for number, change in enumerate(changes)])


def _build_row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "occurred_at": entry.occurred_at,
        "actor_kind": entry.actor.kind.value,
        "actor_name": entry.actor.name,
        "token_id": entry.actor.token_id,
        "action": entry.action,
        "subject_type": entry.subject_type,
        "subject_id": entry.subject_id,
        "channel": entry.channel_key,
        "location": entry.location_key,
        "refused": entry.refused,
        "request_id": entry.request_id,
    }


def _build_value(entry_id: str, number: int, change: AuditChange) -> dict[str, Any]:
    values = {"field": change.field, "before": change.before, "after": change.after, "personal": change.is_personal}
    return {"entry_id": entry_id, "number": number, **values}


def search_entries(query: AuditQuery) -> Rows[AuditEntry]:
    """List entries, the latest first."""
    statement = sa.select(audit_entries).where(*_build_conditions(query))
    return Rows(statement, Sort(audit_entries.c.id, audit_entries.c.id, descending=True), _read_entry)


def list_latest(conn: Connection, query: AuditQuery, most: int) -> list[AuditEntry]:
    """List the latest entries, at most `most`."""
    statement = sa.select(audit_entries).where(*_build_conditions(query))
    return [_read_entry(row) for row in conn.execute(statement.order_by(audit_entries.c.id.desc()).limit(most))]


def _build_conditions(query: AuditQuery) -> list[sa.ColumnElement[bool]]:
    columns = audit_entries.c
    conditions: list[sa.ColumnElement[bool]] = []
    if query.subject is not None:
        conditions += [columns.subject_type == query.subject[0], columns.subject_id == query.subject[1]]
    if query.actor is not None:
        conditions.append(columns.actor_name == query.actor)
    if query.actions is not None:
        conditions.append(columns.action.in_(query.actions))
    conditions += [
        column.in_(keys)
        for column, keys in ((columns.channel, query.channels), (columns.location, query.locations))
        if keys is not None
    ]
    if query.since is not None:
        conditions.append(columns.occurred_at >= query.since)
    if query.before is not None:
        conditions.append(columns.occurred_at < query.before)
    if query.refused is not None:
        conditions.append(columns.refused.is_not(None) if query.refused else columns.refused.is_(None))
    return conditions


def find_entries(conn: Connection, ids: Sequence[str]) -> Mapping[str, AuditEntry]:
    """Find the entries with these IDs."""
    rows = conn.execute(sa.select(audit_entries).where(is_among(conn, audit_entries.c.id, ids)))
    return {row.id: _read_entry(row) for row in rows}


def find_changes(conn: Connection, ids: Sequence[str]) -> Mapping[str, Sequence[AuditChange]]:
    """Find the values of these entries, in order."""
    changes: dict[str, list[AuditChange]] = {id_: [] for id_ in ids}
    statement = sa.select(audit_values).where(is_among(conn, audit_values.c.entry_id, ids))
    for row in conn.execute(statement.order_by(audit_values.c.entry_id, audit_values.c.number)):
        changes[row.entry_id].append(AuditChange(row.field, row.before, row.after, row.personal))
    return changes


def prune_entries(conn: Connection, before: datetime, most: int) -> int:
    """Delete entries from before this time with their values, at most `most`, and return how many."""
    ids = list(
        conn.scalars(
            sa.select(audit_entries.c.id)
            .where(audit_entries.c.occurred_at < before)
            .order_by(audit_entries.c.id)
            .limit(most)
        )
    )
    if ids:
        conn.execute(sa.delete(audit_values).where(is_among(conn, audit_values.c.entry_id, ids)))
        conn.execute(sa.delete(audit_entries).where(is_among(conn, audit_entries.c.id, ids)))
    return len(ids)


def _read_entry(row: sa.Row[Any]) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        occurred_at=row.occurred_at,
        actor=Actor(CallerKind(row.actor_kind), row.actor_name, row.token_id),
        action=row.action,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        channel_key=row.channel,
        location_key=row.location,
        refused=row.refused,
        request_id=row.request_id,
    )


# ------------------------------------------------------------------------------------------------ refusals


@dataclass(frozen=True, slots=True, order=True)
class RefusalKey:
    """What refusals of clients without a token are counted by. `client`: digest of its network."""

    minute: datetime
    client: str
    action: str
    code: str


def add_refusals(conn: Connection, counts: Mapping[RefusalKey, int]) -> None:
    """Add to the counts of refusals, in a fixed order, or two processes would deadlock."""
    insert = sqlite.insert(refusal_counts) if is_sqlite(conn) else postgresql.insert(refusal_counts)
    added = {"count": refusal_counts.c.count + insert.excluded["count"]}
    rows = [
        {"minute": key.minute, "client": key.client, "action": key.action, "code": key.code, "count": counts[key]}
        for key in sorted(counts)
    ]
    conn.execute(insert.on_conflict_do_update(index_elements=["minute", "client", "action", "code"], set_=added), rows)


def list_refusals(conn: Connection, since: datetime, most: int) -> list[tuple[RefusalKey, int]]:
    """List the counts of refusals since a time, the latest first."""
    statement = (
        sa.select(refusal_counts)
        .where(refusal_counts.c.minute >= since)
        .order_by(refusal_counts.c.minute.desc(), refusal_counts.c.count.desc())
        .limit(most)
    )
    return [
        (RefusalKey(row.minute, row.client, row.action, row.code), row._mapping["count"])
        for row in conn.execute(statement)
    ]


def prune_refusals(conn: Connection, before: datetime, most: int) -> int:
    """Delete the counts of refusals from before this time, about `most` and whole minutes, and return how many."""
    minutes = sa.select(refusal_counts.c.minute).where(refusal_counts.c.minute < before)
    oldest = minutes.order_by(refusal_counts.c.minute).limit(most).subquery()
    last = conn.scalar(sa.select(sa.func.max(oldest.c.minute)))
    return (
        0 if last is None else conn.execute(sa.delete(refusal_counts).where(refusal_counts.c.minute <= last)).rowcount
    )
