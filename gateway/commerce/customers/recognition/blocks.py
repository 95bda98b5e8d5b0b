"""Blocks: the identities that one recognition has to look at together (rule C4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from gateway.commerce.customers.recognition.evidence_classes import CLASSES
from gateway.commerce.customers.recognition.groups import Groups
from gateway.model.customers.profiles import IdentityRule
from gateway.model.customers.recognition import Decision, Evidence, EvidenceKey, EvidenceKind, IdentityFacts

_USES = {
    EvidenceKind.EMAIL: {IdentityRule.EMAIL_AND_NAME, IdentityRule.EMAIL_AND_PHONE},
    EvidenceKind.MOBILE: {IdentityRule.PHONE_AND_NAME, IdentityRule.EMAIL_AND_PHONE},
    EvidenceKind.LOYALTY_NUMBER: {IdentityRule.LOYALTY_NUMBER},
    EvidenceKind.RELAY_ADDRESS: {IdentityRule.EXTERNAL_REFERENCE},
    EvidenceKind.REFERENCE: {IdentityRule.EXTERNAL_REFERENCE},
    EvidenceKind.POLICY_KEY: {IdentityRule.PLUGIN},
}
"""The classes that use a value, whether it is verified or not."""

_VERIFIED_USES = {
    EvidenceKind.EMAIL: {IdentityRule.VERIFIED_EMAIL},
    EvidenceKind.MOBILE: {IdentityRule.VERIFIED_PHONE},
}


def list_followed_keys(
    facts: IdentityFacts, void: AbstractSet[EvidenceKey], classes: Iterable[IdentityRule] = CLASSES
) -> Iterator[EvidenceKey]:
    """List the values by which a block continues from an identity to their other holders.

    Args:
        classes: The rules that are applied. A block that is too large drops the last ones.
    """
    applied = set(classes)
    return (one.key for one in facts.evidence if one.key not in void and is_used(one, applied))


def is_used(evidence: Evidence, classes: AbstractSet[IdentityRule]) -> bool:
    """Report whether one of these rules uses a value. None uses a landline."""
    uses = _USES.get(evidence.kind, set())
    return bool(uses & classes) or (evidence.verified and bool(_VERIFIED_USES.get(evidence.kind, set()) & classes))


def split_into_blocks(
    identities: Iterable[IdentityFacts],
    decisions: Iterable[Decision],
    void: AbstractSet[EvidenceKey],
    classes: Sequence[IdentityRule] = CLASSES,
) -> list[list[IdentityFacts]]:
    """Split identities into blocks, which share no value that a rule uses, no merge of a channel and no decision."""
    by_id = {facts.id: facts for facts in identities}
    blocks = Groups(by_id)
    first: dict[object, str] = {}
    for facts in by_id.values():
        for key in list_followed_keys(facts, void, classes):
            blocks.join(first.setdefault(key, facts.id), facts.id)
        if facts.merged_into is not None and facts.merged_into in blocks:
            blocks.join(facts.id, facts.merged_into)
        if facts.contact is not None:
            blocks.join(first.setdefault((facts.channel, facts.contact), facts.id), facts.id)
    _join_by_decision(blocks, decisions)
    members: dict[str, list[IdentityFacts]] = defaultdict(list)
    for facts in by_id.values():
        members[blocks.find_root(facts.id)].append(facts)
    return list(members.values())


def _join_by_decision(blocks: Groups, decisions: Iterable[Decision]) -> None:
    for decision in decisions:
        known = [id_ for id_ in (*decision.left, *decision.right) if id_ in blocks]
        for id_ in known[1:]:
            blocks.join(known[0], id_)


def count_customers(block: Iterable[IdentityFacts]) -> int:
    """Count the identities of a block. Guests of one contact are one."""
    return len({get_customer(facts) for facts in block})


def get_customer(facts: IdentityFacts) -> object:
    """Return what an identity counts as: itself, or the contact of a guest."""
    return facts.id if facts.contact is None else (facts.channel, facts.contact)
