"""Requests of exports and erases, and what people do about them (rules C11, C13)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.commerce.context import SellingContext
from gateway.commerce.privacy.parts import CHANNEL, RESTORED, build_parts, compute_state
from gateway.model.customers.data_requests import DataPartState, DataRequestKind, DataRequestState
from gateway.model.ids import generate_id
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.validation import fold
from gateway.storage.database import Connection
from gateway.storage.privacy import data_requests
from gateway.storage.privacy.data_requests import PartRow, RequestRow
from gateway.storage.sql.bulk import load_json
from gateway.storage.writes.customers import evidence, identities
from gateway.storage.writes.customers.identities import IdentityRow

EXPORT_INTERVAL = timedelta(hours=1)
"""Time in which a customer has one export."""

QUEUED, RUNNING = DataRequestState.QUEUED.value, DataRequestState.RUNNING.value
CLOSABLE = (
    DataPartState.QUEUED.value,
    DataPartState.NOT_SUPPORTED.value,
    DataPartState.FAILED.value,
    DataPartState.SENT.value,
)
"""States of a part that a person can close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequestDraft:
    """A request to make.

    Attributes:
        customer_id: any ID that the customer was ever given.
        proved: it is about what a login proves to be the customer's (rule C7); else about the whole customer.
        confirm: of an erase: an email address, phone number or loyalty number of the customer; None: not needed.
        requested_by: name of the token; empty: the customer; with the prefix `channel:`, a channel.
    """

    kind: DataRequestKind
    customer_id: str
    proved: bool
    requested_by: str
    confirm: str | None = None


def request_data(conn: Connection, draft: DataRequestDraft, context: SellingContext) -> MutationResult:
    """Request an export or an erase. One that is under way is that one, and so is an export of the last hour."""
    evidence.lock_recognition(conn)  # before the identities, as all that recognizes them
    members = find_members(conn, draft.customer_id, proved=draft.proved)
    if not members:
        return _refuse(UserErrorCode.NOT_FOUND, "customerId", "There is no customer with this ID.")
    locked = identities.lock_identities(conn, [row.id for row in members])
    if error := _check_request(conn, draft, list(locked.values())):
        return MutationResult(user_errors=(error,))
    if same := _find_same(conn, draft, locked.keys(), context.now):
        return MutationResult(subject=same, done=True)
    row = insert_request(conn, draft, list(locked.values()), context)
    return MutationResult(subject=row.id, done=True)


def _find_same(conn: Connection, draft: DataRequestDraft, ids: Collection[str], now: datetime) -> str | None:
    """Find the request about the same part of the same customer, or more of it, that is under way; or the export of
    the last hour, because each one reads the channels.
    """
    found = data_requests.find_open(conn, draft.kind, ids)
    if draft.kind is DataRequestKind.EXPORT:
        found += data_requests.find_files(conn, ids, now - EXPORT_INTERVAL)
    for row in data_requests.lock_requests(conn, found).values():
        is_channels = row.requested_by.startswith(CHANNEL)
        if row.proved is draft.proved and not is_channels and {*ids} <= {*data_requests.find_members(conn, row.id)}:
            return row.id
    return None


def list_members(conn: Connection, request: RequestRow) -> list[IdentityRow]:
    """List the identities that a request is about, as of today: who was parted from the customer since is not erased
    with them. A channel speaks of its own record only, and so does the list of what was erased.
    """
    rows = identities.lock_identities(conn, _find_ids(conn, request)).values()
    return [row for row in rows if row.erased_at is None]


def list_homes(conn: Connection, request: RequestRow) -> list[str]:
    """List the customer IDs that were minted with the identities of a request, without a lock."""
    return [row.home for row in identities.find_identities(conn, _find_ids(conn, request)).values()]


def _find_ids(conn: Connection, request: RequestRow) -> set[str]:
    if request.requested_by.startswith((CHANNEL, RESTORED)):
        return set(data_requests.find_members(conn, request.id))
    return {row.id for row in find_members(conn, request.home, proved=request.proved)}


def find_members(conn: Connection, customer_id: str, *, proved: bool) -> list[IdentityRow]:
    """Find the identities that a request is about. None: there is no such customer, or it is erased."""
    home = identities.resolve_homes(conn, [customer_id]).get(customer_id)
    if home is None:
        return []
    owner = home.proved_id if proved else home.customer_id
    rows = identities.find_members(conn, [owner], proved=proved)
    return [row for row in rows if row.erased_at is None]


def _check_request(conn: Connection, draft: DataRequestDraft, members: Sequence[IdentityRow]) -> UserError | None:
    if draft.kind is DataRequestKind.EXPORT:
        erases = data_requests.find_open(conn, DataRequestKind.ERASE, [row.id for row in members])
        running = any(row.state == RUNNING for row in data_requests.lock_requests(conn, erases).values())
        return _build_error(UserErrorCode.NOT_ALLOWED_IN_STATE, None, "The data is being erased.") if running else None
    values = _list_values(members)
    has_nothing_to_type = not values
    if draft.confirm is None or has_nothing_to_type or fold(draft.confirm.strip()) in values:
        return None
    message = "Expected an email address, phone number or loyalty number of the customer, to confirm the erase."
    return _build_error(UserErrorCode.INVALID, "confirm", message)


def _list_values(members: Iterable[IdentityRow]) -> set[str]:
    points = [point[0] for row in members for text in (row.emails, row.phones) for point in load_json(text)]
    numbers = [row.loyalty_number for row in members if row.loyalty_number is not None]
    return {fold(value) for value in (*points, *numbers)}


def insert_request(
    conn: Connection, draft: DataRequestDraft, members: Sequence[IdentityRow], context: SellingContext
) -> RequestRow:
    """Store a request about these identities."""
    privacy, now = context.config.privacy, context.now
    is_erase = draft.kind is DataRequestKind.ERASE
    row = RequestRow(
        id=generate_id(now),
        kind=draft.kind.value,
        state=QUEUED,
        home=draft.customer_id,
        proved=draft.proved,
        requested_by=draft.requested_by,
        requested_at=now,
        executes_at=now + privacy.cooling_off if is_erase else now,
        due_at=now + privacy.deadline,
    )
    data_requests.store_request(conn, row)
    data_requests.add_members(conn, row.id, [member.id for member in members])
    data_requests.replace_parts(conn, row.id, build_parts(conn, row, members, context))
    return row


def cancel_request(conn: Connection, request_id: str, owner: str | None, context: SellingContext) -> MutationResult:
    """Cancel an erase before it begins. `owner`: the customer who is logged in; None: staff."""
    row = data_requests.lock_requests(conn, [request_id]).get(request_id)
    if row is None or not is_own(conn, row, owner):
        return _refuse(UserErrorCode.NOT_FOUND, "requestId", "There is no request with this ID.")
    if row.state != QUEUED or row.executes_at <= context.now:
        return _refuse(UserErrorCode.NOT_ALLOWED_IN_STATE, "requestId", "The request has begun, or is canceled.")
    data_requests.store_request(conn, replace(row, state=DataRequestState.CANCELLED.value, completed_at=context.now))
    return MutationResult(subject=row.id, done=True)


def is_own(conn: Connection, row: RequestRow, owner: str | None) -> bool:
    """Return whether a request belongs to the customer who is logged in. `owner`: None: staff, who see all."""
    if owner is None:
        return True
    homes = identities.resolve_homes(conn, [row.home, owner])
    return row.proved and row.home in homes and owner in homes and homes[row.home].proved_id == homes[owner].proved_id


def record_part(conn: Connection, request_id: str, channel: str, proof: str, context: SellingContext) -> MutationResult:
    """Record that a person has erased the data in a channel that cannot do it, or refused it."""
    row = data_requests.lock_requests(conn, [request_id]).get(request_id)
    parts = data_requests.find_parts(conn, [request_id]).get(request_id, ())
    part = next((one for one in parts if one.channel == channel), None)
    if row is None or part is None or row.kind != DataRequestKind.ERASE.value:
        field = "requestId" if row is None else "channelKey"
        return _refuse(UserErrorCode.NOT_FOUND, field, "The request has no such part.")
    if row.restricted_at is None or part.state not in CLOSABLE:
        return _refuse(UserErrorCode.NOT_ALLOWED_IN_STATE, "channelKey", "The part does not wait for a person.")
    done = replace(part, state=DataPartState.DONE_BY_HAND.value, proof=proof, completed_at=context.now)
    store_parts(conn, row, [done if one is part else one for one in parts], context.now)
    return MutationResult(subject=row.id, done=True)


def store_parts(conn: Connection, row: RequestRow, parts: Sequence[PartRow], now: datetime) -> None:
    """Store the parts of a request, and the state that results."""
    data_requests.replace_parts(conn, row.id, parts)
    state = compute_state(parts)
    ended = state is not DataRequestState.RUNNING
    data_requests.store_request(conn, replace(row, state=state.value, completed_at=now if ended else None))


def _refuse(code: UserErrorCode, field: str, message: str) -> MutationResult:
    return MutationResult(user_errors=(_build_error(code, field, message),))


def _build_error(code: UserErrorCode, field: str | None, message: str) -> UserError:
    return UserError(code=code, field=None if field is None else ("input", field), message=message)
