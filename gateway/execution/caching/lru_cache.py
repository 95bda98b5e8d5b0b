"""LRU cache with weights. Why not cachetools: see ADR 0011."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")


class WeightedLRU(Generic[V]):
    """Values by key, up to a total weight. It evicts the least recently used values. Any thread may use it.

    Attributes:
        bound: limit of the total weight.

    Args:
        largest: limit of the weight of one value. A heavier one is not stored. The default is `bound`.
    """

    def __init__(self, bound: int, largest: int | None = None) -> None:
        self.bound = bound
        self._largest = bound if largest is None else largest
        self._entries: OrderedDict[str, tuple[V, int]] = OrderedDict()
        self.weight = 0
        self._lock = Lock()

    @property
    def count(self) -> int:
        """The number of values."""
        return len(self._entries)

    def list_items(self) -> list[tuple[str, V]]:
        """Return all keys and values. It does not count as use."""
        with self._lock:
            return [(key, value) for key, (value, _) in self._entries.items()]

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def get(self, key: str) -> V | None:
        """Return the value and mark it as the most recently used, or return None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
        return entry[0]

    def find(self, key: str) -> V | None:
        """Return the value, or None. It does not count as use."""
        entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def put(self, key: str, value: V, weight: int) -> None:
        """Store a value. It replaces the one with the same key."""
        with self._lock:
            self._remove(key)
            if weight > self._largest:
                return
            self._entries[key] = (value, weight)
            self.weight += weight
            while self.weight > self.bound:
                _, (_, freed) = self._entries.popitem(last=False)
                self.weight -= freed

    def remove(self, key: str) -> None:
        """Remove a value."""
        with self._lock:
            self._remove(key)

    def _remove(self, key: str) -> None:
        _, freed = self._entries.pop(key, (None, 0))
        self.weight -= freed
