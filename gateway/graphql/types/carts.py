"""Carts and the fulfillment options of a cart."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, compute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.carts import (
    load_cart_changes,
    load_cart_lines,
    load_line_stock_statuses,
    load_max_quantities,
    load_variant_images,
)
from gateway.graphql.loaders.catalog import load_sold_variants
from gateway.graphql.loaders.channels import load_channels_of_sales
from gateway.graphql.loaders.customers.profiles import load_customers
from gateway.graphql.loaders.locations import load_locations
from gateway.graphql.loaders.orders import load_orders
from gateway.graphql.scalars import CurrencyCode
from gateway.graphql.types.catalog import ProductVariant
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.customers.profiles import Customer
from gateway.graphql.types.locations import Location
from gateway.graphql.types.node import Node
from gateway.graphql.types.orders import Order
from gateway.graphql.types.values import Image, Money
from gateway.model import carts
from gateway.model.ids import GlobalId
from gateway.model.locations import FulfillmentMethod
from gateway.model.stock import StockStatus


def _get_line_key(of: carts.CartLineQuantity | carts.CartWarning) -> tuple[str, str]:
    return of.cart_id, of.line_id


def _get_changed_line_key(change: carts.CartChange) -> tuple[str, str] | None:
    return None if change.line_id is None else (change.cart_id, change.line_id)


@output(carts.CartLine, "A line of a cart: one variant in one quantity.")
class CartLine(Node):
    id: strawberry.ID = declare_global_id("CartLine", "cart_id", "id")
    variant: ProductVariant | None = load(
        "The variant. Null: the catalog no longer contains it.", load_sold_variants, key=attrgetter("variant_id")
    )
    title: str = attribute("The product title in the cart's channel.")
    sku: str | None = attribute("The SKU in the cart's channel. Null: the channel has none.")
    image: Image | None = load(
        "The variant's image. Null: there is none.", load_variant_images, key=attrgetter("variant_id")
    )
    quantity: int = attribute("Number of units, in the variant's unit of measure.")
    max_quantity: int | None = load(
        "The largest quantity that can be ordered now. Null: the stock is not tracked. Capped (20 by default, or "
        "`quantity` if there is as much) without the scope `stock:read`.",
        load_max_quantities,
        key=lambda line: line,
        cost=5,
    )
    stock_status: StockStatus = load(
        "Current availability in the cart's channel.", load_line_stock_statuses, key=lambda line: line, cost=5
    )
    unit_price: Money | None = attribute("Price of one unit. Null: the channel does not sell the variant.")
    total: Money | None = attribute("`unitPrice` times `quantity`. Null: the channel does not sell the variant.")


@output(carts.AppliedDiscount, "A discount on a cart.")
class AppliedDiscount:
    code: str | None = attribute("The discount code that was entered. Null: the discount applies without a code.")
    title: str = attribute("Display name of the discount.")
    amount: Money = attribute("The amount that is subtracted.")


@output(carts.CartChange, "A change of a cart that its owner did not request, such as a new price.")
class CartChange:
    kind: carts.CartChangeKind = attribute("What changed.")
    line: CartLine | None = load(
        "The affected line. Null: the change affects the whole cart, or the line was removed.",
        load_cart_lines,
        key=_get_changed_line_key,
    )
    title: str = attribute("Title of the affected line at the time of the change.")
    price_before: Money | None = attribute("Price of one unit before the change. Null: the price did not change.")
    price_after: Money | None = attribute("Price of one unit after the change. Null: the price did not change.")
    quantity_before: int | None = attribute("Quantity before the change. Null: the quantity did not change.")
    quantity_after: int | None = attribute("Quantity after the change. Null: the quantity did not change.")


@output(
    carts.Cart,
    "A shopping cart. Any client that sends its token can read and change it. Adding items does not reserve "
    "stock; placing the order does.",
)
class Cart(Node):
    id: strawberry.ID = declare_global_id("Cart", "id")
    token: str | None = attribute(
        "Credential of the cart; store it as securely as a password. Returned in payloads and to a client that "
        "sent it, otherwise null. `cartMove` and `cartCustomerSet` issue a new one."
    )
    version: int = attribute("Increases with every change; send it back to detect conflicting changes.")
    status: carts.CartStatus = attribute("Whether the cart can still be changed.")
    order: Order | None = load(
        "The order that was placed from the cart. Null: not ordered yet.", load_orders, key=attrgetter("order_id")
    )
    customer: Customer | None = load(
        "The customer who owns the cart. Null: a guest's cart.", load_customers, key=attrgetter("customer_id")
    )
    channel: Channel | None = load(
        "The channel in which the cart is priced and ordered.", load_channels_of_sales, key=attrgetter("channel_key")
    )
    currency_code: CurrencyCode = attribute("Currency of all amounts of the cart.")
    lines: list[CartLine] = attribute("The lines of the cart.", size=200)
    discounts: list[AppliedDiscount] = compute(
        "Discounts on the cart. Currently always empty: no channel reports discounts yet.", lambda cart: [], size=20
    )
    subtotal: Money = attribute("Sum of the line totals. Includes tax if the channel's prices do.")
    discount_total: Money = attribute("Sum of the discounts.")
    loyalty_points: int = attribute("Loyalty points that the order redeems: no more than the goods need.")
    loyalty_discount: Money | None = attribute(
        "What `loyaltyPoints` are worth; contained in `discountTotal`. Null: no points are redeemed."
    )
    tax_total: Money | None = attribute("Tax contained in `total`. Null: the tax rate is not known.")
    shipping_total: Money | None = compute(
        "Shipping cost. Currently always null: `FulfillmentOption.price` tells the cost of each option.",
        lambda cart: None,
    )
    total: Money = attribute("Amount to pay, including tax, without shipping.")
    changes: list[CartChange] | None = load(
        "Changes that the owner did not request, such as new prices, since the given version.",
        load_cart_changes,
        key=attrgetter("id"),
        size=200,
    )
    expires_at: datetime = attribute("When the cart expires unless it is changed before.")
    updated_at: datetime = attribute("When the cart last changed.")


@output(carts.CartWarning, "A notice about an accepted change of a cart, to show to the customer.")
class CartWarning:
    code: carts.CartWarningCode = attribute("Machine-readable reason.")
    line_id: strawberry.ID | None = compute(
        "ID of the affected line. Null: the notice concerns the whole cart.",
        lambda warning: strawberry.ID(str(GlobalId("CartLine", _get_line_key(warning)))),
    )
    message: str = attribute("Human-readable text, in English.")


@output(carts.CartLineQuantity, "A quantity of a cart line.")
class CartLineQuantity:
    line: CartLine = load("The cart line.", load_cart_lines, key=_get_line_key)
    quantity: int = attribute("Number of units.")


@output(carts.FulfillmentPart, "The part of a cart that is supplied by one location.")
class FulfillmentPart:
    method: FulfillmentMethod = attribute("How the goods reach the customer.")
    location: Location | None = load(
        "The location that hands the goods over or ships them.", load_locations, key=attrgetter("location_key")
    )
    transfer_from: Location | None = load(
        "The location from which the goods are first transferred to `location`. Null: no transfer is needed.",
        load_locations,
        key=attrgetter("transfer_from"),
    )
    lines: list[CartLineQuantity] = attribute("The lines and quantities of this part.", size=200)
    ready_at: datetime | None = attribute("When the part can be collected or is shipped. Null: not known.")


@output(carts.FulfillmentOption, "A way to fulfill a whole cart, such as shipping or pickup at a store.")
class FulfillmentOption:
    token: str = attribute("Identifies the option in `orderPlace` and `orderPreview`.")
    label: str = attribute("Display name, in English.")
    parts: list[FulfillmentPart] = attribute("The parts of the cart, by location.", size=10)
    uncovered: list[CartLineQuantity] = attribute(
        "Quantities that no location can supply. If not empty, the option shows the best possible coverage and "
        "cannot be ordered.",
        size=200,
    )
    price: Money = attribute("Additional cost of the option, such as shipping, including tax.")
    ready_at: datetime | None = attribute("When all parts can be collected or are shipped. Null: not known.")
    distance_km: float | None = attribute(
        "Distance in kilometers from `near` to the farthest location of the "
        "option. Null: `near` was not given or a location has no coordinates."
    )
    expires_at: datetime = attribute("When the option expires; request new options after that.")
