"""How a shop is read: completely in ranges of ids, since a mark in the order of changes, and record by record.

A complete pass asks for ids greater than the last one, so its page token is good for ever, however large the shop is;
what Shopify calls a cursor is limited to 25,000 records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from gateway.sdk import (
    ChannelError,
    Context,
    ContractError,
    CustomerRecord,
    Gone,
    InvalidValueError,
    LiveFeed,
    Mark,
    OrderRecord,
    Page,
    ProductRecord,
    RateLimitedError,
    Raw,
    Ref,
    StockRecord,
    Token,
    shapes,
)
from gateway_shopify import answers
from gateway_shopify.client import Client
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.following import complete, connection_of, following
from gateway_shopify.operations import Kind
from gateway_shopify.width import Width

OVERLAP = timedelta(minutes=2)
"""How long a change may be missing from Shopify's search."""

DEPTH = 20_000
"""Records behind which a cursor is not followed: the search begins anew where it is."""

_CURRENCY = re.compile(r"[A-Z]{3}")

R = TypeVar("R", ProductRecord, StockRecord, CustomerRecord, OrderRecord)


@dataclass(frozen=True, slots=True)
class Shop:
    """What every feed of a shop works with."""

    client: Client
    config: ShopifyConfig
    context: Context


@dataclass(frozen=True, slots=True)
class Range:
    """Where a complete pass is: behind this id. `mark`: how far the shop was known when it began."""

    after: int
    mark: str | None


@dataclass(frozen=True, slots=True)
class Since:
    """Where a pass over changes is: so many records behind this instant."""

    since: str
    cursor: str | None = None
    depth: int = 0


class ShopFeed(LiveFeed[R]):
    """A connection of the shop."""

    def __init__(self, shop: Shop, of: type[R], name: str, kind: Kind, read: Callable[[Raw, ShopifyConfig], R]) -> None:
        self.of = of
        self.name = name
        self.ascending = kind.newest is not None
        self.fetch_at_once = kind.records(kind.entries)
        self._client, self._config, self._context = shop.client, shop.config, shop.context
        self._kind, self._width = kind, Width(kind)
        self._read: Callable[[Raw, ShopifyConfig], R] = read

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        if mark is None:
            return await self._range(Range(**json.loads(token)) if token else Range(0, await self.newest()))
        return await self._changed(Since(**json.loads(token)) if token else Since(earlier(mark)), mark)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        nodes, shop = await self.found([ref.id for ref in refs])
        found = {id: self.raws(node, shop)[0] for id, node in nodes.items() if node is not None}
        return {ref.id: found.get(ref.id) or await self.missing(ref) for ref in refs}

    def read(self, raw: Raw) -> R | Gone:
        return self._read(raw, self._config)

    def raws(self, node: Any, shop: Any) -> list[Raw]:
        """The records that a node stands for."""
        return [Raw(answers.identity(node, self._kind.type), {"node": node, "shop": shop})]

    async def found(self, ids: Sequence[str]) -> tuple[Mapping[str, Any], Any]:
        """The nodes of these ids, complete, None for what there is not; and what the shop says of itself."""
        wide = {"inside": self._kind.entries} if self._kind.inside else {}
        data = await self._client.ask(self._kind.by_id, ids=[answers.gid(self._kind.type, id) for id in ids], **wide)
        nodes = data.get("nodes")
        if not isinstance(nodes, list) or len(nodes) != len(ids):
            raise ContractError(f"{self._kind.by_id.name} answered for other records than were asked for")
        for id, node in zip(ids, nodes, strict=True):
            if node is not None and answers.identity(node, self._kind.type) != id:
                raise ContractError(f"{self._kind.by_id.name} answered with another record than was asked for")
        return {id: await complete(self._client, node) for id, node in zip(ids, nodes, strict=True)}, self._shop(data)

    async def missing(self, ref: Ref) -> Raw | Gone | ChannelError:
        """What is said of a record that the shop does not have."""
        return Gone(ref)

    async def newest(self) -> str | None:
        """The instant of the last change, on the shop's clock: where the next pass begins."""
        if self._kind.newest is None:
            return None
        data = await self._client.ask(self._kind.newest)
        nodes = connection_of(data, self._kind.plural, self._kind.newest)["nodes"]
        return self._latest("", nodes) or None

    async def _range(self, place: Range) -> Page:
        order = {} if self._kind.newest is None else {"sort": "ID"}
        query = f"id:>{place.after}" if place.after else None
        nodes, shop, more = await self._listed(None, query=query, **order)
        last = _forward(nodes, self._kind, place.after)
        items, taken = await self._raws(nodes, shop)
        if taken < len(nodes):
            last, more = _forward(nodes[:taken], self._kind, place.after), "cut"
        return Page(items, token_of(Range(last, place.mark)) if more else None, place.mark)

    async def _changed(self, place: Since, mark: Mark) -> Page:
        query = f"updated_at:>='{place.since}'"
        nodes, shop, cursor = await self._listed(place.cursor, query=query, sort="UPDATED_AT")
        fresh = [node for node in nodes if _since(node, place)]
        items, taken = await self._raws(fresh, shop)
        reached = self._latest(mark, fresh[:taken])
        if taken == len(fresh):
            return Page(items, self._onward(place, cursor, len(nodes), reached), reached)
        if reached <= place.since:
            raise RateLimitedError("the shop's cost bucket is empty")
        return Page(items, token_of(Since(reached)), reached)

    def _onward(self, place: Since, cursor: str | None, count: int, reached: str) -> Token | None:
        if cursor is None:
            return None
        if place.depth + count < DEPTH:
            return token_of(Since(place.since, cursor, place.depth + count))
        if reached <= place.since:
            raise ContractError(f"{self._kind.listing.name} names more changes of one second than can be read")
        return token_of(Since(reached))

    def _latest(self, mark: Mark, nodes: Sequence[Any]) -> Mark:
        """How far the shop is known: never into the future, which one wrong record would keep from being read."""
        return _last(mark, nodes, second(self._context.now() + OVERLAP))

    async def _listed(self, after: str | None, **search: Any) -> tuple[list[Any], Any, str | None]:
        """Nodes, what the shop says of itself, and the cursor of what follows."""
        data = await self._client.ask(self._kind.listing, after=after, **self._width.variables, **search)
        connection = connection_of(data, self._kind.plural, self._kind.listing)
        return connection["nodes"], self._shop(data), following(connection, after)

    def _shop(self, data: Mapping[str, Any]) -> Any:
        """What the shop says of itself. Its prices are bare numbers: in another currency they would all be wrong."""
        shop, wanted = answers.mapping(data.get("shop")), self._config.currency
        found = shop.get("currencyCode")
        if found != wanted:
            named = found if isinstance(found, str) and _CURRENCY.fullmatch(found) else "none that there is"
            raise ContractError(f"the shop's currency is {named}, the configuration says {wanted}: correct it")
        return shop

    async def _raws(self, nodes: Sequence[Any], shop: Any) -> tuple[list[Raw], int]:
        """The records of so many nodes as the budget allows to complete, but of one at least."""
        whole: list[Any] = []
        for node in nodes:
            try:
                whole.append(await complete(self._client, node))
            except RateLimitedError:
                if not whole:
                    raise
                break
        self._width.learn(whole)
        return [raw for node in whole for raw in self.raws(node, shop)], len(whole)


def _forward(nodes: Sequence[Any], kind: Kind, after: int) -> int:
    """The last id of a page of a complete pass, which must go forward: else the pass would not end."""
    ids = [int(id) for id in (answers.identity(node, kind.type) for node in nodes) if id.isdigit()]
    if nodes and not ids:
        raise ContractError(f"{kind.listing.name} names nothing that has an id")
    if any(later <= former for former, later in pairwise([after, *ids])):
        raise ContractError(f"{kind.listing.name} names ids again that were behind it")
    return max([after, *ids])


def _updated(node: Any) -> str | None:
    """When a node was changed last, to the second, as the search takes it; None where it does not say."""
    try:
        return second(shapes.instant(node, "updatedAt"))
    except (InvalidValueError, AttributeError):
        return None


def _last(mark: Mark, nodes: Sequence[Any], now: str) -> Mark:
    return max([mark, *(min(_updated(node) or mark, now) for node in nodes)])


def _since(node: Any, place: Since) -> bool:
    """Whether a node is as late as was asked: the search for customers knows whole days only."""
    return (_updated(node) or place.since) >= place.since


def earlier(mark: Mark) -> str:
    return second(datetime.fromisoformat(mark) - OVERLAP)


def second(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def token_of(place: Range | Since) -> Token:
    return json.dumps(asdict(place))
