"""Rendered objects: the JSON of products in lists, as a selection shows them to callers of one scope class (rule E4).

A list is read whenever the catalog has changed, because any product can enter it. What it shows of each product is
rendered anew only if that product, its stock, or what all products may show has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson

from gateway.execution.caching.cache_sizes import MEGABYTE, SizedCache
from gateway.execution.caching.change_follower import ChangeFollower
from gateway.execution.caching.kept_bytes import copy_exactly
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.caching.response_cache import ENTRY_SIZE, MAX_AGE
from gateway.execution.response_size import MAX_RESPONSE_FIELDS

MAX_RENDERED_FIELDS = MAX_RESPONSE_FIELDS // 4
"""Fields of a response that may come from rendered objects: how many one has is known as an average only."""

DIGEST_SIZE = 16
"""Bytes that stand for a selection and everything else that its objects depend on: hundreds of characters, which each
object would keep.
"""


@dataclass(frozen=True, slots=True)
class RenderedObject:
    """An object of a response.

    Attributes:
        content: its JSON, for the serializer.
        fields: by how much it adds to the size of the response: the average of the objects rendered with it.
        generation: the follower's generation before it was loaded.
    """

    content: orjson.Fragment
    fields: int
    generation: int
    expires_at: datetime


class RenderedObjects:
    """The rendered objects of one gateway. `megabytes`: the limit of their memory; 0: none is cached."""

    def __init__(self, changes: ChangeFollower, megabytes: int, clock: Callable[[], datetime]) -> None:
        self.is_enabled = megabytes > 0
        self.changes = changes
        self.clock = clock
        self.entries: WeightedLRU[RenderedObject] = WeightedLRU(megabytes * MEGABYTE, MEGABYTE)

    def measure(self) -> SizedCache:
        """Return its size."""
        return SizedCache("rendered", (self.entries,))

    @property
    def size(self) -> int:
        """The bytes that all objects take."""
        return self.entries.weight


class RenderedSelection:
    """The objects of one selection in one request.

    Args:
        key: of the selection and of everything else that its objects depend on.
        on_stock: whether they depend on stock.
        generation: the follower's generation before the request loads anything.
    """

    def __init__(self, objects: RenderedObjects, key: str, generation: int, *, on_stock: bool) -> None:
        self._objects = objects
        self._key = blake2b(key.encode(errors="surrogatepass"), digest_size=DIGEST_SIZE).hexdigest()
        self._generation = generation
        self._now = objects.clock()
        changes = objects.changes
        stocked = changes.get_last_change(of_stock=True) if on_stock else 0
        self._last_change = max(changes.get_last_change(of_stock=False), stocked)
        self.on_stock = on_stock
        self.reused: dict[str, int] = {}
        self.added: dict[str, Mapping[str, Any]] = {}

    def find(self, id_: str) -> RenderedObject | None:
        """Return the rendered object with this id, if it is as new as what was committed before the request."""
        key = f"{self._key} {id_}"
        found = self._objects.entries.get(key)
        if found is None or len(self.reused) * found.fields > MAX_RENDERED_FIELDS:
            return None
        if not self._is_current(found, id_):
            self._objects.entries.remove(key)
            return None
        self.reused[id_] = found.fields
        return found

    def _is_current(self, found: RenderedObject, id_: str) -> bool:
        changes, since = self._objects.changes, found.generation
        if found.expires_at <= self._now:
            return False
        if since >= self._last_change:
            return True
        if changes.has_product_changed(since, id_):
            return False
        return not (self.on_stock and changes.has_stock_changed(since, (id_,)))

    def add(self, id_: str, content: Mapping[str, Any]) -> None:
        """Note an object that is stored once the response is complete."""
        self.added[id_] = content

    def store(self, fields: int) -> None:
        """Store the objects that were added. `fields`: the average by which one adds to the size of a response."""
        for id_, content in self.added.items():
            text, key = copy_exactly(orjson.dumps(content)), f"{self._key} {id_}"
            rendered = RenderedObject(orjson.Fragment(text), fields, self._generation, self._now + MAX_AGE)
            self._objects.entries.put(key, rendered, len(text) + len(key) + ENTRY_SIZE // 2)
