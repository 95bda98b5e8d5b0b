"""Offers: at what price a channel sells a variant or a product, in one currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from gateway.model.measures import Measure, convert_amount, get_reference
from gateway.model.money import Money, MoneyRange


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyPrice:
    """A price in another currency than the channel's own.

    Attributes:
        exact_price: `price` with up to six decimal digits; None: `price` is exact.
        compare_at_price: Price before a reduction; None: not reduced.
    """

    price: Money
    exact_price: Decimal | None = None
    compare_at_price: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetContent:
    """What one unit contains, and per which measure its price is compared: 0.5 l, per 1 l."""

    content: Measure
    per: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPrice:
    """The price of a measure, such as 9.96 per 1 l of a bottle that contains 0.5 l."""

    price: Money
    per: Measure
    content: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A variant in one channel and currency (rule H3). Without a price, the channel does not sell it in the currency.

    Attributes:
        currency_code: None: any currency, where the channel's own is not known.
        listing_id: Row ID of the listing whose price it is; None: the channel does not list the variant.
        price_since: Since when the price and the price before the reduction are known; None: not known.
    """

    variant_id: str
    channel_key: str
    currency_code: str | None
    listing_id: str | None = None
    price: Money | None = None
    compare_at_price: Money | None = None
    price_includes_tax: bool | None = None
    price_since: datetime | None = None
    net_content: NetContent | None = None
    url: str | None = None

    @property
    def on_sale(self) -> bool:
        """Whether the price is reduced."""
        return is_reduced(self.price, self.compare_at_price)

    @property
    def unit_price(self) -> UnitPrice | None:
        """The price of a measure; None: there is no price, or the content is not known."""
        if self.price is None or self.net_content is None:
            return None
        return compute_unit_price(self.price, self.net_content)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOffer:
    """A product in one channel and currency: what the offers of its variants have in common."""

    product_id: str
    channel_key: str
    currency_code: str | None
    price_range: MoneyRange | None = None
    compare_at_price_range: MoneyRange | None = None
    on_sale: bool = False
    price_includes_tax: bool | None = None
    url: str | None = None


def is_reduced(price: Money | None, compare_at_price: Money | None) -> bool:
    """Return whether a price is lower than the one before."""
    return price is not None and compare_at_price is not None and compare_at_price.minor > price.minor


def build_net_content(content: Measure, per: Measure | None = None) -> NetContent:
    """Build a net content. `per`: None: 1 kg, 1 l, 1 m, or 1 of the unit."""
    return NetContent(content=content, per=per or get_reference(content.unit))


def compute_unit_price(price: Money, net: NetContent) -> UnitPrice | None:
    """Compute the price of a measure, rounded half up. None: the units are not of the same kind."""
    content = convert_amount(net.content.value, net.content.unit, net.per.unit)
    if not content:
        return None
    minor = (Decimal(price.minor) * net.per.value / content).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return UnitPrice(price=Money(int(minor), price.currency_code), per=net.per, content=net.content)
