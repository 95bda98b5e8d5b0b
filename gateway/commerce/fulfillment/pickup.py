"""Pickup of goods: ready for pickup, collected, or rejected because a location could not serve them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.commerce import tokens
from gateway.commerce.context import SellingContext
from gateway.commerce.fulfillment import pickup_codes, rerouting
from gateway.commerce.fulfillment.handover import (
    COLLECTED_METHODS,
    NOT_ALLOWED_IN_STATE,
    Handover,
    build_refusal,
    check_payment,
    lock_fulfillment,
    note_event,
    record_handover,
    store_handover,
)
from gateway.commerce.orders import cancellation, order_state, payments
from gateway.commerce.orders.payment_deadline import compute_deadline, is_awaiting_provider, is_paid
from gateway.commerce.orders.settlement import settle_order
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.model.locations import FulfillmentMethod
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.orders import (
    FulfillmentStatus,
    OrderAttention,
    OrderEventKind,
    PaymentKind,
    PaymentStatus,
)
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments


def mark_ready(conn: Connection, id_: str, version: int, context: SellingContext) -> MutationResult:
    """Mark the goods as ready for pickup; transferred goods have arrived."""
    allowed_states = (FulfillmentStatus.ACCEPTED, FulfillmentStatus.PENDING)
    handover = lock_fulfillment(conn, id_, version, COLLECTED_METHODS, allowed_states, context)
    if isinstance(handover, UserError):
        return build_refusal(id_, handover)
    if handover.row.status == FulfillmentStatus.PENDING.value and handover.row.channel_order_id is not None:
        return build_refusal(id_, NOT_ALLOWED_IN_STATE)  # its channel has not accepted the order yet
    if (refusal := check_payment(conn, handover, context.config)) is not None:
        return build_refusal(id_, refusal)
    handover.row.status, handover.row.ready_at = FulfillmentStatus.READY_FOR_PICKUP.value, context.now
    handover.row.collect_by = context.now + context.config.pickup_window
    note_event(conn, handover, OrderEventKind.READY_FOR_PICKUP, "Ready for pickup.", context.now)
    _move_deadline(conn, handover, context)
    store_handover(conn, handover, context.now)
    return handover.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionProof:
    """By what a customer is entitled to the goods: a code, the order's access token, or staff who know them.

    Attributes:
        presented_by: the caller, whose wrong codes are counted.
    """

    code: str | None = None
    access_token: str | None = None
    identification: str | None = None
    presented_by: str = ""

    @property
    def is_unambiguous(self) -> bool:
        """Whether there is exactly one proof."""
        return sum(proof is not None for proof in (self.code, self.access_token, self.identification)) == 1


def _move_deadline(conn: Connection, handover: Handover, context: SellingContext) -> None:
    """Let an order that is paid on collection wait for as long as its goods are held."""
    order, row = handover.order, handover.row
    rows = [row if part.id == row.id else part for part in fulfillments.find_fulfillments(conn, order.id)]
    payments_due = fulfillments.find_payments(conn, order.id)
    if order.pay_by is not None and not is_awaiting_provider(order, payments_due):
        order.pay_by = compute_deadline(order, payments_due, rows, context)


def collect_fulfillment(
    conn: Connection, id_: str, proof: CollectionProof, can_take_payment: bool, context: SellingContext
) -> MutationResult:
    """Hand the goods over to a customer who is entitled to them (rule U5)."""
    allowed_states = (FulfillmentStatus.READY_FOR_PICKUP,)
    handover = lock_fulfillment(conn, id_, None, COLLECTED_METHODS, allowed_states, context)
    if isinstance(handover, UserError):
        return build_refusal(id_, handover)
    if (refusal := _check_proof(conn, handover, proof, context)) is not None:
        return build_refusal(id_, refusal)
    if not _settle_payment(conn, handover, can_take_payment, context):
        return build_refusal(id_, _PAYMENT_REQUIRED)
    handover.row.status, handover.row.delivered_at = FulfillmentStatus.COLLECTED.value, context.now
    handover.row.identification = proof.identification
    record_handover(conn, handover, handover.row.quantities, context.now)
    note_event(conn, handover, OrderEventKind.COLLECTED, _describe_collection(proof), context.now)
    store_handover(conn, handover, context.now)
    return handover.outcome


def _describe_collection(proof: CollectionProof) -> str:
    return "Collected." if proof.identification is None else "Collected by a customer whom staff identified."


def _check_proof(
    conn: Connection, handover: Handover, proof: CollectionProof, context: SellingContext
) -> UserError | None:
    if proof.code is not None:
        return pickup_codes.check_code(conn, handover, proof.code, proof.presented_by, context)
    if proof.access_token is None or tokens.is_order_token(
        context.config.secrets, proof.access_token, handover.order.id
    ):
        return None
    return _WRONG_TOKEN


def _settle_payment(conn: Connection, handover: Handover, can_take_payment: bool, context: SellingContext) -> bool:
    """Whether the order is paid, or delivered on invoice. Payments on collection are recorded if the caller may take
    payments.
    """
    order, now = handover.order, context.now
    rows = fulfillments.find_payments(conn, order.id)
    due = [
        row for row in rows if row.kind == PaymentKind.ON_COLLECTION.value and row.status != PaymentStatus.PAID.value
    ]
    if due and can_take_payment:
        for row in due:
            row.status, row.occurred_at = PaymentStatus.PAID.value, now
        fulfillments.update_payments(conn, due)
        note_event(conn, handover, OrderEventKind.PAID, "Paid on collection.", now)
    order.payment_status = payments.compute_status(rows, order.total or 0).value
    if is_paid(order):
        settle_order(conn, order, rows, context)
    return is_paid(order) or order.channel in context.config.invoice_channels


def reject_fulfillment(
    conn: Connection, id_: str, version: int, reason: str, context: SellingContext
) -> tuple[MutationResult, EnqueuedKeys]:
    """Reject a fulfillment that the location cannot serve. It is rerouted, or a task is opened for an operator."""
    allowed_states = (FulfillmentStatus.ACCEPTED, FulfillmentStatus.PENDING, FulfillmentStatus.READY_FOR_PICKUP)
    handover = lock_fulfillment(conn, id_, version, tuple(FulfillmentMethod), allowed_states, context)
    if isinstance(handover, UserError):
        return build_refusal(id_, handover), {}
    message = (reason.strip() or "The location could not serve it.")[:500]
    note_event(conn, handover, OrderEventKind.REJECTED, message, context.now)
    enqueued: EnqueuedKeys = {}
    part = (
        fulfillments.find_channel_order(conn, handover.row.channel_order_id) if handover.row.channel_order_id else None
    )
    if part is not None:
        enqueued = cancellation.withdraw_or_recall(conn, handover.order, part, context.now)
    if not rerouting.reject_and_reroute(conn, handover.order, [handover.row], context):
        fulfillments.open_task(conn, handover.order.id, OrderAttention.STOCK_SHORT, message, context.now)
    order_state.store_and_log(conn, handover.order, context.now)
    return handover.outcome, enqueued


_PAYMENT_REQUIRED = UserError(
    code=UserErrorCode.PAYMENT_REQUIRED,
    field=("input", "fulfillmentId"),
    message="The order must be paid before it is collected.",
)

_WRONG_TOKEN = UserError(
    code=UserErrorCode.CODE_WRONG,
    field=("input", "orderAccessToken"),
    message="The access token is not that of the order.",
)
