"""Export: all personal data of a customer in one encrypted JSON file, from one snapshot (rule C13)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway.commerce.context import SellingContext
from gateway.commerce.privacy.keyed_values import encrypt
from gateway.commerce.privacy.parts import set_fault
from gateway.commerce.privacy.requests import list_members, store_parts
from gateway.model.channels import Fault
from gateway.model.customers.data_requests import DataPartState, DataRequestKind, DataRequestState
from gateway.model.customers.profiles import ACCOUNT, GUEST
from gateway.storage.database import Connection
from gateway.storage.privacy import data_requests
from gateway.storage.privacy.data_requests import GATEWAY, PartRow, RequestRow
from gateway.storage.privacy.personal_rows import find_owned, read_rows
from gateway.storage.writes.customers import identities
from gateway.storage.writes.customers.identities import IdentityRow


@dataclass(frozen=True, slots=True)
class Reading:
    """Records of a channel that are read again for an export."""

    channel: str
    external_ids: Sequence[str]


def list_readings(conn: Connection, request_id: str) -> list[Reading]:
    """List the records of channels that an export reads again."""
    rows = identities.find_identities(conn, data_requests.find_members(conn, request_id)).values()
    by_channel: dict[str, list[str]] = {}
    for row in rows:
        if not row.channel.startswith((GUEST, ACCOUNT)) and not row.gone:
            by_channel.setdefault(row.channel, []).append(row.external_id)
    return [Reading(channel, sorted(ids)) for channel, ids in sorted(by_channel.items())]


def finish_export(
    conn: Connection, request_id: str, faults: Mapping[str, Fault | None], context: SellingContext
) -> bool:
    """Write the file of an export. `faults`: of the channels that were read again; one that failed is named as missing.

    It is canceled if the data was erased meanwhile. Returns whether the request has advanced.
    """
    request = data_requests.lock_requests(conn, [request_id])[request_id]
    members = list_members(conn, request)
    if request.state != DataRequestState.QUEUED.value:
        return False
    if _is_being_erased(conn, members):
        canceled = replace(request, state=DataRequestState.CANCELLED.value, completed_at=context.now)
        data_requests.store_request(conn, canceled)
        return True
    content = json.dumps(_build_content(conn, request, members, faults, context.now), ensure_ascii=False, indent=1)
    until = context.now + context.config.privacy.file_lifetime
    data_requests.store_file(conn, request.id, encrypt(context.config, content.encode()), until)
    parts = data_requests.find_parts(conn, [request.id])[request.id]
    store_parts(conn, request, [_finish_part(part, faults, context.now) for part in parts], context.now)
    return True


def _is_being_erased(conn: Connection, members: Sequence[IdentityRow]) -> bool:
    erases = data_requests.find_open(conn, DataRequestKind.ERASE, [row.id for row in members])
    rows = data_requests.lock_requests(conn, erases).values()
    return not members or any(row.state == DataRequestState.RUNNING.value for row in rows)


def _build_content(
    conn: Connection,
    request: RequestRow,
    members: Sequence[IdentityRow],
    faults: Mapping[str, Fault | None],
    now: datetime,
) -> Mapping[str, Any]:
    missing = sorted(channel for channel, fault in faults.items() if fault is not None)
    tables = read_rows(conn, find_owned(conn, members))
    return {
        "request": request.id,
        "exportedAt": now.isoformat(),
        "notReadNow": missing,
        "data": {name: [_convert_row(row) for row in rows] for name, rows in tables.items() if rows},
    }


INTERNAL = {"client_key", "network_key", "contact_key", "policy_key", "twin_id", "proved_id", "customer_id", "links"}
"""Columns that are digests or say who else is the same customer for staff."""

NOTED_BY_STAFF = {"actor", "undone_by", "actor_name", "actor_token", "identification"}


def _convert_row(row: Mapping[str, Any]) -> Mapping[str, Any]:
    left_out = INTERNAL | NOTED_BY_STAFF
    return {name: _convert_value(value) for name, value in row.items() if name not in left_out and value is not None}


def _convert_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _finish_part(part: PartRow, faults: Mapping[str, Fault | None], now: datetime) -> PartRow:
    fault = faults.get(part.channel)
    if fault is None:
        what = "exported" if part.channel == GATEWAY or part.channel not in faults else "read"
        proof = f"{what} at {now.isoformat(timespec='seconds')}"
        return replace(part, state=DataPartState.DONE.value, attempts=1, proof=proof, completed_at=now)
    return replace(set_fault(part, fault), state=DataPartState.FAILED.value, attempts=1)
