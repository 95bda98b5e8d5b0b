"""Stock mutations: adjust a count, transfer units, reserve and release them."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.inventory.operations import (
    StockCount,
    adjust_stock,
    create_reservations,
    release_reservations,
    transfer_stock,
)
from gateway.commerce.inventory.reservations import StockRequest
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.execution.text_inputs import MULTILINE
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.mutations.execution import Input, declare_key, execute, refuse
from gateway.graphql.mutations.validation import check_locations, check_quantity, find_variants
from gateway.graphql.queries.stock import refresh_stock
from gateway.graphql.runtime_protocol import build_selling_context
from gateway.model.audit import AuditChange
from gateway.model.mutation_result import MutationResult
from gateway.model.stock import MovementReason, StockReason

MAX_LINES = 200
MAX_AUDITED_LINES = 20
MAX_HOLD = timedelta(days=1)
VARIANT_ID = "ID of the product variant."
LOCATION_KEY = "Key of the location."

_log = logging.getLogger(__name__)


@strawberry.input(description="A corrected stock count.")
class StockAdjustInput:
    variant_id: strawberry.ID = declare_required(VARIANT_ID)
    location_key: str = declare_required(LOCATION_KEY)
    expected_on_hand: int = declare_required(
        "The count the client last read: `StockLevel.onHand`. If it has changed since, the mutation returns CONFLICT."
    )
    on_hand: int = declare_required("The corrected count, at least 0.")
    reason: StockReason = declare_required("Reason for the change.")
    note: str | None = declare_optional(
        "Note, stored in the audit trail. Cut off after 500 characters.", metadata=MULTILINE
    )
    idempotency_key: str = declare_key()


async def resolve_stock_adjust(context: Context, *, input: Annotated[StockAdjustInput, Input]) -> MutationResult:
    location = context.require_location(input.location_key)
    (variant,), problems = await find_variants(context, [input.variant_id])
    problems += [wrong for wrong in [check_quantity(input.on_hand, None, least=0)] if wrong]
    problems += check_locations(context, {"locationKey": location.key})
    reason = MovementReason(input.reason.value)
    count = StockCount(variant or "", location.key, input.expected_on_hand, input.on_hand, reason)
    subject = MutationResult(subject=variant, subjects=(location.key,))
    use_case = partial(adjust_stock, count=count, context=build_selling_context(context))
    changes = [AuditChange("onHand", str(input.expected_on_hand), str(input.on_hand))]
    decided = refuse(problems, subject) or use_case
    result = await execute(context, "stockAdjust", input, decided, subject, changes=changes)
    if result.done and variant:
        _log.info("Stock at %s: %s by %r", location.key, reason.value, context.caller.principal)
        await refresh_stock(context, [variant], [location])
    return result


@strawberry.input(description="Reservations to release.")
class StockReleaseInput:
    reservation_ids: list[strawberry.ID] = declare_required(
        "IDs of the reservations, at most 200.", max_items=MAX_LINES
    )
    idempotency_key: str = declare_key()


async def resolve_stock_release(context: Context, *, input: Annotated[StockReleaseInput, Input]) -> MutationResult:
    ids = list(
        dict.fromkeys(
            parse_row_id(f"input.reservationIds.{n}", "Reservation", id_) for n, id_ in enumerate(input.reservation_ids)
        )
    )
    if not ids:
        raise BadUserInputError("reservationIds: expected at least one.")
    caller = context.caller
    use_case = partial(
        release_reservations,
        ids=ids,
        owner=caller.principal,
        any_owner=caller.has_scope("stock:read"),
        context=build_selling_context(context),
    )
    changes = [AuditChange("reservationIds", " ".join(input.reservation_ids[:MAX_AUDITED_LINES]), None)]
    subject = MutationResult(subjects=tuple(ids))
    return await execute(context, "stockRelease", input, use_case, subject, changes=changes)


@strawberry.input(description="Units of a variant to reserve at a location.")
class StockReserveLineInput:
    variant_id: strawberry.ID = declare_required(VARIANT_ID)
    location_key: str = declare_required(LOCATION_KEY)
    quantity: int = declare_required("Units to reserve, at least 1.")


@strawberry.input(description="Units to reserve: all lines, or none.")
class StockReserveInput:
    lines: list[StockReserveLineInput] = declare_required("The lines to reserve, at most 200.", max_items=MAX_LINES)
    hold_seconds: int = declare_required("How long to hold the reservation in seconds, 1 to 86,400 (a day).")
    idempotency_key: str = declare_key()


async def resolve_stock_reserve(context: Context, *, input: Annotated[StockReserveInput, Input]) -> MutationResult:
    expires_at = context.now + timedelta(seconds=_read_hold_seconds(input.hold_seconds))
    if not input.lines:
        raise BadUserInputError("lines: expected at least one.")
    locations = [context.require_location(line.location_key).key for line in input.lines]
    variants, problems = await find_variants(context, [line.variant_id for line in input.lines])
    problems += [wrong for n, line in enumerate(input.lines) if (wrong := check_quantity(line.quantity, n))]
    problems += check_locations(context, {f"lines.{n}.locationKey": key for n, key in enumerate(locations)})
    parts = zip(variants, locations, input.lines, strict=True)
    use_case = partial(
        create_reservations,
        requests=[StockRequest(variant or "", location, line.quantity) for variant, location, line in parts],
        owner=context.caller.principal,
        expires_at=expires_at,
        context=build_selling_context(context),
    )
    changes = [
        AuditChange(f"lines.{n}", None, f"{line.quantity} of {line.variant_id} at {line.location_key}")
        for n, line in enumerate(input.lines[:MAX_AUDITED_LINES])
    ]
    return await execute(context, "stockReserve", input, refuse(problems) or use_case, changes=changes)


def _read_hold_seconds(seconds: int) -> int:
    if not 0 < seconds <= MAX_HOLD.total_seconds():
        raise BadUserInputError(f"holdSeconds: expected 1 to {MAX_HOLD.total_seconds():.0f}.")
    return seconds


@strawberry.input(description="Units of a variant to transfer between locations.")
class StockTransferInput:
    variant_id: strawberry.ID = declare_required(VARIANT_ID)
    from_location_key: str = declare_required("Key of the location the units leave.")
    to_location_key: str = declare_required("Key of the location the units go to.")
    quantity: int = declare_required("Units to transfer, at least 1.")
    idempotency_key: str = declare_key()


async def resolve_stock_transfer(context: Context, *, input: Annotated[StockTransferInput, Input]) -> MutationResult:
    ends = [context.require_location(key) for key in (input.from_location_key, input.to_location_key)]
    if ends[0] is ends[1]:
        raise BadUserInputError("toLocationKey: must differ from fromLocationKey.")
    (variant,), problems = await find_variants(context, [input.variant_id])
    problems += [wrong for wrong in [check_quantity(input.quantity, None)] if wrong]
    problems += check_locations(context, {"fromLocationKey": ends[0].key, "toLocationKey": ends[1].key})
    want = StockRequest(variant or "", ends[0].key, input.quantity)
    subject = MutationResult(subject=variant, subjects=(ends[0].key, ends[1].key))
    use_case = partial(transfer_stock, request=want, to=ends[1].key, context=build_selling_context(context))
    changes = [AuditChange("quantity", None, str(input.quantity)), AuditChange("toLocationKey", None, ends[1].key)]
    decided = refuse(problems, subject) or use_case
    result = await execute(context, "stockTransfer", input, decided, subject, changes=changes)
    if result.done and variant:
        await refresh_stock(context, [variant], ends)
    return result
