"""An in-memory channel that supports every feature of the SDK, and can violate its contract.

For tests of the gateway, and as an example of a plugin. A test fills, changes and breaks a `MemoryStore`, which is
the state of the channel. `MemoryPlugin` registers the channel type, as an entry point does::

    store = MemoryStore()
    store.put("products", record_builders.build_product("1", sku="85123A", price="2.55"))
    store.put("stock", record_builders.build_stock("1", "shop", 12))
    plugins = discover(MemoryPlugin(store))

The configuration contains ``plugin = "memory"``. `MemoryConfig` selects the features of the channel.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from urllib.parse import urlencode

from pydantic import Field, SecretStr

from gateway.sdk import (
    Channel,
    ChannelError,
    ChannelKind,
    ChannelType,
    CollectionRecord,
    Config,
    Context,
    CursorExpiredError,
    CustomerRecord,
    Delivery,
    Feed,
    ForgedError,
    Gone,
    Hint,
    ImageCrop,
    ImageFormat,
    ImageSize,
    LiveFeed,
    OrderRecord,
    Page,
    Place,
    ProductRecord,
    Raw,
    Ref,
    Registry,
    ReviewRecord,
    StaleError,
    StockRecord,
    Traits,
    VerifiedCustomer,
    Webhooks,
    hookimpl,
)
from gateway.sdk._deprecated import alias_names
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import Ask
from gateway.sdk.testing.memory_store import FEEDS, MemoryStore
from gateway.sdk.testing.memory_writes import WriteBehavior
from gateway.sdk.testing.record_builders import Row

__all__ = [
    "MemoryConfig",
    "MemoryFeed",
    "MemoryLiveFeed",
    "MemoryPlugin",
    "MemoryStore",
    "MemoryWebhooks",
    "build_delivery",
]

R = TypeVar("R", ProductRecord, StockRecord, CollectionRecord, CustomerRecord, OrderRecord, ReviewRecord)

TOLERANCE = timedelta(minutes=5)


class MemoryConfig(Config):
    """Features of the in-memory channel.

    Attributes:
        versions: Records have versions.
        live: Single records can be read.
        deltas: A pass can start at a mark; otherwise every pass lists all records.
        ascending: Pages are sorted by change, and each advances the mark; otherwise by ID, and the last one sets it.
        deletions: A pass from a mark reports deletions.
        page_size: Records per page.
        token_lasts: How long a page token is valid; None: for ever.
        resume: Whether a page token is valid after an interruption.
        secrets: Secrets of the webhook signatures; None: the channel has no webhooks.
        feeds: The feeds of the channel.
        currency, time_zone, prices_include_tax, read_your_writes, settle, late_window, lookup_settle, order_latency:
            See `Traits`.
        writes: The supported commands. The following attributes apply to all of them.
        enforces_keys: Repeating a command has no further effect.
        finds: Outcomes of commands can be looked up.
        ledger: Stock counts list the commands that they include.
        batch: Maximum number of commands per call.
        delay: How long the channel's own writes are invisible.
    """

    versions: bool = True
    live: bool = True
    deltas: bool = True
    ascending: bool = False
    deletions: bool = False
    page_size: Annotated[int, Field(ge=1)] = 100
    token_lasts: timedelta | None = None
    resume: bool = True
    secrets: tuple[SecretStr, ...] | None = None
    feeds: tuple[Literal["products", "stock", "collections", "customers", "orders", "reviews"], ...] = FEEDS
    currency: str = "GBP"
    time_zone: str = "Europe/London"
    prices_include_tax: bool | None = True
    read_your_writes: bool = False
    settle: timedelta = timedelta(0)
    late_window: timedelta = timedelta(0)
    lookup_settle: timedelta = timedelta(0)
    order_latency: timedelta = timedelta(0)
    writes: tuple[Literal["adjust", "set", "place", "cancel", "ship", "points", "consent", "erase"], ...] = ()
    enforces_keys: bool = True
    finds: bool = True
    ledger: bool = False
    batch: Annotated[int, Field(ge=1)] = 1
    delay: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class PassProgress:
    """The contents of a page token.

    Attributes:
        since: Number of the change at which the pass starts.
        reached: Number of the last change at the start of the pass.
        after: Position of the last record of the previous page; None: the first page.
        at: When the token was issued, in seconds since 1970.
    """

    since: int
    reached: int
    after: str | int | None
    at: float

    @classmethod
    def parse(cls, token: str) -> PassProgress:
        """Parse a page token."""
        return cls(*json.loads(token))

    def token(self) -> str:
        """Return the page token."""
        return json.dumps([self.since, self.reached, self.after, self.at])


@dataclass(frozen=True, slots=True)
class OpenMemoryChannel:
    """The parts of an open channel that its feeds share."""

    store: MemoryStore
    config: MemoryConfig
    context: Context


class MemoryFeed(Feed[R]):
    """A feed of the in-memory channel."""

    def __init__(self, of: type[R], name: str, read: Callable[[Row], R], opened: OpenMemoryChannel) -> None:
        self.of = of
        self.name = name
        self._read: Callable[[Row], R] = read
        self._store, self._config, self._context = opened.store, opened.config, opened.context
        self.ascending = opened.config.deltas and opened.config.ascending

    async def page(self, mark: str | None, token: str | None) -> Page:
        """Return a page; see `Feed.page`."""
        self._store.catch_up(self._context.now().timestamp())
        page: Page = await self._store.answer(
            Ask(self.name, "page", mark, token), lambda: self._build_page(self._parse_progress(mark, token))
        )
        return page

    def read(self, raw: Raw) -> R | Gone:
        """Convert a row; see `Feed.read`."""
        return self._read(raw.data) if raw.data.get("deleted") is not True else Gone(Ref(raw.id))

    async def taken(self, mark: str | None) -> None:
        """Record the mark in `MemoryStore.taken`; see `Feed.taken`."""
        self._store.taken.append((self.name, mark))

    def _parse_progress(self, mark: str | None, token: str | None) -> PassProgress:
        now = self._context.now().timestamp()
        if token is None:
            since = int(mark) if mark is not None and self._config.deltas else 0
            return PassProgress(since, self._store.reached(), None, now)
        progress = PassProgress.parse(token)
        lasts = self._config.token_lasts
        if lasts is not None and now - progress.at > lasts.total_seconds():
            raise CursorExpiredError("the page token has expired")
        return progress

    def _build_page(self, progress: PassProgress) -> Page:
        ids = self._store.ids(self.name, progress.since, by_change=self.ascending, removed=self._config.deletions)
        start = 0 if progress.after is None else bisect_right(ids, progress.after, key=self._get_position)
        page_ids = ids[start : start + self._config.page_size]
        complete = start + len(page_ids) >= len(ids)
        return Page(
            [self._build_raw(id) for id in page_ids],
            None if complete else self._build_next_token(progress, page_ids[-1]),
            self._build_mark(progress, page_ids, complete),
            self._config.resume,
            self._list_locations(),
        )

    def _list_locations(self) -> frozenset[str] | None:
        """List the locations of the store, if it has any and this is the feed of stock."""
        ids = frozenset(location.id for location in self._store.places)
        return ids if ids and self.of is StockRecord else None

    def _get_position(self, id: str) -> Any:
        return self._store.position(self.name, id) if self.ascending else id

    def _build_next_token(self, progress: PassProgress, last: str) -> str:
        now = self._context.now().timestamp()
        return PassProgress(progress.since, progress.reached, self._get_position(last), now).token()

    def _build_mark(self, progress: PassProgress, page_ids: Sequence[str], complete: bool) -> str | None:
        if not self._config.deltas:
            return None
        if self.ascending:
            return str(self._get_position(page_ids[-1])) if page_ids else str(progress.since)
        return str(progress.reached) if complete else None

    def _build_raw(self, id: str) -> Raw:
        row = self._store.one(self.name, id) or {"deleted": True, "id": id, "version": None}
        if not self._config.versions:
            row.pop("version")
        return Raw(id, row)


class MemoryLiveFeed(MemoryFeed[R], LiveFeed[R]):
    """A feed that can also read single records."""

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        """Return the current records; see `LiveFeed.fetch`."""
        self._store.catch_up(self._context.now().timestamp())
        found: Mapping[str, Raw | Gone | ChannelError] = await self._store.answer(
            Ask(self.name, "fetch", refs=tuple(refs)), lambda: {ref.id: self._fetch_one(ref) for ref in refs}
        )
        return found

    def _fetch_one(self, ref: Ref) -> Raw | Gone:
        return Gone(ref) if self._store.one(self.name, ref.id) is None else self._build_raw(ref.id)


class MemoryWebhooks(Webhooks):
    """Webhooks as `build_delivery` creates them."""

    def __init__(self, store: MemoryStore, secrets: Sequence[SecretStr]) -> None:
        self._store, self._secrets = store, secrets

    async def subscribe(self, url: str) -> None:
        """Add the URL to `MemoryStore.subscriptions`; see `Webhooks.subscribe`."""
        if url not in self._store.subscriptions:
            self._store.subscriptions.append(url)

    def verify(self, delivery: Delivery) -> str:
        """Check the signature and return the ID; see `Webhooks.verify`."""
        presented = delivery.headers.get("x-memory-signature", "").encode()
        at, id = delivery.headers.get("x-memory-time", ""), delivery.headers.get("x-memory-id", "")
        expected = [
            sign_delivery(secret.get_secret_value(), at, id, delivery.body).encode() for secret in self._secrets
        ]
        if True not in [
            hmac.compare_digest(presented, signature) for signature in expected
        ]:  # compares all secrets, so that the time does not depend on the result
            raise ForgedError("the delivery is not signed with any of the secrets")
        if abs(delivery.received_at - datetime.fromtimestamp(int(at), UTC)) > TOLERANCE:
            raise StaleError("the timestamp of the signature is outside of the tolerance")
        return id

    def hints(self, delivery: Delivery) -> Sequence[Hint]:
        """Return the records that the delivery refers to; see `Webhooks.hints`."""
        body = json.loads(delivery.body)
        return [Hint(body["feed"], id) for id in body["ids"]]


def sign_delivery(secret: str, at: str, id: str, body: bytes) -> str:
    """Sign a delivery: HMAC-SHA256 over time, id and body, in hexadecimal."""
    return hmac.new(secret.encode(), f"{at}.{id}.".encode() + body, hashlib.sha256).hexdigest()


def build_delivery(secret: str, id: str, feed: str, ids: Sequence[str], at: datetime) -> Delivery:
    """Build a signed delivery that reports changed records, received at the time it was sent."""
    body, sent = json.dumps({"feed": feed, "ids": list(ids)}).encode(), str(int(at.timestamp()))
    headers = {"x-memory-time": sent, "x-memory-id": id, "x-memory-signature": sign_delivery(secret, sent, id, body)}
    return Delivery(headers=headers, body=body, received_at=at)


def _read_customer(fields: Mapping[str, str], row: Mapping[str, Any]) -> CustomerRecord:
    """Read a customer, whose row has references by the name of their field."""
    named = row.get("references", {})
    references = {name: named[field] for name, field in fields.items() if field in named}
    return record_builders.read_customer({**row, "references": references})


class MemoryPlugin:
    """Registers the channel type ``memory``, or `name`, whose channels use these stores: one for all, or one by channel
    key.
    """

    def __init__(
        self,
        stores: MemoryStore | Mapping[str, MemoryStore],
        *,
        name: str = "memory",
        kind: ChannelKind = ChannelKind.POS,
        version: str = "1",
    ) -> None:
        self._stores, self._name, self._kind, self._version = stores, name, kind, version

    @hookimpl
    def gateway_register(self, registry: Registry) -> None:
        """Register the channel type; see `gateway.sdk.channel.Hooks`."""
        registry.channel(
            ChannelType(
                name=self._name,
                version=self._version,
                kind=self._kind,
                config=MemoryConfig,
                traits=derive_traits,
                open=self._open,
                references=True,
                images=resize_image,
            )
        )

    def _open(self, config: MemoryConfig, context: Context) -> Channel:
        store = self._stores if isinstance(self._stores, MemoryStore) else self._stores[context.key]

        async def list_places() -> Sequence[Place]:
            return tuple(store.places)

        async def verify_customer(token: str) -> VerifiedCustomer | None:
            if token in store.broken_logins:
                raise ValueError(token)  # as a careless plugin would
            return VerifiedCustomer(store.logins[token]) if token in store.logins else None

        return Channel(
            feeds=[
                feed for feed in build_feeds(OpenMemoryChannel(store, config, context)) if feed.name in config.feeds
            ],
            writes=[
                write
                for name, write in _build_write_behavior(store, config, context).writes().items()
                if name in config.writes
            ],
            webhooks=None if config.secrets is None else MemoryWebhooks(store, config.secrets),
            places=list_places,
            verify_customer=verify_customer,
        )


def _build_write_behavior(store: MemoryStore, config: MemoryConfig, context: Context) -> WriteBehavior:
    return WriteBehavior(
        store,
        context,
        enforces_keys=config.enforces_keys,
        finds=config.finds,
        ledger=config.ledger,
        batch=config.batch,
        delay=config.delay.total_seconds(),
    )


def resize_image(url: str, size: ImageSize) -> str:
    """Return the URL of an image in a size, as an image server has it that takes query parameters."""
    crop = None if size.crop is ImageCrop.NONE else size.crop.value.lower()
    format = None if size.format is ImageFormat.ORIGINAL else size.format.value.lower()
    given = {"width": size.max_width, "height": size.max_height, "crop": crop, "format": format}
    return f"{url}?{urlencode({name: value for name, value in given.items() if value is not None})}"


def derive_traits(config: MemoryConfig) -> Traits:
    """Return the traits of the configuration."""
    return Traits(
        time_zone=config.time_zone,
        currency=config.currency,
        prices_include_tax=config.prices_include_tax,
        read_your_writes=config.read_your_writes,
        settle=config.settle,
        late_window=config.late_window,
        lookup_settle=config.lookup_settle,
        order_latency=config.order_latency,
    )


def build_feeds(opened: OpenMemoryChannel) -> Sequence[AnyFeed]:
    """Build all feeds, with live reads if configured."""
    feed_type = MemoryLiveFeed if opened.config.live else MemoryFeed
    return (
        feed_type(ProductRecord, "products", record_builders.read_product, opened),
        feed_type(StockRecord, "stock", record_builders.read_stock, opened),
        feed_type(CollectionRecord, "collections", record_builders.read_collection, opened),
        feed_type(CustomerRecord, "customers", partial(_read_customer, opened.context.references), opened),
        feed_type(OrderRecord, "orders", record_builders.read_order, opened),
        feed_type(ReviewRecord, "reviews", record_builders.read_review, opened),
    )


if not TYPE_CHECKING:
    __getattr__ = alias_names(
        __name__,
        {
            "signature": "sign_delivery",
            "delivery": "build_delivery",
            "traits": "derive_traits",
            "feeds": "build_feeds",
            "Opened": "OpenMemoryChannel",
            "Progress": "PassProgress",
        },
    )
