"""Response cache: responses of this process that hold nothing but the catalog and stock (rule E3).

A response is the same for all callers of a scope class, and right until a transaction logs a change that it depends
on. It is compressed once for each encoding.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from gateway.execution.caching.cache_control import CachePolicy
from gateway.execution.caching.cache_sizes import MEGABYTE, SizedCache
from gateway.execution.caching.change_follower import ChangeFollower
from gateway.execution.caching.kept_bytes import copy_exactly
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.caching.page_check import PageCheck, PageChecker
from gateway.execution.caller import Caller
from gateway.execution.request import GraphQLRequest
from gateway.storage.database import Database

MAX_AGE = timedelta(minutes=1)
"""Time after which a response is computed again: its cursors are as old as it is."""

MAX_KEY_LENGTH = 4_000
"""Characters of the key of a request. A longer one is not cached."""

MAX_STOCKED_IDS = 500
"""Products and variants whose stock a response tracks one by one. With more, it depends on the stock of any."""

MAX_WAIT = 0.25
"""Seconds for which a request waits for an equal one in progress, before it is executed itself."""

MAX_UNCACHEABLE = 1_000
"""Keys of requests whose responses could not be cached: equal requests do not wait for each other."""

ENTRY_SIZE, ID_SIZE, CHECK_SIZE = 2_000, 120, 4_000
"""Bytes that a response takes besides its content, each id that it depends on, and the query of a page."""

POSITION_IDS = 3
"""As how many ids the position of an item of a page counts."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What a response depends on.

    Attributes:
        on_stock: whether it depends on stock.
        stocked_ids: the products and variants on whose stock it depends; None: on that of any.
        shown_ids: those whose stock it shows; None: of any.
    """

    on_stock: bool
    stocked_ids: frozenset[str] | None = None
    shown_ids: frozenset[str] | None = None


@dataclass(slots=True)
class CachedResponse:
    """A response.

    Attributes:
        content: its body.
        checks: tell whether it still shows the same objects; empty: nothing does.
        policy: what the cache headers of a GET are computed from.
        generation: the follower's generation before the response was computed.
        compressed: its body by encoding.
        etags: its entity tags by format.
    """

    content: bytes
    policy: CachePolicy
    dependencies: Dependencies
    generation: int
    expires_at: datetime
    checks: tuple[PageCheck, ...] = ()
    compressed: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)


class ResponseCache:
    """The responses of one gateway. `megabytes`: the limit of their memory; 0: none is cached."""

    def __init__(
        self, database: Database, changes: ChangeFollower, megabytes: int, clock: Callable[[], datetime]
    ) -> None:
        self.is_enabled = megabytes > 0
        self._clock = clock
        self._changes = changes
        self._largest = megabytes * MEGABYTE // 10
        self._entries: WeightedLRU[CachedResponse] = WeightedLRU(megabytes * MEGABYTE, self._largest)
        self._running: dict[str, asyncio.Event] = {}
        self._checker = PageChecker(database, changes, self._entries, self._find_current)
        self._uncacheable: WeightedLRU[bool] = WeightedLRU(MAX_UNCACHEABLE)

    def measure(self) -> SizedCache:
        """Return its size."""
        return SizedCache("responses", (self._entries,))

    @property
    def size(self) -> int:
        """The bytes that all responses take."""
        return self._entries.weight

    def clear(self) -> None:
        """Remove all responses."""
        for key, _ in self._entries.list_items():
            self._entries.remove(key)

    async def find(self, key: str) -> CachedResponse | None:
        """Return a response that is as new as everything that was committed before this call.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        await self._changes.catch_up()
        return await self._checker.find(key) if self.is_enabled else None

    def find_ready(self, key: str) -> CachedResponse | None:
        """Return a response as `find` does, if that needs no statement, else None."""
        return self._find_current(key) if self.is_enabled and self._changes.is_current else None

    def _find_current(self, key: str) -> CachedResponse | None:
        """Return a response if it is right. One that may be right stays in the cache."""
        found = self._entries.get(key)
        if found is None or self._is_current(found):
            return found
        if not (found.checks and self._are_objects_unchanged(found)):
            self._entries.remove(key)
        return None

    def _is_current(self, response: CachedResponse) -> bool:
        needs, since = response.dependencies, response.generation
        if response.expires_at <= self._clock() or self._changes.has_catalog_changed(since):
            return False
        return not (needs.on_stock and self._changes.has_stock_changed(since, needs.stocked_ids))

    def _are_objects_unchanged(self, response: CachedResponse) -> bool:
        """Whether none of the objects on the pages of a response has changed."""
        needs, since, changes = response.dependencies, response.generation, self._changes
        if response.expires_at <= self._clock() or (needs.on_stock and needs.shown_ids is None):
            return False
        if any(changes.has_product_changed(since, id_) for check in response.checks for id_ in check.ids):
            return False
        return not (needs.on_stock and changes.has_stock_changed(since, needs.shown_ids))

    async def wait_for_equal(self, key: str) -> bool:
        """Wait for the end of an equal request in progress. Returns whether there was one."""
        running = self._running.get(key)
        if running is None:
            return False
        with suppress(TimeoutError):
            await asyncio.wait_for(running.wait(), MAX_WAIT)
        return True

    @contextmanager
    def announce(self, key: str) -> Iterator[None]:
        """Let equal requests wait for this one, inside the `with` statement."""
        if key in self._running or self._uncacheable.get(key):
            yield
            return
        ended = self._running[key] = asyncio.Event()
        try:
            yield
        finally:
            del self._running[key]
            ended.set()

    def mark_uncacheable(self, key: str) -> None:
        """Note that the response to a request cannot be cached."""
        self._uncacheable.put(key, True, 1)

    def store(
        self,
        key: str,
        data: Mapping[str, Any],
        policy: CachePolicy,
        dependencies: Dependencies,
        generation: int,
        checks: tuple[PageCheck, ...] = (),
    ) -> CachedResponse:
        """Store a response, unless what it depends on has changed since it began."""
        content, expires_at = copy_exactly(orjson.dumps({"data": data})), self._clock() + MAX_AGE
        response = CachedResponse(content, policy, dependencies, generation, expires_at, checks)
        self.add(key, response)
        return response

    def add(self, key: str, response: CachedResponse) -> None:
        """Add a response, unless what it depends on has changed since its generation."""
        if not self.is_enabled or not self._is_current(response):
            return
        size = _compute_size(key, response)
        self._entries.put(key, response, size)
        if size > self._largest:
            self.mark_uncacheable(key)


def _compute_size(key: str, response: CachedResponse) -> int:
    """Compute the bytes that a response takes at most: with two compressed forms, its key and what it depends on."""
    needs, checks = response.dependencies, response.checks
    ids = len(needs.stocked_ids or needs.shown_ids or ()) + POSITION_IDS * sum(len(check.ids) for check in checks)
    return 3 * len(response.content) + sys.getsizeof(key) + ID_SIZE * ids + ENTRY_SIZE + CHECK_SIZE * len(checks)


def build_response_key(document: str, request: GraphQLRequest, caller: Caller, *, by_get: bool) -> str | None:
    """Build the key of a request: equal requests of callers of one scope class. None: it is not cached."""
    if request.operation_key is None:
        return None
    key = f"{document} {by_get} {caller.scope_class} {request.operation_key}"
    return key if len(key) <= MAX_KEY_LENGTH else None
