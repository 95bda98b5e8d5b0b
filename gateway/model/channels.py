"""Channels as configured, and the state of their synchronization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class ChannelKind(Enum):
    """Kind of sales channel."""

    POS = "POS"
    STOREFRONT = "STOREFRONT"
    MARKETPLACE = "MARKETPLACE"


class ChannelState(Enum):
    """Operational state of a channel. FAILED: its plugin or its configuration could not be loaded."""

    ENABLED = "ENABLED"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"
    FAILED = "FAILED"


class HealthStatus(Enum):
    """Result of the most recent calls of a channel."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"
    UNKNOWN = "UNKNOWN"


class FaultCode(Enum):
    """Reason why a call of a channel failed, by what can be done about it."""

    UNAVAILABLE = "UNAVAILABLE"
    TIMEOUT = "TIMEOUT"
    RATE_LIMITED = "RATE_LIMITED"
    AUTH_FAILED = "AUTH_FAILED"
    REJECTED = "REJECTED"
    CONTRACT_VIOLATION = "CONTRACT_VIOLATION"
    UNSUPPORTED = "UNSUPPORTED"


class Resource(Enum):
    """Kind of data of a channel. The order of the members is the order of a channel's first synchronization."""

    PRODUCTS = "PRODUCTS"
    STOCK = "STOCK"
    PRICES = "PRICES"
    COLLECTIONS = "COLLECTIONS"
    CUSTOMERS = "CUSTOMERS"
    ORDERS = "ORDERS"
    REVIEWS = "REVIEWS"


class Capability(Enum):
    """An operation that a channel supports, derived from the feeds and writes that its plugin opened."""

    PULL_PRODUCTS = "PULL_PRODUCTS"
    PULL_STOCK = "PULL_STOCK"
    PULL_COLLECTIONS = "PULL_COLLECTIONS"
    PULL_CUSTOMERS = "PULL_CUSTOMERS"
    PULL_ORDERS = "PULL_ORDERS"
    PULL_REVIEWS = "PULL_REVIEWS"
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
    PUSH_CONSENTS = "PUSH_CONSENTS"


PULLED_BY = {
    Resource.PRODUCTS: Capability.PULL_PRODUCTS,
    Resource.PRICES: Capability.PULL_PRODUCTS,
    Resource.STOCK: Capability.PULL_STOCK,
    Resource.COLLECTIONS: Capability.PULL_COLLECTIONS,
    Resource.CUSTOMERS: Capability.PULL_CUSTOMERS,
    Resource.ORDERS: Capability.PULL_ORDERS,
    Resource.REVIEWS: Capability.PULL_REVIEWS,
}
"""The capability with which each resource of a channel is read; prices are read with products."""


class PushState(Enum):
    """The state of a push. ACCEPTED: the channel has accepted the value, and does not show it yet."""

    IN_SYNC = "IN_SYNC"
    QUEUED = "QUEUED"
    ACCEPTED = "ACCEPTED"
    FAILED = "FAILED"
    SUPPRESSED = "SUPPRESSED"


class SourceState(Enum):
    """Freshness of a channel's data in a result."""

    FRESH = "FRESH"
    STALE = "STALE"
    FAILED = "FAILED"
    UNSUPPORTED = "UNSUPPORTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failed call of a channel.

    Attributes:
        code: Reason of the failure.
        retryable: Whether the same call may succeed later.
        message: For operators: what failed and how to resolve it; contains no secret and no raw response.
    """

    code: FaultCode
    retryable: bool
    occurred_at: datetime
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHealth:
    """Health of the connection to a channel.

    Attributes:
        last_success_at: When a call last succeeded; None: never.
        retry_at: When the circuit breaker admits the next call; None: it is closed.
        fault: The failure of the last call; None: it succeeded.
    """

    status: HealthStatus
    last_success_at: datetime | None = None
    retry_at: datetime | None = None
    fault: Fault | None = None


class PolicyKind(Enum):
    """Kind of a text that shoppers can read."""

    RETURNS = "RETURNS"
    SHIPPING = "SHIPPING"
    PRIVACY = "PRIVACY"
    TERMS = "TERMS"
    IMPRINT = "IMPRINT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopPolicy:
    """A text that shoppers can read, in one language.

    Attributes:
        body_html: Sanitized; may be empty.
        locale: BCP 47 language tag; None: not known.
        url: URL of the page; None: there is none.
    """

    kind: PolicyKind
    title: str
    body_html: str = ""
    locale: str | None = None
    url: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A sales channel, as configured.

    Attributes:
        key: Key in the configuration; the same in every environment.
        kind, currency_code, prices_include_tax, time_zone, capabilities: None if the plugin could not be loaded.
        prices_include_tax: Also None if the channel reports it with each price.
        failure: Why the channel could not be loaded; None: it was loaded.
        required: Whether the gateway does not start without it.
        sells_to_anyone: Whether callers without a token may buy in it.
        url: URL of its storefront; None: not configured.
        locales: Languages of its texts, the default first; empty: not configured.
        policies: Texts that shoppers can read.
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
    sells_to_anyone: bool = False
    url: str | None = None
    locales: tuple[str, ...] = ()
    policies: tuple[ShopPolicy, ...] = ()


class RejectSeverity(Enum):
    """What became of a record with an invalid value."""

    ERROR = "ERROR"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStatus:
    """Synchronization progress of one resource of a channel, over all its feeds.

    Attributes:
        last_completed_at: When a pass was last completed; None: never.
        records: Number of stored records that the channel has not deleted.
        rejected: Number of rejected records.
        warnings: Number of records that were stored without an invalid field.
        fault: The failure of the last pass; None: it succeeded.
    """

    resource: Resource
    last_completed_at: datetime | None
    records: int
    rejected: int
    warnings: int = 0
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How a channel contributed to a result.

    Attributes:
        as_of: The time as of which the data is complete; None: no pass is complete yet.
        stale_at: When the data becomes stale; None: no pass is complete yet.
        fault: The failure of the last read; None: it succeeded.
    """

    channel_key: str
    resource: Resource
    state: SourceState
    as_of: datetime | None = None
    stale_at: datetime | None = None
    fault: Fault | None = None
