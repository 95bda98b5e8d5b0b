"""State of an account, current and visible: a change becomes visible with a delay."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.sdk.testing.sandbox import SandboxError

Shape = dict[str, Any]
Kind = Literal["listings", "fba", "orders"]
Records = dict[Kind, dict[str, Shape]]
KINDS: tuple[Kind, ...] = ("listings", "fba", "orders")


@dataclass(slots=True)
class Account:
    """Listings and stock by SKU and orders by ID, in the format of the API.

    Attributes:
        ticks: Returns the seconds of the sandbox's clock.
        delay: Seconds until a change becomes visible.
    """

    ticks: Callable[[], float]
    delay: float = 0.0
    _scheduled: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _is_running: bool = False
    _current: dict[Kind, dict[str, Shape]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _visible: dict[Kind, dict[str, Shape]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _pending_changes: deque[tuple[float, Kind, str, Shape | None]] = field(default_factory=deque)

    def save(self, kind: Kind, id: str, shape: Shape) -> None:
        """Add or replace a record."""
        self._current[kind][id] = copy.deepcopy(shape)
        self._pending_changes.append((self.ticks() + self.delay, kind, id, copy.deepcopy(shape)))

    def remove(self, kind: Kind, id: str) -> None:
        """Delete a record."""
        if self._current[kind].pop(id, None) is not None:
            self._pending_changes.append((self.ticks() + self.delay, kind, id, None))

    def schedule(self, seconds: float, work: Callable[[], None]) -> None:
        """Run a function later, regardless of changes in between."""
        self._scheduled.append((self.ticks() + seconds, work))

    def run_due(self) -> None:
        """Run the scheduled functions that are due, the earliest first. If one fails, the others stay scheduled."""
        if self._is_running:
            return
        self._is_running = True
        try:
            while due := [entry for entry in self._scheduled if entry[0] <= self.ticks()]:
                earliest = min(due, key=lambda entry: entry[0])
                self._scheduled.remove(earliest)
                earliest[1]()
        finally:
            self._is_running = False

    def export_records(self) -> Records:
        """Return copies of all records, after the scheduled functions and the changes that are not visible yet."""
        while self._scheduled:
            self._scheduled.pop(0)[1]()
        return copy.deepcopy(self._current)

    def import_records(self, records: Records) -> None:
        """Replace all records; they are visible at once."""
        self._current, self._visible = copy.deepcopy(records), copy.deepcopy(records)
        self._pending_changes.clear()

    def get_current(self, kind: Kind, id: str) -> Shape:
        """Return a copy of the current record."""
        self.run_due()
        if id not in self._current[kind]:
            raise SandboxError(f"{'order' if kind == 'orders' else 'sku'}: the account has no {id} in its {kind}")
        return copy.deepcopy(self._current[kind][id])

    def has_record(self, kind: Kind, id: str) -> bool:
        """Whether the record exists."""
        return id in self._current[kind]

    def get_visible(self, kind: Kind) -> Mapping[str, Shape]:
        """Return the visible records, which must not be modified."""
        self.run_due()
        while self._pending_changes and self._pending_changes[0][0] <= self.ticks():
            _, of, id, shape = self._pending_changes.popleft()
            if shape is None:
                self._visible[of].pop(id, None)
            else:
                self._visible[of][id] = shape
        return self._visible[kind]
