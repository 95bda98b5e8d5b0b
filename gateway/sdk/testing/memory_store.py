"""State of the in-memory channel, and the faults of its calls."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from gateway.sdk import Outcome, Place
from gateway.sdk.testing.fault_injection import Ask, Fault, apply_faults
from gateway.sdk.testing.record_builders import Row

FEEDS: Final[tuple[Literal["products", "stock", "collections", "customers", "orders"], ...]] = (
    "products",
    "stock",
    "collections",
    "customers",
    "orders",
)
REVIEWS: Final = "reviews"
"""The feed of reviews, which a channel has only if its configuration names it."""


@dataclass(slots=True)
class Rule:
    """A fault and the calls it applies to.

    Attributes:
        fault: The fault.
        feed, method: The calls it applies to; None: all.
        left: Number of calls it still applies to; None: no limit.
    """

    fault: Fault
    feed: str | None
    method: str | None
    left: int | None

    def befalls(self, ask: Ask) -> bool:
        """Return whether the fault applies to a call, and count the call if so."""
        if self.feed not in (None, ask.feed) or self.method not in (None, ask.method) or self.left == 0:
            return False
        self.left = None if self.left is None else self.left - 1
        return True


class MemoryStore:
    """State of the in-memory channel. Thread-safe.

    Attributes:
        places: Locations of the channel.
        calls: All calls of the channel, in order.
        subscriptions: URLs to which webhooks are sent.
        logins: IDs of the customers who have logged in, by their tokens.
        broken_logins: Tokens over which the channel raises an unexpected exception.
        taken: Feeds and marks of the passes that the gateway has committed.
        outcomes: Outcomes of the commands, by their keys.
    """

    def __init__(self, places: Sequence[Place] = ()) -> None:
        self.places = list(places)
        self.subscriptions: list[str] = []
        self.logins: dict[str, str] = {}
        self.broken_logins: set[str] = set()
        self._lock = threading.RLock()
        self._rules: list[Rule] = []
        self.clear()

    def clear(self) -> None:
        """Delete all rows, calls and commands, as in a new channel. Faults and subscriptions remain."""
        self.calls: list[Ask] = []
        self.taken: list[tuple[str, str | None]] = []
        self.outcomes: dict[str, Outcome] = {}
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._count = 0
        self._rows: dict[str, dict[str, Row]] = {feed: {} for feed in (*FEEDS, REVIEWS)}
        self._changed: dict[str, dict[str, int]] = {feed: {} for feed in (*FEEDS, REVIEWS)}
        self._removed: dict[str, dict[str, int]] = {feed: {} for feed in (*FEEDS, REVIEWS)}
        self._sorted: dict[str, list[str]] = {}

    def put(self, feed: str, row: Row, *, version: int | None = None) -> None:
        """Insert or replace a row. `version`: overrides the next version, as after a restored backup."""
        with self._lock:
            self._touch(feed, row["id"])
            self._changed[feed][row["id"]] = self._count
            self._rows[feed][row["id"]] = {**copy.deepcopy(row), "version": self._count if version is None else version}

    def change(self, feed: str, id: str, **fields: Any) -> None:
        """Set fields of a row."""
        with self._lock:
            self.put(feed, {**self._rows[feed][id], **fields})

    def remove(self, feed: str, id: str) -> None:
        """Delete a row."""
        with self._lock:
            del self._rows[feed][id]
            self._touch(feed, id)
            self._removed[feed][id] = self._count
            self._sorted.pop(feed, None)

    def rows(self, feed: str) -> dict[str, Row]:
        """Return a copy of the rows of a feed, by ID."""
        with self._lock:
            return copy.deepcopy(self._rows[feed])

    def count(self, feed: str) -> int:
        """Return the number of rows of a feed."""
        return len(self._rows[feed])

    def apply(
        self, fault: Fault, *, feed: str | None = None, method: str | None = None, times: int | None = None
    ) -> Rule:
        """Apply a fault to calls from now on: of one feed or all, of one method or all, `times` times or without a
        limit.
        """
        rule = Rule(fault, feed, method, times)
        with self._lock:
            self._rules.append(rule)
        return rule

    @contextmanager
    def under(
        self, fault: Fault, *, feed: str | None = None, method: str | None = None, times: int | None = None
    ) -> Iterator[None]:
        """Apply a fault (see `apply`) within a context."""
        rule = self.apply(fault, feed=feed, method=method, times=times)
        try:
            yield
        finally:
            with self._lock:
                self._rules.remove(rule)

    def mend(self) -> None:
        """Remove all faults. Calls that a fault holds are not released."""
        with self._lock:
            self._rules.clear()

    async def answer(self, ask: Ask, truly: Callable[[], Any]) -> Any:
        """Answer a call through the faults that apply to it. `truly`: returns the correct answer."""

        async def answer_truly() -> Any:
            with self._lock:
                return truly()

        with self._lock:
            self.calls.append(ask)
            faults = [rule.fault for rule in self._rules if rule.befalls(ask)]
        return await apply_faults(faults, ask, answer_truly)()

    def later(self, at: float, work: Callable[[], None]) -> None:
        """Schedule a change for a time in seconds since 1970: a write that is not visible at once."""
        with self._lock:
            self._later.append((at, work))

    def catch_up(self, now: float) -> None:
        """Apply the scheduled changes that are due."""
        with self._lock:
            due = [work for at, work in self._later if at <= now]
            self._later = [(at, work) for at, work in self._later if at > now]
            for work in due:
                work()

    def reached(self) -> int:
        """Return the number of the last change."""
        return self._count

    def one(self, feed: str, id: str) -> Row | None:
        """Return a copy of a row; None: it does not exist."""
        row = self._rows[feed].get(id)
        return copy.deepcopy(row)

    def ids(self, feed: str, since: int, *, by_change: bool, removed: bool) -> Sequence[str]:
        """Return the IDs of rows that changed since a change number, sorted by change or by ID. `removed`: includes
        deleted rows.
        """
        changed = self._changed[feed]
        if since == 0:
            return tuple(changed) if by_change else self._list_sorted_ids(feed)
        lost = self._removed[feed] if removed else {}
        recent = {id: count for id, count in (*changed.items(), *lost.items()) if count > since}
        return sorted(recent, key=recent.__getitem__) if by_change else sorted(recent)

    def position(self, feed: str, id: str) -> int:
        """Return the number of the last change of a row, or of its deletion."""
        return self._changed[feed].get(id) or self._removed[feed][id]

    def _list_sorted_ids(self, feed: str) -> Sequence[str]:
        if feed not in self._sorted:
            self._sorted[feed] = sorted(self._changed[feed])
        return self._sorted[feed]

    def _touch(self, feed: str, id: str) -> None:
        """Count a change and move the row to the end."""
        self._count += 1
        if self._changed[feed].pop(id, None) is None:
            self._sorted.pop(feed, None)
        self._removed[feed].pop(id, None)
