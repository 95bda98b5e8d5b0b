"""Orders: what was sold, where, to whom. A till's refund is an order of its own, with negative quantities and total."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from gateway.model.channels import Address, Fault, FulfillmentMethod
from gateway.model.money import Money


class OrderStatus(Enum):
    """Where an order stands."""

    PENDING = "PENDING"
    OPEN = "OPEN"
    COMPLETED = "COMPLETED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class OrderFulfillmentStatus(Enum):
    """How much of an order has been handed over."""

    UNFULFILLED = "UNFULFILLED"
    PARTIALLY_FULFILLED = "PARTIALLY_FULFILLED"
    FULFILLED = "FULFILLED"


class OrderReturnStatus(Enum):
    """How much of an order has come back."""

    NONE = "NONE"
    REQUESTED = "REQUESTED"
    PARTIALLY_RETURNED = "PARTIALLY_RETURNED"
    RETURNED = "RETURNED"


class PaymentStatus(Enum):
    """How an order's payment stands. UNKNOWN: the channel does not say."""

    UNKNOWN = "UNKNOWN"
    UNPAID = "UNPAID"
    PENDING = "PENDING"
    AUTHORIZED = "AUTHORIZED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"
    FAILED = "FAILED"


class OrderAttention(Enum):
    """What of an order a person has to look at."""

    STOCK_SHORT = "STOCK_SHORT"
    PAYMENT_DUE_BACK = "PAYMENT_DUE_BACK"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    REFUND_BY_HAND = "REFUND_BY_HAND"


class ChannelOrderState(Enum):
    """Where the part of an order stands that one channel fulfills."""

    QUEUED = "QUEUED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


class FulfillmentStatus(Enum):
    """How far goods are on their way to whoever ordered them."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    READY_FOR_PICKUP = "READY_FOR_PICKUP"
    IN_TRANSIT = "IN_TRANSIT"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    DELIVERED = "DELIVERED"
    COLLECTED = "COLLECTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class PaymentKind(Enum):
    """How an order is paid. TENDERED: the money has been taken already. PROVIDER: a payment service will say."""

    ON_COLLECTION = "ON_COLLECTION"
    PROVIDER = "PROVIDER"
    TENDERED = "TENDERED"


class OrderEventKind(Enum):
    """What happened to an order."""

    PLACED = "PLACED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    PAID = "PAID"
    TRANSFER_REQUESTED = "TRANSFER_REQUESTED"
    READY_FOR_PICKUP = "READY_FOR_PICKUP"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    COLLECTED = "COLLECTED"
    CANCELLED = "CANCELLED"
    RETURN_REQUESTED = "RETURN_REQUESTED"
    RETURN_RECEIVED = "RETURN_RECEIVED"
    REFUNDED = "REFUNDED"
    NOTE = "NOTE"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """One tax on an order. `rate` is a fraction: 0.2 for 20 %."""

    title: str
    rate: Decimal
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderContact:
    """How the buyer can be reached about this order."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, kw_only=True)
class OrderFields:
    """What a channel's order and ours have in common.

    Attributes:
        number: what stands on the receipt; unique within its channel only.
        subtotal: the lines after discounts, with tax where `tax_included`.
        tax_included: whether the lines' prices include tax.
    """

    number: str
    status: OrderStatus = OrderStatus.COMPLETED
    fulfillment_status: OrderFulfillmentStatus = OrderFulfillmentStatus.FULFILLED
    payment_status: PaymentStatus = PaymentStatus.UNKNOWN
    return_status: OrderReturnStatus = OrderReturnStatus.NONE
    subtotal: Money | None = None
    discount_total: Money | None = None
    tax_total: Money | None = None
    tax_included: bool | None = None
    tax_lines: tuple[TaxLine, ...] = ()
    shipping_total: Money | None = None
    total: Money | None = None
    refunded_total: Money | None = None
    contact: OrderContact | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    placed_at: datetime
    cancelled_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Order(OrderFields):
    """One order.

    Attributes:
        external_id: None: it was placed through the gateway; its channel orders tell.
        location_key: the shop where it was sold.
        reverses_id: the order that this one refunds, where the channel tells.
        customer_id: resolved when read, so that it does not matter which arrived first.
    """

    id: str
    version: int
    channel_key: str
    external_id: str | None
    location_key: str | None
    reverses_id: str | None
    customer_id: str | None
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class OrderLineFields:
    """What a channel's order line and ours have in common.

    Attributes:
        quantity: in the variant's smallest unit; negative on a till's refund.
        total: of the line, after discounts.
    """

    title: str
    sku: str | None = None
    quantity: int
    unit_price: Money | None = None
    total: Money | None = None
    fulfilled_quantity: int = 0
    returned_quantity: int = 0


@dataclass(frozen=True, kw_only=True)
class OrderLine(OrderLineFields):
    """One line. `variant_id` is resolved when read; None while the catalogue does not know what was sold."""

    id: str
    order_id: str
    variant_id: str | None


@dataclass(frozen=True, slots=True)
class LineQuantity:
    """So much of a line of an order."""

    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOrder:
    """The part of an order that one channel fulfills: what was sent there, and what it said.

    Attributes:
        external_id: None: the channel has not said yet.
        attempts: how often it was sent, or looked for.
    """

    id: str
    order_id: str
    channel_key: str
    external_id: str | None
    state: ChannelOrderState
    attempts: int
    fault: Fault | None
    lines: tuple[LineQuantity, ...]
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """By which a carrier finds a parcel."""

    number: str
    carrier: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfillment:
    """What of an order comes from one location, and how far it is.

    Attributes:
        channel_key: whoever fulfills it.
        collect_by: how long it waits to be collected.
    """

    id: str
    version: int
    order_id: str
    channel_key: str
    method: FulfillmentMethod
    status: FulfillmentStatus
    location_key: str
    lines: tuple[LineQuantity, ...]
    tracking: tuple[Tracking, ...]
    ready_at: datetime | None
    collect_by: datetime | None
    shipped_at: datetime | None
    estimated_delivery_at: datetime | None
    delivered_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money for an order, taken or promised.

    Attributes:
        provider: who takes it: ``stripe``, ``cash``.
        reference: by which the provider knows it.
    """

    id: str
    order_id: str
    kind: PaymentKind
    provider: str | None
    reference: str | None
    amount: Money
    status: PaymentStatus
    channel_key: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """Something that happened to an order. `message`: for people."""

    id: str
    order_id: str
    kind: OrderEventKind
    channel_key: str | None
    location_key: str | None
    message: str
    occurred_at: datetime
