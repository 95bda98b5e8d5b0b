"""An in-memory channel that can do everything a channel can, and everything it should not.

For tests of the gateway, and as an example of a plugin. A `MemoryStore` is the channel: a test fills it, changes it and
breaks it. `MemoryPlugin` registers it, as an entry point would::

    store = MemoryStore()
    store.put("products", rows.product("1", sku="85123A", price="2.55"))
    store.put("stock", rows.stock("1", "shop", 12))
    plugins = discover(MemoryPlugin(store))

and the configuration says ``plugin = "memory"``. What the channel is able to do is its `MemoryConfig`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, SecretStr

from gateway.sdk import (
    Channel,
    ChannelError,
    ChannelKind,
    ChannelType,
    Config,
    Context,
    CursorExpiredError,
    CustomerRecord,
    Delivery,
    Feed,
    ForgedError,
    Gone,
    Hint,
    LiveFeed,
    OrderRecord,
    Page,
    Place,
    ProductRecord,
    Raw,
    Ref,
    Registry,
    StaleError,
    StockRecord,
    Traits,
    Webhooks,
    hookimpl,
)
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import Ask
from gateway.sdk.testing.rows import Row
from gateway.sdk.testing.store import FEEDS, MemoryStore
from gateway.sdk.testing.writing import Habits

__all__ = ["MemoryConfig", "MemoryFeed", "MemoryLiveFeed", "MemoryPlugin", "MemoryStore", "MemoryWebhooks", "delivery"]

R = TypeVar("R", ProductRecord, StockRecord, CustomerRecord, OrderRecord)

TOLERANCE = timedelta(minutes=5)


class MemoryConfig(Config):
    """What the channel is able to do.

    Attributes:
        versions: its records have versions.
        live: single records can be read.
        deltas: a pass can begin at a mark; else every pass names everything.
        ascending: pages come in the order of changes, and each moves the mark; else by id, and the last one does.
        deletions: a pass from a mark names what was deleted since.
        token_lasts: how long a page token is good.
        resume: whether a page token may be kept over an interruption.
        secrets: by which deliveries are signed; None: the channel sends none.
        writes: what it can be told. What else is said of writes holds for all of them:
        enforces_keys: the same command again does nothing more; finds: it can be asked what became of one.
        ledger: its counts tell which commands they contain.
        delay: how late its own writes are seen.
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
    feeds: tuple[Literal["products", "stock", "customers", "orders"], ...] = FEEDS
    currency: str = "GBP"
    time_zone: str = "Europe/London"
    prices_include_tax: bool | None = True
    read_your_writes: bool = False
    settle: timedelta = timedelta(0)
    late_window: timedelta = timedelta(0)
    lookup_settle: timedelta = timedelta(0)
    order_latency: timedelta = timedelta(0)
    writes: tuple[Literal["adjust", "set", "place", "cancel", "ship"], ...] = ()
    enforces_keys: bool = True
    finds: bool = True
    ledger: bool = False
    batch: Annotated[int, Field(ge=1)] = 1
    delay: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a page token says: where the pass began, where it is, and since when."""

    since: int
    reached: int
    after: str | int | None
    at: float

    @classmethod
    def parse(cls, token: str) -> Progress:
        """Read a token back."""
        return cls(*json.loads(token))

    def token(self) -> str:
        """As text."""
        return json.dumps([self.since, self.reached, self.after, self.at])


@dataclass(frozen=True, slots=True)
class Opened:
    """What every feed of an open channel works with."""

    store: MemoryStore
    config: MemoryConfig
    context: Context


class MemoryFeed(Feed[R]):
    """A feed of the store."""

    def __init__(self, of: type[R], name: str, read: Callable[[Row], R], opened: Opened) -> None:
        self.of = of
        self.name = name
        self._read: Callable[[Row], R] = read
        self._store, self._config, self._context = opened.store, opened.config, opened.context
        self.ascending = opened.config.deltas and opened.config.ascending

    async def page(self, mark: str | None, token: str | None) -> Page:
        """See `Feed.page`."""
        self._store.catch_up(self._context.now().timestamp())
        page: Page = await self._store.answer(
            Ask(self.name, "page", mark, token), lambda: self._page(self._progress(mark, token))
        )
        return page

    def read(self, raw: Raw) -> R | Gone:
        """See `Feed.read`."""
        return self._read(raw.data) if raw.data.get("deleted") is not True else Gone(Ref(raw.id))

    async def taken(self, mark: str | None) -> None:
        """See `Feed.taken`."""
        self._store.taken.append((self.name, mark))

    def _progress(self, mark: str | None, token: str | None) -> Progress:
        now = self._context.now().timestamp()
        if token is None:
            since = int(mark) if mark is not None and self._config.deltas else 0
            return Progress(since, self._store.reached(), None, now)
        progress = Progress.parse(token)
        lasts = self._config.token_lasts
        if lasts is not None and now - progress.at > lasts.total_seconds():
            raise CursorExpiredError("the page token is too old")
        return progress

    def _page(self, progress: Progress) -> Page:
        ids = self._store.ids(self.name, progress.since, by_change=self.ascending, removed=self._config.deletions)
        start = 0 if progress.after is None else bisect_right(ids, progress.after, key=self._place)
        some = ids[start : start + self._config.page_size]
        complete = start + len(some) >= len(ids)
        return Page(
            [self._raw(id) for id in some],
            None if complete else self._next(progress, some[-1]),
            self._mark(progress, some, complete),
            self._config.resume,
        )

    def _place(self, id: str) -> Any:
        return self._store.position(self.name, id) if self.ascending else id

    def _next(self, progress: Progress, last: str) -> str:
        now = self._context.now().timestamp()
        return Progress(progress.since, progress.reached, self._place(last), now).token()

    def _mark(self, progress: Progress, some: Sequence[str], complete: bool) -> str | None:
        if not self._config.deltas:
            return None
        if self.ascending:
            return str(self._place(some[-1])) if some else str(progress.since)
        return str(progress.reached) if complete else None

    def _raw(self, id: str) -> Raw:
        row = self._store.one(self.name, id) or {"deleted": True, "id": id, "version": None}
        if not self._config.versions:
            row.pop("version")
        return Raw(id, row)


class MemoryLiveFeed(MemoryFeed[R], LiveFeed[R]):
    """A feed that can read single records, too."""

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        """See `LiveFeed.fetch`."""
        self._store.catch_up(self._context.now().timestamp())
        found: Mapping[str, Raw | Gone | ChannelError] = await self._store.answer(
            Ask(self.name, "fetch", refs=tuple(refs)), lambda: {ref.id: self._one(ref) for ref in refs}
        )
        return found

    def _one(self, ref: Ref) -> Raw | Gone:
        return Gone(ref) if self._store.one(self.name, ref.id) is None else self._raw(ref.id)


class MemoryWebhooks(Webhooks):
    """Deliveries that `delivery` makes."""

    def __init__(self, store: MemoryStore, secrets: Sequence[SecretStr]) -> None:
        self._store, self._secrets = store, secrets

    async def subscribe(self, url: str) -> None:
        """See `Webhooks.subscribe`."""
        if url not in self._store.subscriptions:
            self._store.subscriptions.append(url)

    def verify(self, delivery: Delivery) -> str:
        """See `Webhooks.verify`."""
        told = delivery.headers.get("x-memory-signature", "").encode()
        at, id = delivery.headers.get("x-memory-time", ""), delivery.headers.get("x-memory-id", "")
        right = [signature(secret.get_secret_value(), at, id, delivery.body).encode() for secret in self._secrets]
        if True not in [hmac.compare_digest(told, one) for one in right]:  # all of them, so it takes the same time
            raise ForgedError("the delivery is not signed with one of the secrets")
        if abs(delivery.received_at - datetime.fromtimestamp(int(at), UTC)) > TOLERANCE:
            raise StaleError("the delivery was signed at another time")
        return id

    def hints(self, delivery: Delivery) -> Sequence[Hint]:
        """See `Webhooks.hints`."""
        body = json.loads(delivery.body)
        return [Hint(body["feed"], id) for id in body["ids"]]


def signature(secret: str, at: str, id: str, body: bytes) -> str:
    """How the channel signs: HMAC-SHA256 over time, id and body, in hexadecimal."""
    return hmac.new(secret.encode(), f"{at}.{id}.".encode() + body, hashlib.sha256).hexdigest()


def delivery(secret: str, id: str, feed: str, ids: Sequence[str], at: datetime) -> Delivery:
    """A delivery of the channel that says these records have changed, received when it was sent."""
    body, sent = json.dumps({"feed": feed, "ids": list(ids)}).encode(), str(int(at.timestamp()))
    headers = {"x-memory-time": sent, "x-memory-id": id, "x-memory-signature": signature(secret, sent, id, body)}
    return Delivery(headers=headers, body=body, received_at=at)


class MemoryPlugin:
    """Registers the channel type ``memory``, or another name, whose channels are these stores: one, or one by key."""

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
        """See `gateway.sdk.channel.Hooks`."""
        registry.channel(
            ChannelType(
                name=self._name,
                version=self._version,
                kind=self._kind,
                config=MemoryConfig,
                traits=traits,
                open=self._open,
            )
        )

    def _open(self, config: MemoryConfig, context: Context) -> Channel:
        store = self._stores if isinstance(self._stores, MemoryStore) else self._stores[context.key]

        async def places() -> Sequence[Place]:
            return tuple(store.places)

        return Channel(
            feeds=[feed for feed in feeds(Opened(store, config, context)) if feed.name in config.feeds],
            writes=[write for name, write in _habits(store, config, context).writes().items() if name in config.writes],
            webhooks=None if config.secrets is None else MemoryWebhooks(store, config.secrets),
            places=places,
        )


def _habits(store: MemoryStore, config: MemoryConfig, context: Context) -> Habits:
    return Habits(
        store,
        context,
        enforces_keys=config.enforces_keys,
        finds=config.finds,
        ledger=config.ledger,
        batch=config.batch,
        delay=config.delay.total_seconds(),
    )


def traits(config: MemoryConfig) -> Traits:
    """As the configuration says."""
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


def feeds(opened: Opened) -> Sequence[AnyFeed]:
    """The four feeds, live where the configuration says so."""
    made = MemoryLiveFeed if opened.config.live else MemoryFeed
    return (
        made(ProductRecord, "products", rows.read_product, opened),
        made(StockRecord, "stock", rows.read_stock, opened),
        made(CustomerRecord, "customers", rows.read_customer, opened),
        made(OrderRecord, "orders", rows.read_order, opened),
    )
