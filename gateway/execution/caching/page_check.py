"""Page check: whether a page still has the same items, so that what is cached of it outlives changes of others (rule
E5).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gateway.execution.caching.change_follower import ChangeFollower
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.storage.database import Connection, Database


@dataclass(frozen=True, slots=True)
class PageCheck:
    """What tells whether a page still has the same items in the same order.

    Attributes:
        read: reads which items the page has now.
        expected: what `read` returns if they are the same.
        ids: of the items.
    """

    read: Callable[[Connection], object]
    expected: object
    ids: frozenset[str]


def are_current(conn: Connection, checks: tuple[PageCheck, ...]) -> bool:
    """Return whether all pages still have the same items."""
    return all(check.read(conn) == check.expected for check in checks)


class CheckedEntry(Protocol):
    """What is cached of pages. `generation`: the follower's generation since which they are not known to be right."""

    generation: int

    @property
    def checks(self) -> tuple[PageCheck, ...]: ...


E = TypeVar("E", bound=CheckedEntry)


class PageChecker(Generic[E]):
    """Checks the pages of cached entries. Equal requests share a check.

    Args:
        find_current: returns an entry if it is right without a check. One that cannot be right is removed.
    """

    def __init__(
        self,
        database: Database,
        changes: ChangeFollower,
        entries: WeightedLRU[E],
        find_current: Callable[[str], E | None],
    ) -> None:
        self._database = database
        self._changes = changes
        self._entries = entries
        self._find_current = find_current
        self._running: dict[str, asyncio.Event] = {}

    async def find(self, key: str) -> E | None:
        """Return the entry with this key if its pages have the same items, else None. The request has followed the
        changes.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        found = self._find_current(key)
        while found is None and key in self._entries:
            running = self._running.get(key)
            if running is None:
                return await self._check(key)
            await running.wait()
            found = self._find_current(key)
        return found

    async def _check(self, key: str) -> E | None:
        generation, found = self._changes.generation, self._entries.get(key)
        if found is None:
            return None
        ended = self._running[key] = asyncio.Event()
        try:
            is_right = await self._database.read(are_current, found.checks)
        finally:
            del self._running[key]
            ended.set()
        if is_right:
            found.generation = generation
            return found
        if self._entries.get(key) is found:  # else an equal request was executed meanwhile
            self._entries.remove(key)
        return None
