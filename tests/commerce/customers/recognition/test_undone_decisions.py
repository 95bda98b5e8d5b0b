"""Merges and splits that are undone, in any order, leave nothing behind (rule C3)."""

from __future__ import annotations

from random import Random

import pytest

from gateway.commerce.customers.recognition import standing_decisions
from gateway.model.customers.recognition import Decision, DecisionKind, Partition
from tests.commerce.customers.recognition.histories import IDS, World, build_random_identity

FEW, MANY = range(500), range(500, 20_000)


class SequenceError(AssertionError):
    """What went wrong in a sequence."""


def run_sequence(seed: int) -> None:
    """Merge and split customers at random, then undo all of it in any order.

    Raises:
        SequenceError: a decision was not honored while it was the newest, or the end is not the start.
    """
    source = Random(seed)
    world = World({id_: build_random_identity(source, id_) for id_ in IDS[:7]})
    start = world.recognize()
    for number in range(source.randrange(2, 9)):
        decision = _decide(world.recognize(), source, number)
        world.decisions += [decision] if decision is not None else []
        _check_newest(world)
    source.shuffle(undone := list(world.decisions))
    for decision in undone:
        world.decisions.remove(decision)
        _check_newest(world)
    if world.recognize() != start:
        raise SequenceError("the end is not the start")


def _decide(found: Partition, source: Random, number: int) -> Decision | None:
    """Merge two groups, or split one, as they are now."""
    groups = [[id_ for id_ in found.groups if found.groups[id_] == root] for root in sorted(set(found.groups.values()))]
    if source.random() < 0.5 and len(groups) > 1:
        left, right = source.sample(groups, 2)
        return Decision(f"d{number}", number, DecisionKind.SAME, tuple(left), tuple(right), source.random() < 0.5)
    members = source.choice(groups)
    if len(members) < 2:
        return None
    source.shuffle(members)
    cut = source.randrange(1, len(members))
    return Decision(f"d{number}", number, DecisionKind.DIFFERENT, tuple(members[:cut]), tuple(members[cut:]))


def _check_newest(world: World) -> None:
    """Check the newest decision: a split parts all its pairs, and a merge joins them."""
    if world.decisions:
        newest, groups = max(world.decisions, key=_get_number), world.recognize().groups
        same = {groups[one] == groups[other] for one in newest.left for other in newest.right}
        if same != {newest.kind is DecisionKind.SAME}:
            raise SequenceError(f"{newest} is not honored")


def _get_number(decision: Decision) -> int:
    return decision.number


def test_merges_and_splits_that_are_undone_in_any_order_give_the_start() -> None:
    for seed in FEW:
        run_sequence(seed)


@pytest.mark.torture
def test_merges_and_splits_that_are_undone_in_any_order_give_the_start_in_many_sequences() -> None:
    for seed in MANY:
        run_sequence(seed)


def test_the_proof_that_the_oldest_decision_must_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_decisions, "sort_newest_first", list)
    with pytest.raises(SequenceError):
        test_merges_and_splits_that_are_undone_in_any_order_give_the_start()
