"""Handing goods over: sent, made ready, collected; or not found on the shelf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.commerce import canceling, credentials, parts, payments, rerouting
from gateway.commerce.commands import Told, Wish, wish
from gateway.commerce.news import News
from gateway.commerce.payments import Offered
from gateway.commerce.selling import Selling
from gateway.model.channels import FulfillmentMethod
from gateway.model.ids import new_id
from gateway.model.orders import (
    FulfillmentStatus,
    OrderAttention,
    OrderEventKind,
    OrderStatus,
    PaymentKind,
    PaymentStatus,
    Tracking,
)
from gateway.model.outcomes import Outcome, UserError, UserErrorCode
from gateway.sdk.records import OrderLineRecord, Ref
from gateway.sdk.writes import ShipOrder
from gateway.storage import carts, fulfilling, sales
from gateway.storage.database import Connection
from gateway.storage.fulfilling import ChannelOrderRow, FulfillmentRow, listed
from gateway.storage.rows import dump
from gateway.storage.sales import OrderLineRow, OrderRow

SHIP = "ship"
"""In the outbox: the channel order behind the colon is to be told that its goods have left."""

WRONG_CODES = 5
"""So many in a row, and no code is taken for a while."""

CLOSED = timedelta(minutes=15)


@dataclass(slots=True)
class Handing:
    """A fulfillment that is being handed over, with its order; both locked."""

    order: OrderRow
    row: FulfillmentRow
    lines: Mapping[str, OrderLineRow]

    @property
    def outcome(self) -> Outcome:
        """It was done."""
        return Outcome(subject=self.row.id, done=True)


def ship(
    conn: Connection,
    id_: str,
    version: int,
    quantities: Mapping[str, int] | None,
    tracking: Sequence[Tracking],
    selling: Selling,
    now: datetime,
) -> tuple[Outcome, Told]:
    """Goods have left; `quantities`: only so much of each line, and the rest is still to be sent."""
    found = _locked(conn, id_, version, FulfillmentMethod.SHIPPING, (FulfillmentStatus.ACCEPTED,))
    if isinstance(found, UserError):
        return _refused(id_, found), {}
    sent = dict(quantities) if quantities is not None else found.row.quantities
    if (wrong := _odd(sent, found.row)) is not None:
        return _refused(id_, wrong), {}
    _split(conn, found, sent, now)
    found.row.status, found.row.shipped_at = FulfillmentStatus.IN_TRANSIT.value, now
    found.row.tracking = dump([[one.carrier, one.number, one.url] for one in tracking])
    _hand_over(conn, found, sent, now)
    numbers = ", ".join(one.number for one in tracking)
    _note(conn, found, OrderEventKind.SHIPPED, f"Sent as {numbers}." if numbers else "Sent.", now)
    told = _tell(conn, found, sent, tracking, selling, now)
    _finish(conn, found, now)
    return found.outcome, told


def _odd(sent: Mapping[str, int], row: FulfillmentRow) -> UserError | None:
    known = row.quantities
    for position, (line, quantity) in enumerate(sent.items()):
        if not 0 < quantity <= known.get(line, 0):
            field = ("input", "lines", str(position), "quantity" if line in known else "lineId")
            message = f"Expected 1 to {known.get(line, 0)}." if line in known else "It is not a line of this."
            return UserError(code=UserErrorCode.INVALID, field=field, message=message)
    if not sent:
        return UserError(code=UserErrorCode.INVALID, field=("input", "lines"), message="At least one line.")
    return None


def _split(conn: Connection, found: Handing, sent: Mapping[str, int], now: datetime) -> None:
    """What is not sent yet is a fulfillment of its own from now on."""
    left = {line: quantity - sent.get(line, 0) for line, quantity in found.row.quantities.items()}
    if any(left.values()):
        rest = replace(found.row, id=new_id(now), version=1, lines=listed(left), created_at=now, updated_at=now)
        fulfilling.add_fulfillments(conn, [rest])
        found.row.lines = listed(sent)


def _tell(
    conn: Connection,
    found: Handing,
    sent: Mapping[str, int],
    tracking: Sequence[Tracking],
    selling: Selling,
    now: datetime,
) -> Told:
    """The channel that has the part as an order learns that it has left."""
    part = fulfilling.part(conn, found.row.channel_order_id) if found.row.channel_order_id else None
    if part is None or not selling.ground.can(part.channel, ShipOrder):
        return {}
    sold = carts.offers_of_sold(conn, [found.lines[line] for line in sent])
    theirs = carts.offers(conn, part.channel, {offer.variant_id for offer in sold.values()})
    quantities = {
        theirs[offer.variant_id].external_id: sent[line] for line, offer in sold.items() if offer.variant_id in theirs
    }
    first = tracking[0] if tracking else None
    command = ShipOrder(
        key=new_id(now),
        subject=Ref(part.client_reference),
        quantities=quantities,
        tracking_number=first.number if first else None,
        carrier=first.carrier if first else None,
        tracking_url=first.url if first else None,
    )
    about, subject = f"{SHIP}:{part.id}", parts.subject_of(part)
    return wish(conn, [Wish(channel=part.channel, command=command, subject=subject, about=about)], now)


def heard(conn: Connection, news: News, selling: Selling, now: datetime) -> None:
    """News of goods of which a channel was told that they have left. What it cannot take, a person has to tell it."""
    part = fulfilling.part(conn, news.entry.about.partition(":")[2])
    if part is None or not news.refused:
        return
    order = sales.orders_by_id(conn, [part.order_id])[part.order_id]
    part.note(news.fault)
    part.updated_at = now
    fulfilling.store_part(conn, part)
    message = "The channel did not take it that this has left."
    fulfilling.note(conn, order.id, OrderEventKind.NOTE, message, now, channel=part.channel, location=part.location)
    parts.touched(conn, order, now)


def shipped_there(
    conn: Connection, order: OrderRow, part: ChannelOrderRow, there: Mapping[str, OrderLineRecord], now: datetime
) -> None:
    """The channel shows that goods of its part have left, which nobody here has said."""
    mine = [row for row in fulfilling.fulfillments_of(conn, order.id) if row.channel_order_id == part.id]
    waiting = [row for row in mine if row.status == FulfillmentStatus.ACCEPTED.value]
    handed = sum(line.fulfilled_quantity for line in there.values())
    known = sum(sum(row.quantities.values()) for row in mine if row.status in canceling.GONE)
    late = [row for row in mine if row.status == FulfillmentStatus.CANCELLED.value]
    if handed <= known or not (waiting or late):
        return
    if not waiting:
        note = "It was sent although it is canceled."
        fulfilling.open_task(conn, order.id, OrderAttention.REFUND_BY_HAND, note, now)
        return
    if handed < sum(line.quantity for line in there.values()):
        return  # a part of it: it is told when all of it has left
    lines = {line.id: line for line in sales.lines_of(conn, [order.id]).values()}
    for row in waiting:
        found = Handing(order, row, lines)
        collected = row.method == FulfillmentMethod.PICKUP.value
        row.status = (FulfillmentStatus.COLLECTED if collected else FulfillmentStatus.IN_TRANSIT).value
        row.shipped_at = now
        _hand_over(conn, found, row.quantities, now)
        _note(conn, found, OrderEventKind.SHIPPED, "Sent by the channel.", now)
    fulfilling.store_fulfillments(conn, waiting, now)
    canceling.complete_if_over(conn, order)
    parts.touched(conn, order, now)


# ------------------------------------------------------------------------------------------------ pickup


def mark_ready(conn: Connection, id_: str, version: int, selling: Selling, now: datetime) -> Outcome:
    """The goods lie ready to be collected; what had to be brought has arrived."""
    waiting = (FulfillmentStatus.ACCEPTED, FulfillmentStatus.PENDING)
    found = _locked(conn, id_, version, FulfillmentMethod.PICKUP, waiting)
    if isinstance(found, UserError):
        return _refused(id_, found)
    if found.row.status == FulfillmentStatus.PENDING.value and found.row.channel_order_id is not None:
        return _refused(id_, _STATE)  # its channel has not taken it yet
    found.row.status, found.row.ready_at = FulfillmentStatus.READY_FOR_PICKUP.value, now
    found.row.collect_by = now + selling.collect_within
    _note(conn, found, OrderEventKind.READY_FOR_PICKUP, "Ready to be collected.", now)
    _finish(conn, found, now)
    return found.outcome


def collect(conn: Connection, id_: str, code: str, may_take_money: bool, selling: Selling, now: datetime) -> Outcome:
    """Somebody collects the goods and says the code."""
    found = _locked(conn, id_, None, FulfillmentMethod.PICKUP, (FulfillmentStatus.READY_FOR_PICKUP,))
    if isinstance(found, UserError):
        return _refused(id_, found)
    if (refusal := _wrong_code(conn, found, code, selling, now)) is not None:
        return _refused(id_, refusal)
    if not _paid(conn, found, may_take_money, now):
        return _refused(id_, _UNPAID)
    found.row.status, found.row.delivered_at = FulfillmentStatus.COLLECTED.value, now
    _hand_over(conn, found, found.row.quantities, now)
    _note(conn, found, OrderEventKind.COLLECTED, "Collected.", now)
    _finish(conn, found, now)
    return found.outcome


def _wrong_code(conn: Connection, found: Handing, code: str, selling: Selling, now: datetime) -> UserError | None:
    row = found.row
    if row.closed_until is not None and row.closed_until > now:
        wait = int((row.closed_until - now).total_seconds()) + 1
        return replace(_TOO_MANY, retry_after_seconds=wait)
    if credentials.is_right(code.strip(), credentials.pickup_code(selling.secret, row.id)):
        row.wrong_codes, row.closed_until = 0, None
        return None
    row.wrong_codes += 1
    if row.wrong_codes % WRONG_CODES == 0:
        row.closed_until = now + CLOSED * 2 ** min(row.wrong_codes // WRONG_CODES - 1, 8)
    fulfilling.store_fulfillments(conn, [row], now)
    return UserError(
        code=UserErrorCode.CODE_WRONG, field=("input", "pickupCode"), message="This is not the code of this pickup."
    )


def _paid(conn: Connection, found: Handing, may_take_money: bool, now: datetime) -> bool:
    """Whether it is paid; what is paid on collection is, where whoever hands it over may take money."""
    rows = fulfilling.payments_of(conn, found.order.id)
    due = [
        row for row in rows if row.kind == PaymentKind.ON_COLLECTION.value and row.status != PaymentStatus.PAID.value
    ]
    if due and may_take_money:
        for row in due:
            row.status, row.occurred_at = PaymentStatus.PAID.value, now
        fulfilling.store_payments(conn, due)
        _note(conn, found, OrderEventKind.PAID, "Paid on collection.", now)
    found.order.payment_status = payments.status_of(rows, found.order.total or 0).value
    return found.order.payment_status == PaymentStatus.PAID.value or not found.order.total


def reject(
    conn: Connection, id_: str, version: int, reason: str, selling: Selling, now: datetime
) -> tuple[Outcome, Told]:
    """It is not on the shelf: it comes from elsewhere, or a person has to see to it."""
    waiting = (FulfillmentStatus.ACCEPTED, FulfillmentStatus.PENDING, FulfillmentStatus.READY_FOR_PICKUP)
    found = _locked(conn, id_, version, None, waiting)
    if isinstance(found, UserError):
        return _refused(id_, found), {}
    message = (reason.strip() or "It could not be served.")[:500]
    _note(conn, found, OrderEventKind.REJECTED, message, now)
    told: Told = {}
    part = fulfilling.part(conn, found.row.channel_order_id) if found.row.channel_order_id else None
    if part is not None:
        told = canceling.recall(conn, found.order, part, now)
    if not rerouting.elsewhere(conn, found.order, [found.row], selling, now):
        fulfilling.open_task(conn, found.order.id, OrderAttention.STOCK_SHORT, message, now)
    parts.touched(conn, found.order, now)
    return found.outcome, told


# ------------------------------------------------------------------------------------------------ payments


def record_payment(conn: Connection, order_id: str, one: Offered, now: datetime) -> Outcome:
    """Money has been taken, or promised, for an order."""
    order = sales.orders_by_id(conn, [order_id]).get(order_id)
    if order is None or not canceling.is_ours(order):
        missing = UserError(code=UserErrorCode.NOT_FOUND, field=("input", "orderId"), message="There is no such order.")
        return _refused(order_id, missing)
    rows = fulfilling.payments_of(conn, order_id)
    if (refusal := _payment_refusal(order, rows, one)) is not None:
        return _refused(order_id, refusal)
    waiting = next((row for row in rows if _waits_for(row, one)), None)
    if waiting is None:
        waiting = payments.row_of(order, one, now)
        fulfilling.add_payments(conn, [waiting])
        rows.append(waiting)
    waiting.status, waiting.occurred_at = PaymentStatus.PAID.value, now
    waiting.provider, waiting.reference = one.provider or waiting.provider, one.reference or waiting.reference
    fulfilling.store_payments(conn, [waiting])
    order.payment_status = payments.status_of(rows, order.total or 0).value
    fulfilling.note(conn, order.id, OrderEventKind.PAID, f"Paid {one.amount.amount}.", now, channel=order.channel)
    _due_back(conn, order, now)
    canceling.complete_if_over(conn, order)
    parts.touched(conn, order, now)
    return Outcome(subject=order_id, done=True)


def _payment_refusal(order: OrderRow, rows: Sequence[fulfilling.PaymentRow], one: Offered) -> UserError | None:
    if one.amount.currency_code != order.currency:
        return UserError(
            code=UserErrorCode.CURRENCY_MISMATCH, field=("input", "payment"), message=f"It is in {order.currency}."
        )
    paid = sum(row.amount for row in rows if row.status == PaymentStatus.PAID.value)
    if not 0 < one.amount.minor <= (order.total or 0) - paid:
        return UserError(
            code=UserErrorCode.PAYMENT_MISMATCH, field=("input", "payment", "amount"), message="It is not what is due."
        )
    return None


def _waits_for(row: fulfilling.PaymentRow, one: Offered) -> bool:
    """Whether this is the money that a payment was waiting for."""
    due = row.status in (PaymentStatus.PENDING.value, PaymentStatus.UNPAID.value)
    return due and row.amount == one.amount.minor and row.provider in (None, one.provider)


def _due_back(conn: Connection, order: OrderRow, now: datetime) -> None:
    if order.status in (OrderStatus.CANCELLED.value, OrderStatus.FAILED.value, OrderStatus.CANCELLING.value):
        note = "Money was taken for it, and is due back."
        fulfilling.open_task(conn, order.id, OrderAttention.PAYMENT_DUE_BACK, note, now)


# ------------------------------------------------------------------------------------------------ what they share


def _locked(
    conn: Connection,
    id_: str,
    version: int | None,
    method: FulfillmentMethod | None,
    states: Sequence[FulfillmentStatus],
) -> Handing | UserError:
    known = fulfilling.fulfillment(conn, id_)
    order = None if known is None else sales.orders_by_id(conn, [known.order_id]).get(known.order_id)
    row = fulfilling.fulfillment(conn, id_)  # as it is now that its order is locked
    if row is None or order is None:
        return UserError(code=UserErrorCode.NOT_FOUND, field=("input", "fulfillmentId"), message="There is none.")
    if version is not None and row.version != version:
        message = "It has changed: look again."
        return UserError(code=UserErrorCode.CONFLICT, field=("input", "version"), message=message)
    fits = method is None or row.method == method.value
    if not fits or row.status not in {one.value for one in states} or order.status == OrderStatus.CANCELLING.value:
        return _STATE
    lines = {line.id: line for line in sales.lines_of(conn, [order.id]).values()}
    return Handing(order, row, lines)


def _hand_over(conn: Connection, found: Handing, quantities: Mapping[str, int], now: datetime) -> None:
    for line, quantity in quantities.items():
        found.lines[line].fulfilled_quantity += quantity
    sales.store_lines(conn, [found.lines[line] for line in quantities], set(found.lines), ())
    found.order.fulfillment_status = parts.fulfilled(found.lines.values()).value


def _finish(conn: Connection, found: Handing, now: datetime) -> None:
    fulfilling.store_fulfillments(conn, [found.row], now)
    canceling.complete_if_over(conn, found.order)
    parts.touched(conn, found.order, now)


def _note(conn: Connection, found: Handing, kind: OrderEventKind, message: str, now: datetime) -> None:
    fulfilling.note(conn, found.order.id, kind, message, now, channel=found.row.channel, location=found.row.location)


def _refused(id_: str, error: UserError) -> Outcome:
    return Outcome(subject=id_, user_errors=(error,))


_STATE = UserError(
    code=UserErrorCode.NOT_ALLOWED_IN_STATE,
    field=("input", "fulfillmentId"),
    message="It cannot be done as things stand.",
)
_UNPAID = UserError(
    code=UserErrorCode.PAYMENT_REQUIRED, field=("input", "fulfillmentId"), message="It has to be paid first."
)
_TOO_MANY = UserError(
    code=UserErrorCode.TOO_MANY_ATTEMPTS,
    field=("input", "pickupCode"),
    message="Too many wrong codes: wait.",
    retryable=False,
)
