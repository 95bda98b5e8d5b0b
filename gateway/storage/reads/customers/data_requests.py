"""Reads of requests for exports and erases."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.customers.data_requests import (
    DataPartState,
    DataRequest,
    DataRequestKind,
    DataRequestPart,
    DataRequestState,
)
from gateway.storage.privacy.data_requests import GATEWAY, PartRow, find_parts
from gateway.storage.reads.channel_status import read_fault
from gateway.storage.sql.bulk import AnyRow, BulkSelect, load_json
from gateway.storage.sql.keyset import Rows, Sort
from gateway.storage.tables import data_requests

_shown = [column for column in data_requests.c if column.name != "file"]
_requests = BulkSelect(sa.select(*_shown), data_requests.c.id)


def list_requests(kind: str | None, states: Sequence[str]) -> Rows[str]:
    """List the IDs of requests, newest first. No kind or states: all."""
    statement = sa.select(data_requests.c.id)
    if kind is not None:
        statement = statement.where(data_requests.c.kind == kind)
    if states:
        statement = statement.where(data_requests.c.state.in_(states))
    sort = Sort(data_requests.c.requested_at, data_requests.c.id, descending=True)
    return Rows(statement, sort, lambda row: str(row.id))


def find_requests(conn: Connection, ids: Collection[str]) -> Mapping[str, tuple[DataRequest, bool]]:
    """Find requests, by ID. The second value: whether it is about what a login proves (rule C7)."""
    rows = _requests.select(conn, ids)
    parts = find_parts(conn, [row.id for row in rows])
    return {row.id: (_read_request(row, parts[row.id]), bool(row.proved)) for row in rows}


def _read_request(row: AnyRow, parts: Sequence[PartRow]) -> DataRequest:
    return DataRequest(
        id=row.id,
        kind=DataRequestKind(row.kind),
        state=DataRequestState(row.state),
        customer_id=row.home,
        parts=tuple(map(_read_part, parts)),
        file_until=row.file_until,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        executes_at=row.executes_at,
        due_at=row.due_at,
        completed_at=row.completed_at,
    )


def _read_part(row: PartRow) -> DataRequestPart:
    return DataRequestPart(
        channel_key=None if row.channel == GATEWAY else row.channel,
        state=DataPartState(row.state),
        attempts=row.attempts,
        fault=read_fault(row),
        proof=row.proof,
        kept=tuple(load_json(row.kept)),
        completed_at=row.completed_at,
    )
