"""Carts, and the ways in which what is in them can reach a shopper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.channels import FulfillmentMethod
from gateway.model.money import Money


class CartStatus(Enum):
    """Whether a cart can still be changed."""

    ACTIVE = "ACTIVE"
    ORDERED = "ORDERED"
    MERGED = "MERGED"
    EXPIRED = "EXPIRED"


class CartChangeKind(Enum):
    """What happened to a cart without its owner's doing."""

    PRICE_CHANGED = "PRICE_CHANGED"
    QUANTITY_REDUCED = "QUANTITY_REDUCED"
    UNAVAILABLE = "UNAVAILABLE"
    CHANNEL_MOVED = "CHANNEL_MOVED"


class CartWarningCode(Enum):
    """What a shopper should know about a change of her cart that was granted."""

    QUANTITY_REDUCED = "QUANTITY_REDUCED"
    PRICE_CHANGED = "PRICE_CHANGED"
    LINE_UNAVAILABLE = "LINE_UNAVAILABLE"
    DISCOUNT_NOT_APPLICABLE = "DISCOUNT_NOT_APPLICABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedDiscount:
    """Something that is taken off. `code`: what was given for it."""

    code: str | None
    title: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """One line of a cart.

    Attributes:
        listing_id: the listing of the cart's channel.
        channel_key: of the cart.
        unit_price: of one listing, as it was looked at last; None: it cannot be had in this channel.
        price_includes_tax: whether it is gross.
    """

    id: str
    cart_id: str
    listing_id: str
    channel_key: str
    variant_id: str | None
    title: str
    sku: str | None
    quantity: int
    unit_price: Money | None
    price_includes_tax: bool

    @property
    def total(self) -> Money | None:
        """What the line comes to."""
        price = self.unit_price
        return None if price is None else Money(price.minor * self.quantity, price.currency_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """What somebody is about to buy in one channel. It reserves nothing.

    Attributes:
        token: the credential; known only to whoever just sent it, or just got it.
        tax_total: None: no tax policy knows the rates.
        tax_added: what comes on top of those prices that are net, in the smallest unit of the currency.
    """

    id: str
    version: int
    status: CartStatus
    channel_key: str
    currency_code: str
    customer_id: str | None
    order_id: str | None
    lines: tuple[CartLine, ...]
    tax_total: Money | None = None
    tax_added: int = 0
    token: str | None = None
    expires_at: datetime
    updated_at: datetime

    @property
    def subtotal(self) -> Money:
        """The lines together."""
        return Money(sum(line.total.minor for line in self.lines if line.total), self.currency_code)

    @property
    def discount_total(self) -> Money:
        """What is taken off: there are no promotions yet."""
        return Money(0, self.currency_code)

    @property
    def total(self) -> Money:
        """What is to be paid, shipping apart."""
        return Money(self.subtotal.minor + self.tax_added, self.currency_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class CartChange:
    """One thing that happened to a cart without its owner's doing. `line_id`: None where the line is gone."""

    kind: CartChangeKind
    cart_id: str
    line_id: str | None
    title: str
    price_before: Money | None
    price_after: Money | None
    quantity_before: int | None
    quantity_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CartWarning:
    """What a shopper should know about a change that was granted."""

    code: CartWarningCode
    message: str
    cart_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class CartLineQuantity:
    """So much of a line of a cart."""

    cart_id: str
    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentPart:
    """What of a cart comes from one location, and how.

    Attributes:
        location_key: where it is handed over or sent from.
        transfer_from: key of the location that it is brought from first.
        ready_at: when it can be collected, or is sent.
    """

    method: FulfillmentMethod
    location_key: str
    transfer_from: str | None
    lines: tuple[CartLineQuantity, ...]
    ready_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOption:
    """One way in which a whole cart can reach the shopper.

    Attributes:
        token: what `orderPlace` takes: it says all of this, signed.
        uncovered: what nobody can serve.
        price: what it costs beyond the goods, with tax.
        distance_km: from the shopper to where she collects, or to where it is sent from.
    """

    token: str
    label: str
    parts: tuple[FulfillmentPart, ...]
    uncovered: tuple[CartLineQuantity, ...]
    price: Money
    ready_at: datetime | None
    distance_km: float | None
    expires_at: datetime
