"""Carts, and the fulfillment options of a cart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.locations import FulfillmentMethod
from gateway.model.money import Money, round_half_up, to_exact_minor


class CartStatus(Enum):
    """State of a cart; only an ACTIVE one can be changed."""

    ACTIVE = "ACTIVE"
    ORDERED = "ORDERED"
    MERGED = "MERGED"
    EXPIRED = "EXPIRED"


class CartChangeKind(Enum):
    """Kind of change that the owner of a cart did not request."""

    PRICE_CHANGED = "PRICE_CHANGED"
    QUANTITY_REDUCED = "QUANTITY_REDUCED"
    UNAVAILABLE = "UNAVAILABLE"
    CHANNEL_MOVED = "CHANNEL_MOVED"


class CartWarningCode(Enum):
    """Reason of a notice about an accepted change of a cart."""

    QUANTITY_REDUCED = "QUANTITY_REDUCED"
    PRICE_CHANGED = "PRICE_CHANGED"
    LINE_UNAVAILABLE = "LINE_UNAVAILABLE"
    DISCOUNT_NOT_APPLICABLE = "DISCOUNT_NOT_APPLICABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedDiscount:
    """A discount on a cart. `code`: the discount code; None: it applies without a code."""

    code: str | None
    title: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """A line of a cart.

    Attributes:
        listing_id: Row ID of the listing in the cart's channel.
        channel_key: Key of the cart's channel.
        currency_code: Currency of the cart.
        variant_id: Row ID of the variant; None: the listing has been deleted.
        quantity: Number of listings.
        unit_price: Price of one listing when it was last checked; None: the channel does not sell it.
        price_micros: The exact price in millionths; None: `unit_price` is exact.
        price_includes_tax: Whether `unit_price` includes tax.
    """

    id: str
    cart_id: str
    listing_id: str
    channel_key: str
    currency_code: str
    variant_id: str | None
    title: str
    sku: str | None
    quantity: int
    unit_price: Money | None
    price_includes_tax: bool
    price_micros: int | None = None

    @property
    def total(self) -> Money | None:
        """The exact price times `quantity`; None: the channel does not sell it."""
        price = self.unit_price
        if price is None:
            return None
        exact = to_exact_minor(self.price_micros, price.minor, price.currency_code)
        return Money(round_half_up(exact * self.quantity), price.currency_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """A shopping cart in one channel. It does not reserve stock.

    Attributes:
        version: Increases with every change.
        lines: The lines, in the order in which they were added.
        tax_total: Tax contained in `total`; None: no tax policy knows the rates.
        tax_added: Tax on prices that do not include tax, in the smallest unit of the currency.
        token: The credential; None unless the client sent it or has just received it.
        expires_at: When the cart expires unless it is changed before.
        loyalty_points: Loyalty points that the order redeems; no more than its goods need.
        loyalty_discount: What they are worth; None: no points are redeemed.
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
    loyalty_points: int = 0
    loyalty_discount: Money | None = None

    @property
    def subtotal(self) -> Money:
        """Sum of the line totals."""
        return Money(sum(line.total.minor for line in self.lines if line.total), self.currency_code)

    @property
    def discount_total(self) -> Money:
        """Sum of the discounts."""
        return self.loyalty_discount or Money(0, self.currency_code)

    @property
    def total(self) -> Money:
        """Amount to pay, including tax, without shipping."""
        return Money(self.subtotal.minor + self.tax_added, self.currency_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class CartChange:
    """A change of a cart that its owner did not request.

    Attributes:
        line_id: ID of the affected line; None: the whole cart is affected, or the line was removed.
        title: Title of the affected line.
        price_before, price_after: Price of one listing; None: the price did not change.
        quantity_before, quantity_after: Number of listings; None: the quantity did not change.
    """

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
    """A notice about an accepted change of a cart, to show to the customer."""

    code: CartWarningCode
    message: str
    cart_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class CartLineQuantity:
    """A quantity of a cart line."""

    cart_id: str
    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentPart:
    """The part of a cart that is supplied by one location.

    Attributes:
        location_key: Key of the location that hands the goods over or ships them.
        transfer_from: Key of the location from which the goods are transferred first; None: no transfer is needed.
        ready_at: When the goods can be collected or are shipped.
    """

    method: FulfillmentMethod
    location_key: str
    transfer_from: str | None
    lines: tuple[CartLineQuantity, ...]
    ready_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOption:
    """A way to fulfill a whole cart.

    Attributes:
        token: Signed token that `orderPlace` accepts; it contains the whole option.
        label: Display name, in English.
        uncovered: Quantities that no location can supply.
        price: Additional cost, such as shipping, including tax.
        ready_at: When all parts can be collected or are shipped; None: not known.
        distance_km: Kilometers from the customer to the farthest location; None: not known.
        expires_at: When the option expires.
    """

    token: str
    label: str
    parts: tuple[FulfillmentPart, ...]
    uncovered: tuple[CartLineQuantity, ...]
    price: Money
    ready_at: datetime | None
    distance_km: float | None
    expires_at: datetime
