"""Block evidence: the holders of each live value in a block of identities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property

from gateway.commerce.customers.recognition.given_names import is_initial
from gateway.model.customers.recognition import EvidenceKey, EvidenceKind, IdentityFacts


@dataclass(frozen=True, slots=True)
class Holder:
    """An identity that has a value.

    Attributes:
        verified: Whether the value is verified there.
        given_name: The given name in full; None: not known, or an initial.
        initial: The first letter of the given name; None: not known.
        cards: Its live loyalty numbers.
    """

    id: str
    verified: bool
    given_name: str | None
    initial: str | None
    facts: IdentityFacts
    cards: tuple[str, ...]

    @property
    def is_admissible(self) -> bool:
        """Whether the value is evidence although it is not verified on both sides: what is typed into a record that a
        customer can log in to is none (rule C3).
        """
        return self.verified or not self.facts.has_login


@dataclass(frozen=True)
class BlockEvidence:
    """The identities of a block, sorted, and the holders of their live values, sorted."""

    identities: Sequence[IdentityFacts]
    holders: Mapping[EvidenceKey, Sequence[Holder]] = field(default_factory=dict)

    def list_keys(self, kind: EvidenceKind) -> Sequence[EvidenceKey]:
        """List the live values of a kind that several identities have, sorted."""
        return self._keys.get(kind, ())

    @cached_property
    def ids(self) -> AbstractSet[str]:
        """The IDs of the identities."""
        return {facts.id for facts in self.identities}

    @cached_property
    def _keys(self) -> Mapping[EvidenceKind, Sequence[EvidenceKey]]:
        keys: dict[EvidenceKind, list[EvidenceKey]] = defaultdict(list)
        for key in sorted((key for key, holders in self.holders.items() if len(holders) > 1), key=get_value):
            keys[key[0]].append(key)
        return keys


def get_value(key: EvidenceKey) -> str:
    return key[1]


def index_evidence(identities: Iterable[IdentityFacts], void: AbstractSet[EvidenceKey]) -> BlockEvidence:
    """Index the live values of a block."""
    ordered = sorted(identities, key=get_id)
    holders: dict[EvidenceKey, list[Holder]] = defaultdict(list)
    for facts in ordered:
        for (key, verified), holder in _list_holders(facts, void):
            holders[key].append(holder if holder.verified == verified else _verify(holder))
    return BlockEvidence(ordered, holders)


def get_id(facts: IdentityFacts) -> str:
    return facts.id


def list_live_values(facts: IdentityFacts, void: AbstractSet[EvidenceKey]) -> dict[EvidenceKey, bool]:
    """Return the live values of an identity, and whether each is verified."""
    values: dict[EvidenceKey, bool] = {}
    for evidence in facts.evidence:
        if (key := evidence.key) not in void:
            values[key] = values.get(key, False) or evidence.verified
    return values


def _list_holders(
    facts: IdentityFacts, void: AbstractSet[EvidenceKey]
) -> list[tuple[tuple[EvidenceKey, bool], Holder]]:
    values = list_live_values(facts, void)
    holder = _build_holder(facts, tuple(sorted(value for kind, value in values if kind is _LOYALTY)))
    return [(item, holder) for item in values.items()]


_LOYALTY = EvidenceKind.LOYALTY_NUMBER


def _build_holder(facts: IdentityFacts, cards: tuple[str, ...]) -> Holder:
    name = facts.given_name or None
    return Holder(
        id=facts.id,
        verified=False,
        given_name=None if name is None or is_initial(name) else name,
        initial=None if name is None else name[0],
        facts=facts,
        cards=cards,
    )


def _verify(holder: Holder) -> Holder:
    return Holder(holder.id, True, holder.given_name, holder.initial, holder.facts, holder.cards)
