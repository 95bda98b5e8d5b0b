"""What is in the in-memory channel, and what befalls its calls."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from gateway.sdk import Outcome, Place
from gateway.sdk.testing.faults import Ask, Fault, chained
from gateway.sdk.testing.rows import Row

FEEDS: Final[tuple[Literal["products", "stock", "customers", "orders"], ...]] = (
    "products",
    "stock",
    "customers",
    "orders",
)


@dataclass(slots=True)
class Rule:
    """A fault, and the calls that it befalls."""

    fault: Fault
    feed: str | None
    method: str | None
    left: int | None

    def befalls(self, ask: Ask) -> bool:
        """Whether it befalls this call; uses up one of its times if so."""
        if self.feed not in (None, ask.feed) or self.method not in (None, ask.method) or self.left == 0:
            return False
        self.left = None if self.left is None else self.left - 1
        return True


class MemoryStore:
    """What is in the channel. May be changed from any thread.

    Attributes:
        places: the channel's locations.
        calls: what it was asked, in order.
        subscriptions: where deliveries are to be sent.
        taken: the feeds and marks of the passes that the gateway has stored.
        outcomes: what became of the commands that it was sent, by their keys.
    """

    def __init__(self, places: Sequence[Place] = ()) -> None:
        self.places = list(places)
        self.subscriptions: list[str] = []
        self._lock = threading.RLock()
        self._rules: list[Rule] = []
        self.clear()

    def clear(self) -> None:
        """Forget every row, call and command, as though the channel were new. Faults and subscriptions stay."""
        self.calls: list[Ask] = []
        self.taken: list[tuple[str, str | None]] = []
        self.outcomes: dict[str, Outcome] = {}
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._count = 0
        self._rows: dict[str, dict[str, Row]] = {feed: {} for feed in FEEDS}
        self._changed: dict[str, dict[str, int]] = {feed: {} for feed in FEEDS}
        self._removed: dict[str, dict[str, int]] = {feed: {} for feed in FEEDS}
        self._sorted: dict[str, list[str]] = {}

    def put(self, feed: str, row: Row, *, version: int | None = None) -> None:
        """Add a row, or replace the one of its id. `version`: another one than the next, as after a restored backup."""
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
        """A copy of a feed's rows, by id."""
        with self._lock:
            return copy.deepcopy(self._rows[feed])

    def count(self, feed: str) -> int:
        """How many rows a feed has."""
        return len(self._rows[feed])

    def apply(
        self, fault: Fault, *, feed: str | None = None, method: str | None = None, times: int | None = None
    ) -> Rule:
        """Let a fault befall calls from now on: of one feed or all, of one method or all, so often or always."""
        rule = Rule(fault, feed, method, times)
        with self._lock:
            self._rules.append(rule)
        return rule

    @contextmanager
    def under(
        self, fault: Fault, *, feed: str | None = None, method: str | None = None, times: int | None = None
    ) -> Iterator[None]:
        """As `apply`, for as long as the context lasts."""
        rule = self.apply(fault, feed=feed, method=method, times=times)
        try:
            yield
        finally:
            with self._lock:
                self._rules.remove(rule)

    def mend(self) -> None:
        """End every fault. Calls that one of them holds are not freed by this."""
        with self._lock:
            self._rules.clear()

    async def answer(self, ask: Ask, truly: Callable[[], Any]) -> Any:
        """What the channel says when it is asked this: the truth, as the faults let it through."""

        async def told() -> Any:
            with self._lock:
                return truly()

        with self._lock:
            self.calls.append(ask)
            faults = [rule.fault for rule in self._rules if rule.befalls(ask)]
        return await chained(faults, ask, told)()

    def later(self, at: float, work: Callable[[], None]) -> None:
        """Have this be done then, in the order of what was asked for: a write that is not seen at once."""
        with self._lock:
            self._later.append((at, work))

    def catch_up(self, now: float) -> None:
        """Do what is due by now."""
        with self._lock:
            due = [work for at, work in self._later if at <= now]
            self._later = [(at, work) for at, work in self._later if at > now]
            for work in due:
                work()

    def reached(self) -> int:
        """The number of the last change."""
        return self._count

    def one(self, feed: str, id: str) -> Row | None:
        """A copy of one row."""
        row = self._rows[feed].get(id)
        return copy.deepcopy(row)

    def ids(self, feed: str, since: int, *, by_change: bool, removed: bool) -> Sequence[str]:
        """The ids of what there is and has changed since, by change or in their own order; `removed`: and was then."""
        changed = self._changed[feed]
        if since == 0:
            return tuple(changed) if by_change else self._by_id(feed)
        lost = self._removed[feed] if removed else {}
        recent = {id: count for id, count in (*changed.items(), *lost.items()) if count > since}
        return sorted(recent, key=recent.__getitem__) if by_change else sorted(recent)

    def position(self, feed: str, id: str) -> int:
        """The number of the last change of a row, or of its deletion."""
        return self._changed[feed].get(id) or self._removed[feed][id]

    def _by_id(self, feed: str) -> Sequence[str]:
        if feed not in self._sorted:
            self._sorted[feed] = sorted(self._changed[feed])
        return self._sorted[feed]

    def _touch(self, feed: str, id: str) -> None:
        """Forget where the row stood: it goes to the end."""
        self._count += 1
        if self._changed[feed].pop(id, None) is None:
            self._sorted.pop(feed, None)
        self._removed[feed].pop(id, None)
