"""Order preview: what placing an order would write, and where. The order is placed and rolled back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.commerce.checkout import taxes
from gateway.commerce.checkout.carts import CartRef
from gateway.commerce.context import SellingContext
from gateway.commerce.orders import order_request, order_rows, placement, splitting
from gateway.commerce.orders.cart_prices import price_cart
from gateway.commerce.orders.order_request import OrderRefusedError, OrderRequest
from gateway.commerce.orders.splitting import OrderShipment
from gateway.model.locations import Address
from gateway.model.money import Money
from gateway.model.mutation_result import UserError
from gateway.model.orders import OrderContact
from gateway.model.stock import Reservation, ReservationState
from gateway.storage.database import Connection
from gateway.storage.writes import carts
from gateway.storage.writes.reservations import ReservationRow


@dataclass(frozen=True, slots=True)
class PreviewStep:
    """A command that a channel would receive."""

    channel_key: str
    operation: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPreview:
    """What placing an order would write."""

    total: Money
    reservations: tuple[Reservation, ...] = ()
    steps: tuple[PreviewStep, ...] = ()
    user_errors: tuple[UserError, ...] = ()


class PreviewRollback(Exception):
    """Raised to roll the preview back."""

    def __init__(self, preview: OrderPreview) -> None:
        super().__init__("a preview")
        self.preview = preview


def preview_order(
    conn: Connection, cart: CartRef, option_token: str, address: Address | None, context: SellingContext
) -> None:
    """Preview an order.

    Raises:
        PreviewRollback: always, with the preview, so that the transaction is rolled back.
    """
    nothing = Money(0, next(iter(context.config.currencies.values()), "EUR"))
    try:
        raise PreviewRollback(_build_preview(conn, cart, option_token, address, context))
    except OrderRefusedError as error:
        raise PreviewRollback(OrderPreview(total=nothing, user_errors=error.errors)) from None


def _build_preview(
    conn: Connection, cart_ref: CartRef, option_token: str, address: Address | None, context: SellingContext
) -> OrderPreview:
    cart = order_request.load_checkout_cart(conn, cart_ref, context)
    option = order_request.decode_option_for(option_token, cart, context)
    goods, _ = price_cart(cart, address, context.config)
    request = OrderRequest(
        cart=cart_ref,
        option_token=option_token,
        contact=OrderContact(),
        shipping_address=address,
        payments=(),
        expected_total=Money(0, cart.row.currency),
    )
    row = order_rows.build_order(request, cart, option, goods, context.now)
    lines = order_rows.build_lines(row, cart, goods, context.now)
    claimed = placement.claim_option(conn, cart, option, context)
    shipments = splitting.build_shipments(conn, row, lines, claimed, context)
    variants = _find_shown_variants(conn, shipments, context)
    return OrderPreview(
        total=Money(taxes.sum_gross(goods) + option.price, cart.row.currency),
        reservations=tuple(
            _build_reservation(reservation, variants) for shipment in shipments for reservation in shipment.rows
        ),
        steps=tuple(step for shipment in shipments for step in _list_steps(shipment)),
    )


def _find_shown_variants(
    conn: Connection, shipments: Sequence[OrderShipment], context: SellingContext
) -> Mapping[str, str]:
    """Find the variants of the reservations, which are merged where the caller may not know the stock."""
    listing_ids = [reservation.listing_id for shipment in shipments for reservation in shipment.rows]
    variants = carts.find_variants_of_listings(conn, listing_ids)
    if context.disclosure.cap is not None:
        _merge_counters(shipments, variants)
    return variants


def _merge_counters(shipments: Sequence[OrderShipment], variants: Mapping[str, str]) -> None:
    """Show one reservation of a variant per location: how units are split among counters tells how many each has."""
    for shipment in shipments:
        merged: dict[tuple[str | None, str], ReservationRow] = {}
        for row in shipment.rows:
            key = (variants.get(row.listing_id), row.location)
            quantity = row.quantity + (merged[key].quantity if key in merged else 0)
            merged[key] = replace(merged.get(key, row), quantity=quantity)
        shipment.rows = list(merged.values())


def _build_reservation(row: ReservationRow, variants: Mapping[str, str]) -> Reservation:
    return Reservation(
        id=row.id,
        owner="",
        listing_id=row.listing_id,
        variant_id=variants.get(row.listing_id),
        location_key=row.location,
        quantity=row.quantity,
        state=ReservationState(row.state),
        expires_at=None,
    )


def _list_steps(order_shipment: OrderShipment) -> Sequence[PreviewStep]:
    """List the commands of a shipment: an order in the channel, or an adjustment for each stock counter."""
    location = order_shipment.shipment.source or order_shipment.shipment.location
    if order_shipment.channel_order is not None:
        units = sum(order_shipment.quantities.values())
        return [
            PreviewStep(
                order_shipment.channel_order.channel, "PlaceOrder", f"Order of {units} units from {location.name}."
            )
        ]
    return [
        PreviewStep(row.channel, "AdjustStock", f"Adjustment by {-row.quantity} of {row.item} in {location.name}.")
        for row in order_shipment.rows
    ]
