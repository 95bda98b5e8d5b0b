"""Orders, fulfillments and payments."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.catalog import load_sold_variants
from gateway.graphql.loaders.channels import load_channels_of_sales
from gateway.graphql.loaders.customers.profiles import load_customers
from gateway.graphql.loaders.locations import load_locations
from gateway.graphql.loaders.orders import (
    load_access_tokens,
    load_attention,
    load_channel_orders_by_order,
    load_events_by_order,
    load_fulfillments_by_order,
    load_lines_by_order,
    load_order_lines,
    load_orders,
    load_payments_by_order,
    load_pickup_codes,
)
from gateway.graphql.scopes import CUSTOMERS_READ_OR_SELF, ORDERS_READ, ORDERS_READ_OR_SELF, PERSONAL_DATA_OR_SELF
from gateway.graphql.types.actors import Actor
from gateway.graphql.types.catalog import ProductVariant
from gateway.graphql.types.channels import Channel, ChannelFault
from gateway.graphql.types.connections import Connection
from gateway.graphql.types.customers.profiles import Customer
from gateway.graphql.types.locations import Location
from gateway.graphql.types.node import Node
from gateway.graphql.types.values import Address, Money
from gateway.model import orders
from gateway.model.locations import FulfillmentMethod


@output(orders.TaxLine, "A tax on an order.")
class TaxLine:
    title: str = attribute("Name of the tax.")
    rate: Decimal = attribute("Rate as a fraction, such as `0.2` for 20 %.")
    amount: Money = attribute("Amount of the tax.")


@output(orders.OrderCharge, "A charge of an order beside its lines, its shipping and its taxes.")
class OrderCharge:
    kind: orders.OrderChargeKind = attribute("Kind of the charge.")
    title: str = attribute("Name of the charge in the channel; may be empty.")
    amount: Money = attribute("Amount after discounts, including tax if `taxIncluded`. Negative: lowers the total.")


@output(orders.OrderContact, "Contact details that the customer gave with an order.")
class OrderContact:
    name: str | None = attribute("Name. Null: not given.")
    email: str | None = attribute("Email address. Null: not given.")
    phone: str | None = attribute("Phone number. Null: not given.")


@output(orders.OrderLine, "A line of an order.", scopes=ORDERS_READ_OR_SELF)
class OrderLine(Node):
    id: strawberry.ID = declare_global_id("OrderLine", "id")
    variant: ProductVariant | None = load(
        "The variant that was sold. Null: the catalog does not contain it.",
        load_sold_variants,
        key=attrgetter("variant_id"),
    )
    title: str = attribute("Title at the time of the sale.")
    sku: str | None = attribute("SKU at the time of the sale. Null: there was none.")
    quantity: int = attribute("Quantity in the variant's unit of measure. Negative on a refund receipt.")
    unit_price: Money | None = attribute("Price of one unit. Null: not known.")
    total: Money | None = attribute("Total of the line after discounts. Null: not known.")
    fulfilled_quantity: int = attribute("Quantity that was handed over or shipped.")
    returned_quantity: int = attribute("Quantity that was returned.")


@output(orders.LineQuantity, "A quantity of an order line.")
class OrderLineQuantity:
    line: OrderLine = load("The order line.", load_order_lines, key=attrgetter("line_id"))
    quantity: int = attribute("Number of units.")


@output(
    orders.ChannelOrder,
    "The part of an order that was placed in one channel as an order of its own.",
    scopes=ORDERS_READ,
)
class ChannelOrder(Node):
    id: strawberry.ID = declare_global_id("ChannelOrder", "id")
    channel: Channel | None = load("The channel.", load_channels_of_sales, key=attrgetter("channel_key"))
    external_id: str | None = attribute("ID of the order in the channel. Null: the channel has not confirmed it yet.")
    state: orders.ChannelOrderState = attribute("State of the submission.")
    attempts: int = attribute("Number of attempts to submit the order or to look it up.")
    fault: ChannelFault | None = attribute("The last failure. Null: no attempt failed.")
    lines: list[OrderLineQuantity] = attribute("The lines and quantities of this part.", size=200)
    updated_at: datetime = attribute("When the channel order last changed.")


@output(orders.Tracking, "Tracking information of a parcel.")
class Tracking:
    carrier: str | None = attribute("Name of the carrier. Null: not known.")
    number: str = attribute("Tracking number.")
    url: str | None = attribute("URL of the tracking page. Null: not known.")


@output(
    orders.Fulfillment,
    "The part of an order that is supplied by one location, and its progress.",
    scopes=ORDERS_READ_OR_SELF,
)
class Fulfillment(Node):
    id: strawberry.ID = declare_global_id("Fulfillment", "id")
    version: int = attribute("Increases with every change.")
    order: Order | None = load("The order.", load_orders, key=attrgetter("order_id"))
    channel: Channel | None = load(
        "The channel that fulfills this part.", load_channels_of_sales, key=attrgetter("channel_key")
    )
    method: FulfillmentMethod = attribute("How the goods reach the customer.")
    status: orders.FulfillmentStatus = attribute("Progress of the fulfillment.")
    location: Location | None = load(
        "The location that hands the goods over or ships them.", load_locations, key=attrgetter("location_key")
    )
    lines: list[OrderLineQuantity] = attribute("The lines and quantities of this part.", size=200)
    tracking: list[Tracking] = attribute("Tracking information, by parcel.", size=20)
    pickup_code: str | None = load(
        "Code that the customer presents to collect the goods. Null for everyone except the owner of the "
        "order, and if nothing is to be collected.",
        load_pickup_codes,
        key=lambda one: one,
    )
    ready_at: datetime | None = attribute(
        "When the goods are ready for collection or shipment, or are expected to be. Null: not known."
    )
    collect_by: datetime | None = attribute("Until when the goods are held for collection. Null: no limit.")
    shipped_at: datetime | None = attribute("When the goods were shipped. Null: not shipped.")
    estimated_delivery_at: datetime | None = attribute("When the goods are expected to arrive. Null: not known.")
    delivered_at: datetime | None = attribute("When the goods were delivered or collected. Null: not yet.")
    updated_at: datetime = attribute("When the fulfillment last changed.")


@output(orders.Payment, "A payment for an order, received or promised.", scopes=ORDERS_READ_OR_SELF)
class Payment(Node):
    id: strawberry.ID = declare_global_id("Payment", "id")
    kind: orders.PaymentKind = attribute("Kind of payment.")
    provider: str | None = attribute("Name of the payment provider. Null: none.")
    reference: str | None = attribute("Reference of the payment at the provider. Null: none.", scopes=ORDERS_READ)
    amount: Money = attribute("Amount of the payment.")
    status: orders.PaymentStatus = attribute("State of the payment.")
    channel: Channel | None = load(
        "The channel in which the payment is made.", load_channels_of_sales, key=attrgetter("channel_key")
    )
    occurred_at: datetime = attribute("When the payment was received or promised.")


@output(orders.OrderEvent, "An event in the history of an order.", scopes=ORDERS_READ_OR_SELF)
class OrderEvent(Node):
    id: strawberry.ID = declare_global_id("OrderEvent", "id")
    kind: orders.OrderEventKind = attribute("Kind of event.")
    occurred_at: datetime = attribute("When the event happened.")
    channel: Channel | None = load(
        "The channel of the event. Null: it concerns no channel in particular.",
        load_channels_of_sales,
        key=attrgetter("channel_key"),
    )
    location: Location | None = load(
        "The location of the event. Null: it concerns no location in particular.",
        load_locations,
        key=attrgetter("location_key"),
    )
    message: str = attribute("Human-readable text, in English.")
    actor: Actor | None = attribute(
        "Who sent the request that caused the event. Null: the gateway itself or a channel did, or it happened before "
        "actors were recorded.",
        scopes=ORDERS_READ,
    )


@output(orders.Order, "An order, or the receipt of a point of sale.", scopes=ORDERS_READ_OR_SELF)
class Order(Node):
    id: strawberry.ID = declare_global_id("Order", "id")
    version: int = attribute("Increases with every change; send it back to detect conflicting changes.")
    number: str = attribute("Order or receipt number. Unique within its channel only.")
    access_token: str | None = load(
        "Credential with which a guest can read the order; store it as securely as a password. Null except in "
        "the payload that placed the order, and in `cart(token:)` from which it was placed.",
        load_access_tokens,
        key=attrgetter("id"),
    )
    channel: Channel | None = load(
        "The channel in which the order was placed.", load_channels_of_sales, key=attrgetter("channel_key")
    )
    location: Location | None = load(
        "The store in which the order was placed. Null: not placed in a store.",
        load_locations,
        key=attrgetter("location_key"),
    )
    reverses: Order | None = load(
        "The order that this one refunds: points of sale record a refund as a new order with negative "
        "quantities. Null: not a refund, or the original is not known.",
        load_orders,
        key=attrgetter("reverses_id"),
    )
    external_id: str | None = attribute("ID of the order in the channel.", scopes=ORDERS_READ)
    test: bool = attribute(
        "Whether the order was placed for trial, for example with the test mode of a payment provider. It is no sale: "
        "its goods are not taken from stock, and it is in no list and no total unless asked for."
    )
    status: orders.OrderStatus = attribute("State of the order.")
    fulfillment_status: orders.OrderFulfillmentStatus = attribute("How much of the order was handed over or shipped.")
    payment_status: orders.PaymentStatus = attribute("State of the payment.")
    return_status: orders.OrderReturnStatus = attribute("How much of the order was returned.")
    customer: Customer | None = load(
        "The customer. Null: an anonymous sale, or a guest who has not been recognized yet.",
        load_customers,
        key=attrgetter("customer_id"),
        scopes=CUSTOMERS_READ_OR_SELF,
    )
    contact: OrderContact | None = attribute("Contact details for this order.", scopes=PERSONAL_DATA_OR_SELF)
    shipping_address: Address | None = attribute("Shipping address. Null: not shipped.", scopes=PERSONAL_DATA_OR_SELF)
    billing_address: Address | None = attribute("Billing address. Null: not known.", scopes=PERSONAL_DATA_OR_SELF)
    lines: Connection[OrderLine] | None = load("The lines of the order.", load_lines_by_order, key=attrgetter("id"))
    subtotal: Money | None = attribute("Sum of the line totals, after discounts. Null: not known.")
    discount_total: Money | None = attribute(
        "Sum of the discounts on lines, shipping and the order. The other amounts are after discounts. Null: not known."
    )
    tax_total: Money | None = attribute("Sum of the taxes. Null: not known.")
    tax_included: bool | None = attribute(
        "Whether the amounts of lines, shipping and other charges include tax. Null: not known."
    )
    tax_lines: list[TaxLine] | None = attribute("Taxes, by rate.", size=10)
    shipping_total: Money | None = attribute("Shipping cost, after discounts. Null: not known.")
    other_charges: list[OrderCharge] | None = attribute(
        "Gift wrap, tips, duties, rounding of cash and other charges.", size=5
    )
    total: Money | None = attribute(
        "Amount to pay: `subtotal` + `shippingTotal` + the amounts of `otherCharges` + (0 if `taxIncluded`, else "
        "`taxTotal`). If the channel's amounts do not add up to it, `attention` contains TOTAL_DIFFERS. Negative on a "
        "refund receipt. Null: not known."
    )
    refunded_total: Money | None = attribute("Amount that was refunded. Null: not known.")
    attention: list[orders.OrderAttention] | None = load(
        "Problems that an operator must resolve.", load_attention, key=attrgetter("id"), scopes=ORDERS_READ, size=4
    )
    fulfillments: list[Fulfillment] | None = load(
        "Fulfillments, by location. Empty: only the channel knows them.",
        load_fulfillments_by_order,
        key=attrgetter("id"),
        size=20,
    )
    payments: list[Payment] | None = load(
        "Payments of the order. Empty: only the channel knows them.",
        load_payments_by_order,
        key=attrgetter("id"),
        size=20,
    )
    channel_orders: list[ChannelOrder] | None = load(
        "The orders in channels that this order consists of.",
        load_channel_orders_by_order,
        key=attrgetter("id"),
        scopes=ORDERS_READ,
        size=10,
    )
    events: Connection[OrderEvent] | None = load(
        "History of the order, oldest event first.", load_events_by_order, key=attrgetter("id")
    )
    pay_by: datetime | None = attribute(
        "When the order is canceled if it is not paid until then. Null: paid, or nothing waits for a payment."
    )
    placed_at: datetime = attribute("When the order was placed.")
    cancelled_at: datetime | None = attribute("When the order was canceled. Null: not canceled.")
    updated_at: datetime = attribute("When the order last changed.")
