"""The configuration of recognition: what the retailer states, and what channels declare (rule C2)."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.commerce.customers.recognition.evidence import collect_evidence
from gateway.model.customers.profiles import ContactPoint
from gateway.model.customers.recognition import Evidence, EvidenceKind
from gateway.runtime.recognition_rules import build_evidence_rules
from gateway.settings.loading import parse
from gateway.settings.problems import SettingsError


def test_what_the_retailer_lists_is_no_evidence_however_it_is_written() -> None:
    table = {
        "service_addresses": ["None@none.com"],
        "service_phones": ["+44 20 7946 0000", "+1 212 736 5000"],
        "service_domains": ["Retailer.example"],
        "placeholders": ["N/A", "L-00"],
    }
    rules = build_evidence_rules(parse({"customers": table}, {}).customers, frozenset({"relay.example"}))
    emails = [ContactPoint(value=text) for text in ("none@NONE.com", "a@retailer.example", "n/a", "x@relay.example")]
    phones = [
        ContactPoint(value="020 7946 0000"),
        ContactPoint(value="+12127365000", verified=True),
        ContactPoint(value="N/A"),
    ]
    assert collect_evidence(emails, phones, "l-00", "GB", rules) == (
        Evidence(EvidenceKind.RELAY_ADDRESS, "x@relay.example"),
    )


@pytest.mark.parametrize(
    ("table", "line"),
    [
        (
            {"service_phones": ["+44 12 3456"]},
            "customers.service_phones: expected a phone number of a person or a company, found '+44 12 3456'",
        ),
        (
            {"service_addresses": ["a@b@c"]},
            "customers.service_addresses.0: String should match pattern '^[^@\\s]+@[^@\\s]+$'",
        ),
        (
            {"service_addresses": ["a..@b..c"]},
            "customers.service_addresses: expected an email address, found 'a..@b..c'",
        ),
    ],
)
def test_a_service_number_or_address_that_is_none_is_one_line(table: dict[str, Any], line: str) -> None:
    with pytest.raises(SettingsError) as raised:
        build_evidence_rules(parse({"customers": table}, {}).customers, frozenset())
    assert list(raised.value.problems) == [line]
