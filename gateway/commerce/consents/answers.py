"""Answers: what the facts of a customer say for each purpose and address (rule C10). Pure.

A denial holds for everything that is the customer's, a grant for its own address alone. A grant counts as early, and a
denial as late, as it can have been decided: what is lost to doubt is a question to the customer, and not a message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from gateway.model.customers.consents import Consent, ConsentDecision, ConsentFact, ConsentPurpose, ConsentState

MAX_DECISIONS = 20
"""Decisions that an answer shows at most, the newest; the list of the schema is as long."""


def derive_state(grants: Sequence[ConsentFact], denials: Sequence[ConsentFact]) -> ConsentState:
    """Derive the answer from the grants for an address and the denials that hold for it."""
    confirmed = [fact for fact in grants if fact.confirmed]
    last_denial = max((fact.latest for fact in denials), default=None)
    if confirmed and (last_denial is None or max(fact.earliest for fact in confirmed) > last_denial):
        return ConsentState.GRANTED
    if not denials or any(_is_doubtful(grant, denials) for grant in grants):
        return ConsentState.UNCONFIRMED
    return ConsentState.DENIED


def _is_doubtful(grant: ConsentFact, denials: Iterable[ConsentFact]) -> bool:
    """Whether a grant may be later than every denial."""
    return all(denial.earliest < grant.latest for denial in denials)


class PushedDenial(NamedTuple):
    """A denial that was sent to a channel. It is shown, and decides nothing."""

    purpose: ConsentPurpose
    address: str | None
    decision: ConsentDecision

    def is_about(self, purpose: ConsentPurpose, address: str | None) -> bool:
        """Return whether it is about this purpose, and this address or any."""
        return self.purpose is purpose and (address is None or self.address in (None, address))


def derive_consents(
    customer_id: str,
    facts: Sequence[ConsentFact],
    denials_of_holders: Sequence[ConsentFact] = (),
    pushed: Sequence[PushedDenial] = (),
    *,
    shows_others: bool = True,
) -> list[Consent]:
    """Derive the answers of a customer, one for each purpose and address that was ever decided.

    Args:
        facts: of all identities of the customer.
        denials_of_holders: of other customers who hold one of the addresses; each holds for its own address.
        shows_others: whether the decisions of these are shown. The answer depends on them in any case.
        pushed: denials that were sent to channels.
    """
    by_purpose: dict[ConsentPurpose, list[ConsentFact]] = defaultdict(list)
    for fact in facts:
        by_purpose[fact.purpose].append(fact)
    consents = []
    for purpose, decided in sorted(by_purpose.items(), key=lambda item: item[0].value):
        for address in sorted({fact.address for fact in decided}, key=lambda address: address or ""):
            foreign = [fact for fact in denials_of_holders if (fact.purpose, fact.address) == (purpose, address)]
            consent = _derive_consent(customer_id, purpose, address, decided, foreign, shows_others=shows_others)
            consents.append(_add_pushed(consent, pushed))
    return consents


def _add_pushed(consent: Consent, pushed: Sequence[PushedDenial]) -> Consent:
    """Show what was sent to channels among the decisions, newest first."""
    own = [denial.decision for denial in pushed if denial.is_about(consent.purpose, consent.address)]
    if not own:
        return consent
    decisions = sorted([*own, *consent.decisions], key=lambda decision: decision.received_at, reverse=True)
    return replace(consent, decisions=tuple(decisions))


def _derive_consent(
    customer_id: str,
    purpose: ConsentPurpose,
    address: str | None,
    facts: Sequence[ConsentFact],
    foreign: Sequence[ConsentFact],
    *,
    shows_others: bool,
) -> Consent:
    grants = [fact for fact in facts if fact.granted and fact.address == address]
    own = [fact for fact in facts if not fact.granted]
    state = derive_state(grants, [*own, *foreign])
    denials = [*own, *foreign] if shows_others else own
    counting = _find_counting(state, grants, denials)
    relevant = sorted([*grants, *denials], key=lambda fact: (fact.received_at, fact.id), reverse=True)
    return Consent(
        customer_id=customer_id,
        purpose=purpose,
        address=address,
        state=state,
        source=counting.source,
        decided_at=counting.decided_at or counting.received_at,
        channel_key=counting.channel,
        wording=counting.wording,
        decisions=tuple(map(_build_decision, relevant[:MAX_DECISIONS])),
    )


def _find_counting(state: ConsentState, grants: Sequence[ConsentFact], denials: Sequence[ConsentFact]) -> ConsentFact:
    """Find the fact that decides the answer: the last grant, unless a denial does."""
    candidates = denials if state is ConsentState.DENIED and denials else (grants or denials)
    return max(candidates, key=lambda fact: (fact.latest, fact.id))


def _build_decision(fact: ConsentFact) -> ConsentDecision:
    granted = ConsentState.GRANTED if fact.confirmed else ConsentState.UNCONFIRMED
    return ConsentDecision(
        state=granted if fact.granted else ConsentState.DENIED,
        source=fact.source,
        channel_key=fact.channel,
        decided_at=fact.decided_at,
        received_at=fact.received_at,
    )
