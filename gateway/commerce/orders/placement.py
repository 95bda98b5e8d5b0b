"""Order placement (rule O1): one transaction claims the stock, stores the order, and enqueues commands for channels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from decimal import Decimal

from gateway.commerce.checkout import taxes
from gateway.commerce.checkout.fulfillment_options import DecodedOption
from gateway.commerce.context import SellingContext
from gateway.commerce.customers import guests
from gateway.commerce.customers.customer_rows import count_orders
from gateway.commerce.inventory.reservations import InsufficientStockError, StockShortfall
from gateway.commerce.loyalty.redemption import PointsDiscount, Redeemer, hold_points
from gateway.commerce.orders import order_state, payment_deadline, shipment_claims, splitting, submission, unpaid_caps
from gateway.commerce.orders.cart_prices import price_cart
from gateway.commerce.orders.order_request import (
    CheckoutCart,
    OrderRefusedError,
    OrderRequest,
    build_payments,
    build_refusal,
    check_terms,
    check_total,
    decode_option_for,
    load_checkout_cart,
)
from gateway.commerce.orders.order_rows import build_lines, build_order
from gateway.commerce.orders.shipment_claims import ClaimedShipment
from gateway.commerce.orders.splitting import OrderShipment
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.model.carts import CartStatus
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.orders import (
    OrderEventKind,
    OrderStatus,
    PaymentStatus,
)
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.writes import carts, fulfillments, orders, products
from gateway.storage.writes.customers import identities
from gateway.storage.writes.fulfillments import PaymentRow
from gateway.storage.writes.orders import OrderLineRow, OrderRow


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A new order with its lines, shipments and payments, not stored yet."""

    row: OrderRow
    lines: Sequence[OrderLineRow]
    shipments: Sequence[OrderShipment]
    payments: Sequence[PaymentRow]


def place_order(
    conn: Connection, request: OrderRequest, context: SellingContext
) -> tuple[MutationResult, EnqueuedKeys]:
    """Place an order. Returns the enqueued commands as well."""
    try:
        return _process_request(conn, request, context)
    except OrderRefusedError as error:
        return MutationResult(user_errors=error.errors), {}


def _process_request(
    conn: Connection, request: OrderRequest, context: SellingContext
) -> tuple[MutationResult, EnqueuedKeys]:
    cart = load_checkout_cart(conn, request.cart, context)
    option = decode_option_for(request.option_token, cart, context)
    check_terms(request, option)
    goods, points = price_cart(cart, request.shipping_address, context.config)
    if not taxes.has_known_rates(goods):
        raise OrderRefusedError(
            build_refusal(UserErrorCode.NOT_OFFERED, "shippingAddress", "The tax rate is unknown for this address.")
        )
    check_total(request, taxes.sum_gross(goods) + option.price, cart.row.currency)
    row = build_order(request, cart, option, goods, context.now)
    lines = build_lines(row, cart, goods, context.now)
    received = build_payments(conn, row, request.payments, context.now)
    row.withheld = payment_deadline.is_withheld(row, received, context.config)
    share = _check_client(conn, request, cart, row, context)
    with conn.begin_nested() if points.points else nullcontext():  # both are taken, or none
        _hold_points(conn, cart, row, points, context)
        claimed = claim_option(conn, cart, option, context, share)
    shipments = splitting.build_shipments(conn, row, lines, claimed, context)
    row.status = _get_initial_status(shipments, row)
    parts = [shipment.fulfillment for shipment in shipments]
    row.pay_by = payment_deadline.compute_deadline(row, received, parts, context)
    enqueued = _store_order(conn, cart, NewOrder(row, list(lines.values()), shipments, received), context)
    return MutationResult(subject=row.id, done=True), enqueued


def _hold_points(
    conn: Connection, cart: CheckoutCart, row: OrderRow, points: PointsDiscount, context: SellingContext
) -> None:
    """Hold the points that the order is paid with, or refuse it (rule Y4)."""
    program = context.config.loyalty
    if program is None or not points.points:
        return
    home = cart.row.loyalty_home or cart.row.customer_id or ""
    redeemer = Redeemer(home, is_proved=cart.row.loyalty_home is not None)
    reason = f"Redeemed for order {row.number}"
    if not hold_points(conn, redeemer, row.id, points.points, program, context.now, reason):
        message = "There are fewer points than the cart redeems. Set them again with cartLoyaltySet."
        raise OrderRefusedError(build_refusal(UserErrorCode.INSUFFICIENT_POINTS, "cartToken", message))


def _check_client(
    conn: Connection, request: OrderRequest, cart: CheckoutCart, row: OrderRow, context: SellingContext
) -> Decimal | None:
    """Check what the client holds without paying. Returns the share of each level that it may claim (rule U3)."""
    unpaid_caps.set_client_keys(row, request.client, request.contact, context)
    if (excess := unpaid_caps.check_caps(conn, row, cart.list_needs(), context)) is not None:
        raise OrderRefusedError(excess)
    return None if row.network_key is None else context.config.unpaid_caps.share


def claim_option(
    conn: Connection,
    cart: CheckoutCart,
    option: DecodedOption,
    context: SellingContext,
    unpaid_share: Decimal | None = None,
) -> list[ClaimedShipment]:
    """Claim the stock of all shipments of the option, or none."""
    needs = {need.line_id: need for need in cart.list_needs()}
    try:
        return shipment_claims.claim_shipments(conn, option.shipments, needs, context, unpaid_share)
    except InsufficientStockError as error:
        titles = {line.id: line.title for line in cart.lines}
        lines = [line for shipment in option.shipments for line in shipment.quantities]
        shortfalls = [(titles[lines[shortfall.position]], shortfall) for shortfall in error.shortfalls]
        errors = [_build_stock_error(title, shortfall, context) for title, shortfall in shortfalls]
        raise OrderRefusedError(*errors) from None


def _build_stock_error(title: str, shortfall: StockShortfall, context: SellingContext) -> UserError:
    if shortfall.is_limited:
        message = f"Too many units of {title} wait for their payment. Order fewer, or try again later."
        error = build_refusal(UserErrorCode.LIMIT_EXCEEDED, "fulfillmentOptionToken", message)
        return unpaid_caps.set_retry_time(error, shortfall.until, context.now)
    available = shortfall.show_units(context.disclosure)
    code = UserErrorCode.INSUFFICIENT_STOCK if available else UserErrorCode.OUT_OF_STOCK
    message = (
        f"There are not enough units of {title} there; {available} are available."
        if available
        else f"{title} is out of stock there."
    )
    return replace(build_refusal(code, "fulfillmentOptionToken", message), available_quantity=available)


def _get_initial_status(shipments: Sequence[OrderShipment], row: OrderRow) -> str:
    """Return the status of a new order: pending while it waits for its payment or a channel has to accept it; completed
    if handed over and paid.
    """
    if row.withheld or any(shipment.channel_order is not None for shipment in shipments):
        return OrderStatus.PENDING.value
    handed_over = all(shipment.is_handed_over for shipment in shipments)
    paid = row.payment_status == PaymentStatus.PAID.value or not row.total
    status = OrderStatus.COMPLETED if handed_over and paid else OrderStatus.OPEN
    return status.value


def _store_order(
    conn: Connection, checkout_cart: CheckoutCart, order: NewOrder, context: SellingContext
) -> EnqueuedKeys:
    cart, row, lines, shipments = checkout_cart.row, order.row, order.lines, order.shipments
    cart.customer_id = cart.customer_id or context.customer  # a shopper may have logged in at the checkout
    buyer = None if cart.customer_id is None else identities.find_by_home(conn, cart.customer_id)
    row.customer_channel, row.customer = (None, None) if buyer is None else (buyer.channel, buyer.external_id)
    guests.assign_guest(row)
    order_state.count_fulfilled(row, lines, shipments)
    orders.store_orders(conn, [row], ())
    orders.store_lines(conn, lines, (), ())
    fulfillments.insert_payments(conn, order.payments)
    note = f"Placed as {row.number}."
    order_state.append_event(conn, row, OrderEventKind.PLACED, note, context)
    enqueued = submission.submit_shipments(conn, row, shipments, context)
    cart.status, cart.order_id = CartStatus.ORDERED.value, row.id
    cart.version, cart.updated_at = cart.version + 1, context.now
    carts.update_cart(conn, cart)
    products.store_words(conn, "order", [row], {})
    if buyer is not None:
        owner = identities.lock_identities(conn, [buyer.id])[buyer.id]  # merged since it was read, perhaps
        count_orders(conn, [owner.customer_id], context.config.customers)
    guests.store_guests(conn, [row], context.config.customers, context.now, are_new=True)
    change_log.log_change(conn, "ORDER", [(row.id, row.version)], context.now)
    return enqueued
