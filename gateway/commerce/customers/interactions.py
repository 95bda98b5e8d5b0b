"""Interactions that staff and systems add to the timeline of a customer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.model.customers.timeline import ADDED_KINDS, InteractionKind
from gateway.model.ids import generate_id
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.storage.database import Connection
from gateway.storage.writes.customers import identities, interactions
from gateway.storage.writes.customers.interactions import InteractionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionRequest:
    """A request to add an interaction.

    Attributes:
        customer_id: any ID that the customer was ever given.
        occurred_at: None: now.
        source_key: names it in the system that sends it, so that it counts once.
    """

    customer_id: str
    kind: InteractionKind
    summary: str
    occurred_at: datetime | None = None
    channel: str | None = None
    location: str | None = None
    public: bool = False
    source_key: str | None = None


def add_interaction(conn: Connection, request: InteractionRequest, context: SellingContext) -> MutationResult:
    """Add an interaction. One with the source key of an earlier one is that one."""
    if request.kind not in ADDED_KINDS:
        names = ", ".join(kind.value for kind in ADDED_KINDS)
        return _refuse(UserErrorCode.INVALID, "kind", f"Expected one of {names}. The others come from what happened.")
    if request.occurred_at is not None and request.occurred_at > context.now:
        return _refuse(UserErrorCode.INVALID, "occurredAt", "Expected a time that is not in the future.")
    home = identities.resolve_homes(conn, [request.customer_id]).get(request.customer_id)
    if home is None:
        return _refuse(UserErrorCode.NOT_FOUND, "customerId", "There is no customer with this ID.")
    row = _build_row(request, home.identity_id, context)
    interactions.insert_interaction(conn, row)
    stored = None if row.source_key is None else interactions.find_by_source_key(conn, row.source_key)
    return _check_stored(row, stored or row)


def _check_stored(row: InteractionRow, stored: InteractionRow) -> MutationResult:
    """Refuse other content under the source key of an earlier interaction."""
    result = MutationResult(subject=f"{stored.kind}:{stored.id}", done=True)
    compared = [(one.identity_id, one.kind, one.summary, one.channel, one.location) for one in (row, stored)]
    if compared[0] == compared[1]:
        return result
    message = "There is another interaction with this source key."
    error = UserError(code=UserErrorCode.CONFLICT, field=("input", "sourceKey"), message=message)
    return replace(result, user_errors=(error,), done=False)


def _build_row(request: InteractionRequest, identity_id: str, context: SellingContext) -> InteractionRow:
    return InteractionRow(
        id=generate_id(context.now),
        identity_id=identity_id,
        kind=request.kind.value,
        occurred_at=request.occurred_at or context.now,
        channel=request.channel,
        location=request.location,
        summary=request.summary,
        public=request.public,
        source_key=request.source_key,
        actor="" if context.actor is None else context.actor.name,
        created_at=context.now,
    )


def _refuse(code: UserErrorCode, field: str, message: str) -> MutationResult:
    return MutationResult(user_errors=(UserError(code=code, field=("input", field), message=message),))
