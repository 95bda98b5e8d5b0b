"""Rows of a new order and its lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.commerce.checkout import taxes
from gateway.commerce.checkout.fulfillment_options import DecodedOption
from gateway.commerce.checkout.taxes import LineAmounts, PricedGoods
from gateway.commerce.orders import payments, splitting
from gateway.commerce.orders.order_request import CheckoutCart, OrderRequest
from gateway.model.ids import generate_id
from gateway.model.locations import FulfillmentMethod
from gateway.model.orders import (
    OrderFulfillmentStatus,
    OrderReturnStatus,
    OrderStatus,
)
from gateway.model.validation import normalize_sku
from gateway.storage.reads.orders import GATEWAY_PREFIX
from gateway.storage.sql.bulk import dump_json
from gateway.storage.sql.text_search import join_words
from gateway.storage.writes.carts import CartLineRow, Offer
from gateway.storage.writes.orders import OrderLineRow, OrderRow


def build_order(
    request: OrderRequest,
    checkout_cart: CheckoutCart,
    option: DecodedOption,
    goods: Sequence[PricedGoods],
    now: datetime,
) -> OrderRow:
    """Build the row of a new order."""
    cart, id_ = checkout_cart.row, generate_id(now)
    included = any(priced.includes_tax for priced in goods)  # an order has one kind of prices: with tax if any line has
    tax, gross = taxes.sum_tax(goods), taxes.sum_gross(goods)
    number = _format_number(id_)
    skus = [offer.sku for line in checkout_cart.lines if (offer := checkout_cart.get_offer(line)).sku]
    return OrderRow(
        id=id_,
        version=1,
        channel=cart.channel,
        external_id=f"{GATEWAY_PREFIX}{id_}",
        number=number,
        client_reference=None,
        place=_find_store(option, cart.channel),
        customer=None,
        customer_channel=None,
        reverses=None,
        status=OrderStatus.PENDING.value,
        fulfillment_status=OrderFulfillmentStatus.UNFULFILLED.value,
        payment_status=payments.compute_initial_status(request.payments, gross + option.price).value,
        return_status=OrderReturnStatus.NONE.value,
        currency=cart.currency,
        subtotal=gross if included else gross - tax,
        discount_total=sum(priced.discount for priced in goods),
        tax_total=tax,
        tax_included=included,
        tax_lines=dump_json(
            [
                [tax_line.title, str(tax_line.rate), tax_line.amount.minor, tax_line.amount.currency_code]
                for tax_line in taxes.list_tax_lines(goods, cart.currency)
            ]
        ),
        shipping_total=option.price,
        total=gross + option.price,
        refunded_total=0,
        contact=splitting.serialize_value(request.contact),
        shipping_address=splitting.serialize_value(request.shipping_address),
        billing_address=None,
        stock_posted=None,
        attached_to=None,
        followed=None,
        unplaced=None,
        words=join_words([number, *skus]),
        placed_at=now,
        cancelled_at=None,
        updated_at=now,
    )


def _format_number(id_: str) -> str:
    """Build the order number: short enough to be read aloud, without letters that look like digits."""
    letters, value = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", int(id_[-16:], 16)
    code = "".join(letters[value >> shift & 31] for shift in range(35, -5, -5))
    return f"G-{code[:4]}-{code[4:]}"


def _find_store(option: DecodedOption, channel: str) -> str | None:
    """Find the location of sale: where the goods are taken away, or will be collected."""
    stores = [
        shipment.location.external_ids.get(channel)
        for shipment in option.shipments
        if shipment.method is not FulfillmentMethod.SHIPPING
    ]
    mapped: list[str] = [store for store in stores if store is not None]
    return mapped[0] if mapped else None


def build_lines(
    order: OrderRow, cart: CheckoutCart, goods: Sequence[PricedGoods], now: datetime
) -> dict[str, OrderLineRow]:
    """Build the rows of the order's lines, by cart line ID."""
    rows = [_build_line(order, cart.get_offer(line), line, now) for line in cart.lines]
    for row, priced, amounts in zip(rows, goods, taxes.compute_amounts(goods), strict=True):
        _set_price(row, order, priced, amounts)
    return {line.id: row for line, row in zip(cart.lines, rows, strict=True)}


def _set_price(row: OrderLineRow, order: OrderRow, goods: PricedGoods, amounts: LineAmounts) -> None:
    """Set the price with tax, or the exact one without, and the discount."""
    row.discount = goods.discount or None
    if order.tax_included:
        row.unit_price, row.unit_price_micros = taxes.compute_unit_gross(goods), None
        row.total = amounts.gross
    else:
        row.total = amounts.net


def _build_line(order: OrderRow, offer: Offer, line: CartLineRow, now: datetime) -> OrderLineRow:
    return OrderLineRow(
        id=generate_id(now),
        order_id=order.id,
        external_id=line.id,
        position=line.position,
        channel=offer.channel,
        place=None,
        variant=offer.external_id,
        generation=offer.generation,
        title=offer.title,
        sku=offer.sku,
        sku_key=None if offer.sku is None else normalize_sku(offer.sku),
        quantity=line.quantity,
        unit_price=offer.price,
        unit_price_micros=offer.price_micros,
        total=None,
        currency=offer.currency,
        fulfilled_quantity=0,
        returned_quantity=0,
    )
