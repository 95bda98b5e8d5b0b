"""Carts, and the ways in which what is in them can reach a shopper."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.execution.fields import attribute, load, pure
from gateway.execution.types import output
from gateway.graphql.ids import global_id
from gateway.graphql.loads import carts as loads
from gateway.graphql.loads import catalog, channels, customers, orders
from gateway.graphql.scalars import CurrencyCode
from gateway.graphql.types.catalog import ProductVariant
from gateway.graphql.types.channels import Channel, Location
from gateway.graphql.types.node import Node
from gateway.graphql.types.values import Image, Money
from gateway.model import carts as model
from gateway.model.channels import FulfillmentMethod
from gateway.model.ids import GlobalId
from gateway.model.stock import StockStatus

if TYPE_CHECKING:
    from gateway.graphql.types.customers import Customer
    from gateway.graphql.types.orders import Order


def _line(of: model.CartLineQuantity | model.CartWarning) -> tuple[str, str]:
    return of.cart_id, of.line_id


def _changed_line(change: model.CartChange) -> tuple[str, str] | None:
    return None if change.line_id is None else (change.cart_id, change.line_id)


@output(model.CartLine, "One line of a cart.")
class CartLine(Node):
    id: strawberry.ID = global_id("CartLine", "cart_id", "id")
    variant: ProductVariant | None = load("What it is.", catalog.sold_variants, key=attrgetter("variant_id"))
    title: str = attribute("What it is called in the cart's channel.")
    sku: str | None = attribute("Its code in the cart's channel.")
    image: Image | None = load("A picture of it.", loads.images, key=attrgetter("variant_id"))
    quantity: int = attribute("How many.")
    max_quantity: int | None = load(
        "How many could be had now. Null: nobody counts them.", loads.max_quantities, key=lambda line: line
    )
    stock_status: StockStatus = load("Whether it can be had now.", loads.stock_statuses, key=lambda line: line)
    unit_price: Money | None = attribute("What one costs. Null: it cannot be had in this channel.")
    total: Money | None = attribute("What the line comes to.")


@output(model.AppliedDiscount, "Something that is taken off.")
class AppliedDiscount:
    code: str | None = attribute("The code that was given for it.")
    title: str = attribute("What it is called.")
    amount: Money = attribute("How much it takes off.")


@output(model.CartChange, "Something that happened to a cart without its owner's doing.")
class CartChange:
    kind: model.CartChangeKind = attribute("What happened.")
    line: CartLine | None = load("The line concerned. Null: it is gone.", loads.lines_of_carts, key=_changed_line)
    title: str = attribute("What it was called.")
    price_before: Money | None = attribute("What one cost before.")
    price_after: Money | None = attribute("What one costs since.")
    quantity_before: int | None = attribute("How many there were before.")
    quantity_after: int | None = attribute("How many there are since.")


@output(
    model.Cart,
    "What somebody is about to buy. Whoever holds its token can see and change it. It keeps nothing from being sold to "
    "others: that is done when it is ordered.",
)
class Cart(Node):
    id: strawberry.ID = global_id("Cart", "id")
    token: str | None = attribute(
        "The credential: keep it like one. Given in payloads, and to whoever sent it; a new one after `cartMove` and "
        "`cartCustomerSet`."
    )
    version: int = attribute("Grows with every change.")
    status: model.CartStatus = attribute("Whether it can still be changed.")
    order: Annotated[Order, strawberry.lazy("gateway.graphql.types.orders")] | None = load(
        "The order that it has become.", orders.orders, key=attrgetter("order_id")
    )
    customer: Annotated[Customer, strawberry.lazy("gateway.graphql.types.customers")] | None = load(
        "Whose it is, where that is known.", customers.customers, key=attrgetter("customer_id")
    )
    channel: Channel | None = load("Where it is bought.", channels.channels, key=attrgetter("channel_key"))
    currency_code: CurrencyCode = attribute("The currency of its prices.")
    lines: list[CartLine] = attribute("What is in it.", size=200)
    discounts: list[AppliedDiscount] = pure("What is taken off.", lambda cart: [], size=20)
    subtotal: Money = attribute("The lines together, as the channel's prices are: with tax or without.")
    discount_total: Money = attribute("What is taken off.")
    tax_total: Money | None = attribute("The tax in it. Null: nobody knows the rate.")
    shipping_total: Money | None = pure(
        "What sending it costs: known once a fulfillment option is chosen.", lambda cart: None
    )
    total: Money = attribute("What is to be paid, tax included, shipping apart.")
    changes: list[CartChange] | None = load(
        "What happened to it since, without its owner's doing.", loads.changes, key=attrgetter("id"), size=200
    )
    expires_at: datetime = attribute("How long it is kept if nobody touches it.")
    updated_at: datetime = attribute("When it last changed.")


@output(model.CartWarning, "What a shopper should know about a change that was granted.")
class CartWarning:
    code: model.CartWarningCode = attribute("What, in one word.")
    line_id: strawberry.ID | None = pure(
        "The line concerned.", lambda warning: strawberry.ID(str(GlobalId("CartLine", _line(warning))))
    )
    message: str = attribute("In words, for people.")


@output(model.CartLineQuantity, "So much of a line of a cart.")
class CartLineQuantity:
    line: CartLine = load("Of which line.", loads.lines_of_carts, key=_line)
    quantity: int = attribute("How much.")


@output(model.FulfillmentPart, "What of a cart comes from one location.")
class FulfillmentPart:
    method: FulfillmentMethod = attribute("How it reaches the shopper.")
    location: Location | None = load(
        "Where it is handed over, or sent from.", channels.locations, key=attrgetter("location_key")
    )
    transfer_from: Location | None = load(
        "Where it is brought from first.", channels.locations, key=attrgetter("transfer_from")
    )
    lines: list[CartLineQuantity] = attribute("What it is.", size=200)
    ready_at: datetime | None = attribute("When it can be collected, or is sent.")


@output(model.FulfillmentOption, "One way in which a whole cart can reach the shopper.")
class FulfillmentOption:
    token: str = attribute("What `orderPlace` takes.")
    label: str = attribute("What to call it.")
    parts: list[FulfillmentPart] = attribute("What comes from where.", size=10)
    uncovered: list[CartLineQuantity] = attribute(
        "What nobody can serve: then this is the most that can be had, and cannot be ordered as it is.", size=200
    )
    price: Money = attribute("What it costs beyond the goods, with tax.")
    ready_at: datetime | None = attribute("When all of it can be collected, or is sent.")
    distance_km: float | None = attribute("From `near` to the farthest location of it, in kilometers.")
    expires_at: datetime = attribute("How long it can be ordered so.")
