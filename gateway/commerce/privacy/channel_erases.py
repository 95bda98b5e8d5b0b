"""Erases in channels: each is a command, and is done when the channel shows the record without data (rule C11)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.outbox.commands import EnqueuedKeys, OutboxCommand, enqueue
from gateway.commerce.outbox.results import CommandResult
from gateway.commerce.privacy.parts import CHANNEL, set_fault
from gateway.commerce.privacy.requests import store_parts
from gateway.model.channels import Resource
from gateway.model.customers.data_requests import DataPartState
from gateway.model.ids import derive_id
from gateway.sdk.records import CustomerRecord, Ref
from gateway.sdk.writes import EraseCustomer
from gateway.storage.database import Connection
from gateway.storage.outbox import OutboxState
from gateway.storage.privacy import data_requests
from gateway.storage.privacy.data_requests import PartRow, RequestRow
from gateway.storage.sync import source_records
from gateway.storage.writes.customers import identities
from gateway.storage.writes.customers.identities import IdentityRow

_DONE = DataPartState.DONE.value

ERASE = "ERASE"
"""Kind of what waits for the results of `EraseCustomer`."""


def enqueue_erases(
    conn: Connection, request: RequestRow, members: Sequence[IdentityRow], context: SellingContext
) -> EnqueuedKeys:
    """Enqueue the erase of every record of a channel that can do it."""
    able = [
        row
        for row in members
        if context.config.topology.can_execute(row.channel, EraseCustomer)
        and request.requested_by != f"{CHANNEL}{row.channel}"
    ]
    return enqueue(conn, [_build_command(request, row) for row in able], context.now)


def _build_command(request: RequestRow, row: IdentityRow) -> OutboxCommand:
    key = derive_id("EraseCustomer", request.id, row.id)
    return OutboxCommand(
        channel=row.channel,
        command=EraseCustomer(key=key, subject=Ref(row.external_id)),
        subject=f"customer:{row.external_id}",
        about=f"{ERASE}:{request.id}",
    )


def handle_result(conn: Connection, result: CommandResult, context: SellingContext) -> None:
    """Handle the result of an `EraseCustomer` command. The record is read again, and shows whether it is erased."""
    request_id = result.entry.about.partition(":")[2]
    request = data_requests.lock_requests(conn, [request_id]).get(request_id)
    if request is None:
        return
    parts = data_requests.find_parts(conn, [request_id])[request_id]
    members = identities.find_identities(conn, data_requests.find_members(conn, request_id)).values()
    has_several = [row.channel for row in members].count(result.entry.channel) > 1
    after = [_apply_result(part, result, context.now, has_several=has_several) for part in parts]
    store_parts(conn, request, after, context.now)
    if result.done is not None:
        _hint_records(conn, request_id, result.entry.channel, context.now)


def _apply_result(part: PartRow, result: CommandResult, now: datetime, *, has_several: bool) -> PartRow:
    if part.channel != result.entry.channel or part.state in (_DONE, DataPartState.DONE_BY_HAND.value):
        return part
    after = replace(part, attempts=part.attempts + 1)
    if has_several and part.state == DataPartState.FAILED.value:  # that of another record; the next read shows all
        return after
    if result.done is not None:
        receipt = "" if result.done.ref is None else f" with the receipt {result.done.ref.id}"
        proof = f"accepted at {now.isoformat(timespec='seconds')}{receipt}"
        return replace(set_fault(after, result.fault), state=DataPartState.SENT.value, proof=proof)
    is_dead = result.state is OutboxState.DEAD
    return replace(set_fault(after, result.fault), state=DataPartState.FAILED.value if is_dead else part.state)


def _hint_records(conn: Connection, request_id: str, channel: str, now: datetime) -> None:
    rows = identities.find_identities(conn, data_requests.find_members(conn, request_id)).values()
    ids = [row.external_id for row in rows if row.channel == channel]
    resource = Resource.CUSTOMERS.value
    for id_, feed in sorted(source_records.find_feeds(conn, channel, resource, ids).items()):
        source_records.hint_records(conn, channel, resource, feed, [id_], now)


def confirm_erases(conn: Connection, channel: str, read: Mapping[str, CustomerRecord | None], now: datetime) -> None:
    """Confirm the erase of records that a channel shows without data. `read`: the record of each identity that was
    erased here; None: the channel has removed it.
    """
    empty = [id_ for id_, record in read.items() if record is None or is_empty(record)]
    gone = [id_ for id_, record in read.items() if record is None]
    for request_id in data_requests.find_unconfirmed(conn, empty):
        request = data_requests.lock_requests(conn, [request_id])[request_id]
        parts = data_requests.find_parts(conn, [request_id])[request_id]
        part = next((one for one in parts if one.channel == channel), None)
        if part is not None and part.state not in CLOSED:
            is_answered = part.state in (DataPartState.SENT.value, DataPartState.FAILED.value)
            data_requests.mark_cleared(conn, request_id, empty if is_answered else gone, now)
            _finish_part(conn, request, parts, channel, now)


CLOSED = (_DONE, DataPartState.DONE_BY_HAND.value)


def is_empty(record: CustomerRecord) -> bool:
    """Return whether a record has no personal data. Its name may be a text that stands for none."""
    points: Collection[object] = (*record.emails, *record.phones, *record.addresses, *record.tags)
    return not points and record.loyalty_number is None


def _finish_part(conn: Connection, request: RequestRow, parts: Sequence[PartRow], channel: str, now: datetime) -> None:
    waiting = data_requests.find_uncleared(conn, request.id)
    rows = identities.find_identities(conn, waiting).values()
    has_guests = any(part.channel == channel and part.kept != "[]" for part in parts)
    if not any(row.channel == channel for row in rows):
        store_parts(
            conn,
            request,
            [_finish(part, now, has_guests=has_guests) if part.channel == channel else part for part in parts],
            now,
        )


def _finish(part: PartRow, now: datetime, *, has_guests: bool) -> PartRow:
    """Finish a part. A person still has to see to the orders of guests."""
    seen = f"without data when read at {now.isoformat(timespec='seconds')}"
    proof = seen if part.proof is None else f"{part.proof}; {seen}"
    state = DataPartState.NOT_SUPPORTED.value if has_guests else _DONE
    return replace(part, state=state, proof=proof, completed_at=None if has_guests else now)
