"""Rendered objects: the JSON of products in lists, as a selection shows them to callers of one scope class (rule E4).

A list is read whenever the catalog has changed, because any product can enter it. What it shows of each product is
rendered anew only if that product, its stock, or what all products may show has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
class RenderedKey:
    """Where an object is cached.

    Attributes:
        text: the key: of its selection, and its id.
        on_stock: whether it depends on stock.
    """

    text: str
    id: str
    on_stock: bool


@dataclass(frozen=True, slots=True)
class RenderedObject:
    """An object of a response.

    Attributes:
        text: its JSON.
        content: the same for the serializer.
        fields: by how much it adds to the size of the response: the average of the objects rendered with it.
        generation: the follower's generation before it was loaded.
    """

    text: bytes
    content: orjson.Fragment
    fields: int
    generation: int
    expires_at: datetime


class RenderedObjects:
    """The rendered objects of one gateway. `megabytes`: the limit of their memory; 0: none is cached."""

    def __init__(self, changes: ChangeFollower, megabytes: int, clock: Callable[[], datetime]) -> None:
        self.is_enabled = megabytes > 0
        self.clock = clock
        self._changes = changes
        self.entries: WeightedLRU[RenderedObject] = WeightedLRU(megabytes * MEGABYTE, MEGABYTE)

    def measure(self) -> SizedCache:
        """Return its size."""
        return SizedCache("rendered", (self.entries,))

    @property
    def size(self) -> int:
        """The bytes that all objects take."""
        return self.entries.weight

    def find(self, key: RenderedKey, now: datetime) -> RenderedObject | None:
        """Return a rendered object, if it is as new as what was committed before the request, which has followed the
        changes.
        """
        found = self.entries.get(key.text)
        if found is None or (found.expires_at > now and not self._has_changed(found.generation, key)):
            return found
        self.entries.remove(key.text)
        return None

    def find_all(self, keys: Sequence[RenderedKey], now: datetime) -> list[RenderedObject] | None:
        """Return rendered objects as `find` does, or None if one is missing."""
        objects, get, last = [], self.entries.get, self._changes.last_change
        for key in keys:
            found = get(key.text)
            if found is None or found.expires_at <= now:
                return None
            if found.generation < last and self._has_changed(found.generation, key):
                return None
            objects.append(found)
        return objects

    def _has_changed(self, since: int, key: RenderedKey) -> bool:
        changes = self._changes
        return changes.has_product_changed(since, key.id) or (
            key.on_stock and changes.has_stock_changed(since, (key.id,))
        )

    def store(self, key: RenderedKey, text: bytes, fields: int, generation: int, now: datetime) -> None:
        """Store an object that was loaded after this generation."""
        rendered = RenderedObject(text, orjson.Fragment(text), fields, generation, now + MAX_AGE)
        self.entries.put(key.text, rendered, len(text) + len(key.text) + ENTRY_SIZE // 2)


class RenderedSelection:
    """The objects of one selection in one request.

    Args:
        key: of the selection and of everything else that its objects depend on.
        on_stock: whether they depend on stock.
        generation: the follower's generation before the request loads anything.

    Attributes:
        reused: the objects that were found, by id.
        added: the ids of those that were not, and their content.
    """

    def __init__(self, objects: RenderedObjects, key: str, generation: int, *, on_stock: bool) -> None:
        self._objects = objects
        self._key = blake2b(key.encode(errors="surrogatepass"), digest_size=DIGEST_SIZE).hexdigest()
        self._generation = generation
        self._now = objects.clock()
        self.on_stock = on_stock
        self.reused: dict[str, RenderedObject] = {}
        self.added: list[tuple[str, Mapping[str, Any]]] = []

    def _build_key(self, id_: str) -> RenderedKey:
        return RenderedKey(f"{self._key} {id_}", id_, self.on_stock)

    def find(self, id_: str) -> RenderedObject | None:
        """Return the rendered object with this id, if it is as new as what was committed before the request."""
        found = self._objects.find(self._build_key(id_), self._now)
        if found is None or len(self.reused) * found.fields > MAX_RENDERED_FIELDS:
            return None
        self.reused[id_] = found
        return found

    def add(self, id_: str, content: Mapping[str, Any]) -> None:
        """Note an object that is stored once the response is complete."""
        self.added.append((id_, content))

    def store(self, fields: int) -> None:
        """Store the objects that were added. `fields`: the average by which one adds to the size of a response."""
        for id_, content in self.added:
            text = copy_exactly(orjson.dumps(content))
            self._objects.store(self._build_key(id_), text, fields, self._generation, self._now)

    def list_objects(self) -> list[tuple[object, RenderedKey]]:
        """List the objects of the response, as it has them, with their keys."""
        found = [*self.added, *((id_, rendered.content) for id_, rendered in self.reused.items())]
        return [(content, self._build_key(id_)) for id_, content in found]
