"""The configuration: one `gateway.toml`, with secrets as `${NAME}` from the environment.

What is wrong is said in one line a problem, naming the key and what was expected. A problem inside one channel leaves
the others alone: that channel is FAILED, unless it is marked as required.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from gateway.model.channels import FulfillmentMethod, LocationKind
from gateway.model.money import Money
from gateway.model.values import InvalidValueError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}

SCOPES = (
    "stock:read",
    "stock:write",
    "orders:read",
    "orders:write",
    "customers:read",
    "customers:pii",
    "carts:write",
    "carts:read",
    "payments:assert",
    "catalogue:admin",
    "channels:admin",
    "schema:read",
)
"""What a token may be allowed to do."""


class SettingsError(Exception):
    """The configuration cannot be used. `problems`: one line each, naming the key and what was expected."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def _duration(value: object) -> object:
    """``30s``, ``5m``, ``1h``, ``2d``, ``250ms``: a number and its unit."""
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a duration such as 30s, 5m, 1h or 2d")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError as error:
        raise ValueError("is longer than any duration that there is") from error


def _time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("expected an IANA time zone such as Europe/London")
    return value


def _redis(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("redis://", "rediss://")):
        raise ValueError("expected redis://HOST:PORT/NUMBER, or rediss://")
    if find_spec("redis") is None:
        raise ValueError("needs the extra redis: pip install 'commerce-gateway[redis]'")
    return value


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError as error:
        raise ValueError("expected an address or a network such as 10.0.0.0/8") from error
    return value


def _scopes(value: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := sorted(set(value) - {*SCOPES, "*"}):
        raise ValueError(f"unknown scope {unknown[0]}; expected one of {', '.join(SCOPES)}, or * for all")
    return SCOPES if "*" in value else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
TimeZone = Annotated[str, AfterValidator(_time_zone)]


Network = Annotated[str, AfterValidator(_network)]


class Table(BaseModel):
    """The base of every table of the file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ChannelTable(Table):
    """`[channels.KEY]`: one channel."""

    plugin: str
    name: str | None = None
    enabled: bool = True
    required: bool = False
    config: Annotated[dict[str, Any], Field(repr=False)] = {}  # holds secrets that only its plugin can tell
    every: dict[str, Duration] = {}  # by feed; else what the plugin says
    sweep_every: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(days=1)
    stale_after: Duration | None = None  # default: three intervals of the feed
    call_deadline: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)
    live_deadline: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=2)
    private_addresses: bool = False  # its address may be in a private network, or on this machine
    set_aside_up_to: Annotated[int, Field(ge=0)] | None = None  # units; None: 3 where it tells its orders late, else 0


class AddressTable(Table):
    """`[locations.KEY.address]`."""

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
    """`point = { latitude = …, longitude = … }`."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


WallTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class HoursTable(Table):
    """One entry of `opening_hours`."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    opens_at: WallTime
    closes_at: WallTime


class LocationTable(Table):
    """`[locations.KEY]`: a place that holds stock, and what each channel that sells from it calls it."""

    name: str
    kind: LocationKind
    authority: Key
    channels: dict[Key, str]
    time_zone: TimeZone = "UTC"
    address: AddressTable | None = None
    point: PointTable | None = None
    phone: str | None = None
    opening_hours: tuple[HoursTable, ...] = ()
    fulfillment_methods: tuple[FulfillmentMethod, ...] = ()
    buffer: Annotated[int, Field(ge=0)] = 0  # units that are never promised
    post: dict[Key, Literal["adjust", "order", "external"]] = {}  # by follower: how the authority learns of its sales


class TokenTable(Table):
    """`[tokens.NAME]`: who may do what."""

    token: SecretStr
    kind: Annotated[str, StringConstraints(pattern=r"^(STAFF|PARTNER|ADMIN)$")] = "STAFF"
    scopes: Annotated[tuple[str, ...], AfterValidator(_scopes)]
    channel: Key | None = None  # the default channel of its caller


class CatalogueTable(Table):
    """`[catalogue]`: how products of several channels become one."""

    priority: tuple[Key, ...] = ()  # whose groups and texts come first; the others follow by name
    services: tuple[str, ...] = ()  # codes of services, which never match
    matching: str = "codes"
    prices: str = "priority"


class StockTable(Table):
    """`[stock]`: what shoppers are told."""

    low: Annotated[int, Field(ge=0)] = 5
    cap: Annotated[int, Field(ge=1)] = 20
    default_channel: Key | None = None


class SellingTable(Table):
    """`[selling]`: carts and orders that are placed through the gateway."""

    taxes: str = "flat"  # the policy that knows tax rates
    tax_rate: Annotated[Decimal, Field(ge=0, lt=1)] | None = None  # of `flat`, as a fraction: "0.2"
    tax_title: str = "VAT"
    routing: str = "fewest-nearest-longest"  # the policy that ranks the ways in which goods can come
    shipping: dict[str, Decimal] = {}  # by currency, what a part that is sent costs, with tax
    pickup_after: Duration = timedelta(hours=2)
    transfer_after: Duration = timedelta(days=2)
    shipping_after: Duration = timedelta(days=1)
    option_lasts: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=15)
    cart_lasts: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(days=14)
    collect_within: Duration = timedelta(days=7)
    shortage_within: Duration = timedelta(days=1)
    secret: SecretStr | None = None  # signs carts, options and pickup codes; else the database keeps one

    @property
    def shipping_minor(self) -> dict[str, int]:
        """`shipping` in the smallest units."""
        return {currency: Money.of(amount, currency).minor for currency, amount in self.shipping.items()}

    @model_validator(mode="after")
    def _check_shipping(self) -> SellingTable:
        for currency, amount in self.shipping.items():
            try:
                Money.of(amount, currency)
            except InvalidValueError as error:
                raise ValueError(f"shipping.{currency}: {error.reason}") from error
        return self


class CorsTable(Table):
    """`[server.cors]`: which web pages of other origins may ask."""

    origins: tuple[Annotated[str, StringConstraints(pattern=r"^(\*|https?://[^\s/?#*]+)$")], ...] = ()
    credentials: bool = False
    max_age: Duration = timedelta(hours=1)

    @model_validator(mode="after")
    def _check_credentials(self) -> CorsTable:
        if self.credentials and "*" in self.origins:
            raise ValueError("credentials: not for every origin; name the origins")
        return self


class CachingTable(Table):
    """`[server.caching]`: how long caches may keep what they got with GET and without a token, by the kind of data."""

    catalog: Duration = timedelta(minutes=1)
    stock: Duration = timedelta(seconds=5)


class ServerTable(Table):
    """`[server]`: the HTTP side."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    mode: Literal["development", "production"] = "development"
    graphiql: bool | None = None  # None: in development
    public_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+$")] | None = None  # for webhooks
    batching: Annotated[int, Field(ge=0, le=100)] = 0  # operations that may come in one request, as a JSON array
    draft_status_codes: bool = False  # as the newest draft of GraphQL over HTTP has them
    cors: CorsTable = CorsTable()
    caching: CachingTable = CachingTable()
    linger: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(seconds=1)  # from SIGTERM until nobody is let in
    drain: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(seconds=10)  # then, for answers in work

    @property
    def is_open(self) -> bool:
        """Whether strangers are shown the schema, and told what they may have meant."""
        return self.mode == "development"

    @property
    def shows_page(self) -> bool:
        """Whether browsers get a page to try queries."""
        return self.is_open if self.graphiql is None else self.graphiql


class AllowanceTable(Table):
    """What one client may cost."""

    cost: Annotated[int, Field(ge=1)]  # of one operation
    rate: Annotated[int, Field(ge=1)] | None = None  # of all that it asks in a minute; None: by the server's mode


class AnonymousTable(AllowanceTable):
    """`[limits.anonymous]`: each address without a token."""

    cost: Annotated[int, Field(ge=1)] = 30_000


class KnownTable(AllowanceTable):
    """`[limits.known]`: each token."""

    cost: Annotated[int, Field(ge=1)] = 150_000


class LimitsTable(Table):
    """`[limits]`: what a request may be, and how much one client may ask for."""

    body_bytes: Annotated[int, Field(ge=1000)] = 200_000
    tokens: Annotated[int, Field(ge=100)] = 1_500  # words and signs of a document
    depth: Annotated[int, Field(ge=1, le=100)] = 20  # levels
    height: Annotated[int, Field(ge=1)] = 600  # different fields
    aliases: Annotated[int, Field(ge=0)] = 100
    root_fields: Annotated[int, Field(ge=1)] = 100
    directives: Annotated[int, Field(ge=0)] = 60
    variables: Annotated[int, Field(ge=0)] = 100
    values: Annotated[int, Field(ge=1)] = 5_000  # in all variables
    deadline: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=10)  # of a query
    crowd: Annotated[int, Field(ge=0)] = 50  # requests that may wait for their turn
    crowd_waits: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=3)
    anonymous: AnonymousTable = AnonymousTable()
    known: KnownTable = KnownTable()
    redis: Annotated[SecretStr, AfterValidator(_redis)] | None = (
        None  # URL; where what clients cost is counted by all processes together
    )
    trusted_proxies: tuple[Network, ...] = ()  # believed when they say for whom they ask


class DocumentMode(Enum):
    """Which GraphQL documents are run."""

    OPEN = "open"
    LOG = "log"
    SAFELIST = "safelist"
    IDS = "ids"

    @property
    def takes_any(self) -> bool:
        """Whether documents are run that no shipped app holds."""
        return self in (DocumentMode.OPEN, DocumentMode.LOG)


class DocumentsTable(Table):
    """`[documents]`: which documents are run for whom."""

    anonymous: DocumentMode = DocumentMode.OPEN
    known: DocumentMode = DocumentMode.OPEN  # callers with a token


class RetentionTable(Table):
    """`[retention]`: how long personal data outlives its use (rule V1)."""

    rejects: Duration = timedelta(days=14)
    inbox: Duration = timedelta(days=14)
    outbox: Duration = timedelta(days=14)
    log: Duration = timedelta(days=14)
    carts: Duration = timedelta(days=30)  # after they were ordered or have expired


class Settings(Table):
    """The whole file. `failures`: what is wrong with single channels, each a line, by channel."""

    database: str = "sqlite:///gateway.db"
    server: ServerTable = ServerTable()
    catalogue: CatalogueTable = CatalogueTable()
    stock: StockTable = StockTable()
    selling: SellingTable = SellingTable()
    limits: LimitsTable = LimitsTable()
    documents: DocumentsTable = DocumentsTable()
    retention: RetentionTable = RetentionTable()
    channels: dict[Key, ChannelTable] = {}
    locations: dict[Key, LocationTable] = {}
    tokens: dict[Key, TokenTable] = {}
    _failures: dict[str, tuple[str, ...]] = PrivateAttr(default_factory=dict)

    @property
    def failures(self) -> Mapping[str, tuple[str, ...]]:
        """What is wrong with single channels."""
        return self._failures

    def priority(self) -> tuple[str, ...]:
        """Every channel, the ones that the catalogue prefers first."""
        first = self.catalogue.priority
        return (*first, *(key for key in sorted(self.channels) if key not in first))


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The configuration in this file.

    Raises:
        SettingsError: it cannot be read, is no TOML, or says something that cannot be.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError([f"{path}: cannot be read: there is no such file; --config names another"]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read ({error})"]) from error
    return loads(text, environment)


def loads(text: str, environment: Mapping[str, str] = os.environ) -> Settings:
    """The configuration in this text. Raises as `load`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"not TOML: {error}"]) from error
    return parse(document, environment)


def parse(document: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """The configuration that this document holds. Raises as `load`."""
    problems = Problems()
    filled = _filled(document, environment, (), problems)
    settings = _validated(filled, problems)
    _check_names(settings, problems)
    if fatal := problems.fatal(filled):
        raise SettingsError(fatal)
    settings._failures.update({key: tuple(lines) for key, lines in problems.by_channel.items()})
    return settings


class Problems:
    """Problems as they are found: those of one channel apart from the rest."""

    def __init__(self) -> None:
        self.by_channel: dict[str, list[str]] = {}
        self.others: list[str] = []

    def add(self, place: Sequence[str | int], message: str) -> None:
        line = f"{'.'.join(map(str, place))}: {message}"
        if place[0] == "channels" and len(place) > 1:
            self.by_channel.setdefault(str(place[1]), []).append(line)
        else:
            self.others.append(line)

    def fatal(self, document: Mapping[str, Any]) -> list[str]:
        """What the gateway cannot start with: everything but the problems of channels that are not required."""
        tables = document.get("channels", {})
        needed = [key for key in self.by_channel if not isinstance(tables[key], dict) or tables[key].get("required")]
        return self.others + [line for key in needed for line in self.by_channel[key]]


def _validated(document: Mapping[str, Any], problems: Problems) -> Settings:
    """The settings; a channel whose table is wrong stands in them by its name alone."""
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        for wrong in error.errors(include_url=False, include_input=False, include_context=False):
            problems.add(wrong["loc"], _expected(wrong["type"], wrong["msg"]))
    if problems.others:
        raise SettingsError([*problems.others, *(line for lines in problems.by_channel.values() for line in lines)])
    named = {key: _stub(table) if key in problems.by_channel else table for key, table in document["channels"].items()}
    return Settings.model_validate({**document, "channels": named})


def _stub(table: Any) -> dict[str, Any]:
    name = table.get("plugin") if isinstance(table, dict) else None
    required = isinstance(table, dict) and table.get("required") is True
    return {"plugin": name if isinstance(name, str) else "?", "required": required}


def _expected(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "missing":
        return "is missing"
    if kind.startswith(("dict_", "model_")):
        return "expected a table"
    return message.removeprefix("Value error, ")


def _check_names(settings: Settings, problems: Problems) -> None:
    """Every key of a channel that stands somewhere is one of `[channels]`."""
    uses: list[tuple[tuple[str, ...], str | None]] = [
        *((("catalogue", "priority"), key) for key in settings.catalogue.priority),
        (("stock", "default_channel"), settings.stock.default_channel),
        *((("tokens", name, "channel"), token.channel) for name, token in settings.tokens.items()),
        *(
            (("locations", name, "channels"), key)
            for name, place in settings.locations.items()
            for key in place.channels
        ),
        *((("locations", name, "post"), key) for name, place in settings.locations.items() for key in place.post),
    ]
    for place, key in uses:
        if key is not None and key not in settings.channels:
            problems.add(place, f"there is no channel {key}; expected one of {', '.join(settings.channels) or 'none'}")
    for name, location in settings.locations.items():
        if location.authority not in location.channels:
            problems.add(("locations", name, "authority"), f"{location.authority} is not among its channels")
    _check_places(settings, problems)
    _check_tokens(settings, problems)
    secrets = [secret for token in settings.tokens.values() if (secret := token.token.get_secret_value().strip())]
    if len(set(secrets)) != len(secrets):
        problems.add(("tokens",), "two tokens have the same secret")


def _check_tokens(settings: Settings, problems: Problems) -> None:
    """A token that is empty would be everybody's."""
    for name, table in settings.tokens.items():
        told = any(line.startswith(f"tokens.{name}.token: ") for line in problems.others)  # the variable is not set
        if not told and not table.token.get_secret_value().strip():
            problems.add(("tokens", name, "token"), "is empty")


def _check_places(settings: Settings, problems: Problems) -> None:
    """A place of a channel is one location: its stock would count twice."""
    owners: dict[tuple[str, str], str] = {}
    for name, location in settings.locations.items():
        for place in location.channels.items():
            owner = owners.setdefault(place, name)
            if owner != name:
                problems.add(("locations", name, "channels", place[0]), f"{place[1]} is the location {owner} already")


def _filled(value: Any, environment: Mapping[str, str], place: tuple[str | int, ...], problems: Problems) -> Any:
    """The value with every `${NAME}` replaced from the environment."""
    if isinstance(value, dict):
        return {key: _filled(item, environment, (*place, key), problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, environment, (*place, index), problems) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    for name in _VARIABLE.findall(value):
        if name not in environment:
            problems.add(place, f"the environment variable {name} is not set")
    return _VARIABLE.sub(lambda match: environment.get(match[1], ""), value)
