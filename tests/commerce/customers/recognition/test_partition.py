"""What always holds of the customers that recognition finds (rules C3, C4, C7)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from gateway.commerce.customers.recognition import block_evidence, joining, standing_decisions
from gateway.commerce.customers.recognition.blocks import split_into_blocks
from gateway.commerce.customers.recognition.partition import find_void_values, recognize
from gateway.model.customers.profiles import EvidenceVerdict
from gateway.model.customers.recognition import (
    Decision,
    DecisionKind,
    IdentityFacts,
    Partition,
    RecognitionRules,
)
from tests.commerce.customers.recognition.identities import EMAIL, MOBILE, build_identity, decide, run_recognition
from tests.commerce.customers.recognition.random_identities import generate_population

Population = tuple[list[IdentityFacts], list[Decision]]
RULES = RecognitionRules(max_block=6)
"""Blocks of the drawn populations are sometimes too large."""


@given(generate_population(), st.randoms(use_true_random=False))
def test_the_order_of_identities_and_decisions_makes_no_difference(
    population: Population, source: random.Random
) -> None:
    identities, decisions = population
    found = run_recognition(identities, decisions, RULES)
    shuffled = [
        replace(facts, evidence=tuple(source.sample(facts.evidence, len(facts.evidence)))) for facts in identities
    ]
    source.shuffle(shuffled)
    source.shuffle(decisions)
    assert run_recognition(shuffled, decisions, RULES) == found


@settings(max_examples=50)
@given(generate_population())
def test_each_block_alone_gives_the_same_as_all_together(population: Population) -> None:
    identities, decisions = population
    void = find_void_values(identities)
    parts = [recognize(block, decisions, void, RULES) for block in split_into_blocks(identities, decisions, void)]
    found = recognize(identities, decisions, void, RULES)
    assert {id_: root for part in parts for id_, root in part.groups.items()} == found.groups
    assert {id_: root for part in parts for id_, root in part.proved.items()} == found.proved
    assert {link for part in parts for link in part.links} == set(found.links)
    assert {one for part in parts for one in part.suggestions} == set(found.suggestions)


@settings(max_examples=50)
@given(generate_population())
def test_a_group_has_the_lowest_id_of_its_members_and_what_is_proved_is_a_part_of_it(population: Population) -> None:
    found = run_recognition(*population, RULES)
    for id_, root in found.groups.items():
        assert root == min(other for other in found.groups if found.groups[other] == root)
        assert found.groups[found.proved[id_]] == root
        assert found.proved[id_] <= id_


@settings(max_examples=50)
@given(generate_population())
def test_links_connect_each_group_and_no_two_groups(population: Population) -> None:
    found = run_recognition(*population, RULES)
    links = [link for link in found.links if link.verdict is EvidenceVerdict.LINKS]
    assert all(found.groups[link.first] == found.groups[link.second] and link.first < link.second for link in links)
    assert len(links) == len(found.groups) - len(set(found.groups.values()))


@given(generate_population())
def test_the_newest_split_holds_for_all_its_pairs(population: Population) -> None:
    assert not is_newest_split_broken(population)


@settings(max_examples=50)
@given(generate_population())
def test_no_review_is_about_groups_that_are_one_or_that_all_were_decided_to_be_different(
    population: Population,
) -> None:
    identities, decisions = population
    found = run_recognition(identities, decisions, RULES)
    for suggestion in found.suggestions:
        assert len({found.groups[ids[0]] for ids in suggestion.identities}) == len(suggestion.identities) > 1
        if len(suggestion.identities) == 2 and decisions:
            newest, (left, right) = decisions[-1], suggestion.identities
            is_split = (
                newest.kind is DecisionKind.DIFFERENT and set(newest.left) & {*left} and set(newest.right) & {*right}
            )
            assert not is_split


def is_order_dependent(population: Population) -> bool:
    identities, decisions = population
    found = run_recognition(identities, decisions, RULES)
    return run_recognition(identities[::-1], decisions[::-1], RULES) != found


def is_newest_split_broken(population: Population) -> bool:
    identities, decisions = population
    found = run_recognition(identities, decisions, RULES)
    newest = decisions[-1:]
    return any(
        found.groups.get(one, one) == found.groups.get(other, other)
        for decision in newest
        if decision.kind is DecisionKind.DIFFERENT
        for one in decision.left
        for other in decision.right
    )


@pytest.mark.parametrize(
    ("owner", "name", "replacement", "is_broken"),
    [
        (block_evidence, "get_id", lambda facts: 0, is_order_dependent),
        (standing_decisions, "sort_newest_first", list, is_order_dependent),
        (joining, "_find_conflicts", lambda groups, edges: {}, is_newest_split_broken),
    ],
)
def test_the_proof_that_these_properties_can_fail(
    owner: object,
    name: str,
    replacement: object,
    is_broken: Callable[[Population], bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unsorted identities, decisions in the order of arrival, no veto."""
    monkeypatch.setattr(owner, name, replacement)
    quick = settings(database=None, max_examples=2_000, phases=[Phase.generate])
    assert find(generate_population(), is_broken, settings=quick)


def test_a_block_that_is_too_large_does_without_its_weakest_evidence_and_is_a_review() -> None:
    """Numbers that go from one record to the next connect everyone; cards stay."""
    chain = [
        build_identity(f"{number:03}", phone=f"+4474001{number:05},+4474001{number + 1:05}", card=f"L-{number // 2:04}")
        for number in range(60)
    ]
    whole = run_recognition(chain)
    limited = run_recognition(chain, rules=RecognitionRules(max_block=50))
    assert len(set(whole.groups.values())) == 30
    assert limited.groups == whole.groups
    without_cards = [replace(facts, evidence=facts.evidence[1:]) for facts in chain]
    assert len(set(run_recognition(without_cards).groups.values())) == 1
    limited = run_recognition(without_cards, rules=RecognitionRules(max_block=50))
    assert len(set(limited.groups.values())) == 60
    assert [len(one.identities) for one in limited.suggestions if "Too many" in one.reason] == [6]


def test_guests_of_one_contact_do_not_make_a_block_too_large() -> None:
    guests = [build_identity(f"{number:03}", contact="k", phone=MOBILE) for number in range(20)]
    found = run_recognition([*guests, build_identity("x", phone=MOBILE)], rules=RecognitionRules(max_block=5))
    assert len(set(found.groups.values())) == 1


def find_proved(partition: Partition, id_: str) -> set[str]:
    return {other for other, root in partition.proved.items() if root == partition.proved[id_]}


def test_a_customer_sees_what_is_verified_on_both_sides_and_nothing_that_names_or_cards_join() -> None:
    found = run_recognition(
        [
            build_identity("a", login=True, channel="web", verified=True, email=EMAIL, phone=MOBILE, card="L-0001"),
            build_identity("b", login=True, channel="app", verified=True, email=EMAIL, phone=MOBILE),
            build_identity("c", card="L-0001"),
            build_identity("d", email=EMAIL, phone=MOBILE),
            build_identity("e", reference="a"),
        ]
    )
    assert len(set(found.groups.values())) == 1
    assert find_proved(found, "a") == {"a", "b", "e"}


def test_a_customer_sees_what_staff_joined_with_proof_and_not_what_they_joined_without() -> None:
    records = [build_identity(id_) for id_ in "abc"]
    found = run_recognition(records, [decide(1, "SAME", "a", "b", proved=True), decide(2, "SAME", "ab", "c")])
    assert len(set(found.groups.values())) == 1
    assert find_proved(found, "a") == {"a", "b"}


def test_a_merge_without_proof_does_not_restore_a_proof_that_a_split_ended() -> None:
    decisions = [
        decide(1, "SAME", "a", "b", proved=True),
        decide(2, "DIFFERENT", "a", "b"),
        decide(3, "SAME", "a", "b"),
    ]
    found = run_recognition([build_identity(id_) for id_ in "ab"], decisions)
    assert len(set(found.groups.values())) == 1
    assert find_proved(found, "a") == {"a"}


def test_a_father_does_not_see_the_account_of_his_son_at_their_mailbox() -> None:
    """The mailbox is verified on both sides; the given names differ."""
    names = {"a": "Ada King", "b": "Byron King"}
    found = run_recognition(
        [build_identity(id_, name, email=EMAIL, login=True, verified=True) for id_, name in names.items()]
    )
    assert find_proved(found, "a") == {"a"}
