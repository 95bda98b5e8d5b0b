"""Change follower: finds what was committed before a request, so that no cached response is older (rule E3)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

from gateway.storage.database import Database
from gateway.storage.reads.catalog_values import CATALOG_KINDS
from gateway.storage.reads.new_changes import LogMark, NewChanges, read_new_changes

SHOWN_KINDS = frozenset({*CATALOG_KINDS, "CHANNEL"})
"""Changes after which any response can differ: the catalog, and the channels that list it."""

MAX_TRACKED_IDS = 50_000
"""Products, and products and variants with stock, for which the last change is recorded."""


class ChangedIds:
    """The generation in which each of many ids has last changed, as far as it is known.

    Attributes:
        last: the generation in which any has.
    """

    def __init__(self) -> None:
        self._changed: dict[str, int] = {}
        self.last = self._any_since = 0

    def record(self, generation: int, ids: Collection[str] | None) -> None:
        """Record that these ids have changed; None: any may have."""
        if ids is not None and not ids:
            return
        self.last = generation
        if ids is None or len(self._changed) + len(ids) > MAX_TRACKED_IDS:
            self._any_since = generation  # before the ids are cleared: other threads read both
            self._changed.clear()
        else:
            self._changed.update(dict.fromkeys(ids, generation))

    def has_changed(self, since: int, ids: Iterable[str] | None) -> bool:
        """Return whether one of these ids has changed since a generation; None: whether any has."""
        if self.last <= since:
            return False
        changed = self._changed
        if ids is None or any(changed.get(id_, 0) > since for id_ in ids):
            return True
        return self._any_since > since  # last: it is set before the ids are cleared, maybe by another thread


class ChangeFollower:
    """Follows the change log of all processes.

    Attributes:
        generation: increases with each read of the log that finds changes.
        last_change: the generation in which any product or stock has changed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self._version: int | None = None
        self._mark: LogMark | None = None
        self._arrived = self._covered = 0
        self.generation = self.last_change = 0
        self._catalog_changed = 0
        self._products, self._stocked = ChangedIds(), ChangedIds()

    @property
    def is_current(self) -> bool:
        """Whether nothing was committed since the last read of the log. False: that is not known."""
        version = self._database.read_version()
        return version is not None and version == self._version

    async def catch_up(self) -> None:
        """Find the changes that were committed before this call.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        if self.is_current:
            return
        self._arrived += 1
        arrived = self._arrived
        async with self._lock:
            if self._covered < arrived:  # else another call has read the log since this one arrived
                await self._read_log()

    async def _read_log(self) -> None:
        covered, version = self._arrived, self._database.read_version()
        self._apply(await self._database.read(read_new_changes, self._mark))
        self._covered, self._version = covered, version

    def _apply(self, found: NewChanges) -> None:
        self._mark = found.mark
        if not found.is_complete or found.kinds:
            self.generation += 1
        if not found.is_complete or found.kinds & SHOWN_KINDS:
            self._catalog_changed = self.generation
        self._products.record(self.generation, found.product_ids if found.is_complete else None)
        self._stocked.record(self.generation, found.stocked_ids if found.is_complete else None)
        self.last_change = max(self._products.last, self._stocked.last)

    def has_catalog_changed(self, generation: int) -> bool:
        """Return whether the catalog has changed since a generation."""
        return self._catalog_changed > generation

    def has_product_changed(self, generation: int, id_: str) -> bool:
        """Return whether a product, or what any product may show, has changed since a generation."""
        return self._products.has_changed(generation, (id_,))

    def has_stock_changed(self, generation: int, ids: Iterable[str] | None) -> bool:
        """Return whether the stock of these products and variants has changed since a generation; None: any stock."""
        return self._stocked.has_changed(generation, ids)
