"""Order requests: validation against the cart, the fulfillment option, prices and payments (rule O1).

Everything is checked inside the transaction that places the order: the cart as the client last read it, the option
as it was offered, and today's prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.commerce.checkout.carts import CartRef, build_channel_error, build_unavailable_error, lock_cart
from gateway.commerce.checkout.fulfillment_options import DecodedOption, decode_option
from gateway.commerce.checkout.sourcing import StockNeed
from gateway.commerce.context import SellingContext
from gateway.commerce.orders import payments
from gateway.commerce.orders.payments import PaymentRequest
from gateway.commerce.orders.unpaid_caps import OrderClient
from gateway.model.locations import Address, FulfillmentMethod
from gateway.model.money import Money, format_minor
from gateway.model.mutation_result import UserError, UserErrorCode
from gateway.model.orders import (
    OrderContact,
)
from gateway.storage.database import Connection
from gateway.storage.writes import carts, fulfillments
from gateway.storage.writes.carts import CartLineRow, CartRow, Offer
from gateway.storage.writes.fulfillments import PaymentRow
from gateway.storage.writes.orders import OrderRow


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A request to place an order.

    Attributes:
        expected_total: the total that the client showed to the customer.
        client: who places it.
    """

    cart: CartRef
    option_token: str
    contact: OrderContact
    shipping_address: Address | None
    payments: Sequence[PaymentRequest]
    expected_total: Money
    client: OrderClient = field(default_factory=OrderClient)


class OrderRefusedError(Exception):
    """The order cannot be placed. Nothing has changed."""

    def __init__(self, *errors: UserError) -> None:
        super().__init__(", ".join(error.code.value for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class CheckoutCart:
    """A cart that is being ordered, with its lines and their current offers."""

    row: CartRow
    lines: Sequence[CartLineRow]
    variants: Mapping[str, str]
    offers: Mapping[str, Offer]

    def get_offer(self, line: CartLineRow) -> Offer:
        """Return the current offer of a line in the cart's channel."""
        return self.offers[self.variants[line.listing_id]]

    def list_needs(self) -> list[StockNeed]:
        """List the stock that the lines need."""
        return [
            StockNeed(line.id, self.variants[line.listing_id], line.quantity, self.get_offer(line).units)
            for line in self.lines
        ]


def load_checkout_cart(conn: Connection, cart_ref: CartRef, context: SellingContext) -> CheckoutCart:
    """Load and lock a cart that can be ordered."""
    row = lock_cart(conn, cart_ref, context.config.secrets, context.now)
    if isinstance(row, UserError):
        field_names = {"version": "cartVersion"}
        field = tuple(field_names.get(part, part) for part in row.field or ())
        raise OrderRefusedError(replace(row, field=field))
    if context.permissions.is_removed(row.channel):
        raise OrderRefusedError(build_unavailable_error(row.channel))
    if not context.permissions.can_buy_in(row.channel):
        raise OrderRefusedError(build_channel_error(row.channel, "cartToken"))
    lines = carts.find_lines(conn, row.id)
    if not lines:
        raise OrderRefusedError(build_refusal(UserErrorCode.CART_EMPTY, "cartToken", "The cart is empty."))
    variants = carts.find_variants_of_listings(conn, [line.listing_id for line in lines])
    offers = carts.find_offers(conn, row.channel, set(variants.values()), row.currency)
    cart = CheckoutCart(row, lines, variants, offers)
    _check_offers(cart)
    return cart


def _check_offers(cart: CheckoutCart) -> None:
    """Check that every line is still offered, and at the price that the client has seen."""
    errors: list[UserError] = []
    for line in cart.lines:
        offer = cart.offers.get(cart.variants.get(line.listing_id, ""))
        if offer is None:
            errors.append(
                build_refusal(UserErrorCode.NOT_OFFERED, "cartToken", f"{line.title} is not offered any more.")
            )
        elif offer.price != line.unit_price:
            price = f"{format_minor(offer.price, offer.currency)} {offer.currency}"
            errors.append(
                build_refusal(UserErrorCode.PRICE_CHANGED, "cartToken", f"The price of {line.title} is {price} now.")
            )
    if errors:
        raise OrderRefusedError(*errors)


def decode_option_for(token: str, cart: CheckoutCart, context: SellingContext) -> DecodedOption:
    """Decode an option token, and check that it is valid for this cart."""
    option = decode_option(token, context.config)
    if option is None or option.cart_id != cart.row.id:
        message = "The option is not valid for this cart."
        raise OrderRefusedError(build_refusal(UserErrorCode.INVALID, "fulfillmentOptionToken", message))
    if option.expires_at <= context.now or option.cart_version != cart.row.version:
        message = "The option has expired. Request new fulfillment options."
        raise OrderRefusedError(build_refusal(UserErrorCode.OPTION_EXPIRED, "fulfillmentOptionToken", message))
    _check_take_away(option, context)
    if not all((shipment.source or shipment.location).is_sold_from(cart.row.channel) for shipment in option.shipments):
        message = "The option is not available any more. Request new fulfillment options."
        raise OrderRefusedError(build_refusal(UserErrorCode.OPTION_EXPIRED, "fulfillmentOptionToken", message))
    if option.missing:
        message = "The option does not cover the whole cart."
        raise OrderRefusedError(build_refusal(UserErrorCode.INSUFFICIENT_STOCK, "fulfillmentOptionToken", message))
    return option


def _check_take_away(option: DecodedOption, context: SellingContext) -> None:
    """Check that goods which are taken away at once are sold by staff of that location."""
    for shipment in option.shipments:
        location = shipment.location
        if shipment.method is FulfillmentMethod.IN_STORE and not context.permissions.can_take_away_at(location.key):
            message = f"Only a token that acts in {location.name} can sell goods that are taken away there."
            raise OrderRefusedError(
                build_refusal(UserErrorCode.LOCATION_NOT_ALLOWED, "fulfillmentOptionToken", message)
            )


def check_terms(request: OrderRequest, option: DecodedOption) -> None:
    """Check the contact, the shipping address and the payments."""
    methods = {shipment.method for shipment in option.shipments}
    if FulfillmentMethod.SHIPPING in methods and not (request.shipping_address and request.shipping_address.line1):
        raise OrderRefusedError(
            build_refusal(UserErrorCode.INVALID, "shippingAddress", "A shipping address is required.")
        )
    reachable = any((request.contact.name, request.contact.email, request.contact.phone))
    if methods != {FulfillmentMethod.IN_STORE} and not reachable:
        raise OrderRefusedError(
            build_refusal(UserErrorCode.INVALID, "contact", "A name, an email address or a phone number is required.")
        )
    is_collected = methods <= {FulfillmentMethod.IN_STORE, FulfillmentMethod.PICKUP}
    if refusal := payments.check_payments(request.payments, request.expected_total, collected=is_collected):
        raise OrderRefusedError(refusal)


def build_payments(
    conn: Connection, order: OrderRow, requested: Sequence[PaymentRequest], now: datetime
) -> list[PaymentRow]:
    """Build the payments of a new order, and check that none of them was received before (rule U1)."""
    rows = [payments.build_row(order, payment, now) for payment in requested]
    receipts: set[str] = set()
    for position, row in enumerate(rows):
        if row.receipt is None:
            continue
        if row.receipt in receipts or fulfillments.find_received_payment(conn, row.receipt) is not None:
            message = "This reference of the provider is recorded already."
            field = f"payments.{position}.reference"
            raise OrderRefusedError(build_refusal(UserErrorCode.PAYMENT_MISMATCH, field, message))
        receipts.add(row.receipt)
    return rows


def check_total(request: OrderRequest, total: int, currency: str) -> None:
    if request.expected_total.currency_code != currency:
        message = f"The currency of the cart is {currency}."
        raise OrderRefusedError(build_refusal(UserErrorCode.CURRENCY_MISMATCH, "expectedTotal", message))
    if request.expected_total.minor != total:
        message = f"The total is {format_minor(total, currency)} {currency}."
        raise OrderRefusedError(build_refusal(UserErrorCode.TOTAL_CHANGED, "expectedTotal", message))


def build_refusal(code: UserErrorCode, field: str, message: str) -> UserError:
    return UserError(code=code, field=("input", *field.split(".")), message=message)
