"""Parts of a request: what it does in the gateway and in every channel that knows the customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.commerce.context import SellingContext
from gateway.commerce.privacy.suppression import OPEN_ORDERS
from gateway.model.channels import Fault
from gateway.model.customers.data_requests import DataPartState, DataRequestKind, DataRequestState
from gateway.model.customers.profiles import ACCOUNT, GUEST
from gateway.sdk.writes import EraseCustomer
from gateway.storage.database import Connection
from gateway.storage.privacy.data_requests import GATEWAY, PartRow, RequestRow
from gateway.storage.privacy.personal_data import Owner
from gateway.storage.privacy.personal_rows import find_owned
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes import orders
from gateway.storage.writes.customers.identities import IdentityRow
from gateway.storage.writes.orders import OrderRow

CHANNEL = "channel:"
"""Prefix of the name of a channel that has requested something in the name of a customer."""

RESTORED = "gateway erased apply"
"""Name of the command that erases again what a restored backup contains, in place of that of a token."""

MAX_RETAINED = 20
"""Length of the list `kept` of the schema."""


def build_parts(
    conn: Connection, request: RequestRow, members: Sequence[IdentityRow], context: SellingContext
) -> list[PartRow]:
    """Build the parts of a request that has not begun: what it will do, and what stays."""
    is_erase = request.kind == DataRequestKind.ERASE.value
    retained = describe_retained(conn, members) if is_erase else ()
    own = PartRow(request_id=request.id, channel=GATEWAY, state=_QUEUED, kept=dump_json(list(retained)))
    return [own, *(_build_part(request, channel, members, context) for channel in list_channels(members))]


_QUEUED = DataPartState.QUEUED.value


def _build_part(request: RequestRow, channel: str, members: Sequence[IdentityRow], context: SellingContext) -> PartRow:
    has_record = any(row.channel == channel for row in members)
    has_guest = any(row.channel == GUEST + channel for row in members)
    if request.kind != DataRequestKind.ERASE.value:
        return PartRow(request_id=request.id, channel=channel, state=_QUEUED)
    if request.requested_by == f"{CHANNEL}{channel}":
        proof = "requested by the channel, which erases its record itself"
        return PartRow(request_id=request.id, channel=channel, state=DataPartState.DONE.value, proof=proof)
    can_erase = has_record and context.config.topology.can_execute(channel, EraseCustomer)
    return PartRow(
        request_id=request.id,
        channel=channel,
        state=_QUEUED if can_erase else DataPartState.NOT_SUPPORTED.value,
        kept=dump_json([GUEST_ORDERS] if has_guest else []),
    )


GUEST_ORDERS = "contact of orders without a customer, or of an erased one: remove it in the channel, no command does"


def list_channels(members: Sequence[IdentityRow]) -> list[str]:
    """List the channels that know a customer. The orders of guests, too, have a contact there."""
    named = {row.channel.removeprefix(GUEST) for row in members if not row.channel.startswith(ACCOUNT)}
    return sorted(named)


def describe_retained(conn: Connection, members: Sequence[IdentityRow]) -> list[str]:
    """Describe what an erase keeps, and why."""
    rows = orders.lock_orders(conn, find_owned(conn, members)[Owner.ORDER])
    open_ = sorted(row.number for row in rows.values() if is_open(row))
    invoices = [row for row in rows.values() if not is_open(row)]
    retained = [f"contact of order {number}, until it is complete" for number in open_[: MAX_RETAINED - 1]]
    if invoices:
        retained.append(f"name and address of {len(invoices)} invoices, for as long as tax law requires; not shown")
    return retained


def is_open(row: OrderRow) -> bool:
    """Return whether an order keeps its contact, because it is not complete."""
    return row.status in OPEN_ORDERS


def compute_state(parts: Sequence[PartRow]) -> DataRequestState:
    """Return the state of a request that has begun, by those of its parts."""
    states = {DataPartState(part.state) for part in parts}
    if states <= {DataPartState.DONE, DataPartState.DONE_BY_HAND}:
        return DataRequestState.DONE
    if states & {DataPartState.QUEUED, DataPartState.SENT, DataPartState.WAITING}:
        return DataRequestState.RUNNING
    return DataRequestState.PARTLY_DONE


def set_fault(part: PartRow, fault: Fault | None) -> PartRow:
    """Return a part with the fault of its last attempt; None: it had none."""
    return replace(
        part,
        fault_code=None if fault is None else fault.code.value,
        fault_message=None if fault is None else fault.message,
        fault_retryable=None if fault is None else fault.retryable,
        fault_at=None if fault is None else fault.occurred_at,
    )
