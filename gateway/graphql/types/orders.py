"""Orders."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.types import output
from gateway.graphql.ids import global_id
from gateway.graphql.loads import catalog, channels, customers
from gateway.graphql.loads import orders as loads
from gateway.graphql.types.catalog import ProductVariant
from gateway.graphql.types.channels import Channel, ChannelFault, Location
from gateway.graphql.types.connections import Connection
from gateway.graphql.types.customers import PERSONAL, Customer
from gateway.graphql.types.customers import READ as READ_CUSTOMERS
from gateway.graphql.types.node import Node
from gateway.graphql.types.values import Address, Money
from gateway.model import orders as model
from gateway.model.channels import FulfillmentMethod

READ = [["orders:read"], ["self"]]
STAFF = [["orders:read"]]


@output(model.TaxLine, "One tax on an order.")
class TaxLine:
    title: str = attribute("What the tax is called.")
    rate: Decimal = attribute("As a fraction: `0.2` for 20 %.")
    amount: Money = attribute("What it comes to.")


@output(model.OrderContact, "How the buyer can be reached about this order.")
class OrderContact:
    name: str | None = attribute("The name given.")
    email: str | None = attribute("The e-mail address given.")
    phone: str | None = attribute("The phone number given.")


@output(model.OrderLine, "One line of an order.", owner=READ)
class OrderLine(Node):
    id: strawberry.ID = global_id("OrderLine", "id")
    variant: ProductVariant | None = load(
        "What was sold. Null while the catalogue does not know it.", catalog.sold_variants, key=attrgetter("variant_id")
    )
    title: str = attribute("What it was called when it was sold.")
    sku: str | None = attribute("The code under which it was sold.")
    quantity: int = attribute("In the variant's unit. Negative on a till's refund.")
    unit_price: Money | None = attribute("What one unit cost.")
    total: Money | None = attribute("What the line came to, after discounts.")
    fulfilled_quantity: int = attribute("How much of it has been handed over.")
    returned_quantity: int = attribute("How much of it has come back.")


@output(model.LineQuantity, "So much of a line of an order.")
class OrderLineQuantity:
    line: OrderLine = load("Of which line.", loads.order_lines, key=attrgetter("line_id"))
    quantity: int = attribute("How much.")


@output(
    model.ChannelOrder,
    "The part of an order that one channel has as an order of its own, and what it said.",
    scopes=STAFF,
)
class ChannelOrder(Node):
    id: strawberry.ID = global_id("ChannelOrder", "id")
    channel: Channel | None = load("Which channel.", channels.channels, key=attrgetter("channel_key"))
    external_id: str | None = attribute("Its id there. Null: the channel has not said yet.")
    state: model.ChannelOrderState = attribute("Where it stands.")
    attempts: int = attribute("How often it was sent, or looked for.")
    fault: ChannelFault | None = attribute("What went wrong last.")
    lines: list[OrderLineQuantity] = attribute("What it is.", size=200)
    updated_at: datetime = attribute("When it last changed.")


@output(model.Tracking, "By which a carrier finds a parcel.")
class Tracking:
    carrier: str | None = attribute("Who carries it.")
    number: str = attribute("Its number there.")
    url: str | None = attribute("Where one can look how far it is.")


@output(model.Fulfillment, "What of an order comes from one location, and how far it is.", owner=READ)
class Fulfillment(Node):
    id: strawberry.ID = global_id("Fulfillment", "id")
    version: int = attribute("Grows with every change.")
    order: Annotated[Order, strawberry.lazy("gateway.graphql.types.orders")] | None = load(
        "Of which order.", loads.orders, key=attrgetter("order_id")
    )
    channel: Channel | None = load("Whoever serves it.", channels.channels, key=attrgetter("channel_key"))
    method: FulfillmentMethod = attribute("How it reaches whoever ordered it.")
    status: model.FulfillmentStatus = attribute("How far it is.")
    location: Location | None = load(
        "Where it is handed over, or sent from.", channels.locations, key=attrgetter("location_key")
    )
    lines: list[OrderLineQuantity] = attribute("What it is.", size=200)
    tracking: list[Tracking] = attribute("The parcels.", size=20)
    pickup_code: str | None = load(
        "What whoever collects it has to say. For the owner only.", loads.pickup_codes, key=lambda one: one
    )
    ready_at: datetime | None = attribute("When it lies ready, or is expected to.")
    collect_by: datetime | None = attribute("How long it waits to be collected.")
    shipped_at: datetime | None = attribute("When it left.")
    estimated_delivery_at: datetime | None = attribute("When it is expected to arrive.")
    delivered_at: datetime | None = attribute("When it arrived, or was collected.")
    updated_at: datetime = attribute("When it last changed.")


@output(model.Payment, "Money for an order, taken or promised.", owner=READ)
class Payment(Node):
    id: strawberry.ID = global_id("Payment", "id")
    kind: model.PaymentKind = attribute("How it is paid.")
    provider: str | None = attribute("Who takes it.")
    reference: str | None = attribute("By which the provider knows it.", scopes=STAFF)
    amount: Money = attribute("How much.")
    status: model.PaymentStatus = attribute("How it stands.")
    channel: Channel | None = load("Where it is paid.", channels.channels, key=attrgetter("channel_key"))
    occurred_at: datetime = attribute("When it was taken, or promised.")


@output(model.OrderEvent, "Something that happened to an order.", owner=READ)
class OrderEvent(Node):
    id: strawberry.ID = global_id("OrderEvent", "id")
    kind: model.OrderEventKind = attribute("What happened.")
    occurred_at: datetime = attribute("When.")
    channel: Channel | None = load("In which channel.", channels.channels, key=attrgetter("channel_key"))
    location: Location | None = load("Where.", channels.locations, key=attrgetter("location_key"))
    message: str = attribute("In words, for people.")


@output(model.Order, "An order, or a till's receipt.", scopes=READ)
class Order(Node):
    id: strawberry.ID = global_id("Order", "id")
    version: int = attribute("Grows with every change.")
    number: str = attribute("What stands on the receipt. Unique within its channel only.")
    access_token: str | None = load(
        "A guest's way back to it: keep it like a password. Only in the payload that placed it.",
        loads.access_tokens,
        key=attrgetter("id"),
    )
    channel: Channel | None = load("Where it was sold.", channels.channels, key=attrgetter("channel_key"))
    location: Location | None = load("The shop where it was sold.", channels.locations, key=attrgetter("location_key"))
    reverses: Order | None = load(
        "The order that this one refunds: tills refund by a new order with negative quantities. Null where that cannot "
        "be told.",
        loads.orders,
        key=attrgetter("reverses_id"),
    )
    external_id: str | None = attribute("Its id in the channel.", scopes=STAFF)
    status: model.OrderStatus = attribute("Where it stands.")
    fulfillment_status: model.OrderFulfillmentStatus = attribute("How much of it has been handed over.")
    payment_status: model.PaymentStatus = attribute("How its payment stands.")
    return_status: model.OrderReturnStatus = attribute("How much of it has come back.")
    customer: Customer | None = load(
        "Who bought it.", customers.customers, key=attrgetter("customer_id"), scopes=READ_CUSTOMERS
    )
    contact: OrderContact | None = attribute("How to reach the buyer about it.", scopes=PERSONAL)
    shipping_address: Address | None = attribute("Where it goes.", scopes=PERSONAL)
    billing_address: Address | None = attribute("Who is billed.", scopes=PERSONAL)
    lines: Connection[OrderLine] | None = load("What was sold.", loads.lines_of_orders, key=attrgetter("id"))
    subtotal: Money | None = attribute("The lines together, after discounts.")
    discount_total: Money | None = attribute("What was taken off.")
    tax_total: Money | None = attribute("All taxes together.")
    tax_included: bool | None = attribute("Whether the lines' prices include tax.")
    tax_lines: list[TaxLine] | None = attribute("Each tax.", size=10)
    shipping_total: Money | None = attribute("What shipping cost.")
    total: Money | None = attribute("What was to be paid. Negative on a till's refund.")
    refunded_total: Money | None = attribute("What was paid back.")
    attention: list[model.OrderAttention] | None = load(
        "What a person has to look at.", loads.attention, key=attrgetter("id"), scopes=STAFF, size=4
    )
    fulfillments: list[Fulfillment] | None = load(
        "What comes from where, and how far it is. Empty where its channel alone knows.",
        loads.fulfillments_of_orders,
        key=attrgetter("id"),
        size=20,
    )
    payments: list[Payment] | None = load(
        "How it is paid. Empty where its channel alone knows.", loads.payments_of_orders, key=attrgetter("id"), size=20
    )
    channel_orders: list[ChannelOrder] | None = load(
        "The parts of it that channels have as orders of their own.",
        loads.channel_orders_of_orders,
        key=attrgetter("id"),
        scopes=STAFF,
        size=10,
    )
    events: Connection[OrderEvent] | None = load(
        "What happened to it, the first things first.", loads.events_of_orders, key=attrgetter("id")
    )
    placed_at: datetime = attribute("When it was placed.")
    cancelled_at: datetime | None = attribute("When it was canceled.")
    updated_at: datetime = attribute("When it last changed.")
