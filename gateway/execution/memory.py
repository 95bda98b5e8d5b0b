"""What a process remembers: what was used last, within a bound."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")


class Memory(Generic[V]):
    """Values by texts. What was not used for the longest time is forgotten where it all becomes too heavy.

    Args:
        bound: of the weights of all that is remembered.
        largest: weight of a single value that is worth remembering.
    """

    def __init__(self, bound: int, largest: int | None = None) -> None:
        self._bound = bound
        self._largest = bound if largest is None else largest
        self._held: OrderedDict[str, tuple[V, int]] = OrderedDict()
        self.weight = 0

    def items(self) -> list[tuple[str, V]]:
        """All that is remembered. Looking at it is no use of it."""
        return [(key, value) for key, (value, _) in self._held.items()]

    def get(self, key: str) -> V | None:
        """The value, which is now the one that was used last."""
        found = self._held.get(key)
        if found is None:
            return None
        self._held.move_to_end(key)
        return found[0]

    def put(self, key: str, value: V, weight: int) -> None:
        """Remember a value, in the place of the one that was there."""
        self.forget(key)
        if weight > self._largest:
            return
        self._held[key] = (value, weight)
        self.weight += weight
        while self.weight > self._bound:
            _, (_, freed) = self._held.popitem(last=False)
            self.weight -= freed

    def forget(self, key: str) -> None:
        """Remember it no longer."""
        _, freed = self._held.pop(key, (None, 0))
        self.weight -= freed
