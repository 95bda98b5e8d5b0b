"""Recognition of one change at a time gives what recognition of all at once gives (rule C4)."""

from __future__ import annotations

import pytest

from gateway.commerce.customers.recognition import partition
from tests.commerce.customers.recognition.histories import Scope, has_same_history

FEW, MANY = range(120), range(120, 3_000)


@pytest.fixture(autouse=True)
def void_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are void from the fourth name on, so that many become void, and live again."""
    monkeypatch.setattr(partition, "MAX_GIVEN_NAMES", 3)


def test_one_change_at_a_time_gives_the_same_as_all_at_once() -> None:
    assert [seed for seed in FEW if not has_same_history(seed, Scope.FLIPPED_VALUES)] == []


@pytest.mark.torture
def test_one_change_at_a_time_gives_the_same_as_all_at_once_in_many_histories() -> None:
    assert [seed for seed in MANY if not has_same_history(seed, Scope.FLIPPED_VALUES)] == []


@pytest.mark.parametrize("scope", [Scope.BLOCKS_AFTER, Scope.BLOCKS_BEFORE_AND_AFTER])
def test_the_proof_that_fewer_blocks_are_not_enough(scope: Scope) -> None:
    assert any(not has_same_history(seed, scope) for seed in FEW)
