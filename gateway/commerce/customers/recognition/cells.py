"""Cells: the holders of a value that it may join, separated by their names and loyalty numbers (rule C3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.commerce.customers.recognition.block_evidence import Holder
from gateway.commerce.customers.recognition.groups import Groups
from gateway.model.customers.profiles import IdentityRule


@dataclass(frozen=True, slots=True)
class Cell:
    """Identities that a value may join.

    Attributes:
        ids: Sorted IDs, at least two.
        value: The value that they have in common; None: the rule compares none.
    """

    rule: IdentityRule
    ids: tuple[str, ...]
    value: str | None = None


def split_by_given_name(rule: IdentityRule, value: str, holders: Iterable[Holder]) -> list[Cell]:
    """Split holders by given name. Those without one, or with an initial, are in no cell."""
    names: dict[str, list[Holder]] = defaultdict(list)
    for holder in holders:
        if holder.given_name is not None:
            names[holder.given_name].append(holder)
    return _build_cells(rule, value, names.values())


def split_by_full_name(rule: IdentityRule, value: str, holders: Iterable[Holder]) -> list[Cell]:
    """Split holders by given name and family name. Those who lack one are in no cell."""
    names: dict[tuple[str, str], list[Holder]] = defaultdict(list)
    for holder in holders:
        if holder.given_name is not None and holder.facts.family_name:
            names[holder.given_name, holder.facts.family_name].append(holder)
    return _build_cells(rule, value, names.values())


def split_with_incomplete(rule: IdentityRule, value: str, holders: Sequence[Holder]) -> list[Cell]:
    """Split holders by given name. Those without one, or with an initial, join the only name that is there."""
    names: dict[str | None, list[Holder]] = defaultdict(list)
    for holder in holders:
        names[holder.given_name].append(holder)
    incomplete = names.pop(None, [])
    if not names:
        return _build_cells(rule, value, [incomplete] if has_one_initial(incomplete) else [])
    if len(names) == 1:
        [(name, members)] = names.items()
        members += [holder for holder in incomplete if holder.initial in (None, (name or "")[:1])]
    return _build_cells(rule, value, names.values())


def has_one_initial(holders: Iterable[Holder]) -> bool:
    """Report whether the initials of these holders, if they have any, are the same."""
    return len({holder.initial for holder in holders} - {None}) < 2


def count_given_names(holders: Iterable[Holder]) -> int:
    return len({holder.given_name for holder in holders} - {None})


def has_several_cards(holders: Iterable[Holder]) -> bool:
    """Report whether these holders have loyalty numbers of several customers, as far as they tell."""
    return len(_join_by_card([holder for holder in holders if holder.cards])) > 1


def _build_cells(rule: IdentityRule, value: str, groups: Iterable[Sequence[Holder]]) -> list[Cell]:
    return [
        Cell(rule, tuple(sorted(holder.id for holder in part)), value)
        for group in groups
        for part in (_separate_cards(group) if len(group) > 1 else ())
        if len(part) > 1
    ]


def _separate_cards(holders: Sequence[Holder]) -> Sequence[Sequence[Holder]]:
    """Separate holders of one name by loyalty number. If there are several, those without one stand alone."""
    by_card = _join_by_card([holder for holder in holders if holder.cards])
    return [holders] if len(by_card) < 2 else by_card


def _join_by_card(holders: Sequence[Holder]) -> list[list[Holder]]:
    if len({holder.cards for holder in holders}) < 2:
        return [list(holders)] if holders else []
    groups, first = Groups(holder.id for holder in holders), dict[str, str]()
    for holder in holders:
        for card in holder.cards:
            groups.join(first.setdefault(card, holder.id), holder.id)
    parts: dict[str, list[Holder]] = defaultdict(list)
    for holder in holders:
        parts[groups.find_root(holder.id)].append(holder)
    return list(parts.values())
