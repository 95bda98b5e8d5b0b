"""What people decide about customers, against each other and against evidence (rule C3)."""

from __future__ import annotations

import pytest

from gateway.commerce.customers.recognition import joining
from gateway.model.customers.profiles import EvidenceVerdict, IdentityRule
from tests.commerce.customers.recognition.identities import (
    CARD,
    EMAIL,
    MOBILE,
    OTHER_MOBILE,
    build_identity,
    decide,
    group,
    list_reviews,
    run_recognition,
)

ADA, BYRON, CHARLES = (
    build_identity(id_, f"{name} King") for id_, name in zip("abc", ("Ada", "Byron", "Charles"), strict=True)
)


def test_a_merge_joins_what_no_evidence_connects() -> None:
    assert group(ADA, BYRON, CHARLES, decisions=[decide(1, "SAME", "a", "b")]) == {"ab", "c"}


def test_a_split_lasts_against_all_evidence() -> None:
    same = [build_identity(id_, email=EMAIL, phone=MOBILE, card=CARD, verified=True) for id_ in "ab"]
    assert group(*same) == {"ab"}
    assert group(*same, decisions=[decide(1, "DIFFERENT", "a", "b")]) == {"a", "b"}
    assert list_reviews(*same, decisions=[decide(1, "DIFFERENT", "a", "b")]) == set()


def test_a_split_lasts_against_a_merge_by_the_channel() -> None:
    merged = (build_identity("a"), build_identity("b", merged_into="a"))
    assert group(*merged, decisions=[decide(1, "DIFFERENT", "a", "b")]) == {"a", "b"}


def test_the_newest_decision_that_speaks_of_a_pair_holds() -> None:
    split, merge = decide(1, "DIFFERENT", "a", "b"), decide(2, "SAME", "a", "b")
    assert group(ADA, BYRON, decisions=[split, merge]) == {"ab"}
    assert group(ADA, BYRON, decisions=[decide(3, "DIFFERENT", "a", "b"), merge]) == {"a", "b"}


def test_an_older_merge_does_not_join_what_a_newer_split_parted_elsewhere() -> None:
    """a and b are different now, so c, which both were merged with, belongs to the newer merge alone."""
    decisions = [decide(1, "SAME", "b", "c"), decide(2, "SAME", "a", "c"), decide(3, "DIFFERENT", "a", "b")]
    assert group(ADA, BYRON, CHARLES, decisions=decisions) == {"ac", "b"}


def test_a_newcomer_between_two_who_are_different_stands_alone() -> None:
    """It has a value of each of them."""
    records = (
        build_identity("a", phone=MOBILE),
        build_identity("b", phone=MOBILE),
        build_identity("c", phone=MOBILE),
    )
    decisions = [decide(1, "DIFFERENT", "a", "b")]
    assert group(*records, decisions=decisions) == {"a", "b", "c"}
    assert list_reviews(*records, decisions=decisions) == {("a", "b", "c")}


def test_a_newcomer_of_one_side_alone_joins_that_side() -> None:
    records = (
        build_identity("a", phone=f"{MOBILE},{OTHER_MOBILE}"),
        build_identity("b", phone=MOBILE),
        build_identity("c", phone=OTHER_MOBILE),
    )
    assert group(*records, decisions=[decide(1, "DIFFERENT", "a", "b")]) == {"ac", "b"}


def test_newcomers_that_together_connect_two_who_are_different_join_neither() -> None:
    records = (
        build_identity("a", phone="+447400100001"),
        build_identity("b", phone="+447400100002"),
        build_identity("c", phone="+447400100001", email=EMAIL),
        build_identity("d", phone="+447400100002", email=EMAIL),
    )
    split = [decide(1, "DIFFERENT", "a", "b")]
    assert group(*records) == {"abcd"}
    assert group(*records, decisions=split) == {"a", "b", "cd"}


def test_who_was_decided_to_be_different_is_shown() -> None:
    records = [build_identity(id_, phone=MOBILE) for id_ in "ab"]
    found = run_recognition(records, [decide(1, "DIFFERENT", "a", "b")])
    assert [(link.rule, link.verdict) for link in found.links] == [(IdentityRule.MANUAL, EvidenceVerdict.CONTRADICTS)]


def test_a_decision_about_identities_that_are_gone_does_no_harm() -> None:
    assert group(ADA, decisions=[decide(1, "SAME", "a", "x"), decide(2, "DIFFERENT", "x", "a")]) == {"a"}


def test_the_proof_that_without_the_veto_evidence_joins_who_is_different(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "_find_conflicts", lambda groups, edges: {})
    for promise in (
        test_a_split_lasts_against_all_evidence,
        test_a_split_lasts_against_a_merge_by_the_channel,
        test_a_newcomer_between_two_who_are_different_stands_alone,
    ):
        with pytest.raises(AssertionError):
            promise()


def test_the_proof_that_without_bridges_a_newcomer_joins_one_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "_find_bridges", lambda groups, edges, settled: {edge.other for edge in edges})
    with pytest.raises(AssertionError):
        test_a_newcomer_of_one_side_alone_joins_that_side()
