"""Partition: recognizes which identities are one customer (rules C3, C7)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet

from gateway.model.customers.recognition import Decision, EvidenceKey, IdentityFacts, Partition, RecognitionRules

MAX_GIVEN_NAMES, MAX_HOLDERS = 4, 1_000
"""Given names and holders of a value, above which it tells nothing."""


def is_void(given_names: Collection[str], holders: int) -> bool:
    """Report whether a value has so many given names or holders that it tells nothing (rule C3)."""
    return len(given_names) > MAX_GIVEN_NAMES or holders > MAX_HOLDERS


def recognize(
    identities: Sequence[IdentityFacts],
    decisions: Sequence[Decision],
    void: AbstractSet[EvidenceKey],
    rules: RecognitionRules,
) -> Partition:
    """Recognize the customers of whole blocks: of all identities that live values, references and decisions connect.

    Args:
        decisions: The standing ones that name some of the identities.
        void: Values that tell nothing (`is_void`).
    """
    alone = {facts.id: facts.id for facts in identities}
    return Partition(alone, alone, (), ())
