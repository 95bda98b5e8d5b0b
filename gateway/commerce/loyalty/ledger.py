"""The ledger: append-only entries, each the difference between what the facts say and what was posted (rule Y3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.commerce.loyalty.replay import EntryKey, Target
from gateway.model.customers.loyalty import LoyaltyEntryKind


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to post."""

    key: EntryKey
    kind: LoyaltyEntryKind
    points: int
    target: Target | None


def compute_entries(targets: Mapping[EntryKey, Target], posted: Mapping[EntryKey, int]) -> list[NewEntry]:
    """Compute the entries that bring the ledger to its targets: none if nothing new is known."""
    return sorted(_list_entries(targets, posted), key=_rank)


def _list_entries(targets: Mapping[EntryKey, Target], posted: Mapping[EntryKey, int]) -> Iterator[NewEntry]:
    for key in targets.keys() | posted.keys():
        target = targets.get(key)
        points = (0 if target is None else target.points) - posted.get(key, 0)
        if points:
            yield NewEntry(key, _choose_kind(key, target, points), points, target)


def _choose_kind(key: EntryKey, target: Target | None, points: int) -> LoyaltyEntryKind:
    if key.is_expiry:
        return LoyaltyEntryKind.EXPIRE
    if target is None or target.points * points <= 0:
        return LoyaltyEntryKind.REVERSE
    return target.kind


def _rank(entry: NewEntry) -> tuple[bool, float, EntryKey]:
    at = None if entry.target is None else entry.target.at
    return at is None, 0 if at is None else at.timestamp(), entry.key
