"""Channels and locations as the configuration names them, and how a channel fares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class ChannelKind(Enum):
    """What a channel is to a shopper."""

    POS = "POS"
    STOREFRONT = "STOREFRONT"
    MARKETPLACE = "MARKETPLACE"


class ChannelState(Enum):
    """Whether a channel takes part. FAILED: its plugin or its configuration could not be loaded."""

    ENABLED = "ENABLED"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"
    FAILED = "FAILED"


class HealthStatus(Enum):
    """How the last calls of a channel went."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"
    UNKNOWN = "UNKNOWN"


class FaultCode(Enum):
    """Why a call of a channel failed, by what can be done about it."""

    UNAVAILABLE = "UNAVAILABLE"
    TIMEOUT = "TIMEOUT"
    RATE_LIMITED = "RATE_LIMITED"
    AUTH_FAILED = "AUTH_FAILED"
    REJECTED = "REJECTED"
    CONTRACT_VIOLATION = "CONTRACT_VIOLATION"
    UNSUPPORTED = "UNSUPPORTED"


class Resource(Enum):
    """What a channel has. The declaration order is the order in which a channel is first synced."""

    PRODUCTS = "PRODUCTS"
    STOCK = "STOCK"
    PRICES = "PRICES"
    CUSTOMERS = "CUSTOMERS"
    ORDERS = "ORDERS"


class Capability(Enum):
    """What can be done with a channel, derived from the feeds and writes that its plugin opened."""

    PULL_PRODUCTS = "PULL_PRODUCTS"
    PULL_STOCK = "PULL_STOCK"
    PULL_CUSTOMERS = "PULL_CUSTOMERS"
    PULL_ORDERS = "PULL_ORDERS"
    READ_STOCK = "READ_STOCK"
    READ_PRICES = "READ_PRICES"
    PUSH_STOCK = "PUSH_STOCK"
    PUSH_PRICES = "PUSH_PRICES"
    PLACE_ORDERS = "PLACE_ORDERS"
    CANCEL_ORDERS = "CANCEL_ORDERS"
    FULFILL_ORDERS = "FULFILL_ORDERS"
    REFUND_ORDERS = "REFUND_ORDERS"
    RECEIVE_WEBHOOKS = "RECEIVE_WEBHOOKS"
    ERASE_CUSTOMERS = "ERASE_CUSTOMERS"


PULLED_BY = {
    Resource.PRODUCTS: Capability.PULL_PRODUCTS,
    Resource.PRICES: Capability.PULL_PRODUCTS,
    Resource.STOCK: Capability.PULL_STOCK,
    Resource.CUSTOMERS: Capability.PULL_CUSTOMERS,
    Resource.ORDERS: Capability.PULL_ORDERS,
}
"""By which capability each resource of a channel is known; prices come with products."""


class SourceState(Enum):
    """How a channel took part in an answer."""

    FRESH = "FRESH"
    STALE = "STALE"
    FAILED = "FAILED"
    UNSUPPORTED = "UNSUPPORTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failed call.

    Attributes:
        message: for staff; what failed and what to do. Holds nothing secret and nothing of the channel's raw answer.
    """

    code: FaultCode
    retryable: bool
    occurred_at: datetime
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHealth:
    """How a channel's calls go: from the last success and the last fault."""

    status: HealthStatus
    last_success_at: datetime | None = None
    retry_at: datetime | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A sales channel, as configured.

    Attributes:
        key: its name in the configuration; the same in every environment.
        kind, currency_code, prices_include_tax, time_zone, capabilities: None while the plugin cannot be loaded.
        prices_include_tax: None also where the channel says so with each price.
        failure: why it could not be loaded.
    """

    key: str
    name: str
    kind: ChannelKind | None
    state: ChannelState
    currency_code: str | None = None
    prices_include_tax: bool | None = None
    time_zone: str | None = None
    capabilities: tuple[Capability, ...] | None = None
    plugin_name: str | None = None
    plugin_version: str | None = None
    failure: str | None = None
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStatus:
    """How far a resource of a channel is synced, over all its feeds.

    Attributes:
        records: rows known and not gone.
        rejected: open rejects.
    """

    resource: Resource
    last_completed_at: datetime | None
    records: int
    rejected: int
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How one channel took part in an answer.

    Attributes:
        as_of: when what is known was last known to be complete.
        stale_at: from when on it counts as stale.
    """

    channel_key: str
    resource: Resource
    state: SourceState
    as_of: datetime | None = None
    stale_at: datetime | None = None
    fault: Fault | None = None


class LocationKind(Enum):
    """What a place is to a retailer."""

    STORE = "STORE"
    WAREHOUSE = "WAREHOUSE"
    MARKETPLACE_FULFILLMENT = "MARKETPLACE_FULFILLMENT"


class FulfillmentMethod(Enum):
    """How goods reach a shopper."""

    SHIPPING = "SHIPPING"
    PICKUP = "PICKUP"
    IN_STORE = "IN_STORE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address. `country_code` is ISO 3166-1 alpha-2."""

    name: str | None = None
    company: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class GeoPoint:
    """A point on the Earth, WGS 84, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHours:
    """When a place is open on one day of the week.

    Attributes:
        weekday: ISO 8601, Monday is 1.
        opens_at, closes_at: local wall time, ``09:30``.
    """

    weekday: int
    opens_at: str
    closes_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place that holds stock.

    Attributes:
        authority: key of the one channel whose count of on-hand units is believed here.
        external_ids: the place's id in each channel that sells from it, by channel key; the authority is among them.
    """

    key: str
    name: str
    kind: LocationKind
    authority: str
    external_ids: dict[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"
    address: Address | None = None
    point: GeoPoint | None = None
    phone: str | None = None
    opening_hours: tuple[OpeningHours, ...] = ()
    fulfillment_methods: tuple[FulfillmentMethod, ...] = ()


def mapped_places(locations: Iterable[Location]) -> frozenset[tuple[str, str]]:
    """Every place of a channel, as (channel key, its id there), that is one of these locations."""
    return frozenset(place for location in locations for place in location.external_ids.items())
