"""Selling configuration: the topology, the policies, and the settings of carts and orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.loyalty.program import LoyaltyProgram
from gateway.commerce.privacy.config import PrivacyConfig
from gateway.commerce.topology import Topology
from gateway.model.money import Rounding
from gateway.model.notices.kinds import NoticeKind
from gateway.sdk.policies import Routing, Taxes, apply_no_taxes, rank_by_parts_distance_age


@dataclass(frozen=True, slots=True)
class UnpaidCaps:
    """How much stock may be held without paying (rule U3).

    Attributes:
        orders: unpaid orders of one client.
        units: units of a variant in unpaid orders of one client.
        share: the share of a stock level in unpaid orders of all unauthenticated clients.
    """

    orders: int = 3
    units: int = 5
    share: Decimal = Decimal("0.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class SellingConfig:
    """Selling configuration.

    Attributes:
        secret: signs tokens and pickup codes; the same in every process.
        previous_secrets: secrets that it has replaced. What they signed is still accepted.
        currencies: the currency of prices, by channel; `rounding`: what is rounded where tax is added.
        shipping_prices: the price of one shipment with tax, by currency, in the smallest unit of the currency.
        pickup_lead_time, transfer_lead_time, shipping_lead_time: how long it takes until goods are ready.
        option_lifetime: lifetime of a fulfillment option token.
        cart_lifetime: lifetime of a cart after its last change by a client with a token.
        anonymous_cart_lifetime: lifetime of a cart after its last change by a client without a token.
        anonymous_carts: open carts that one network creates per hour without a token.
        anonymous_changes: mutations that one network executes per hour without a token.
        pickup_window: how long goods are kept ready for pickup.
        shortage_deadline: deadline of the task that a shortage opens.
        payment_window: how long an order waits for the payment of a provider.
        unpaid_channels: channels that receive orders before these are paid.
        unpaid_caps: how much stock may be held without paying.
        customers: how customers are recognized.
        invoice_channels: channels whose orders are delivered before payment and have no payment deadline.
        loyalty: the loyalty program; None: there is none.
        webhooks: the kinds of notices that the endpoints of outgoing webhooks take, by name.
        privacy: how exports and erases of personal data run.
    """

    topology: Topology
    secret: bytes = field(repr=False)
    previous_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    taxes: Taxes = apply_no_taxes
    routing: Routing = rank_by_parts_distance_age
    currencies: Mapping[str, str] = field(default_factory=dict)
    rounding: Mapping[str, Rounding] = field(default_factory=dict)
    shipping_prices: Mapping[str, int] = field(default_factory=dict)
    pickup_lead_time: timedelta = timedelta(hours=2)
    transfer_lead_time: timedelta = timedelta(days=2)
    shipping_lead_time: timedelta = timedelta(days=1)
    option_lifetime: timedelta = timedelta(minutes=15)
    cart_lifetime: timedelta = timedelta(days=14)
    anonymous_cart_lifetime: timedelta = timedelta(days=3)
    anonymous_carts: int = 300
    anonymous_changes: int = 3_000
    pickup_window: timedelta = timedelta(days=7)
    shortage_deadline: timedelta = timedelta(days=1)
    payment_window: timedelta = timedelta(minutes=30)
    unpaid_channels: frozenset[str] = frozenset()
    invoice_channels: frozenset[str] = frozenset()
    unpaid_caps: UnpaidCaps = UnpaidCaps()
    customers: CustomerConfig = field(default_factory=CustomerConfig)
    loyalty: LoyaltyProgram | None = None
    webhooks: Mapping[str, frozenset[NoticeKind]] = field(default_factory=dict)
    privacy: PrivacyConfig = field(default_factory=PrivacyConfig)

    def get_rounding(self, channel: str | None) -> Rounding:
        """Return what a channel rounds where tax is added."""
        return self.rounding.get(channel or "", Rounding.UNIT)

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """All secrets whose signatures are accepted, that which signs first."""
        return (self.secret, *self.previous_secrets)
