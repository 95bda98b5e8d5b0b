"""The form in which values of customer records are compared (rule C2)."""

from __future__ import annotations

import pytest

from gateway.commerce.customers.recognition.evidence import (
    EvidenceRules,
    collect_evidence,
    read_email,
    read_phone,
)
from gateway.commerce.customers.recognition.given_names import fold_name, is_initial, normalize_given_name
from gateway.commerce.customers.recognition.loyalty_numbers import CheckDigit, read_loyalty_number
from gateway.model.customers.profiles import ContactPoint
from gateway.model.customers.recognition import Evidence, EvidenceKey, EvidenceKind

VALID_PHONE = "07400 123456"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Shop.Example", " ada@shop.example "),
        ("ada@exämple.com", "ada@xn--exmple-cua.com"),
        ("jose\u0301@shop.example", "josé@shop.example"),
        ("a.d.a+shop@gmail.com", "ada@googlemail.com"),
        ("ada+shop@outlook.com", "ada@outlook.com"),
    ],
)
def test_two_spellings_of_a_mailbox_are_one_value(one: str, other: str) -> None:
    assert read_email(one) == read_email(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.da@shop.example", "ada@shop.example"),
        ("ada+shop@shop.example", "ada@shop.example"),
        ("a.da@outlook.com", "ada@outlook.com"),
        ("josé@shop.example", "jose@shop.example"),
    ],
)
def test_two_mailboxes_of_other_providers_are_not_taken_for_one(one: str, other: str) -> None:
    assert read_email(one) != read_email(other)


@pytest.mark.parametrize("text", ["", "none", "ada", "ada@", "Ada <ada@shop.example>", "a@b, c@d", "none@none.invalid"])
def test_a_text_that_is_no_address_is_no_evidence(text: str) -> None:
    assert read_email(text) is None


@pytest.mark.parametrize(
    ("text", "region", "key"),
    [
        ("07400 123456", "GB", (EvidenceKind.MOBILE, "+447400123456")),
        ("+44 (0)7400-123456", None, (EvidenceKind.MOBILE, "+447400123456")),
        ("0151 23456789", "DE", (EvidenceKind.MOBILE, "+4915123456789")),
        ("020 7946 0000", "GB", (EvidenceKind.LANDLINE, "+442079460000")),
        ("+44 7400 123456 ext. 12", "GB", (EvidenceKind.LANDLINE, "+447400123456")),
        ("(212) 736-5000", "US", (EvidenceKind.LANDLINE, "+12127365000")),
        ("07400 123456", None, None),
        ("07400 123456", "FR", None),
        ("0800 123 4567", "GB", None),
        ("00000000000", "GB", None),
        ("ask him", "GB", None),
    ],
)
def test_phone_numbers_are_read_by_the_region_of_their_channel(
    text: str, region: str | None, key: EvidenceKey | None
) -> None:
    assert read_phone(text, region) == key


def test_a_number_that_may_be_a_landline_is_one_until_it_is_verified() -> None:
    """In some numbering plans nothing tells a mobile number from the landline of a household."""
    assert read_phone("+12127365000", None, verified=True) == (EvidenceKind.MOBILE, "+12127365000")
    assert read_phone("+442079460000", None, verified=True) == (EvidenceKind.LANDLINE, "+442079460000")


def test_a_number_that_is_none_does_not_take_the_address_with_it() -> None:
    """It is no evidence, and no reason to reject the record."""
    points = [ContactPoint(value="12"), ContactPoint(value="n/a")]
    found = collect_evidence([ContactPoint(value="ada@shop.example")], points, None, "GB", EvidenceRules())
    assert found == (Evidence(EvidenceKind.EMAIL, "ada@shop.example"),)


def test_what_the_retailer_owns_and_what_clerks_enter_for_none_is_no_evidence() -> None:
    rules = EvidenceRules(
        service_keys=frozenset({(EvidenceKind.MOBILE, "+447400123456"), (EvidenceKind.EMAIL, "none@none.com")}),
        service_domains=frozenset({"retailer.example"}),
        placeholders=frozenset({"l0000"}),
    )
    emails = [
        ContactPoint(value=text) for text in ("none@none.com", "till@shop.retailer.example", "a@retailer.example")
    ]
    assert collect_evidence(emails, [ContactPoint(value=VALID_PHONE)], "L0000", "GB", rules) == ()


def test_an_address_that_a_channel_issues_is_an_alias_and_no_email_address() -> None:
    rules = EvidenceRules(relay_domains=frozenset({"relay.example"}))
    points = [ContactPoint(value="x@relay.example", verified=True), ContactPoint(value="y@a.relay.example")]
    assert collect_evidence(points, [], None, None, rules) == (
        Evidence(EvidenceKind.RELAY_ADDRESS, "x@relay.example", True),
        Evidence(EvidenceKind.RELAY_ADDRESS, "y@a.relay.example"),
    )


def test_a_value_that_is_verified_once_is_verified() -> None:
    points = [ContactPoint(value="ada@shop.example"), ContactPoint(value="Ada@shop.example", verified=True)]
    assert collect_evidence(points, [], None, None, EvidenceRules()) == (
        Evidence(EvidenceKind.EMAIL, "ada@shop.example", True),
    )


@pytest.mark.parametrize(
    ("text", "check_digit", "number"),
    [
        ("l-0001 x", CheckDigit.NONE, "L0001X"),
        ("0000000", CheckDigit.NONE, None),
        ("none", CheckDigit.NONE, None),
        ("4111 1111 1111 1111", CheckDigit.LUHN, "4111111111111111"),
        ("4111 1111 1111 1112", CheckDigit.LUHN, None),
        ("L0001", CheckDigit.LUHN, None),
        ("4006381333931", CheckDigit.GTIN, "4006381333931"),
        ("4006381333932", CheckDigit.GTIN, None),
    ],
)
def test_a_mistyped_loyalty_number_is_not_that_of_another_customer(
    text: str, check_digit: CheckDigit, number: str | None
) -> None:
    assert read_loyalty_number(text, check_digit) == number


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Bob", "robert"),
        ("Bob R.", "robert"),
        ("J. R.", "j"),
        ("Mary Ann", "mary ann"),
        ("Jean-Paul", "jean paul"),
        ("RENÉ", "rene"),
        ("Marie", "marie"),
        ("伟", "伟"),
        (" - ", None),
        (None, None),
    ],
)
def test_given_names_compare_in_full_and_without_accents(text: str | None, name: str | None) -> None:
    assert normalize_given_name(text) == name


def test_one_letter_is_an_initial_and_one_character_of_another_script_is_a_name() -> None:
    assert is_initial("j") and is_initial("ж")
    assert not is_initial("jo") and not is_initial("伟")


def test_family_names_compare_without_case_accents_and_punctuation() -> None:
    assert fold_name("O\u2019Neill-Smith") == fold_name("o'neill smith") == "o neill smith"
