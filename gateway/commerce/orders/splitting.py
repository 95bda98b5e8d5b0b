"""Order splitting: the shipments of an order, and the channel orders that they become (rules O1, O4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.commerce.checkout import discounts, taxes
from gateway.commerce.checkout.fulfillment_options import compute_shipping_price
from gateway.commerce.checkout.lead_times import compute_ready_time
from gateway.commerce.checkout.sourcing import Shipment
from gateway.commerce.checkout.taxes import PricedGoods
from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.orders.shipment_claims import ClaimedShipment
from gateway.model.ids import generate_id
from gateway.model.locations import Address, FulfillmentMethod
from gateway.model.money import Money, to_exact_minor
from gateway.model.orders import (
    ChannelOrderState,
    FulfillmentStatus,
    OrderContact,
    OrderFulfillmentStatus,
    OrderStatus,
    PaymentStatus,
)
from gateway.sdk.policies import Goods
from gateway.sdk.records import OrderLineRecord, OrderRecord, Ref
from gateway.sdk.writes import PlaceOrder
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json, load_json
from gateway.storage.writes import carts
from gateway.storage.writes.carts import Offer
from gateway.storage.writes.fulfillments import ChannelOrderRow, FulfillmentRow, dump_quantities
from gateway.storage.writes.orders import OrderLineRow, OrderRow
from gateway.storage.writes.reservations import ReservationRow


@dataclass(slots=True)
class OrderShipment:
    """The part of an order that comes from one location.

    Attributes:
        lines: the order lines; `quantities`: by order line ID.
        offsets: units of these lines in shipments before, by which discounts are cut (rule P4).
        channel_order: None: the channel takes no orders from the gateway, and receives adjustments instead.
    """

    shipment: Shipment
    lines: Sequence[OrderLineRow]
    quantities: Mapping[str, int]
    fulfillment: FulfillmentRow
    rows: list[ReservationRow]
    offsets: Mapping[str, int] = field(default_factory=dict)
    channel_order: ChannelOrderRow | None = None
    command: PlaceOrder | None = None

    @property
    def is_handed_over(self) -> bool:
        """Whether the goods are handed over already."""
        return self.fulfillment.status == FulfillmentStatus.COLLECTED.value


def build_shipments(
    conn: Connection,
    order: OrderRow,
    lines: Mapping[str, OrderLineRow],
    claimed: Sequence[ClaimedShipment],
    context: SellingContext,
) -> list[OrderShipment]:
    """Build the shipments of an order. `lines`: order lines by the line IDs that shipments use."""
    units: Counter[str] = Counter()
    shipments: list[OrderShipment] = []
    for claimed_shipment in claimed:
        shipments.append(_build_shipment(conn, order, lines, claimed_shipment, dict(units), context))
        units.update(shipments[-1].quantities)
    return shipments


def _build_shipment(
    conn: Connection,
    order: OrderRow,
    lines: Mapping[str, OrderLineRow],
    claimed: ClaimedShipment,
    offsets: Mapping[str, int],
    context: SellingContext,
) -> OrderShipment:
    shipment = claimed.shipment
    shipped_lines = [lines[name] for name in shipment.quantities]
    quantities = {lines[name].id: quantity for name, quantity in shipment.quantities.items()}
    order_shipment = OrderShipment(
        shipment,
        shipped_lines,
        quantities,
        _build_fulfillment(order, shipment, quantities, context),
        list(claimed.rows),
        offsets,
    )
    offers = _find_channel_offers(conn, order, order_shipment, context.config)
    if offers is not None:
        _add_channel_order(order, order_shipment, offers, context)
    return order_shipment


def _build_fulfillment(
    order: OrderRow, shipment: Shipment, quantities: Mapping[str, int], context: SellingContext
) -> FulfillmentRow:
    status = _get_initial_status(order, shipment)
    is_waiting = status is FulfillmentStatus.READY_FOR_PICKUP
    return FulfillmentRow(
        id=generate_id(context.now),
        order_id=order.id,
        channel=(shipment.source or shipment.location).require_authority().channel,
        method=shipment.method.value,
        status=status.value,
        location=shipment.location.key,
        transfer_from=None if shipment.source is None else shipment.source.key,
        lines=dump_quantities(quantities),
        ready_at=compute_ready_time(shipment, context),
        collect_by=context.now + context.config.pickup_window if is_waiting else None,
        delivered_at=context.now if status is FulfillmentStatus.COLLECTED else None,
        created_at=context.now,
        updated_at=context.now,
    )


def _get_initial_status(order: OrderRow, shipment: Shipment) -> FulfillmentStatus:
    """Return the status of new goods. Goods that are taken away are handed over once the order is paid."""
    if shipment.method is FulfillmentMethod.IN_STORE:
        is_paid = order.payment_status == PaymentStatus.PAID.value
        return FulfillmentStatus.COLLECTED if is_paid else FulfillmentStatus.READY_FOR_PICKUP
    is_waiting = shipment.source is not None or order.withheld
    return FulfillmentStatus.PENDING if is_waiting else FulfillmentStatus.ACCEPTED


def _find_channel_offers(
    conn: Connection, order: OrderRow, order_shipment: OrderShipment, config: SellingConfig
) -> Mapping[str, Offer] | None:
    """Return the channel's own offers of the lines if the location's channel takes them as an order; else None."""
    shipment = order_shipment.shipment
    if shipment.source is not None:
        return None
    channel = shipment.location.require_authority().channel
    if not config.topology.can_execute(channel, PlaceOrder):
        return None
    if config.currencies.get(channel) != order.currency:
        return None
    sold = carts.find_sold_offers(conn, order_shipment.lines)
    channel_offers = carts.find_offers(conn, channel, {offer.variant_id for offer in sold.values()})
    by_line = {
        line: channel_offers[offer.variant_id] for line, offer in sold.items() if offer.variant_id in channel_offers
    }
    same_units = all(by_line[line].units == sold[line].units for line in by_line)
    return by_line if same_units and len(by_line) == len(order_shipment.lines) else None


def _add_channel_order(
    order: OrderRow, order_shipment: OrderShipment, offers: Mapping[str, Offer], context: SellingContext
) -> None:
    """Turn the shipment into an order of the location's channel."""
    reference, shipment = generate_id(context.now), order_shipment.shipment
    order_shipment.channel_order = ChannelOrderRow(
        id=generate_id(context.now),
        order_id=order.id,
        channel=shipment.location.require_authority().channel,
        location=shipment.location.key,
        client_reference=reference,
        state=ChannelOrderState.QUEUED.value,
        lines=dump_quantities(order_shipment.quantities),
        updated_at=context.now,
    )
    order_shipment.fulfillment.channel_order_id = order_shipment.channel_order.id
    if not order_shipment.is_handed_over:
        order_shipment.fulfillment.status = FulfillmentStatus.PENDING.value
    record = _build_record(order, order_shipment, offers, reference, context.config)
    order_shipment.channel_order.total = None if record.total is None else record.total.minor
    order_shipment.command = PlaceOrder(key=reference, subject=Ref(reference), order=record)


def _build_record(
    order: OrderRow, order_shipment: OrderShipment, offers: Mapping[str, Offer], reference: str, config: SellingConfig
) -> OrderRecord:
    """Build the order that the channel receives."""
    currency, shipment = order.currency or "", order_shipment.shipment
    external_location = shipment.location.require_authority().external_id
    goods = _price_lines(order, order_shipment, config)
    amounts = taxes.compute_amounts(goods)
    shipping_total = compute_shipping_price([shipment], currency, config)
    fulfilled = order_shipment.quantities if order_shipment.is_handed_over else {}
    return OrderRecord(
        ref=Ref(reference),
        number=order.number,
        client_reference=reference,
        status=OrderStatus.COMPLETED if order_shipment.is_handed_over else OrderStatus.OPEN,
        fulfillment_status=OrderFulfillmentStatus.FULFILLED
        if order_shipment.is_handed_over
        else OrderFulfillmentStatus.UNFULFILLED,
        payment_status=PaymentStatus(order.payment_status),
        placed_at=order.placed_at,
        place=external_location,
        lines=[
            OrderLineRecord(
                ref=Ref(line.id),
                variant=offers[line.id].external_id,
                place=external_location,
                title=line.title,
                sku=line.sku,
                quantity=order_shipment.quantities[line.id],
                unit_price=Money(line.unit_price or 0, currency),
                exact_unit_price=line.exact_unit_price,
                total=Money(line_amounts.gross if order.tax_included else line_amounts.net, currency),
                fulfilled_quantity=fulfilled.get(line.id, 0),
            )
            for line, line_amounts in zip(order_shipment.lines, amounts, strict=True)
        ],
        subtotal=Money(sum(line.gross if order.tax_included else line.net for line in amounts), currency),
        discount_total=_sum_discounts(goods, currency),
        tax_included=order.tax_included,
        tax_total=Money(taxes.sum_tax(goods), currency),
        tax_lines=taxes.list_tax_lines(goods, currency),
        shipping_total=Money(shipping_total, currency),
        total=Money(taxes.sum_gross(goods) + shipping_total, currency),
        contact=_load_contact(order),
        shipping_address=_load_address(order) if shipment.method is FulfillmentMethod.SHIPPING else None,
    )


def _price_lines(order: OrderRow, order_shipment: OrderShipment, config: SellingConfig) -> list[PricedGoods]:
    rates = config.taxes(
        [Goods(order.channel, line.sku, line.title) for line in order_shipment.lines], _load_address(order)
    )
    return [
        PricedGoods(
            to_exact_minor(line.unit_price_micros, line.unit_price or 0, line.currency or ""),
            order_shipment.quantities[line.id],
            bool(order.tax_included),
            rate,
            config.get_rounding(order.channel),
            _cut_discount(line, order_shipment),
        )
        for line, rate in zip(order_shipment.lines, rates, strict=True)
    ]


def _cut_discount(line: OrderLineRow, order_shipment: OrderShipment) -> int:
    if not line.discount:
        return 0
    before, units = order_shipment.offsets.get(line.id, 0), order_shipment.quantities[line.id]
    return discounts.cut_units(line.discount, line.quantity, min(before, line.quantity - units), units)


def _sum_discounts(goods: Sequence[PricedGoods], currency: str) -> Money | None:
    discount = sum(priced.discount for priced in goods)
    return Money(discount, currency) if discount else None


def _load_contact(order: OrderRow) -> OrderContact | None:
    return None if order.contact is None else OrderContact(**load_json(order.contact))


def _load_address(order: OrderRow) -> Address | None:
    return None if order.shipping_address is None else Address(**load_json(order.shipping_address))


def serialize_value(value: Any) -> str | None:
    """Serialize a contact or an address as it is stored."""
    return None if value is None else dump_json(asdict(value))
