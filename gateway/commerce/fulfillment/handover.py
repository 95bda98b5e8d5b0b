"""Handover of goods: what shipping and pickup share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.orders import order_state
from gateway.commerce.orders.payment_deadline import DUE_STATUSES
from gateway.commerce.permissions import Permissions
from gateway.model.actors import Actor
from gateway.model.locations import FulfillmentMethod
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.orders import (
    FulfillmentStatus,
    OrderEventKind,
    OrderStatus,
    PaymentKind,
)
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments, orders
from gateway.storage.writes.fulfillments import FulfillmentRow
from gateway.storage.writes.orders import OrderLineRow, OrderRow


@dataclass(slots=True)
class Handover:
    """A fulfillment that is handed over, with its order and the order's lines; both are locked.

    Attributes:
        actor: who hands it over; None: a channel did.
    """

    order: OrderRow
    row: FulfillmentRow
    lines: Mapping[str, OrderLineRow]
    actor: Actor | None = None

    @property
    def outcome(self) -> MutationResult:
        """The result of a successful operation."""
        return MutationResult(subject=self.row.id, done=True)


def lock_fulfillment(
    conn: Connection,
    id_: str,
    version: int | None,
    methods: Collection[FulfillmentMethod],
    states: Sequence[FulfillmentStatus],
    context: SellingContext,
) -> Handover | UserError:
    """Lock a fulfillment and its order. Returns an error if the caller may not change it, or not in this state."""
    unlocked = fulfillments.find_fulfillment(conn, id_)
    order = None if unlocked is None else orders.lock_orders(conn, [unlocked.order_id]).get(unlocked.order_id)
    row = fulfillments.find_fulfillment(conn, id_)  # read again, because its order is locked now
    if row is None or order is None:
        return UserError(
            code=UserErrorCode.NOT_FOUND,
            field=("input", "fulfillmentId"),
            message="There is no fulfillment with this ID.",
        )
    if (refusal := _check_row(row, order, version, methods, states, context.permissions)) is not None:
        return refusal
    lines = {line.id: line for line in orders.find_lines(conn, [order.id]).values()}
    return Handover(order, row, lines, context.actor)


def _check_row(
    row: FulfillmentRow,
    order: OrderRow,
    version: int | None,
    methods: Collection[FulfillmentMethod],
    states: Sequence[FulfillmentStatus],
    permissions: Permissions,
) -> UserError | None:
    if not permissions.can_act_at(row.location):
        return LOCATION_NOT_ALLOWED
    if version is not None and row.version != version:
        message = "The fulfillment has changed. Read it again and retry with its current version."
        return UserError(code=UserErrorCode.CONFLICT, field=("input", "version"), message=message)
    fits = row.method in {method.value for method in methods}
    if not fits or row.status not in {state.value for state in states} or order.status == OrderStatus.CANCELLING.value:
        return NOT_ALLOWED_IN_STATE
    return None


def check_payment(conn: Connection, handover: Handover, config: SellingConfig) -> UserError | None:
    """Check that goods may be prepared or shipped before the order is paid, if it is not.

    They may if it is paid on collection, if its channel delivers on invoice, or if a marketplace sold them.
    """
    order = handover.order
    if order.payment_status not in DUE_STATUSES or not order.total:
        return None
    if order.channel in config.invoice_channels | config.topology.marketplaces:
        return None
    due = [row for row in fulfillments.find_payments(conn, order.id) if row.status in DUE_STATUSES]
    paid_on_collection = due and all(row.kind == PaymentKind.ON_COLLECTION.value for row in due)
    return None if paid_on_collection else _UNPAID


def record_handover(conn: Connection, handover: Handover, quantities: Mapping[str, int], now: datetime) -> None:
    for line, quantity in quantities.items():
        handover.lines[line].fulfilled_quantity += quantity
    orders.store_lines(conn, [handover.lines[line] for line in quantities], set(handover.lines), ())
    handover.order.fulfillment_status = order_state.compute_fulfillment_status(handover.lines.values()).value


def store_handover(conn: Connection, handover: Handover, now: datetime) -> None:
    fulfillments.update_fulfillments(conn, [handover.row], now)
    order_state.complete_if_fulfilled(conn, handover.order)
    order_state.store_and_log(conn, handover.order, now)


def note_event(conn: Connection, handover: Handover, kind: OrderEventKind, message: str, now: datetime) -> None:
    row = handover.row
    fulfillments.insert_event(
        conn, row.order_id, kind, message, now, channel=row.channel, location=row.location, actor=handover.actor
    )


def build_refusal(id_: str, error: UserError) -> MutationResult:
    return MutationResult(subject=id_, user_errors=(error,))


COLLECTED_METHODS = (FulfillmentMethod.PICKUP, FulfillmentMethod.IN_STORE)
"""Methods by which the customer gets the goods at the location."""

LOCATION_NOT_ALLOWED = UserError(
    code=UserErrorCode.LOCATION_NOT_ALLOWED,
    field=("input", "fulfillmentId"),
    message="The fulfillment belongs to a location at which this token does not act.",
)

_UNPAID = UserError(
    code=UserErrorCode.PAYMENT_REQUIRED,
    field=("input", "fulfillmentId"),
    message="The order is not paid. Record its payment first.",
)

NOT_ALLOWED_IN_STATE = UserError(
    code=UserErrorCode.NOT_ALLOWED_IN_STATE,
    field=("input", "fulfillmentId"),
    message="The fulfillment does not allow this in its current state.",
)
