"""What joins records of customers, and what each part of the rule prevents (rule C3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest

from gateway.commerce.customers.recognition import cells, evidence, evidence_classes, partition, suggestions
from gateway.commerce.customers.recognition.block_evidence import BlockEvidence, Holder
from gateway.commerce.customers.recognition.cells import Cell
from gateway.model.customers.profiles import EvidenceVerdict, IdentityRule
from gateway.model.customers.recognition import EvidenceKind, IdentityFacts, Link, RecognitionRules
from tests.commerce.customers.recognition.identities import (
    CARD,
    EMAIL,
    LANDLINE,
    MOBILE,
    OTHER_CARD,
    OTHER_EMAIL,
    OTHER_MOBILE,
    RELAY,
    build_identity,
    group,
    list_groups,
    list_reviews,
    run_recognition,
)

Promise = Callable[[], None]


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        (
            build_identity("a", "Ada Lovelace", login=True, email=EMAIL, verified=True),
            build_identity("b", "Ada King", login=True, email="Ada@Shop.example", verified=True),
            IdentityRule.VERIFIED_EMAIL,
        ),
        (
            build_identity("a", "Bob Hall", card=CARD),
            build_identity("b", "Robert Moore", card="l0001"),
            IdentityRule.LOYALTY_NUMBER,
        ),
        (
            build_identity("a", login=True, phone=MOBILE, verified=True),
            build_identity("b", "Ada King", login=True, phone="07400 123456", verified=True),
            IdentityRule.VERIFIED_PHONE,
        ),
        (
            build_identity("a", email=EMAIL),
            build_identity("b", login=True, email=EMAIL, verified=True),
            IdentityRule.EMAIL_AND_NAME,
        ),
        (build_identity("a", phone=MOBILE), build_identity("b", phone=MOBILE), IdentityRule.PHONE_AND_NAME),
        (
            build_identity("a", "Ada -", email=EMAIL, phone=MOBILE),
            build_identity("b", "A Byron", email=EMAIL, phone=MOBILE),
            IdentityRule.EMAIL_AND_PHONE,
        ),
        (
            build_identity("a", channel="web"),
            build_identity("b", "Bob Hall", reference="a"),
            IdentityRule.EXTERNAL_REFERENCE,
        ),
        (build_identity("a"), build_identity("b", "Bob Hall", merged_into="a"), IdentityRule.CHANNEL_MERGE),
        (
            build_identity("a", channel="market", email=RELAY),
            build_identity("b", "Bob Hall", channel="market", email=RELAY),
            IdentityRule.EXTERNAL_REFERENCE,
        ),
    ],
)
def test_each_class_of_evidence_joins_two_records_and_explains_it(
    one: IdentityFacts, other: IdentityFacts, rule: IdentityRule
) -> None:
    found = run_recognition([one, other])
    assert list_groups(found.groups) == {"ab"}
    assert [link.rule for link in found.links if link.verdict is EvidenceVerdict.LINKS] == [rule]


def test_a_couple_that_shares_a_card_and_an_account_stays_two() -> None:
    """One card, one verified address, two given names."""
    assert group(
        build_identity("a", "Ada King", login=True, email=EMAIL, verified=True, card=CARD),
        build_identity("b", "Byron King", login=True, email=EMAIL, verified=True, card=CARD),
    ) == {"a", "b"}


def test_a_mother_and_a_daughter_with_another_family_name_stay_two() -> None:
    """One mobile number and given name, but two family names: a review."""
    records = (build_identity("a", "Ada King", phone=MOBILE), build_identity("b", "Ada Byron", phone=MOBILE))
    assert group(*records) == {"a", "b"}
    assert list_reviews(*records) == {("a", "b")}


def test_a_record_without_a_given_name_is_not_given_to_the_customer_who_has_one_value_of_it() -> None:
    records = (
        build_identity("a", "Ada King", email=EMAIL),
        build_identity("b", "- King", email=EMAIL),
        build_identity("c", "A King", email=EMAIL),
    )
    assert group(*records) == {"a", "b", "c"}
    assert list_reviews(*records) == {("a", "b", "c")}


def test_a_record_without_a_given_name_is_not_given_to_one_of_two_people() -> None:
    """Two values agree, but with two people."""
    assert group(
        build_identity("a", "Ada King", email=EMAIL, phone=MOBILE),
        build_identity("b", "Byron King", email=EMAIL, phone=MOBILE),
        build_identity("c", "- King", email=EMAIL, phone=MOBILE),
    ) == {"a", "b", "c"}


def test_an_initial_does_not_join_another_name() -> None:
    assert group(
        build_identity("a", "Ada King", email=EMAIL, phone=MOBILE),
        build_identity("b", "B King", email=EMAIL, phone=MOBILE),
    ) == {"a", "b"}


def test_a_father_and_a_son_with_a_card_each_stay_two() -> None:
    """One name, one mobile number, two cards: the record without a card may be either's."""
    records = (
        build_identity("a", phone=MOBILE, card=CARD),
        build_identity("b", phone=MOBILE, card=OTHER_CARD),
        build_identity("c", phone=MOBILE),
        build_identity("d", phone=MOBILE, card=CARD),
    )
    assert group(*records) == {"ad", "b", "c"}
    assert list_reviews(*records) == {("ad", "b", "c")}


def test_marie_and_maria_stay_two() -> None:
    """One letter off is a review."""
    records = (build_identity("a", "Marie King", phone=MOBILE), build_identity("b", "Maria King", phone=MOBILE))
    assert group(*records) == {"a", "b"}
    assert list_reviews(*records) == {("a", "b")}


def test_the_mailbox_of_a_family_does_not_join_a_guest_to_one_of_it() -> None:
    """It has two given names, so equal names are not enough; a mobile number is."""
    family = (
        build_identity("a", "Ada King", email=EMAIL, phone=MOBILE),
        build_identity("b", "Byron King", email=EMAIL),
        build_identity("c", "Ada King", email=EMAIL),
    )
    assert group(*family) == {"a", "b", "c"}
    assert ("a", "c") in list_reviews(*family)
    assert group(*family, build_identity("d", "Ada Byron", email=EMAIL, phone=MOBILE)) == {"ad", "b", "c"}


def test_a_landline_joins_no_records_not_even_with_an_address() -> None:
    assert group(
        build_identity("a", "Ada King", email=EMAIL, phone=LANDLINE),
        build_identity("b", "Ada King", phone=LANDLINE),
        build_identity("c", "- King", email=EMAIL, phone=LANDLINE),
    ) == {"a", "b", "c"}


def test_the_number_of_the_shop_does_not_make_its_customers_one() -> None:
    """A value with five given names is void."""
    names = ("Ada", "Byron", "Charles", "Dora", "Emil")
    records = [build_identity(name[0].lower(), f"{name} King", phone=MOBILE) for name in names]
    assert len(group(*records, build_identity("z", "Ada King", phone=MOBILE))) == 6
    assert len(group(*records[:4], build_identity("z", "Ada King", phone=MOBILE))) == 4


def test_a_value_of_very_many_records_joins_none_of_them() -> None:
    """What clerks enter as `Guest` has one name, and no end of records."""
    records = [build_identity(f"{number:04}", phone=MOBILE) for number in range(1_001)]
    rules = RecognitionRules(max_block=9_999)
    assert len(list_groups(run_recognition(records, rules=rules).groups)) == 1_001
    assert len(list_groups(run_recognition(records[1:], rules=rules).groups)) == 1


def test_an_attacker_who_types_the_values_of_a_customer_does_not_become_the_customer() -> None:
    """Name, address and number of the customer, none of them verified in the account of the attacker."""
    records = (
        build_identity("a", login=True, email=EMAIL, phone=MOBILE, verified=True),
        build_identity("b", email=EMAIL, phone=MOBILE),
        build_identity("x", login=True, channel="web", email=EMAIL, phone=MOBILE),
    )
    assert group(*records) == {"ab", "x"}
    assert list_reviews(*records) == set()


def test_a_relay_address_joins_no_records_of_two_channels() -> None:
    assert group(
        build_identity("a", channel="market", email=RELAY),
        build_identity("b", channel="web", email=RELAY),
        build_identity("c", channel="web", email=RELAY),
    ) == {"a", "bc"}


def test_what_a_customer_has_bought_is_not_among_the_facts() -> None:
    """ "A weak value merges unless both have orders" depends on which order came first."""
    assert not [field.name for field in fields(IdentityFacts) if "order" in field.name]


def test_two_records_with_different_values_are_two() -> None:
    assert group(
        build_identity("a", email=EMAIL, phone=MOBILE, card=CARD),
        build_identity("b", email=OTHER_EMAIL, phone=OTHER_MOBILE, card=OTHER_CARD),
    ) == {"a", "b"}


def test_names_alone_join_nothing_if_the_retailer_says_so() -> None:
    records = (
        build_identity("a", phone=MOBILE),
        build_identity("b", phone=MOBILE),
        build_identity("c", email=EMAIL),
        build_identity("d", email=EMAIL),
    )
    found = run_recognition(records, rules=RecognitionRules(by_name=False))
    assert list_groups(found.groups) == {"a", "b", "c", "d"}
    assert [len(suggestion.identities) for suggestion in found.suggestions] == [2, 2]


def test_guests_of_one_contact_are_one() -> None:
    """Whatever else the value says: their contact has address, number and full name in common."""
    assert group(
        build_identity("a", contact="k", email=EMAIL, channel="web"),
        build_identity("b", contact="k", email=EMAIL, channel="web"),
        build_identity("c", "Byron King", contact="l", email=EMAIL, channel="web"),
    ) == {"ab", "c"}


def test_names_that_tell_holders_of_a_value_apart_are_shown() -> None:
    found = run_recognition(
        [build_identity("a", "Ada King", phone=MOBILE), build_identity("b", "Byron King", phone=MOBILE)]
    )
    assert found.links == (Link(IdentityRule.PHONE, EvidenceVerdict.CONTRADICTS, MOBILE, "a", "b"),)


def test_links_span_a_group_and_list_no_other_pairs() -> None:
    found = run_recognition([build_identity(id_, email=EMAIL, phone=MOBILE) for id_ in "abcd"])
    assert [(link.first, link.second) for link in found.links] == [("a", "b"), ("a", "c"), ("a", "d")]


def ignore_names(rule: IdentityRule, value: str, holders: list[Holder]) -> list[Cell]:
    """Split nothing: what names prevent."""
    return [Cell(rule, tuple(sorted(holder.id for holder in holders)), value)] if len(holders) > 1 else []


def list_accounts_of_all_channels(block: BlockEvidence) -> list[Cell]:
    """List equal relay addresses, whatever their channel."""
    return [
        Cell(IdentityRule.EXTERNAL_REFERENCE, tuple(holder.id for holder in block.holders[key]))
        for key in block.list_keys(EvidenceKind.RELAY_ADDRESS)
    ]


GUARDS: list[tuple[Promise, object, str, object]] = [
    (
        test_a_couple_that_shares_a_card_and_an_account_stays_two,
        evidence_classes,
        "split_by_given_name",
        ignore_names,
    ),
    (
        test_a_mother_and_a_daughter_with_another_family_name_stay_two,
        evidence_classes,
        "split_by_full_name",
        cells.split_by_given_name,
    ),
    (
        test_a_record_without_a_given_name_is_not_given_to_the_customer_who_has_one_value_of_it,
        evidence_classes,
        "split_by_full_name",
        cells.split_with_incomplete,
    ),
    (
        test_a_record_without_a_given_name_is_not_given_to_one_of_two_people,
        evidence_classes,
        "split_with_incomplete",
        ignore_names,
    ),
    (test_an_initial_does_not_join_another_name, evidence_classes, "split_with_incomplete", ignore_names),
    (test_a_father_and_a_son_with_a_card_each_stay_two, cells, "_separate_cards", lambda holders: [holders]),
    (test_marie_and_maria_stay_two, suggestions, "are_similar", lambda one, other: False),
    (
        test_the_mailbox_of_a_family_does_not_join_a_guest_to_one_of_it,
        evidence_classes,
        "is_shared_mailbox",
        lambda holders: False,
    ),
    (test_the_number_of_the_shop_does_not_make_its_customers_one, partition, "MAX_GIVEN_NAMES", 99),
    (test_a_value_of_very_many_records_joins_none_of_them, partition, "MAX_HOLDERS", 9_999),
    (
        test_an_attacker_who_types_the_values_of_a_customer_does_not_become_the_customer,
        Holder,
        "is_admissible",
        True,
    ),
    (
        test_a_relay_address_joins_no_records_of_two_channels,
        evidence_classes,
        "_list_accounts",
        list_accounts_of_all_channels,
    ),
]


@pytest.mark.parametrize(("promise", "owner", "name", "replacement"), GUARDS)
def test_the_proof_that_each_promise_fails_without_its_guard(
    promise: Promise, owner: object, name: str, replacement: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, replacement)
    with pytest.raises(AssertionError):
        promise()


def test_the_proof_that_a_landline_would_join(monkeypatch: pytest.MonkeyPatch) -> None:
    """If it were taken for a mobile number."""
    kinds = dict.fromkeys(evidence._KINDS, EvidenceKind.MOBILE)
    monkeypatch.setattr(evidence, "_KINDS", kinds)
    with pytest.raises(AssertionError):
        test_a_landline_joins_no_records_not_even_with_an_address()
