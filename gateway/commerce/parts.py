"""The parts of an order: what comes from where, whom that is told, and what they answer (rules O1, O4, O5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from gateway.commerce import ledger, taxes
from gateway.commerce.commands import Told, Wish, both, wish
from gateway.commerce.customers import UNCOUNTED as UNCOUNTED
from gateway.commerce.options import shipping_price
from gateway.commerce.routes import Leg, ready_at
from gateway.commerce.selling import Selling
from gateway.commerce.taxes import Priced
from gateway.model.channels import Address, FulfillmentMethod
from gateway.model.ids import new_id
from gateway.model.money import Money
from gateway.model.orders import (
    ChannelOrderState,
    FulfillmentStatus,
    OrderContact,
    OrderEventKind,
    OrderFulfillmentStatus,
    OrderStatus,
    PaymentStatus,
)
from gateway.sdk.policies import Goods
from gateway.sdk.records import OrderLineRecord, OrderRecord, Ref
from gateway.sdk.writes import PlaceOrder
from gateway.storage import carts, fulfilling, log, reservations, sales
from gateway.storage.carts import Offer
from gateway.storage.database import Connection
from gateway.storage.fulfilling import ChannelOrderRow, FulfillmentRow, listed
from gateway.storage.reservations import ReservationRow
from gateway.storage.rows import dump, load
from gateway.storage.sales import OrderLineRow, OrderRow
from gateway.storage.shortages import SOLD_HERE as SOLD_HERE

ORDER = "order"
"""In the outbox: the channel order behind the colon waits for it."""


@dataclass(slots=True)
class Part:
    """What of an order comes from one location.

    Attributes:
        lines: of the order; `quantities` of each, by their ids.
        channel_order: None: its channel takes no orders from us, and is told what leaves instead.
    """

    leg: Leg
    lines: Sequence[OrderLineRow]
    quantities: Mapping[str, int]
    fulfillment: FulfillmentRow
    rows: list[ReservationRow]
    channel_order: ChannelOrderRow | None = None
    command: PlaceOrder | None = None

    @property
    def is_over(self) -> bool:
        """Whether the goods have been handed over already."""
        return self.fulfillment.status == FulfillmentStatus.COLLECTED.value


def made(
    conn: Connection,
    order: OrderRow,
    lines: Mapping[str, OrderLineRow],
    legs: Sequence[Leg],
    taken: Mapping[tuple[int, str], Sequence[ReservationRow]],
    selling: Selling,
    now: datetime,
) -> list[Part]:
    """The parts that these legs are. `lines`: of the order, by the names that legs have for them."""
    return [
        _part(
            conn, order, lines, leg, [row for key, rows in taken.items() if key[0] == n for row in rows], selling, now
        )
        for n, leg in enumerate(legs)
    ]


def _part(
    conn: Connection,
    order: OrderRow,
    lines: Mapping[str, OrderLineRow],
    leg: Leg,
    rows: Sequence[ReservationRow],
    selling: Selling,
    now: datetime,
) -> Part:
    some = [lines[name] for name in leg.quantities]
    quantities = {lines[name].id: quantity for name, quantity in leg.quantities.items()}
    part = Part(leg, some, quantities, _fulfillment(order, leg, quantities, selling, now), list(rows))
    offers = _placeable(conn, order, part, selling)
    if offers is not None:
        _as_order(order, part, offers, selling, now)
    return part


def _fulfillment(
    order: OrderRow, leg: Leg, quantities: Mapping[str, int], selling: Selling, now: datetime
) -> FulfillmentRow:
    over = leg.method is FulfillmentMethod.IN_STORE
    waits = leg.source is not None
    status = FulfillmentStatus.COLLECTED if over else FulfillmentStatus.PENDING if waits else FulfillmentStatus.ACCEPTED
    return FulfillmentRow(
        id=new_id(now),
        order_id=order.id,
        channel=(leg.source or leg.location).authority,
        method=leg.method.value,
        status=status.value,
        location=leg.location.key,
        transfer_from=None if leg.source is None else leg.source.key,
        lines=listed(quantities),
        ready_at=ready_at(leg, selling, now),
        delivered_at=now if over else None,
        created_at=now,
        updated_at=now,
    )


def _placeable(conn: Connection, order: OrderRow, part: Part, selling: Selling) -> Mapping[str, Offer] | None:
    """What the location's channel itself lists of these lines, where it can take them as an order; else None."""
    leg, channel = part.leg, part.leg.location.authority
    if leg.source is not None or not selling.ground.can(channel, PlaceOrder):
        return None
    if selling.currencies.get(channel) != order.currency:
        return None
    sold = carts.offers_of_sold(conn, part.lines)
    theirs = carts.offers(conn, channel, {offer.variant_id for offer in sold.values()})
    found = {line: theirs[offer.variant_id] for line, offer in sold.items() if offer.variant_id in theirs}
    same = all(found[line].units == sold[line].units for line in found)
    return found if same and len(found) == len(part.lines) else None


def _as_order(order: OrderRow, part: Part, offers: Mapping[str, Offer], selling: Selling, now: datetime) -> None:
    """Have the channel of the location take this part as an order of its own."""
    reference, leg = new_id(now), part.leg
    part.channel_order = ChannelOrderRow(
        id=new_id(now),
        order_id=order.id,
        channel=leg.location.authority,
        location=leg.location.key,
        client_reference=reference,
        state=ChannelOrderState.QUEUED.value,
        lines=listed(part.quantities),
        updated_at=now,
    )
    part.fulfillment.channel_order_id = part.channel_order.id
    if not part.is_over:
        part.fulfillment.status = FulfillmentStatus.PENDING.value
    record = _record(order, part, offers, reference, selling)
    part.command = PlaceOrder(key=reference, subject=Ref(reference), order=record)


def _record(order: OrderRow, part: Part, offers: Mapping[str, Offer], reference: str, selling: Selling) -> OrderRecord:
    """The part as the channel is told it."""
    currency, leg = order.currency or "", part.leg
    place = leg.location.external_ids[leg.location.authority]
    goods = _goods(order, part, selling)
    shipping = shipping_price([leg], currency, selling)
    handed = part.quantities if part.is_over else {}
    return OrderRecord(
        ref=Ref(reference),
        number=order.number,
        client_reference=reference,
        status=OrderStatus.COMPLETED if part.is_over else OrderStatus.OPEN,
        fulfillment_status=OrderFulfillmentStatus.FULFILLED if part.is_over else OrderFulfillmentStatus.UNFULFILLED,
        payment_status=PaymentStatus(order.payment_status),
        placed_at=order.placed_at,
        place=place,
        lines=[
            OrderLineRecord(
                ref=Ref(line.id),
                variant=offers[line.id].external_id,
                place=place,
                title=line.title,
                sku=line.sku,
                quantity=part.quantities[line.id],
                unit_price=Money(line.unit_price or 0, currency),
                total=Money((line.unit_price or 0) * part.quantities[line.id], currency),
                fulfilled_quantity=handed.get(line.id, 0),
            )
            for line in part.lines
        ],
        tax_included=order.tax_included,
        tax_total=Money(taxes.tax(goods), currency),
        tax_lines=taxes.tax_lines(goods, currency),
        shipping_total=Money(shipping, currency),
        total=Money(taxes.gross(goods) + shipping, currency),
        contact=_contact(order),
        shipping_address=_address(order) if leg.method is FulfillmentMethod.SHIPPING else None,
    )


def _goods(order: OrderRow, part: Part, selling: Selling) -> list[Priced]:
    rates = selling.taxes([Goods(order.channel, line.sku, line.title) for line in part.lines], _address(order))
    return [
        Priced(line.unit_price or 0, part.quantities[line.id], bool(order.tax_included), rate)
        for line, rate in zip(part.lines, rates, strict=True)
    ]


def _contact(order: OrderRow) -> OrderContact | None:
    return None if order.contact is None else OrderContact(**load(order.contact))


def _address(order: OrderRow) -> Address | None:
    return None if order.shipping_address is None else Address(**load(order.shipping_address))


def text_of(value: Any) -> str | None:
    """A contact or an address, as a row holds it."""
    return None if value is None else dump(asdict(value))


# ------------------------------------------------------------------------------------------------ storing


def store(conn: Connection, order: OrderRow, parts: Sequence[Part], selling: Selling, now: datetime) -> Told:
    """Write the parts down, with the movements that they are, and wish what channels must do."""
    fulfilling.add_parts(conn, [part.channel_order for part in parts if part.channel_order is not None])
    fulfilling.add_fulfillments(conn, [part.fulfillment for part in parts])
    told: Told = {}
    for part in parts:
        _name(order, part, now)
        told = both(told, _tell(conn, order, part, now))
    return told


def _name(order: OrderRow, part: Part, now: datetime) -> None:
    """Have each movement say which sale it is."""
    for turn, row in enumerate(part.rows):
        row.order_channel, row.order_ref, row.line_ref = SOLD_HERE, order.id, part.fulfillment.id
        row.turn, row.updated_at = turn, now


def _tell(conn: Connection, order: OrderRow, part: Part, now: datetime) -> Told:
    leg = part.leg
    if part.channel_order is None or part.command is None:
        if leg.source is not None:
            message = f"{leg.source.name} is to bring it to {leg.location.name}."
            fulfilling.note(
                conn,
                order.id,
                OrderEventKind.TRANSFER_REQUESTED,
                message,
                now,
                channel=leg.source.authority,
                location=leg.source.key,
            )
        return ledger.post_new(conn, part.rows, now)
    for row in part.rows:
        row.command = part.channel_order.client_reference
    reservations.add(conn, part.rows)
    message = f"To be fulfilled from {leg.location.name}."
    fulfilling.note(
        conn,
        order.id,
        OrderEventKind.SUBMITTED,
        message,
        now,
        channel=part.channel_order.channel,
        location=leg.location.key,
    )
    subject = subject_of(part.channel_order)
    about = f"{ORDER}:{part.channel_order.id}"
    return wish(
        conn, [Wish(channel=part.channel_order.channel, command=part.command, subject=subject, about=about)], now
    )


def subject_of(channel_order: ChannelOrderRow) -> str:
    """Everything that is wished of one channel order is told in order."""
    return f"order {channel_order.id}"


def count_fulfilled(order: OrderRow, lines: Iterable[OrderLineRow], parts: Iterable[Part]) -> None:
    """What was taken away at once has been fulfilled at once."""
    handed: dict[str, int] = {}
    for part in parts:
        for name, quantity in part.quantities.items() if part.is_over else ():
            handed[name] = handed.get(name, 0) + quantity
    known = list(lines)
    for line in known:
        line.fulfilled_quantity += handed.get(line.id, 0)
    order.fulfillment_status = fulfilled(known).value


def fulfilled(lines: Iterable[OrderLineRow]) -> OrderFulfillmentStatus:
    """How much of an order has been handed over."""
    known = list(lines)
    if all(line.fulfilled_quantity >= line.quantity for line in known):
        return OrderFulfillmentStatus.FULFILLED
    some = any(line.fulfilled_quantity for line in known)
    return OrderFulfillmentStatus.PARTIALLY_FULFILLED if some else OrderFulfillmentStatus.UNFULFILLED


def movements(conn: Connection, order_id: str, fulfillment_ids: Iterable[str]) -> list[ReservationRow]:
    """The movements of these fulfillments of an order."""
    wanted = set(fulfillment_ids)
    return [row for row in reservations.of_orders(conn, SOLD_HERE, [order_id]) if row.line_ref in wanted]


def touched(conn: Connection, order: OrderRow, now: datetime) -> None:
    """Store an order that has changed, and say so. The last thing a transaction does."""
    order.version, order.updated_at = order.version + 1, now
    sales.store(conn, [order], {order.id})
    log.record(conn, "ORDER", [(order.id, order.version)], now)
