"""What an account holds, and what is seen of it: a change shows some time after it was made."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.sdk.testing.sandbox import SandboxError

Shape = dict[str, Any]
Kind = Literal["listings", "fba", "orders"]
KINDS: tuple[Kind, ...] = ("listings", "fba", "orders")


@dataclass(slots=True)
class Account:
    """Listings and stock by SKU, orders by id, each as the API tells it.

    Attributes:
        ticks: seconds, on the sandbox's own clock.
        delay: after so many seconds a change is seen.
    """

    ticks: Callable[[], float]
    delay: float = 0.0
    _work: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _true: dict[Kind, dict[str, Shape]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _seen: dict[Kind, dict[str, Shape]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _due: deque[tuple[float, Kind, str, Shape | None]] = field(default_factory=deque)

    def put(self, kind: Kind, id: str, shape: Shape) -> None:
        """Add it, or replace it."""
        self._true[kind][id] = copy.deepcopy(shape)
        self._due.append((self.ticks() + self.delay, kind, id, copy.deepcopy(shape)))

    def remove(self, kind: Kind, id: str) -> None:
        """Delete it."""
        if self._true[kind].pop(id, None) is not None:
            self._due.append((self.ticks() + self.delay, kind, id, None))

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do this so much later: what was taken is applied, whatever has changed until then."""
        self._work.append((self.ticks() + seconds, work))

    def catch_up(self) -> None:
        """Do what was to be done by now."""
        due = sorted((one for one in self._work if one[0] <= self.ticks()), key=lambda one: one[0])
        self._work = [one for one in self._work if one[0] > self.ticks()]
        for _, work in due:
            work()

    def one(self, kind: Kind, id: str) -> Shape:
        """A copy of what is true."""
        self.catch_up()
        if id not in self._true[kind]:
            raise SandboxError(f"{'order' if kind == 'orders' else 'sku'}: the account has no {id} in its {kind}")
        return copy.deepcopy(self._true[kind][id])

    def has(self, kind: Kind, id: str) -> bool:
        """Whether it is true."""
        return id in self._true[kind]

    def seen(self, kind: Kind) -> Mapping[str, Shape]:
        """What is seen now. Not to be changed."""
        self.catch_up()
        while self._due and self._due[0][0] <= self.ticks():
            _, of, id, shape = self._due.popleft()
            if shape is None:
                self._seen[of].pop(id, None)
            else:
                self._seen[of][id] = shape
        return self._seen[kind]
