"""What selling goes by: the ground, the policies, and what the configuration says of carts and orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.commerce.ground import Ground
from gateway.sdk.policies import Routing, Taxes, fewest_nearest_longest, no_taxes


@dataclass(frozen=True, slots=True, kw_only=True)
class Selling:
    """What selling goes by.

    Attributes:
        secret: by which option tokens and pickup codes are signed; the same in every process.
        currencies: of the channels' prices.
        shipping: what a part that is sent costs, with tax, in the smallest unit of the currency.
        pickup_after, transfer_after, shipping_after: how long it takes until goods are ready.
        option_lasts: how long an option can be taken; `cart_lasts`: how long a cart is kept that nobody touches.
        collect_within: how long goods wait for whoever ordered them.
        shortage_within: until when somebody has seen to what was sold and is not there.
    """

    ground: Ground
    secret: bytes = field(repr=False)
    taxes: Taxes = no_taxes
    routing: Routing = fewest_nearest_longest
    currencies: Mapping[str, str] = field(default_factory=dict)
    shipping: Mapping[str, int] = field(default_factory=dict)
    pickup_after: timedelta = timedelta(hours=2)
    transfer_after: timedelta = timedelta(days=2)
    shipping_after: timedelta = timedelta(days=1)
    option_lasts: timedelta = timedelta(minutes=15)
    cart_lasts: timedelta = timedelta(days=14)
    collect_within: timedelta = timedelta(days=7)
    shortage_within: timedelta = timedelta(days=1)
