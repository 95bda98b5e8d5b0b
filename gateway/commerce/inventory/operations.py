"""Stock operations of clients: reserve units, release them, correct a count, transfer units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.inventory import movements, reservation_changes
from gateway.commerce.inventory.reservations import (
    InsufficientStockError,
    ReservationTemplate,
    StockRequest,
    reserve_stock,
)
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.commerce.topology import Topology
from gateway.model.ids import generate_id
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.stock import MovementReason, ReservationState
from gateway.sdk.writes import AdjustStock
from gateway.storage.database import Connection
from gateway.storage.writes import reservations, stock_counters
from gateway.storage.writes.reservations import ReservationRow
from gateway.storage.writes.stock_counters import StockCounter

COUNT_CORRECTIONS = frozenset({reason.value for reason in MovementReason} - {"SALE", "CANCELLATION", "TRANSFER"})
"""Reasons of movements that correct a count."""


def create_reservations(
    conn: Connection, requests: Sequence[StockRequest], owner: str, expires_at: datetime, context: SellingContext
) -> MutationResult:
    """Reserve these units until they expire, all or none of them."""
    template = ReservationTemplate(state=ReservationState.HELD, owner=owner, expires_at=expires_at)
    try:
        reserved = reserve_stock(conn, requests, template, context)
    except InsufficientStockError as error:
        return MutationResult(
            user_errors=tuple(
                _build_stock_error(shortfall.position, shortfall.show_units(context.disclosure))
                for shortfall in error.shortfalls
            )
        )
    return MutationResult(subjects=tuple(row.id for rows in reserved.values() for row in rows), done=True)


def _build_stock_error(position: int, available: int) -> UserError:
    code = UserErrorCode.INSUFFICIENT_STOCK if available else UserErrorCode.OUT_OF_STOCK
    message = (
        f"There are not enough units at this location; {available} are available."
        if available
        else "The variant is out of stock at this location."
    )
    return UserError(
        code=code, field=("input", "lines", str(position), "quantity"), message=message, available_quantity=available
    )


def release_reservations(
    conn: Connection, ids: Sequence[str], owner: str, any_owner: bool, context: SellingContext
) -> MutationResult:
    """Release reservations. Those that are not held any more are left as they are; sold ones are reported as errors.

    Args:
        owner: releases only reservations of this owner; those at locations of the caller too if `any_owner` is set.
    """
    by_id = {
        row.id: row
        for row in reservations.find_reservations(conn, ids)
        if row.owner == owner or (any_owner and context.permissions.can_act_at(row.location))
    }
    missing = [id_ for id_ in ids if id_ not in by_id]
    if missing:
        return MutationResult(user_errors=tuple(_build_not_found_error(ids.index(id_)) for id_ in missing))
    released = {row.id for row in reservation_changes.release(conn, ids, context.now)}
    sold = [n for n, id_ in enumerate(ids) if id_ not in released and by_id[id_].state in _SOLD_STATES]
    return MutationResult(
        subjects=tuple(ids), done=bool(released), user_errors=tuple(_build_sold_error(position) for position in sold)
    )


_SOLD_STATES = (ReservationState.COMMITTED.value, ReservationState.SETTLED.value)


def _build_not_found_error(position: int) -> UserError:
    return UserError(
        code=UserErrorCode.NOT_FOUND,
        field=("input", "reservationIds", str(position)),
        message="There is no reservation with this ID.",
    )


def _build_sold_error(position: int) -> UserError:
    return UserError(
        code=UserErrorCode.NOT_ALLOWED_IN_STATE,
        field=("input", "reservationIds", str(position)),
        message="The units have been sold. Cancel the order instead.",
    )


@dataclass(frozen=True, slots=True)
class _CountedVariant:
    """The stock counter of a variant at a location, and the listing that leads to it."""

    counter: StockCounter
    location: str
    listing_id: str


@dataclass(frozen=True, slots=True)
class StockCount:
    """A stock count: the units counted, and the units that the client expected before."""

    variant_id: str
    location: str
    expected: int
    on_hand: int
    reason: MovementReason


def adjust_stock(conn: Connection, count: StockCount, context: SellingContext) -> tuple[MutationResult, EnqueuedKeys]:
    """Correct a count, if it is still the expected one. Returns the commands for its authority as well."""
    about = MutationResult(subject=count.variant_id, subjects=(count.location,))
    target = _find_counter(conn, count.variant_id, count.location, context.topology)
    if isinstance(target, UserError):
        return replace(about, user_errors=(target,)), {}
    counter = target.counter
    if refusal := _check_expected_count(conn, counter, count):
        return replace(about, user_errors=(refusal,)), {}
    if count.on_hand == count.expected:
        return replace(about, done=True), {}
    row = _build_movement(target, count.expected - count.on_hand, count.reason, context.now)
    stock_counters.change_held(conn, {counter.key: counter}, reservations.sum_claims([row]), context.now)
    return replace(about, done=True), movements.post_new_movements(conn, [row], context.now)


def _check_expected_count(conn: Connection, counter: StockCounter, count: StockCount) -> UserError | None:
    """Return an error if the count is not the expected one, or does not contain an earlier correction yet."""
    in_flight = [
        row
        for row in reservations.find_open_reservations(conn, [counter.key])
        if row.reason in COUNT_CORRECTIONS and row.command
    ]
    if in_flight:
        return replace(
            _COUNT_CHANGED,
            message="An earlier correction is still being applied. Retry in a few seconds.",
            retryable=True,
            retry_after_seconds=5,
        )
    return None if counter.on_hand == count.expected else _COUNT_CHANGED


_COUNT_CHANGED = UserError(
    code=UserErrorCode.CONFLICT,
    field=("input", "expectedOnHand"),
    message="The count has changed. Read it again and retry with the current count.",
)


def transfer_stock(
    conn: Connection, request: StockRequest, to: str, context: SellingContext
) -> tuple[MutationResult, EnqueuedKeys]:
    """Transfer units between locations. They arrive once the authority of the source location has acknowledged the
    departure.
    """
    about = MutationResult(subject=request.variant_id, subjects=(request.location, to))
    source = _find_counter(conn, request.variant_id, request.location, context.topology)
    target = _find_counter(conn, request.variant_id, to, context.topology)
    if isinstance(source, UserError) or isinstance(target, UserError):
        ends = (("fromLocationKey", source), ("toLocationKey", target))
        refusals = tuple(replace(end, field=("input", name)) for name, end in ends if isinstance(end, UserError))
        return replace(about, user_errors=refusals), {}
    template = ReservationTemplate(state=ReservationState.COMMITTED, reason=MovementReason.TRANSFER)
    try:
        leaving = reserve_stock(conn, [request], template, context)[0]
    except InsufficientStockError as error:
        available = error.shortfalls[0].show_units(context.disclosure)
        shortfall_error = replace(_build_stock_error(0, available), field=("input", "quantity"))
        return replace(about, user_errors=(shortfall_error,)), {}
    arriving = [
        replace(_build_movement(target, -row.quantity, MovementReason.TRANSFER, context.now), follows=row.id)
        for row in leaving
    ]
    reservations.insert_reservations(conn, arriving)
    return replace(about, done=True), movements.post_movements(conn, leaving, context.now)


def _find_counter(conn: Connection, variant_id: str, location: str, topology: Topology) -> _CountedVariant | UserError:
    """Find the stock counter of a variant at a location; an error if there is none that can be adjusted."""
    authority = topology.locations[location].authority
    if authority is None:
        return _UNKNOWN_AUTHORITY
    if not topology.can_execute(authority.channel, AdjustStock):
        return UserError(
            code=UserErrorCode.NOT_SUPPORTED_BY_CHANNEL,
            field=("input", "locationKey"),
            message="The channel that counts this location does not support stock adjustments.",
            channel_key=authority.channel,
        )
    counter_keys = stock_counters.find_counters(conn, authority, [variant_id]).get(variant_id, {})
    counters = [counter for counter in stock_counters.lock_counters(conn, counter_keys).values() if counter.known]
    if len(counters) == 1:
        return _CountedVariant(counters[0], location, counter_keys[counters[0].key])
    return UserError(
        code=UserErrorCode.NOT_FOUND,
        field=("input", "variantId"),
        message="The variant has several inventory items at this location."
        if counters
        else "The variant is not counted at this location.",
    )


_UNKNOWN_AUTHORITY = UserError(
    code=UserErrorCode.NOT_FOUND,
    field=("input", "locationKey"),
    message="No channel counts this location until an operator accepts its new authority.",
)


def _build_movement(target: _CountedVariant, quantity: int, reason: MovementReason, now: datetime) -> ReservationRow:
    counter = target.counter
    return ReservationRow(
        id=generate_id(now),
        channel=counter.channel,
        item=counter.item,
        place=counter.place,
        location=target.location,
        listing_id=target.listing_id,
        quantity=quantity,
        state=ReservationState.COMMITTED.value,
        reason=reason.value,
        created_at=now,
        updated_at=now,
    )
