"""Histories of identities and decisions, recognized one change at a time, block by block (rule C4)."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from random import Random

from gateway.commerce.customers.recognition.blocks import split_into_blocks
from gateway.commerce.customers.recognition.partition import find_void_values, recognize
from gateway.model.customers.recognition import (
    Decision,
    DecisionKind,
    Evidence,
    EvidenceKey,
    EvidenceKind,
    IdentityFacts,
    Link,
    Partition,
    RecognitionRules,
    Suggestion,
)

IDS = tuple("abcdefghijklmnop")
NAMES = ("ada", "byron", "charles", "dora", "emil", "a", None)
VALUES = [(EvidenceKind.EMAIL, f"e{number}") for number in range(4)]
VALUES += [(EvidenceKind.MOBILE, f"m{number}") for number in range(4)]
VALUES += [(EvidenceKind.LOYALTY_NUMBER, f"c{number}") for number in range(3)]
RULES = RecognitionRules(max_block=8)


class Scope(Enum):
    """What is looked at again after a change."""

    BLOCKS_AFTER = "the blocks of the changed identity"
    BLOCKS_BEFORE_AND_AFTER = "its blocks before the change too"
    FLIPPED_VALUES = "and the blocks of the holders of values that became void, or live"


@dataclass
class World:
    """What is stored: identities, standing decisions, and what follows from them."""

    identities: dict[str, IdentityFacts] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)

    def find_void(self) -> AbstractSet[EvidenceKey]:
        return find_void_values(self.identities.values())

    def list_blocks(self) -> list[set[str]]:
        blocks = split_into_blocks(self.identities.values(), self.decisions, self.find_void())
        return [{facts.id for facts in block} for block in blocks]

    def expand(self, ids: Iterable[str]) -> set[str]:
        """Return the identities in the blocks of these."""
        wanted = set(ids)
        return {id_ for block in self.list_blocks() if block & wanted for id_ in block}

    def list_holders(self, keys: AbstractSet[EvidenceKey]) -> set[str]:
        return {facts.id for facts in self.identities.values() if any(one.key in keys for one in facts.evidence)}

    def recognize(self, ids: Iterable[str] | None = None) -> Partition:
        chosen = [facts for id_, facts in self.identities.items() if ids is None or id_ in ids]
        return recognize(chosen, self.decisions, self.find_void(), RULES)


@dataclass
class StoredPartition:
    """The stored result, of which each change replaces a part."""

    groups: dict[str, str] = field(default_factory=dict)
    proved: dict[str, str] = field(default_factory=dict)
    links: set[Link] = field(default_factory=set)
    suggestions: set[Suggestion] = field(default_factory=set)

    def replace(self, affected: set[str], found: Partition, existing: AbstractSet[str]) -> None:
        self.groups = {id_: root for id_, root in {**self.groups, **found.groups}.items() if id_ in existing}
        self.proved = {id_: root for id_, root in {**self.proved, **found.proved}.items() if id_ in existing}
        self.links = {link for link in self.links if link.first not in affected} | set(found.links)
        unaffected = {one for one in self.suggestions if not affected.intersection(*one.identities[:1])}
        self.suggestions = unaffected | set(found.suggestions)

    def has_same(self, found: Partition) -> bool:
        return (self.groups, self.proved, self.links, self.suggestions) == (
            dict(found.groups),
            dict(found.proved),
            set(found.links),
            set(found.suggestions),
        )


def has_same_history(seed: int, scope: Scope, steps: int = 25) -> bool:
    """Run a history of changes. Returns whether the stored result is always that of all at once."""
    source, world, stored = Random(seed), World(), StoredPartition()
    for step in range(steps):
        before = World(dict(world.identities), list(world.decisions))
        touched = _make_change(world, source, step)
        affected = find_affected(before, world, touched, scope)
        stored.replace(affected | touched, world.recognize(affected), world.identities.keys())
        if not stored.has_same(world.recognize()):
            return False
    return True


def find_affected(before: World, after: World, touched: set[str], scope: Scope) -> set[str]:
    """Find the identities that have to be looked at again."""
    seeds = set(touched)
    if scope is Scope.FLIPPED_VALUES:
        flipped = before.find_void() ^ after.find_void()
        seeds |= before.list_holders(flipped) | after.list_holders(flipped)
    if scope is not Scope.BLOCKS_AFTER:
        seeds |= before.expand(seeds)
    return after.expand(seeds)


def _make_change(world: World, source: Random, step: int) -> set[str]:
    """Change an identity or a decision at random. Returns the identities that it names."""
    roll = source.random()
    if roll < 0.15 and len(world.identities) > 3:
        decision = build_random_decision(source, sorted(world.identities), step)
        world.decisions.append(decision)
        return {*decision.left, *decision.right}
    if roll < 0.25 and world.decisions:
        undone = world.decisions.pop(source.randrange(len(world.decisions)))
        return {*undone.left, *undone.right}
    id_ = source.choice(IDS)
    if roll < 0.35:
        world.identities.pop(id_, None)
    else:
        world.identities[id_] = build_random_identity(source, id_)
    return {id_}


def build_random_decision(source: Random, ids: list[str], number: int) -> Decision:
    chosen = source.sample(ids, source.randrange(2, 4))
    kind = source.choice(list(DecisionKind))
    proved = kind is DecisionKind.SAME and source.random() < 0.5
    return Decision(f"d{number}", number, kind, tuple(chosen[:1]), tuple(chosen[1:]), proved)


def build_random_identity(source: Random, id_: str) -> IdentityFacts:
    evidence = [Evidence(*key, source.random() < 0.5) for key in source.sample(VALUES, source.randrange(4))]
    evidence.append(Evidence(EvidenceKind.REFERENCE, id_, verified=True))
    if source.random() < 0.1:
        evidence.append(Evidence(EvidenceKind.REFERENCE, source.choice(IDS)))
    return IdentityFacts(
        id=id_,
        channel=source.choice(("till", "web")),
        given_name=source.choice(NAMES),
        family_name=source.choice(("king", "king", "hall")),
        has_login=source.random() < 0.3,
        evidence=tuple(evidence),
        contact="k" if source.random() < 0.1 else None,
    )
