"""Replay of the facts of an account: its lots, and what its ledger should contain. Pure (rules Y3, Y5, Y6, Y8, Y10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from gateway.commerce.loyalty.facts import Credit, Debit, Fact, GiveBack, Sale, SaleReturn, collapse_facts
from gateway.commerce.loyalty.lots import Lot, LotBook
from gateway.commerce.loyalty.program import RESTORED_FOR, LoyaltyProgram
from gateway.model.customers.loyalty import LoyaltyEntryKind


class EntryKey(NamedTuple):
    """What entries of the ledger add up to: the points of a fact, or the expiry of a lot."""

    key: str
    is_expiry: bool = False


class SpendableLot(NamedTuple):
    """Points that can be spent until they expire; None: they do not."""

    points: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Target:
    """What the entries of a key should add up to.

    Attributes:
        kind: kind of an entry with the sign of `points`; an entry with the other sign is a reversal.
        begins_at, expires_at: of the lot; None: it is no lot, or does not expire.
    """

    points: int
    kind: LoyaltyEntryKind
    at: datetime
    begins_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """What the facts say of an account at a time.

    Attributes:
        spendable: points that can be spent, without what is held; negative if more was spent than earned.
        pending: points that cannot be spent yet.
        held: points of debits that the ledger does not show yet.
        lots: the lots that can be spent, soonest expiry first.
        next_at: when the state changes by itself; None: never.
        targets: what the ledger should contain.
    """

    spendable: int
    pending: int
    held: int
    lots: tuple[SpendableLot, ...]
    next_at: datetime | None
    targets: Mapping[EntryKey, Target]

    @property
    def balance(self) -> int:
        """Points in the ledger that can be spent or are held."""
        return self.spendable + self.held


def replay_facts(facts: Iterable[Fact], program: LoyaltyProgram, now: datetime) -> AccountState:
    """Replay facts, in whatever order they arrived, up to now. What is dated later waits."""
    replay = _Replay(program)
    ordered = order_facts(collapse_facts(facts))
    for fact in ordered:
        if fact.at <= now:
            replay.book.advance(fact.at)
            replay.apply(fact)
    replay.book.advance(now)
    return replay.describe(min((fact.at for fact in ordered if fact.at > now), default=None))


def order_facts(facts: Iterable[Fact]) -> list[Fact]:
    """Order facts by time and key: a return after its purchase, whatever the clocks say. Without it, it waits, as one
    does whose origin is of another kind.
    """
    by_key = {fact.key: fact for fact in facts}
    ordered: list[tuple[datetime, bool, str, Fact]] = []
    for fact in by_key.values():
        origin_key = get_origin(fact)
        origin = by_key.get(origin_key or "")
        if not isinstance(origin, Sale if isinstance(fact, SaleReturn) else Debit):
            origin = None
        if origin is not None:
            fact = replace(fact, at=max(fact.at, origin.at))
        if origin_key is None or origin is not None:
            ordered.append((fact.at, origin_key is not None, fact.key, fact))
    return [fact for *_, fact in sorted(ordered, key=lambda item: item[:3])]


def get_origin(fact: Fact) -> str | None:
    """Return the key of the fact that this one takes back, at least in part."""
    if isinstance(fact, SaleReturn):
        return fact.sale_key
    return fact.debit_key if isinstance(fact, GiveBack) else None


class _Replay:
    def __init__(self, program: LoyaltyProgram) -> None:
        self.book = LotBook()
        self._program = program
        self._kept: dict[str, tuple[Sale, int]] = {}
        self._targets: dict[EntryKey, Target] = {}
        self._held = 0

    def apply(self, fact: Fact) -> None:
        if isinstance(fact, Sale):
            self._apply_sale(fact)
        elif isinstance(fact, SaleReturn):
            self._apply_return(fact)
        elif isinstance(fact, Credit):
            self._add_lot(fact, fact.points, fact.kind, fact.expires_at or self._program.compute_expiry(fact.at))
        elif isinstance(fact, Debit):
            self._apply_debit(fact)
        elif isinstance(fact, GiveBack):
            self._apply_give_back(fact)

    def describe(self, next_fact_at: datetime | None) -> AccountState:
        for lot in self.book.lots.values():
            if lot.expired and lot.expires_at is not None:
                key = EntryKey(lot.key, is_expiry=True)
                self._targets[key] = Target(-lot.expired, LoyaltyEntryKind.EXPIRE, lot.expires_at)
        times = [at for at in (self.book.find_next(), next_fact_at) if at is not None]
        return AccountState(
            spendable=self.book.spendable,
            pending=self.book.pending,
            held=self._held,
            lots=tuple(SpendableLot(lot.points, lot.expires_at) for lot in self.book.list_spendable()),
            next_at=min(times, default=None),
            targets=self._targets,
        )

    def _apply_sale(self, sale: Sale) -> None:
        self._kept[sale.key] = sale, sale.minor
        points = sale.terms.compute_points(sale.minor, sale.currency)
        self._add_lot(sale, points, LoyaltyEntryKind.EARN, self._program.compute_expiry(sale.at))

    def _add_lot(self, fact: Fact, points: int, kind: LoyaltyEntryKind, expires_at: datetime | None) -> None:
        lot = Lot(fact.key, points, self._program.compute_start(fact.at), expires_at)
        self._targets[EntryKey(fact.key)] = Target(points, kind, fact.at, lot.begins_at, expires_at)
        self.book.add(lot, fact.at)

    def _apply_return(self, fact: SaleReturn) -> None:
        """Take back what the purchase earns less now: the sum over all returns is exact (rule Y3)."""
        sale, before = self._kept[fact.sale_key]
        left = max(before - fact.minor, 0)
        self._kept[fact.sale_key] = sale, left
        points = sale.terms.compute_points(before, sale.currency) - sale.terms.compute_points(left, sale.currency)
        self._targets[EntryKey(fact.key)] = Target(-points, LoyaltyEntryKind.REVERSE, fact.at)
        self.book.reduce(sale.key, fact.key, points)

    def _apply_debit(self, fact: Debit) -> None:
        if fact.is_posted:
            self._targets[EntryKey(fact.key)] = Target(-fact.points, fact.kind, fact.at)
        else:
            self._held += fact.points
        self.book.spend(fact.key, fact.points)

    def _apply_give_back(self, fact: GiveBack) -> None:
        points = min(fact.points, self.book.uses[fact.debit_key].spent)
        if fact.is_posted:
            self._targets[EntryKey(fact.key)] = Target(points, LoyaltyEntryKind.REVERSE, fact.at, fact.at)
        else:
            self._held -= points
        self.book.restore(
            fact.debit_key, fact.key, points, fact.at, self._program.compute_day_end(fact.at + RESTORED_FOR)
        )
