"""The schema of the configuration file `gateway.toml`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date as Date
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    Field,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    model_validator,
)

from gateway.model.channels import PolicyKind
from gateway.model.locations import FulfillmentMethod, LocationKind
from gateway.model.money import Money, check_known_currency
from gateway.model.token_secrets import hash_secret, is_hashed
from gateway.model.validation import InvalidValueError
from gateway.settings.attributes import AttributeKey, AttributeTable
from gateway.settings.categories import CategoryPath, CategoryTable
from gateway.settings.collections import CollectionKey, CollectionTable
from gateway.settings.customers import CustomersTable
from gateway.settings.login import LoginTable
from gateway.settings.loyalty import LoyaltyTable
from gateway.settings.options import OptionName, OptionTable
from gateway.settings.privacy import PrivacyTable
from gateway.settings.search import SearchTable
from gateway.settings.segments import MAX_SEGMENTS, SegmentTable
from gateway.settings.table import Table
from gateway.settings.value_types import (
    Duration,
    Html,
    ImageTemplate,
    Key,
    Locale,
    Network,
    RedisUrl,
    Scopes,
    TimeZone,
    TokenSecrets,
    WallTime,
    WebUrl,
)
from gateway.settings.webhooks import WebhookTable

_log = logging.getLogger(__name__)


class PolicyTable(Table):
    """`[[channels.KEY.policies]]`: a text that shoppers can read, in one language."""

    kind: PolicyKind
    title: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    body: Html = ""  # HTML; it is sanitized
    locale: Locale | None = None  # default: the first of the channel
    url: WebUrl | None = None  # of the page
    updated_at: AwareDatetime | None = None


class ChannelTable(Table):
    """`[channels.KEY]`: a channel."""

    plugin: str
    name: str | None = None
    enabled: bool = True
    required: bool = False
    config: Annotated[
        dict[str, Any], Field(repr=False)
    ] = {}  # hidden: contains secrets that only the plugin can identify
    every: dict[str, Duration] = {}  # interval between passes by feed; default: set by the plugin
    sweep_every: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(days=1)
    stale_after: Duration | None = None  # default: three intervals of the feed
    call_deadline: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)
    live_deadline: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=2)
    private_addresses: bool = False  # allows addresses in private networks and on this machine
    set_aside_up_to: Annotated[int, Field(ge=0)] | None = None  # units per item; default: 3 if orders arrive late
    url: WebUrl | None = None  # of its storefront
    policies: tuple[PolicyTable, ...] = ()
    locales: tuple[Locale, ...] = ()  # languages of its texts, the default first
    images: ImageTemplate | None = None  # of its image server; default: as its plugin builds URLs
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None  # of local phone numbers
    references: dict[
        Key, Annotated[str, StringConstraints(min_length=1, max_length=255)]
    ] = {}  # by channel or system: the field of a customer that has the customer's ID there
    sells_to: Literal["anyone", "known"] | None = None  # known: callers with a token; default: anyone in a web store


class AddressTable(Table):
    """`[locations.KEY.address]`: a postal address."""

    name: str | None = None
    company: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    phone: str | None = None


class PointTable(Table):
    """`point = { latitude = …, longitude = … }`: coordinates (WGS 84), in degrees."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class HoursTable(Table):
    """An entry of `opening_hours`."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    opens_at: WallTime
    closes_at: WallTime


class ExceptionTable(Table):
    """An entry of `opening_exceptions`: a date with other opening hours. Without times, the location is closed."""

    date: Date
    name: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    opens_at: WallTime | None = None
    closes_at: WallTime | None = None

    @model_validator(mode="after")
    def _check_times(self) -> ExceptionTable:
        if (self.opens_at is None) != (self.closes_at is None):
            raise ValueError("expected both opens_at and closes_at, or none: closed")
        return self


class LocationTable(Table):
    """`[locations.KEY]`: a location that holds stock. `channels`: its ID in each channel that knows it."""

    name: str
    kind: LocationKind
    authority: Key
    channels: dict[Key, str]
    sold_by: tuple[Key, ...] = ()  # further channels whose carts and orders are served from here
    time_zone: TimeZone = "UTC"
    address: AddressTable | None = None
    point: PointTable | None = None
    phone: str | None = None
    opening_hours: tuple[HoursTable, ...] = ()
    opening_exceptions: tuple[ExceptionTable, ...] = ()  # dates with other opening hours
    fulfillment_methods: tuple[FulfillmentMethod, ...] = ()
    buffer: Annotated[int, Field(ge=0)] = 0  # units that are never sold
    post: dict[
        Key, Literal["adjust", "order", "external"]
    ] = {}  # by channel: how its sales are posted to the authority

    @model_validator(mode="after")
    def _check_exceptions(self) -> LocationTable:
        if self.opening_exceptions and not self.opening_hours:
            raise ValueError("opening_exceptions: requires opening_hours, or all other days would be closed")
        return self


class TokenTable(Table):
    """`[tokens.NAME]`: a token and its scopes."""

    token: TokenSecrets  # its secret or the hash of it; two while it is rotated
    kind: Annotated[str, StringConstraints(pattern=r"^(STAFF|PARTNER|ADMIN)$")] = "STAFF"
    scopes: Scopes
    channel: Key | None = None  # default channel of the caller
    channels: tuple[Key, ...] | None = None  # channels that the caller sees; default: all
    locations: tuple[Key, ...] | None = None  # locations at which the caller acts; default: all
    expires: AwareDatetime | None = None  # default: never

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets and hashes, without empty ones: an empty environment variable must not grant access."""
        return tuple(text for secret in self.token if (text := secret.get_secret_value().strip()))

    @property
    def hashes(self) -> tuple[str, ...]:
        """The hashes of the secrets."""
        return tuple(secret if is_hashed(secret) else hash_secret(secret) for secret in self.secrets)


class AnonymousAccessTable(Table):
    """`[access.anonymous]`: what clients without a token see."""

    channels: tuple[Key, ...] | None = None  # default: the channels that sell to anyone


class AccessTable(Table):
    """`[access]`: what callers see."""

    anonymous: AnonymousAccessTable = AnonymousAccessTable()


class FieldPriorityTable(Table):
    """`[catalogue.priority_by_field]`: channels that are preferred for a field, before those of `priority`."""

    texts: tuple[Key, ...] = ()
    media: tuple[Key, ...] = ()
    brand: tuple[Key, ...] = ()
    category: tuple[Key, ...] = ()
    tags: tuple[Key, ...] = ()
    attributes: tuple[Key, ...] = ()

    def list_configured(self) -> dict[str, tuple[str, ...]]:
        """List the preferred channels by field; only fields that have some."""
        return {field: keys for field in type(self).model_fields if (keys := getattr(self, field))}


class CatalogueTable(Table):
    """`[catalogue]`: how products of several channels are matched."""

    priority: tuple[Key, ...] = ()  # channels whose product groups and texts are preferred, before all others by name
    services: tuple[str, ...] = ()  # SKUs of services, which never match
    matching: str = "codes"
    prices: str = "priority"
    priority_by_field: FieldPriorityTable = FieldPriorityTable()
    related: str = "evidence"  # policy that orders related products


class StockTable(Table):
    """`[stock]`: what customers see of the stock."""

    low: Annotated[int, Field(ge=0)] = 5
    cap: Annotated[int, Field(ge=1)] = 20
    default_channel: Key | None = None


class SellingTable(Table):
    """`[selling]`: carts and orders that are placed through the gateway."""

    taxes: str = "flat"  # policy that returns tax rates
    tax_rate: Annotated[Decimal, Field(ge=0, lt=1)] | None = None  # of the policy `flat`, as a fraction: "0.2"
    tax_title: str = "VAT"
    routing: str = "fewest-nearest-longest"  # policy that ranks fulfillment options
    shipping: dict[str, Decimal] = {}  # cost of a shipped part including tax, by currency
    pickup_after: Duration = timedelta(hours=2)
    transfer_after: Duration = timedelta(days=2)
    shipping_after: Duration = timedelta(days=1)
    option_lasts: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=15)
    cart_lasts: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(days=14)
    anonymous_cart_lasts: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(days=3)  # at most cart_lasts
    anonymous_carts: Annotated[int, Field(ge=1)] = 300  # open carts that a network without a token creates per hour
    anonymous_changes: Annotated[int, Field(ge=1)] = 3_000  # cart mutations and orders of such a network per hour
    collect_within: Duration = timedelta(days=7)
    shortage_within: Duration = timedelta(days=1)
    pay_within: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=30)  # then an unpaid order is canceled
    send_unpaid: tuple[Key, ...] = ()  # channels that receive orders before these are paid
    invoices: tuple[Key, ...] = ()  # channels whose orders are delivered before they are paid
    unpaid_orders: Annotated[int, Field(ge=1)] = 3  # of one client
    unpaid_units: Annotated[int, Field(ge=1)] = 5  # of a variant, in unpaid orders of one client
    unpaid_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.5")  # of a level, for all clients without a token
    secret: SecretStr | None = None  # signs tokens and pickup codes; in development, default: one in the database
    previous_secrets: tuple[SecretStr, ...] = ()  # secrets that it has replaced: what they signed is accepted

    @property
    def configured_secret(self) -> str:
        """The secret, or an empty text if there is none."""
        return "" if self.secret is None else self.secret.get_secret_value().strip()

    @property
    def configured_previous_secrets(self) -> tuple[str, ...]:
        """The secrets that it has replaced."""
        return tuple(text for secret in self.previous_secrets if (text := secret.get_secret_value().strip()))

    @property
    def shipping_minor(self) -> dict[str, int]:
        """`shipping` in the smallest unit of each currency."""
        return {currency: Money.of(amount, currency).minor for currency, amount in self.shipping.items()}

    @model_validator(mode="after")
    def _check_shipping(self) -> SellingTable:
        for currency, amount in self.shipping.items():
            try:
                Money.of(amount, check_known_currency("currency", currency))
            except InvalidValueError as error:
                raise ValueError(f"shipping.{currency}: {error.reason}") from error
        return self


class CorsTable(Table):
    """`[server.cors]`: cross-origin resource sharing."""

    origins: tuple[Annotated[str, StringConstraints(pattern=r"^(\*|https?://[^\s/?#*]+)$")], ...] = ()
    credentials: bool = False
    max_age: Duration = timedelta(hours=1)

    @model_validator(mode="after")
    def _check_credentials(self) -> CorsTable:
        if self.credentials and "*" in self.origins:
            raise ValueError("credentials: cannot be used with the origin *; list the origins")
        return self


class CachingTable(Table):
    """`[server.caching]`: how long shared caches store responses to GET requests without a token, by kind of data, and
    how much memory the process's own caches take.
    """

    catalog: Duration = timedelta(minutes=1)
    stock: Duration = timedelta(seconds=5)
    response_megabytes: Annotated[int, Field(ge=0, le=100_000)] = 64  # of responses that the process caches; 0: none
    rendered_megabytes: Annotated[int, Field(ge=0, le=100_000)] = 64  # of products rendered for lists; 0: none
    product_megabytes: Annotated[int, Field(ge=0, le=100_000)] = 16  # of products that lists have read; 0: none


class ServerTable(Table):
    """`[server]`: the HTTP server."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    mode: Literal["development", "production"] = "development"
    graphiql: bool | None = None  # default: true in development
    graphiql_queries: tuple[str, ...] = ()  # documents that the page shows in tabs
    public_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+$")] | None = None  # for webhooks
    batching: Annotated[int, Field(ge=0, le=100)] = (
        0  # maximum number of operations in a batch, a JSON array; 0: no batches
    )
    log: Literal["text", "json"] = "text"  # format of the log
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    draft_status_codes: bool = False  # uses the status codes of the latest draft of GraphQL over HTTP
    cors: CorsTable = CorsTable()
    caching: CachingTable = CachingTable()
    linger: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(
        seconds=1
    )  # from SIGTERM until no new connections are accepted
    drain: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(
        seconds=10
    )  # after that, for requests in progress

    @property
    def exposes_schema(self) -> bool:
        """Whether unauthenticated clients can introspect the schema and receive suggestions."""
        return self.mode == "development"

    @property
    def allows_local_pages(self) -> bool:
        """Whether web pages of this machine may use the gateway."""
        return self.mode == "development"

    @property
    def serves_graphiql(self) -> bool:
        """Whether browsers receive a GraphQL playground."""
        return self.exposes_schema if self.graphiql is None else self.graphiql


class AllowanceTable(Table):
    """Limits of one client."""

    cost: Annotated[int, Field(ge=1)]  # maximum cost of one operation
    rate: Annotated[int, Field(ge=1)] | None = None  # maximum cost per minute; default: depends on the server's mode


class AnonymousTable(AllowanceTable):
    """`[limits.anonymous]`: limits of each IP address without a token."""

    cost: Annotated[int, Field(ge=1)] = 30_000


class KnownTable(AllowanceTable):
    """`[limits.known]`: limits of each token."""

    cost: Annotated[int, Field(ge=1)] = 150_000


RENAMED_LIMITS = {"crowd": "queue_size", "crowd_waits": "queue_timeout"}
"""Keys of `[limits]` in earlier versions, with their current names."""


class LimitsTable(Table):
    """`[limits]`: limits of requests and clients."""

    body_bytes: Annotated[int, Field(ge=1000)] = 200_000
    tokens: Annotated[int, Field(ge=100)] = 1_500  # lexical tokens of a document
    depth: Annotated[int, Field(ge=1, le=100)] = 20  # levels of nested fields
    height: Annotated[int, Field(ge=1)] = 600  # different fields
    aliases: Annotated[int, Field(ge=0)] = 100
    root_fields: Annotated[int, Field(ge=1)] = 100
    directives: Annotated[int, Field(ge=0)] = 60
    variables: Annotated[int, Field(ge=0)] = 100
    values: Annotated[int, Field(ge=1)] = 5_000  # values in all variables
    deadline: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=10)  # of a query
    queue_size: Annotated[int, Field(ge=0)] = 50  # requests that may wait
    queue_timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(
        seconds=3
    )  # maximum waiting time of a request
    anonymous: AnonymousTable = AnonymousTable()
    known: KnownTable = KnownTable()
    redis: RedisUrl | None = None  # URL; all processes share the rate limits
    trusted_proxies: tuple[Network, ...] = ()  # their X-Forwarded-For headers are trusted

    @model_validator(mode="before")
    @classmethod
    def _accept_renamed_keys(cls, table: Any) -> Any:
        """Accept the keys of earlier versions, and log a warning."""
        if not isinstance(table, dict) or not RENAMED_LIMITS.keys() & table.keys():
            return table
        renamed: dict[Any, Any] = {}
        for key, value in table.items():
            name = RENAMED_LIMITS.get(key, key)
            if name != key:
                if name in table:
                    raise ValueError(f"{key} is the former name of {name}; remove it")
                _log.warning("limits.%s is deprecated; rename it to %s", key, name)
            renamed[name] = value
        return renamed


class DocumentMode(Enum):
    """Which GraphQL documents are executed."""

    OPEN = "open"
    LOG = "log"
    SAFELIST = "safelist"
    IDS = "ids"

    @property
    def accepts_any(self) -> bool:
        """Whether documents are executed that are not registered."""
        return self in (DocumentMode.OPEN, DocumentMode.LOG)


class DocumentsTable(Table):
    """`[documents]`: which documents are executed, by kind of caller."""

    anonymous: DocumentMode = DocumentMode.OPEN
    known: DocumentMode = DocumentMode.OPEN  # callers with a token


class RetentionTable(Table):
    """`[retention]`: how long personal data is stored after its use (rule V1)."""

    rejects: Duration = timedelta(days=14)
    inbox: Duration = timedelta(days=14)
    outbox: Duration = timedelta(days=14)
    log: Duration = timedelta(days=14)
    carts: Duration = timedelta(days=30)  # after they were ordered or have expired
    audit: Duration = timedelta(days=400)


class PoolTable(Table):
    """`[pool]`: connections of a process to a PostgreSQL server."""

    size: Annotated[int, Field(ge=1)] = 8  # connections that stay open
    overflow: Annotated[int, Field(ge=0)] = 10  # further connections under load
    timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)  # for a free connection
    pre_ping: bool = True  # checks a connection before its use, unless it was used a moment ago
    statement_timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=60)  # the server cancels then


class Settings(Table):
    """The whole file."""

    database: str = "sqlite:///gateway.db"
    pool: PoolTable = PoolTable()
    server: ServerTable = ServerTable()
    catalogue: CatalogueTable = CatalogueTable()
    search: SearchTable = SearchTable()
    customers: CustomersTable = CustomersTable()
    privacy: PrivacyTable = PrivacyTable()
    stock: StockTable = StockTable()
    selling: SellingTable = SellingTable()
    loyalty: LoyaltyTable | None = None
    limits: LimitsTable = LimitsTable()
    documents: DocumentsTable = DocumentsTable()
    retention: RetentionTable = RetentionTable()
    access: AccessTable = AccessTable()
    channels: dict[Key, ChannelTable] = {}
    locations: dict[Key, LocationTable] = {}
    tokens: dict[Key, TokenTable] = {}
    login: dict[Key, LoginTable] = {}
    webhooks: dict[Key, WebhookTable] = {}
    attributes: dict[AttributeKey, AttributeTable] = {}
    options: dict[OptionName, OptionTable] = {}
    categories: dict[CategoryPath, CategoryTable] = {}
    collections: dict[CollectionKey, CollectionTable] = {}
    segments: Annotated[dict[Key, SegmentTable], Field(max_length=MAX_SEGMENTS)] = {}
    _failures: dict[str, tuple[str, ...]] = PrivateAttr(default_factory=dict)
    _environment_values: tuple[str, ...] = PrivateAttr(default=())

    @property
    def failures(self) -> Mapping[str, tuple[str, ...]]:
        """Problems of single channels, one line each, by channel key."""
        return self._failures

    @property
    def environment_values(self) -> tuple[str, ...]:
        """What the file takes from the environment: secrets, by convention."""
        return self._environment_values

    def list_attribute_names(self, channel: str) -> frozenset[str]:
        """List the names that a channel has for the declared attributes."""
        return frozenset(table.sources[channel] for table in self.attributes.values() if channel in table.sources)

    def list_channels_by_priority(self, field: str | None = None) -> tuple[str, ...]:
        """List the keys of all channels, preferred channels of the catalog first, or of a field."""
        first = self.catalogue.priority_by_field.list_configured().get(field or "", ())
        return tuple(dict.fromkeys((*first, *self.catalogue.priority, *sorted(self.channels))))
