"""Partition: recognizes which identities are one customer (rules C3, C4, C7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from gateway.commerce.customers.recognition.block_evidence import BlockEvidence, index_evidence
from gateway.commerce.customers.recognition.blocks import count_customers, get_customer, split_into_blocks
from gateway.commerce.customers.recognition.cells import Cell
from gateway.commerce.customers.recognition.evidence_classes import (
    CLASSES,
    NAME_CLASSES,
    PROVING_CLASSES,
    list_cells,
    list_guest_contacts,
)
from gateway.commerce.customers.recognition.given_names import is_initial
from gateway.commerce.customers.recognition.groups import Groups
from gateway.commerce.customers.recognition.joining import Veto, join_cells
from gateway.commerce.customers.recognition.standing_decisions import apply_decisions, find_proved
from gateway.commerce.customers.recognition.suggestions import (
    list_contradictions,
    sort_links,
    suggest,
    suggest_dropped,
)
from gateway.model.customers.profiles import IdentityRule
from gateway.model.customers.recognition import (
    Decision,
    EvidenceKey,
    IdentityFacts,
    Link,
    Partition,
    RecognitionRules,
    Suggestion,
)

MAX_GIVEN_NAMES, MAX_HOLDERS = 4, 1_000
"""Given names and holders of a value, above which it tells nothing."""


def is_void(given_names: Collection[str], holders: int) -> bool:
    """Report whether a value has so many given names or holders that it tells nothing (rule C3).

    Args:
        given_names: Canonical given names of its holders, without initials.
    """
    return len(given_names) > MAX_GIVEN_NAMES or holders > MAX_HOLDERS


def find_void_values(identities: Iterable[IdentityFacts]) -> AbstractSet[EvidenceKey]:
    """Find the values that tell nothing, among all identities."""
    names: dict[EvidenceKey, set[str]] = defaultdict(set)
    holders: dict[EvidenceKey, set[object]] = defaultdict(set)
    for facts in identities:
        for key in {evidence.key for evidence in facts.evidence}:
            holders[key].add(get_customer(facts))
            if facts.given_name and not is_initial(facts.given_name):
                names[key].add(facts.given_name)
    return {key for key, found in holders.items() if is_void(names[key], len(found))}


@dataclass(slots=True)
class _Result:
    groups: dict[str, str] = field(default_factory=dict)
    proved: dict[str, str] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)

    def add(self, other: _Result) -> None:
        self.groups |= other.groups
        self.proved |= other.proved
        self.links += other.links
        self.suggestions += other.suggestions


@dataclass(frozen=True, slots=True)
class _Task:
    """What all blocks are recognized with."""

    decisions: Mapping[str, Sequence[Decision]]
    void: AbstractSet[EvidenceKey]
    rules: RecognitionRules

    def list_decisions(self, block: Iterable[IdentityFacts]) -> list[Decision]:
        return list({one.id: one for facts in block for one in self.decisions.get(facts.id, ())}.values())


def recognize(
    identities: Sequence[IdentityFacts],
    decisions: Sequence[Decision],
    void: AbstractSet[EvidenceKey],
    rules: RecognitionRules,
) -> Partition:
    """Recognize the customers of whole blocks: of all identities that live values, merges of channels and decisions
    connect.

    The result does not depend on the order of the arguments, nor on the blocks that are recognized together.

    Args:
        decisions: The standing ones that name some of the identities.
        void: Values that tell nothing (`is_void`).
    """
    task = _Task(_index_decisions(decisions), void, rules)
    result = _Result()
    for block in split_into_blocks(identities, decisions, void):
        result.add(_recognize_block(block, task, CLASSES))
    suggestions = tuple(sorted(result.suggestions, key=_get_order))
    return Partition(result.groups, result.proved, sort_links(result.links), suggestions)


def _get_order(suggestion: Suggestion) -> tuple[object, ...]:
    return suggestion.identities, suggestion.reason


def _index_decisions(decisions: Iterable[Decision]) -> Mapping[str, Sequence[Decision]]:
    by_identity: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        for id_ in {*decision.left, *decision.right}:
            by_identity[id_].append(decision)
    return by_identity


def _recognize_block(block: Sequence[IdentityFacts], task: _Task, classes: Sequence[IdentityRule]) -> _Result:
    if len(block) == 1:
        alone = {block[0].id: block[0].id}
        return _Result(alone, dict(alone))
    if count_customers(block) > task.rules.max_block and classes[-1] not in PROVING_CLASSES[:2]:
        return _recognize_large_block(block, task, classes)
    return _join_block(index_evidence(block, task.void), task, classes)


def _recognize_large_block(block: Sequence[IdentityFacts], task: _Task, classes: Sequence[IdentityRule]) -> _Result:
    """Recognize the smaller blocks that are left without the weakest class, which is a review (rule C4)."""
    *stronger, dropped = classes
    result = _Result()
    decisions = task.list_decisions(block)
    for part in split_into_blocks(block, decisions, task.void, stronger):
        result.add(_recognize_block(part, task, stronger))
    groups = Groups(result.groups)
    for id_, root in result.groups.items():
        groups.join(id_, root)
    apply_decisions(groups, decisions)  # joins no more; reviews have to know who is apart
    result.suggestions += suggest_dropped(list_cells(dropped, index_evidence(block, task.void)), groups)
    return result


def _join_block(block: BlockEvidence, task: _Task, classes: Sequence[IdentityRule]) -> _Result:
    groups = Groups(facts.id for facts in block.identities)
    decisions = task.list_decisions(block.identities)
    links = apply_decisions(groups, decisions)
    vetoes: list[Veto] = []
    cells = {rule: list_cells(rule, block) for rule in classes if task.rules.by_name or rule not in NAME_CLASSES}
    for joinable in (list_guest_contacts(block), *cells.values()):
        if joinable:
            new_links, new_vetoes = join_cells(groups, joinable)
            links += new_links
            vetoes += new_vetoes
    links += [link for veto in vetoes for link in veto.explain()[len(veto.dropped) :]]
    proving = [cell for rule in PROVING_CLASSES for cell in cells.get(rule, ())]
    roots = groups.list_roots()
    return _Result(
        groups=dict(roots),
        proved=_prove(roots, proving, decisions),
        links=list(dict.fromkeys((*links, *list_contradictions(block)))),
        suggestions=suggest(block, groups, vetoes),
    )


def _prove(roots: Mapping[str, str], cells: Iterable[Cell], decisions: Sequence[Decision]) -> dict[str, str]:
    """Find the parts of each group that are proved to be one customer's (rule C7)."""
    proved = Groups(roots)
    stated = find_proved(roots, decisions).list_members().values()
    for ids in (*stated, *(cell.ids for cell in cells)):
        lowest: dict[str, str] = {}
        for id_ in ids:
            proved.join(lowest.setdefault(roots[id_], id_), id_)
    return dict(proved.list_roots())
