"""Answers of customers: who denied last gets no message, however late, undated or wrong the reports of channels are."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commerce.consents import answers
from gateway.commerce.consents.answers import derive_consents, derive_state
from gateway.model.customers.consents import ConsentFact, ConsentPurpose, ConsentSource, ConsentState

START = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK_ERROR = timedelta(minutes=120)
EMAIL = "ada@example.com"


def build_fact(
    id: str,
    *,
    granted: bool,
    at: float = 0,
    until: float | None = None,
    address: str | None = EMAIL,
    confirmed: bool = True,
    identity: str = "i1",
) -> ConsentFact:
    """Build a fact that was decided between two times, in minutes."""
    latest = START + timedelta(minutes=at if until is None else until)
    return ConsentFact(
        id=id,
        identity_id=identity,
        purpose=ConsentPurpose.MARKETING_EMAIL,
        address=address,
        granted=granted,
        earliest=START + timedelta(minutes=at),
        latest=latest,
        confirmed=confirmed,
        source=ConsentSource.CHANNEL,
        wording=None,
        decided_at=None,
        received_at=latest,
    )


def find_state(facts: Sequence[ConsentFact], address: str | None = EMAIL) -> ConsentState | None:
    found = {consent.address: consent.state for consent in derive_consents("c1", facts)}
    return found.get(address)


def test_a_denial_holds_for_every_address_of_the_customer() -> None:
    facts = [build_fact("1", granted=True, at=1), build_fact("2", granted=False, at=2, address="other@example.com")]
    assert find_state(facts) is ConsentState.DENIED


def test_a_grant_holds_for_its_own_address_alone() -> None:
    facts = [build_fact("1", granted=False, at=1), build_fact("2", granted=True, at=2, address="other@example.com")]
    assert find_state(facts) is ConsentState.DENIED
    assert find_state(facts, "other@example.com") is ConsentState.GRANTED


def test_a_grant_that_waits_for_its_confirmation_counts_as_a_denial() -> None:
    assert find_state([build_fact("1", granted=True, confirmed=False)]) is ConsentState.UNCONFIRMED


def test_a_grant_that_may_be_older_than_a_denial_is_a_question() -> None:
    facts = [build_fact("1", granted=False, at=5, until=15), build_fact("2", granted=True, at=10, until=20)]
    assert find_state(facts) is ConsentState.UNCONFIRMED


def test_a_denial_of_another_holder_of_the_address_counts() -> None:
    foreign = build_fact("2", granted=False, at=2, identity="of-another-customer")
    (consent,) = derive_consents("c1", [build_fact("1", granted=True, at=1)], [foreign])
    assert consent.state is ConsentState.DENIED


def test_a_denial_of_another_holder_counts_and_is_not_shown_to_a_shopper() -> None:
    own, denial = build_fact("1", granted=True), build_fact("2", granted=False, at=1, identity="i2")
    for shows_others, shown in ((True, [ConsentState.DENIED, ConsentState.GRANTED]), (False, [ConsentState.GRANTED])):
        (consent,) = derive_consents("c1", [own], [denial], shows_others=shows_others)
        assert consent.state is ConsentState.DENIED
        assert [decision.state for decision in consent.decisions] == shown


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50), st.integers(0, 20)), min_size=1), st.randoms())
def test_the_answer_depends_on_the_set_of_facts_and_not_on_their_order(
    decisions: list[tuple[bool, int, int]], shuffling: random.Random
) -> None:
    facts = [
        build_fact(str(n), granted=granted, at=at, until=at + doubt) for n, (granted, at, doubt) in enumerate(decisions)
    ]
    shuffled = list(facts)
    shuffling.shuffle(shuffled)
    assert derive_consents("c1", shuffled) == derive_consents("c1", facts)


@dataclass(frozen=True)
class Person:
    """What a generated person wants in the end, and what the gateway received."""

    allows: bool
    facts: tuple[ConsentFact, ...]


def generate_person(seed: int) -> Person:
    """Generate decisions in three channels: a till whose clock is wrong, and that reports late or without a date."""
    chance = random.Random(seed)
    till_error, till_dates = chance.choice([0, 0, chance.randint(-90, 90)]), chance.random() < 0.7
    till_delay, now = chance.choice([2, 600, 1_440]), 0
    facts, granted = [], False
    for n in range(chance.randrange(1, 6)):
        now += chance.choice([3, 30, 300, 3_000])
        is_till, granted = chance.random() < 1 / 3, chance.random() < 0.5
        delay = till_delay if is_till else 2
        arrives = (now // delay + 1) * delay if is_till else now + chance.randint(0, delay)
        fact = replace(build_fact(str(n), granted=granted, at=now), received_at=START + timedelta(minutes=arrives))
        facts.append(_bound(fact, now, arrives, delay, till_error, dates=till_dates) if is_till else fact)
    return Person(granted, tuple(facts))


def _bound(fact: ConsentFact, now: int, arrives: int, delay: int, error: int, *, dates: bool) -> ConsentFact:
    """Bound the time of a decision at the till, as ingest does."""
    arrival = START + timedelta(minutes=arrives)
    if not dates:
        return replace(fact, earliest=START + timedelta(minutes=max(0, now // delay * delay)), latest=arrival)
    at = START + timedelta(minutes=now + error)
    return replace(fact, earliest=min(at - CLOCK_ERROR, arrival), latest=min(at + CLOCK_ERROR, arrival))


def count_wrongs(seeds: range) -> tuple[int, int]:
    """Count people who are written to against their will, and consents that are lost to doubt."""
    wrong = lost = 0
    for seed in seeds:
        person = generate_person(seed)
        is_granted = find_state(person.facts) is ConsentState.GRANTED
        wrong += is_granted and not person.allows
        lost += person.allows and not is_granted
    return wrong, lost


def test_no_customer_is_written_to_who_has_denied_it_last() -> None:
    wrong, lost = count_wrongs(range(2_000))
    assert wrong == 0
    assert lost < 400  # each of them is a question, and no message


@pytest.mark.torture
def test_none_of_20_000_customers_is_written_to_who_has_denied_it_last() -> None:
    assert count_wrongs(range(20_000))[0] == 0


def derive_by_last_received(grants: Sequence[ConsentFact], denials: Sequence[ConsentFact]) -> ConsentState:
    last = max([*grants, *denials], key=lambda fact: fact.received_at)
    return ConsentState.GRANTED if last.granted else ConsentState.DENIED


def ignore_doubt(grants: Sequence[ConsentFact], denials: Sequence[ConsentFact]) -> ConsentState:
    """Take every decision as made when it can have been made last."""
    last = max([*grants, *denials], key=lambda fact: fact.latest)
    return ConsentState.GRANTED if last.granted else ConsentState.DENIED


@pytest.mark.parametrize("careless", [derive_by_last_received, ignore_doubt])
def test_proof_that_doubt_matters(
    careless: Callable[[Sequence[ConsentFact], Sequence[ConsentFact]], ConsentState], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answers.derive_state is derive_state
    monkeypatch.setattr(answers, "derive_state", careless)
    assert count_wrongs(range(2_000))[0] > 0
