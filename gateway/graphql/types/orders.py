"""Orders."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.types import output
from gateway.graphql.ids import global_id
from gateway.graphql.loads import catalog, channels, customers
from gateway.graphql.loads import orders as loads
from gateway.graphql.types.catalog import ProductVariant
from gateway.graphql.types.channels import Channel, Location
from gateway.graphql.types.connections import Connection
from gateway.graphql.types.customers import PERSONAL, Customer
from gateway.graphql.types.customers import READ as READ_CUSTOMERS
from gateway.graphql.types.node import Node
from gateway.graphql.types.values import Address, Money
from gateway.model import orders as model

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


@output(model.Order, "An order, or a till's receipt.", scopes=READ)
class Order(Node):
    id: strawberry.ID = global_id("Order", "id")
    version: int = attribute("Grows with every change.")
    number: str = attribute("What stands on the receipt. Unique within its channel only.")
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
    placed_at: datetime = attribute("When it was placed.")
    cancelled_at: datetime | None = attribute("When it was canceled.")
    updated_at: datetime = attribute("When it last changed.")
