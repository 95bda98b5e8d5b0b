"""The context of a commerce use case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.commerce.config import SellingConfig
from gateway.commerce.permissions import UNRESTRICTED, Permissions
from gateway.commerce.topology import Topology
from gateway.model.actors import Actor
from gateway.model.stock import EXACT_STOCK, StockDisclosure


@dataclass(frozen=True, slots=True)
class SellingContext:
    """The configuration that a use case follows, and the time at which it runs.

    Attributes:
        config: the topology, the policies and the settings of carts and orders.
        now: the time of the request or of the sync step. It is stored in the timestamps of every row written.
        actor: the sender of the request; None: the gateway itself, or a channel.
        permissions: what the caller may do.
        disclosure: what the caller may know of the stock.
        client: digest of a client whose writes are bounded: of the network without a token, or of the shopper. None: it
            has a token of the retailer, or the gateway itself acts.
        customer: of a shopper, the customer id that was minted with the identity of the login.
    """

    config: SellingConfig
    now: datetime
    permissions: Permissions = UNRESTRICTED
    disclosure: StockDisclosure = EXACT_STOCK
    client: str | None = None
    actor: Actor | None = None
    customer: str | None = None

    @property
    def cart_lifetime(self) -> timedelta:
        """How long a cart lasts that is changed now."""
        is_guest = self.client is not None and self.customer is None
        return self.config.anonymous_cart_lifetime if is_guest else self.config.cart_lifetime

    @property
    def topology(self) -> Topology:
        """The configured locations, and the open channels."""
        return self.config.topology
