"""Pickup codes: how they are checked, how guesses are counted, and how a code is replaced (rule U5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.commerce import tokens
from gateway.commerce.context import SellingContext
from gateway.commerce.fulfillment.handover import (
    COLLECTED_METHODS,
    Handover,
    build_refusal,
    lock_fulfillment,
    note_event,
    store_handover,
)
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.orders import FulfillmentStatus, OrderEventKind
from gateway.storage.database import Connection
from gateway.storage.writes import attempts, fulfillments
from gateway.storage.writes.attempts import AttemptLimit

MAX_WRONG_CODES = 5
"""Wrong codes in a row after which no code of a fulfillment is accepted for a while."""

LOCKOUT = timedelta(minutes=15)

CALLER_LIMIT = AttemptLimit("pickup-code", 20, timedelta(hours=1))
"""Wrong codes of one caller for all fulfillments: with thousands of parcels, a few tries of each would open one."""


def check_code(
    conn: Connection, handover: Handover, code: str, caller: str, context: SellingContext
) -> UserError | None:
    """Check a pickup code, and count it if it is wrong. Returns why it is refused."""
    row = handover.row
    if row.closed_until is not None and row.closed_until > context.now:
        return _build_wait(int((row.closed_until - context.now).total_seconds()) + 1)
    counted = attempts.lock_attempts(conn, CALLER_LIMIT, caller, context.now)
    if counted.is_exhausted:
        return _build_wait(counted.compute_wait(context.now))
    if tokens.is_pickup_code(context.config.secrets, code, row.id, row.code_rotation):
        attempts.release_attempts(conn, counted)
        row.wrong_codes, row.closed_until = 0, None
        return None
    attempts.record_failure(conn, counted, context.now)
    _count_wrong_code(conn, handover, context)
    return _WRONG_CODE


def _count_wrong_code(conn: Connection, handover: Handover, context: SellingContext) -> None:
    row = handover.row
    row.wrong_codes += 1
    if row.wrong_codes % MAX_WRONG_CODES == 0:
        row.closed_until = context.now + LOCKOUT * 2 ** min(row.wrong_codes // MAX_WRONG_CODES - 1, 8)
    fulfillments.update_fulfillments(conn, [row], context.now)


def renew_code(conn: Connection, id_: str, context: SellingContext) -> MutationResult:
    """Give a pickup another code, and new tries. The present code becomes invalid."""
    handover = lock_fulfillment(conn, id_, None, COLLECTED_METHODS, _COLLECTABLE_STATES, context)
    if isinstance(handover, UserError):
        return build_refusal(id_, handover)
    handover.row.code_rotation += 1
    handover.row.wrong_codes, handover.row.closed_until = 0, None
    note_event(conn, handover, OrderEventKind.NOTE, "The pickup code was replaced.", context.now)
    store_handover(conn, handover, context.now)
    return handover.outcome


_COLLECTABLE_STATES = (FulfillmentStatus.PENDING, FulfillmentStatus.ACCEPTED, FulfillmentStatus.READY_FOR_PICKUP)


def _build_wait(seconds: int) -> UserError:
    return replace(_TOO_MANY_ATTEMPTS, retry_after_seconds=seconds)


_WRONG_CODE = UserError(
    code=UserErrorCode.CODE_WRONG, field=("input", "pickupCode"), message="The pickup code is wrong."
)

_TOO_MANY_ATTEMPTS = UserError(
    code=UserErrorCode.TOO_MANY_ATTEMPTS,
    field=("input", "pickupCode"),
    message="Too many wrong pickup codes. Wait before the next attempt.",
    retryable=False,
)
