"""Response templates: what cached pages have around their rendered objects (rule E6).

A response whose objects have changed is complete again as soon as another request has rendered them: the template has
the rest of its bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from gateway.execution.caching.cache_control import CachePolicy, DataKind
from gateway.execution.caching.cache_sizes import MEGABYTE, SizedCache
from gateway.execution.caching.change_follower import ChangeFollower
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.caching.page_check import PageCheck, PageChecker
from gateway.execution.caching.rendered_objects import (
    MAX_RENDERED_FIELDS,
    RenderedKey,
    RenderedObject,
    RenderedObjects,
)
from gateway.execution.caching.response_cache import (
    CHECK_SIZE,
    ENTRY_SIZE,
    ID_SIZE,
    MAX_AGE,
    POSITION_IDS,
    CachedResponse,
    Dependencies,
)
from gateway.storage.database import Database

SHARE = 8
"""Of the memory of rendered objects, the part that templates may take besides."""

MARK = b"\x00"
"""Stands for an object: JSON never has this byte."""

KEY_SIZE = 200
"""Bytes that the key of an object takes."""


@dataclass(slots=True)
class ResponseTemplate:
    """The body of a response without its objects.

    Attributes:
        parts: the texts before, between and after the objects, with an empty one in the place of each object.
        keys: of the objects, in their order.
        dependencies: those of a response with these objects. Changes of stock are found by the product, too.
        checks: tell whether these are still the objects.
        generation: the follower's generation before the page was read.
    """

    parts: Sequence[bytes]
    keys: Sequence[RenderedKey]
    policy: CachePolicy
    dependencies: Dependencies
    checks: tuple[PageCheck, ...]
    generation: int
    expires_at: datetime


class ResponseTemplates:
    """The templates of one gateway. `megabytes`: the limit of the memory of rendered objects."""

    def __init__(
        self,
        database: Database,
        changes: ChangeFollower,
        rendered: RenderedObjects,
        megabytes: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._changes = changes
        self._rendered = rendered
        self._clock = clock
        self._entries: WeightedLRU[ResponseTemplate] = WeightedLRU(megabytes * MEGABYTE // SHARE, MEGABYTE)
        self._checker = PageChecker(database, changes, self._entries, self._find_current)

    @property
    def is_enabled(self) -> bool:
        """Whether objects are rendered."""
        return self._rendered.is_enabled

    def measure(self) -> SizedCache:
        """Return its size."""
        return SizedCache("templates", (self._entries,))

    def has_template(self, key: str) -> bool:
        """Return whether there is a template for a response. It may be outdated."""
        return self.is_enabled and key in self._entries

    async def compose(self, key: str) -> CachedResponse | None:
        """Compose the response to a request that has followed the changes. None: objects or the template are missing.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        template = self._entries.get(key) if self.is_enabled else None
        if template is None or self._find_objects(template) is None:
            return None
        checked = await self._checker.find(key)
        return None if checked is None else self._compose(checked)

    def compose_ready(self, key: str) -> CachedResponse | None:
        """Compose a response as `compose` does, if that needs no statement, else None."""
        template = self._find_current(key) if self.is_enabled and self._changes.is_current else None
        return None if template is None else self._compose(template)

    def _find_current(self, key: str) -> ResponseTemplate | None:
        found = self._entries.get(key)
        if found is None or self._is_current(found):
            return found
        if found.expires_at <= self._clock():
            self._entries.remove(key)
        return None

    def _is_current(self, template: ResponseTemplate) -> bool:
        since, changes = template.generation, self._changes
        if template.expires_at <= self._clock() or changes.has_catalog_changed(since):
            return False
        needs = template.dependencies
        return not (needs.on_stock and needs.stocked_ids is None and changes.has_stock_changed(since, None))

    def _find_objects(self, template: ResponseTemplate) -> list[RenderedObject] | None:
        """Find all objects of a template, or return None."""
        objects = self._rendered.find_all(template.keys, self._clock())
        if objects is None or sum([one.fields for one in objects]) > MAX_RENDERED_FIELDS:
            return None
        return objects

    def _compose(self, template: ResponseTemplate) -> CachedResponse | None:
        objects = self._find_objects(template)
        if objects is None:
            return None
        parts, expires_at = [*template.parts], min([template.expires_at, *(one.expires_at for one in objects)])
        parts[1::2] = [one.text for one in objects]
        generation = self._changes.generation if self._is_current(template) else template.generation
        content, policy = b"".join(parts), template.policy
        return CachedResponse(content, policy, template.dependencies, generation, expires_at, template.checks)

    def store(
        self,
        key: str,
        data: Mapping[str, Any],
        objects: Collection[tuple[object, RenderedKey]],
        policy: CachePolicy,
        generation: int,
        checks: tuple[PageCheck, ...],
    ) -> None:
        """Store the template of a response, unless what it depends on has changed since it began.

        Args:
            objects: the rendered objects in the data, with their keys.
            checks: of all pages of the response.
        """
        parts, keys = _split(data, objects)
        needs = _find_dependencies(keys, on_any_stock=DataKind.STOCK in policy.added_kinds)
        template = ResponseTemplate(parts, keys, policy, needs, checks, generation, self._clock() + MAX_AGE)
        if self._is_current(template):
            self._entries.put(key, template, _compute_size(key, template))


def _split(
    data: Mapping[str, Any], objects: Collection[tuple[object, RenderedKey]]
) -> tuple[list[bytes], list[RenderedKey]]:
    """Split the body of a response at its objects. Returns its parts, empty at their places, and their keys."""
    keys_by_identity = {id(content): key for content, key in objects}
    keys: list[RenderedKey] = []
    mark = orjson.Fragment(MARK)

    def replace(value: Any) -> Any:
        key = keys_by_identity.get(id(value))
        if key is not None:
            keys.append(key)
            return mark
        if isinstance(value, dict):
            return {name: replace(item) for name, item in value.items()}
        return [replace(item) for item in value] if isinstance(value, list) else value

    texts = orjson.dumps({"data": replace(data)}).split(MARK)
    parts = [part for text in texts for part in (text, b"")]
    return parts[:-1], keys


def _find_dependencies(keys: Sequence[RenderedKey], *, on_any_stock: bool) -> Dependencies:
    """Find what a response depends on. `on_any_stock`: the stock of any product can change which objects it has."""
    ids = frozenset(key.id for key in keys if key.on_stock)
    return Dependencies(True, None, ids) if on_any_stock else Dependencies(bool(ids), ids, ids)


def _compute_size(key: str, template: ResponseTemplate) -> int:
    """Compute the bytes that a template takes at most."""
    positions = POSITION_IDS * ID_SIZE * sum(len(check.ids) for check in template.checks)
    texts = sum(sys.getsizeof(part) for part in template.parts if part)
    keys = KEY_SIZE * len(template.keys)
    return texts + keys + sys.getsizeof(key) + positions + ENTRY_SIZE + CHECK_SIZE * len(template.checks)
