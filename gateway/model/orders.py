"""Orders, fulfillments and payments. A refund of a point of sale is an order with negative quantities and total."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from gateway.model.actors import Actor
from gateway.model.channels import Fault
from gateway.model.locations import Address, FulfillmentMethod
from gateway.model.money import Money, clamp_money


class OrderStatus(Enum):
    """State of an order."""

    PENDING = "PENDING"
    OPEN = "OPEN"
    COMPLETED = "COMPLETED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class OrderFulfillmentStatus(Enum):
    """How much of an order was handed over or shipped."""

    UNFULFILLED = "UNFULFILLED"
    PARTIALLY_FULFILLED = "PARTIALLY_FULFILLED"
    FULFILLED = "FULFILLED"


class OrderReturnStatus(Enum):
    """How much of an order was returned."""

    NONE = "NONE"
    REQUESTED = "REQUESTED"
    PARTIALLY_RETURNED = "PARTIALLY_RETURNED"
    RETURNED = "RETURNED"


class PaymentStatus(Enum):
    """State of a payment. UNKNOWN: the channel does not report it."""

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
    """Problem of an order that an operator must resolve."""

    STOCK_SHORT = "STOCK_SHORT"
    PAYMENT_DUE_BACK = "PAYMENT_DUE_BACK"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    REFUND_BY_HAND = "REFUND_BY_HAND"
    PAYMENT_OVERDUE = "PAYMENT_OVERDUE"
    TOTAL_DIFFERS = "TOTAL_DIFFERS"
    INCOMPLETE = "INCOMPLETE"


class OrderChargeKind(Enum):
    """Kind of charge of an order beside its lines, its shipping and its taxes."""

    GIFT_WRAP = "GIFT_WRAP"
    TIP = "TIP"
    HANDLING = "HANDLING"
    DUTY = "DUTY"
    CASH_ON_DELIVERY = "CASH_ON_DELIVERY"
    ROUNDING = "ROUNDING"
    OTHER = "OTHER"


class ChannelOrderState(Enum):
    """State of the part of an order that one channel fulfills."""

    QUEUED = "QUEUED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


class FulfillmentStatus(Enum):
    """Progress of a fulfillment."""

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
    """Kind of payment. TENDERED: already paid. PROVIDER: a payment provider confirms it later."""

    ON_COLLECTION = "ON_COLLECTION"
    PROVIDER = "PROVIDER"
    TENDERED = "TENDERED"


class OrderEventKind(Enum):
    """Kind of event in the history of an order."""

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
    PAYMENT_EXPIRED = "PAYMENT_EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """A tax on an order. `rate`: a fraction, 0.2 for 20 %."""

    title: str
    rate: Decimal
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCharge:
    """A charge of an order beside its lines, its shipping and its taxes.

    Attributes:
        title: Name of the charge in the channel; may be empty.
        amount: After discounts, including tax if the order's prices do. Negative if it lowers the total.
    """

    kind: OrderChargeKind
    title: str = ""
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderContact:
    """Contact details for an order. A field of None was not given."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, kw_only=True)
class OrderFields:
    """Fields that a channel's order and the gateway's order share. An amount of None is not known.

    `total` = `subtotal` + `shipping_total` + the sum of `other_charges` + (0 if `tax_included`, else `tax_total`).
    Discounts are in these amounts already; `discount_total` informs about them. If an order does not add up, it is
    accepted, and gets the attention TOTAL_DIFFERS (rule O8).

    Attributes:
        number: Order or receipt number; unique within its channel only.
        subtotal: Sum of the lines after discounts, including tax if `tax_included`.
        discount_total: Sum of the discounts, on lines, shipping and the order, which the other amounts contain.
        tax_total: Sum of the taxes, on shipping and other charges too.
        tax_included: Whether lines, shipping and other charges include tax; None: not known.
        shipping_total: Shipping cost after discounts.
        other_charges: Gift wrap, tips, duties and other charges; rounding of cash.
        total: Amount to pay; negative on a refund receipt.
        test: Whether it was placed for trial, as with a test mode of the payment: no sale. It is stored and marked, and
            in no list, total or stock unless asked for.
    """

    number: str
    test: bool = False
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
    other_charges: tuple[OrderCharge, ...] = ()
    total: Money | None = None
    refunded_total: Money | None = None
    contact: OrderContact | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    placed_at: datetime
    cancelled_at: datetime | None = None

    @property
    def total_difference(self) -> Money | None:
        """`total` minus the sum of its parts (rule O8); None: they add up, or `subtotal` or `total` is not known.

        A difference that `Money` cannot hold is the largest amount that it can.
        """
        difference = self.difference_minor
        if difference is None or self.total is None:
            return None
        return clamp_money(difference, self.total.currency_code)

    @property
    def difference_minor(self) -> int | None:
        """`total_difference` in the smallest unit of the currency: sums of amounts can exceed the range of `Money`."""
        if self.subtotal is None or self.total is None:
            return None
        parts = (self.subtotal, self.shipping_total, *(charge.amount for charge in self.other_charges))
        rest = self.total.minor - sum(part.minor for part in parts if part is not None)
        added = 0 if self.tax_total is None else self.tax_total.minor
        taxes = {True: (0,), False: (added,), None: (0, added)}[self.tax_included]
        return min((rest - tax for tax in taxes), key=abs) or None


@dataclass(frozen=True, kw_only=True)
class Order(OrderFields):
    """An order.

    Attributes:
        version: Increases with every change.
        external_id: ID in the channel; None: placed through the gateway, see its channel orders.
        location_key: Key of the store in which it was placed; None: not placed in a store.
        reverses_id: Row ID of the order that this one refunds; None: not a refund, or not known.
        customer_id: Row ID of the customer; None: not known. Resolved when the order is read, so that orders and
            customers can arrive in any order.
        proved_customer_id: Row ID of the customer as the customer sees itself (rule C7).
        pay_by: The order is canceled if it is unpaid then; None: it is paid, or nothing waits for a payment.
    """

    id: str
    version: int
    channel_key: str
    external_id: str | None
    location_key: str | None
    reverses_id: str | None
    customer_id: str | None
    proved_customer_id: str | None = None
    pay_by: datetime | None = None
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class OrderLineFields:
    """Fields that a channel's order line and the gateway's order line share.

    Attributes:
        sku: SKU at the time of the sale; None: there was none.
        quantity: In the smallest unit of the variant; negative on a refund receipt.
        unit_price, total: `total` is the line after discounts. None: not known.
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
    """A line of an order. `variant_id` is resolved when the line is read; None: the catalog does not contain the
    variant.
    """

    id: str
    order_id: str
    variant_id: str | None


@dataclass(frozen=True, slots=True)
class LineQuantity:
    """A quantity of an order line."""

    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOrder:
    """The part of an order that one channel fulfills: what was submitted, and the channel's response.

    Attributes:
        external_id: ID of the order in the channel; None: the channel has not confirmed it yet.
        attempts: Number of attempts to submit the order or to look it up.
        fault: The last failure; None: no attempt failed.
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
    """Tracking information of a parcel.

    Attributes:
        number: Tracking number of the carrier.
        carrier: Name of the carrier; None: not known.
        url: URL of the tracking page; None: not known.
    """

    number: str
    carrier: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfillment:
    """The part of an order that is supplied by one location, and its progress.

    Attributes:
        version: Increases with every change.
        channel_key: Key of the channel that fulfills it.
        code_rotation: Each number has another pickup code.
        ready_at: When the goods are ready, or are expected to be; None: not known.
        collect_by: Until when the goods are held for collection; None: no limit.
        shipped_at, delivered_at: None: not yet.
        estimated_delivery_at: None: not known.
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
    code_rotation: int
    ready_at: datetime | None
    collect_by: datetime | None
    shipped_at: datetime | None
    estimated_delivery_at: datetime | None
    delivered_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment for an order, received or promised.

    Attributes:
        provider: Name of the payment provider: ``stripe``, ``cash``; None: none.
        reference: Reference of the payment at the provider; None: none.
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
    """An event in the history of an order.

    Attributes:
        message: Human-readable text, in English.
        actor: Sender of the request that caused it; None: the gateway itself, or a channel.
    """

    id: str
    order_id: str
    kind: OrderEventKind
    channel_key: str | None
    location_key: str | None
    message: str
    occurred_at: datetime
    actor: Actor | None = None
