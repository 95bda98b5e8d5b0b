"""Orders: what was sold, where, to whom. A till's refund is an order of its own, with negative quantities and total."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from gateway.model.channels import Address
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
        location_key: the shop where it was sold.
        reverses_id: the order that this one refunds, where the channel tells.
        customer_id: resolved when read, so that it does not matter which arrived first.
    """

    id: str
    version: int
    channel_key: str
    external_id: str
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
