"""Sizes of the caches of a process: what they take of its memory, and how much they may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.execution.caching.lru_cache import WeightedLRU

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class SizedCache:
    """A cache of the process, which may have several parts.

    Attributes:
        bytes_per_weight: the memory that a value takes for each unit of its weight.
    """

    name: str
    parts: Sequence[WeightedLRU[Any]]
    bytes_per_weight: float = 1

    @property
    def used(self) -> float:
        """The megabytes that its values take."""
        return sum(part.weight for part in self.parts) * self.bytes_per_weight / MEGABYTE

    @property
    def limit(self) -> float:
        """The megabytes that its values may take."""
        return sum(part.bound for part in self.parts) * self.bytes_per_weight / MEGABYTE

    @property
    def count(self) -> int:
        """The number of its values."""
        return sum(part.count for part in self.parts)


class CacheSizes:
    """The caches of one process."""

    def __init__(self, caches: Sequence[SizedCache] = ()) -> None:
        self._caches = {cache.name: cache for cache in caches}

    def add(self, caches: Sequence[SizedCache]) -> None:
        """Add caches, each instead of one of the same name."""
        self._caches |= {cache.name: cache for cache in caches}

    def describe(self) -> str:
        """Describe what each cache has and takes, for the log."""
        found = self._caches.values()
        parts = [f"{one.name} {one.used:.1f} of {one.limit:.0f} MB ({one.count:,})" for one in found]
        return ", ".join([*parts, f"together {sum(one.used for one in found):.1f} MB"])

    def describe_limits(self) -> str:
        """Describe how much each cache may take."""
        found = self._caches.values()
        parts = [f"{one.name} {one.limit:.0f} MB" for one in found]
        return ", ".join([*parts, f"together {sum(one.limit for one in found):.0f} MB of each process"])
