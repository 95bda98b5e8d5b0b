"""Writes of requests for exports and erases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.customers.data_requests import DataPartState, DataRequestKind, DataRequestState
from gateway.storage.sql.bulk import BulkSelect, build_insert_new, build_upsert, delete_by_keys
from gateway.storage.sql.keyset import is_among
from gateway.storage.tables import Instant, data_request_members, data_request_parts, data_requests

GATEWAY = ""
"""The part of a request that the gateway itself does, in place of the key of a channel."""

_OPEN = (DataRequestState.QUEUED.value, DataRequestState.RUNNING.value)


@dataclass(slots=True)
class RequestRow:
    """A row of `data_requests`, without the file.

    Attributes:
        home: the customer ID under which it was requested.
        proved: it is about the part of the customer that a login proves (rule C7).
    """

    id: str
    kind: str
    state: str
    home: str
    proved: bool
    requested_by: str
    requested_at: datetime
    executes_at: datetime
    due_at: datetime
    restricted_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(slots=True)
class PartRow:
    """A row of `data_request_parts`. `channel`: empty: the gateway; `kept`: JSON list."""

    request_id: str
    channel: str
    state: str
    attempts: int = 0
    fault_code: str | None = None
    fault_message: str | None = None
    fault_retryable: bool | None = None
    fault_at: datetime | None = None
    proof: str | None = None
    kept: str = "[]"
    completed_at: datetime | None = None


class MemberRow(NamedTuple):
    """A row of `data_request_members`."""

    identity_id: str
    request_id: str


_request_columns = [data_requests.c[field.name] for field in fields(RequestRow)]
_requests = BulkSelect(sa.select(*_request_columns), data_requests.c.id, locked_by=data_requests.c.id)
_parts = BulkSelect(
    sa.select(*(data_request_parts.c[field.name] for field in fields(PartRow))), data_request_parts.c.request_id
)
_members = BulkSelect(sa.select(data_request_members), data_request_members.c.request_id)
_open_of_members = BulkSelect(
    sa.select(data_requests.c.id)
    .join(data_request_members, data_request_members.c.request_id == data_requests.c.id)
    .where(data_requests.c.kind == sa.bindparam("kind"), data_requests.c.state.in_(_OPEN)),
    data_request_members.c.identity_id,
)
_files_of_members = BulkSelect(
    sa.select(data_requests.c.id)
    .join(data_request_members, data_request_members.c.request_id == data_requests.c.id)
    .where(data_requests.c.file.is_not(None), data_requests.c.completed_at > sa.bindparam("since", type_=Instant)),
    data_request_members.c.identity_id,
)
_unconfirmed = BulkSelect(
    sa.select(data_requests.c.id)
    .join(data_request_members, data_request_members.c.request_id == data_requests.c.id)
    .where(
        data_requests.c.restricted_at.is_not(None),
        data_requests.c.state != DataRequestState.DONE.value,
        data_request_members.c.cleared_at.is_(None),
    ),
    data_request_members.c.identity_id,
)
_waits_for_orders = sa.exists().where(
    data_request_parts.c.request_id == data_requests.c.id,
    data_request_parts.c.channel == GATEWAY,
    data_request_parts.c.state == DataPartState.WAITING.value,
)
_due = (
    sa.select(data_requests.c.id)
    .where(
        data_requests.c.state.in_(sa.bindparam("open", _OPEN, expanding=True, literal_execute=True)),
        data_requests.c.executes_at <= sa.bindparam("now"),
        sa.or_(data_requests.c.state == DataRequestState.QUEUED.value, _waits_for_orders),
    )
    .order_by(data_requests.c.executes_at, data_requests.c.id)
)
_upsert = build_upsert(data_requests, [field.name for field in fields(RequestRow)])
_insert_members = build_insert_new(data_request_members, MemberRow._fields)
_part_names = [field.name for field in fields(PartRow)]
_insert_parts = build_insert_new(data_request_parts, _part_names)


def lock_requests(conn: Connection, ids: Collection[str]) -> dict[str, RequestRow]:
    """Return requests, by ID, locked."""
    return {row.id: RequestRow(*row) for row in _requests.select(conn, ids)}


def find_request(conn: Connection, id_: str) -> RequestRow:
    """Return a request, without a lock."""
    return RequestRow(*conn.execute(sa.select(*_request_columns).where(data_requests.c.id == id_)).one())


def store_request(conn: Connection, row: RequestRow) -> None:
    """Insert or replace a request."""
    _upsert.run(conn, [row])


def add_members(conn: Connection, request_id: str, identity_ids: Iterable[str]) -> None:
    """Add the identities that a request is about."""
    _insert_members.run(conn, [MemberRow(id_, request_id) for id_ in sorted(identity_ids)])


def replace_members(conn: Connection, request_id: str, identity_ids: Iterable[str]) -> None:
    """Replace the identities that a request is about, by those of when it begins."""
    delete_by_keys(conn, data_request_members.c.request_id, [request_id])
    add_members(conn, request_id, identity_ids)


def find_members(conn: Connection, request_id: str) -> list[str]:
    """Find the identities that a request is about."""
    return sorted(row.identity_id for row in _members.select(conn, [request_id]))


def mark_cleared(conn: Connection, request_id: str, identity_ids: Collection[str], now: datetime) -> None:
    """Store that a channel shows records without data."""
    own = sa.and_(
        data_request_members.c.request_id == request_id,
        is_among(conn, data_request_members.c.identity_id, identity_ids),
    )
    conn.execute(sa.update(data_request_members).where(own).values(cleared_at=now))


def find_uncleared(conn: Connection, request_id: str) -> list[str]:
    """Find the identities of a request whose records may still have data."""
    return sorted(row.identity_id for row in _members.select(conn, [request_id]) if row.cleared_at is None)


def find_open(conn: Connection, kind: DataRequestKind, identity_ids: Collection[str]) -> list[str]:
    """Find the open requests of a kind about any of these identities."""
    return sorted({row.id for row in _open_of_members.select(conn, identity_ids, kind=kind.value)})


def find_open_about(conn: Connection, requested_by: str, home: str) -> list[str]:
    """Find the open requests of somebody about a customer ID."""
    same = sa.and_(data_requests.c.requested_by == requested_by, data_requests.c.home == home)
    statement = sa.select(data_requests.c.id).where(same, data_requests.c.state.in_(_OPEN))
    return list(conn.scalars(statement.order_by(data_requests.c.id)))


def find_files(conn: Connection, identity_ids: Collection[str], since: datetime) -> list[str]:
    """Find the exports about any of these identities that have a file, and were done since then."""
    return sorted({row.id for row in _files_of_members.select(conn, identity_ids, since=since)})


def find_unconfirmed(conn: Connection, identity_ids: Collection[str]) -> list[str]:
    """Find the erases that have begun, and do not know yet that the channel shows these records without data."""
    return sorted({row.id for row in _unconfirmed.select(conn, identity_ids)})


def find_due(conn: Connection, now: datetime) -> list[str]:
    """Find the requests that have something to do here, oldest first: not those that wait for a channel."""
    return list(conn.scalars(_due, {"now": now}))


def find_parts(conn: Connection, request_ids: Collection[str]) -> Mapping[str, Sequence[PartRow]]:
    """Find the parts of requests, that of the gateway first."""
    parts: dict[str, list[PartRow]] = {id_: [] for id_ in request_ids}
    for row in _parts.select(conn, request_ids):
        parts[row.request_id].append(PartRow(*row))
    return {id_: sorted(rows, key=lambda row: row.channel) for id_, rows in parts.items()}


def replace_parts(conn: Connection, request_id: str, rows: Sequence[PartRow]) -> None:
    """Replace the parts of a request."""
    delete_by_keys(conn, data_request_parts.c.request_id, [request_id])
    _insert_parts.run(conn, rows)


def store_file(conn: Connection, request_id: str, content: str, until: datetime) -> None:
    """Store the encrypted file of an export."""
    statement = sa.update(data_requests).where(data_requests.c.id == request_id)
    conn.execute(statement.values(file=content, file_until=until))


def find_file(conn: Connection, request_id: str, now: datetime) -> str | None:
    """Find the encrypted file of an export. None: there is none any more."""
    statement = sa.select(data_requests.c.file).where(
        data_requests.c.id == request_id, data_requests.c.file_until > now
    )
    return conn.scalar(statement)


def delete_files(conn: Connection, identity_ids: Collection[str]) -> None:
    """Delete the files of exports about these identities."""
    requests = sa.select(data_request_members.c.request_id).where(
        is_among(conn, data_request_members.c.identity_id, identity_ids)
    )
    statement = sa.update(data_requests).where(data_requests.c.id.in_(requests), data_requests.c.file.is_not(None))
    conn.execute(statement.values(file=None, file_until=None))


def delete_expired_files(conn: Connection, now: datetime) -> None:
    """Delete the files of exports whose time is over."""
    expired = sa.and_(data_requests.c.file.is_not(None), data_requests.c.file_until <= now)
    conn.execute(sa.update(data_requests).where(expired).values(file=None))
