"""Lots: the points of an account by when they can be spent and when they expire, replayed from its facts (rule Y6)."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Lot:
    """Points that can be spent from the same time on, and expire at the same time; None: never."""

    key: str
    points: int
    begins_at: datetime
    expires_at: datetime | None
    expired: int = 0

    @property
    def rank(self) -> tuple[bool, datetime, str]:
        """Position in the order in which lots are spent: soonest expiry first."""
        return self.expires_at is None, self.expires_at or self.begins_at, self.key


@dataclass(slots=True)
class Use:
    """Points of a debit: what is still owed, and what was taken of lots, in the order in which it was taken."""

    key: str
    owed: int
    taken: list[tuple[Lot, int]] = field(default_factory=list)

    @property
    def spent(self) -> int:
        """Points that were spent and have not come back."""
        return self.owed + sum(points for _, points in self.taken)


class LotBook:
    """The lots and the debts of an account, at a time that only moves forward."""

    def __init__(self) -> None:
        self.lots: dict[str, Lot] = {}
        self.uses: dict[str, Use] = {}
        self._waiting: list[Lot] = []
        self._begun: list[Lot] = []
        self._debts: deque[Use] = deque()

    @property
    def debt(self) -> int:
        """Points that were spent and not covered by any lot (rule Y5)."""
        return sum(use.owed for use in self._debts)

    @property
    def spendable(self) -> int:
        """Points that can be spent; negative if there is a debt."""
        return sum(lot.points for lot in self._begun) - self.debt

    @property
    def pending(self) -> int:
        """Points of lots that have not begun (rule Y10)."""
        return sum(lot.points for lot in self._waiting)

    def list_spendable(self) -> list[Lot]:
        """List the lots that can be spent, soonest expiry first."""
        return [lot for lot in self._begun if lot.points]

    def find_next(self) -> datetime | None:
        """Find when the next lot begins or expires."""
        return min(self._list_times(), default=None)

    def advance(self, to: datetime) -> None:
        """Let lots begin and expire, one at a time: a lot that begins settles debts before another expires."""
        while (at := self.find_next()) is not None and at <= to:
            if self._waiting and self._waiting[0].begins_at == at:
                self._begin(self._waiting.pop(0))
            else:
                self._expire(self._begun.pop(0))

    def add(self, lot: Lot, now: datetime) -> None:
        """Add a lot."""
        self.lots[lot.key] = lot
        if lot.begins_at > now:
            insort(self._waiting, lot, key=lambda waiting: (waiting.begins_at, waiting.key))
        else:
            self._begin(lot)

    def spend(self, key: str, points: int) -> None:
        """Spend points, soonest expiry first. What no lot covers is owed."""
        use = self.uses[key] = Use(key, points)
        self._debts.append(use)
        self._settle()

    def reduce(self, lot_key: str, key: str, points: int) -> None:
        """Take points off a lot because of a return: first what is left or expired of it, then whatever there is."""
        lot = self.lots[lot_key]
        left = min(points, lot.points)
        lot.points -= left
        unspent = min(points - left, lot.expired)
        lot.expired -= unspent
        if points > left + unspent:
            self.spend(key, points - left - unspent)

    def restore(self, debit_key: str, key: str, points: int, now: datetime, least_expiry: datetime) -> None:
        """Give spent points back: what is owed first, then to lots of their own with the old expiry (rule Y8)."""
        use = self.uses[debit_key]
        unpaid = min(points, use.owed)
        use.owed -= unpaid
        points -= unpaid
        while points and use.taken:
            lot, taken = use.taken.pop()
            part = min(points, taken)
            points -= part
            if part < taken:
                use.taken.append((lot, taken - part))
            expiry = None if lot.expires_at is None else max(lot.expires_at, least_expiry)
            self.add(Lot(f"{key}|{lot.key}", part, now, expiry), now)

    def _begin(self, lot: Lot) -> None:
        insort(self._begun, lot, key=lambda begun: begun.rank)
        self._settle()

    def _expire(self, lot: Lot) -> None:
        lot.expired += lot.points
        lot.points = 0

    def _settle(self) -> None:
        """Cover debts with the lots that have begun, the oldest debt first, soonest expiry first."""
        while self._begun and (self._debts or not self._begun[0].points):
            lot = self._begun[0]
            if not lot.points:
                self._begun.pop(0)
                continue
            use = self._debts[0]
            part = min(lot.points, use.owed)
            lot.points -= part
            use.owed -= part
            if part:
                use.taken.append((lot, part))
            if not use.owed:
                self._debts.popleft()

    def _list_times(self) -> Iterator[datetime]:
        if self._waiting:
            yield self._waiting[0].begins_at
        if self._begun and self._begun[0].expires_at is not None:
            yield self._begun[0].expires_at
