"""How values of customer records are read, as the configuration and the channels define it (rule C2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from gateway.commerce.customers.recognition.evidence import EvidenceRules, read_email, read_phone
from gateway.commerce.customers.recognition.loyalty_numbers import CheckDigit
from gateway.model.customers.recognition import EvidenceKey, EvidenceKind
from gateway.model.validation import fold
from gateway.settings.customers import CustomersTable
from gateway.settings.problems import SettingsError
from gateway.settings.schema import Settings


def build_evidence_rules(table: CustomersTable, relay_domains: frozenset[str]) -> EvidenceRules:
    """Build the rules by which values are read.

    Raises:
        SettingsError: a service number or address is none.
    """
    return EvidenceRules(
        service_keys=frozenset((*_read_addresses(table.service_addresses), *_read_numbers(table.service_phones))),
        service_domains=frozenset(table.service_domains),
        relay_domains=relay_domains,
        placeholders=frozenset(fold(text) for text in table.placeholders),
        check_digit=CheckDigit(table.loyalty_check_digit),
    )


def digest_rules(settings: Settings) -> str:
    """Return the digest of the settings that decide which records are one customer, and which values it shows."""
    regions = {key: table.region for key, table in sorted(settings.channels.items())}
    unchanged = set() if settings.customers.external_systems else {"external_systems"}  # as in earlier versions
    customers = settings.customers.model_dump_json(exclude=unchanged)
    rules = [customers, json.dumps(regions), *settings.list_channels_by_priority()]
    references = {key: table.references for key, table in settings.channels.items() if table.references}
    if references:
        rules.append(json.dumps(references, sort_keys=True))
    return hashlib.sha256("\n".join(rules).encode()).hexdigest()[:32]


def _read_addresses(texts: Iterable[str]) -> list[EvidenceKey]:
    addresses = {text: read_email(text) for text in texts}
    _check_readable("service_addresses", addresses, "an email address")
    return [(EvidenceKind.EMAIL, address) for address in addresses.values() if address is not None]


def _read_numbers(texts: Iterable[str]) -> list[EvidenceKey]:
    """Read the numbers as of all kinds: a channel may have verified one."""
    numbers = {text: read_phone(text, None) for text in texts}
    _check_readable("service_phones", numbers, "a phone number of a person or a company")
    kinds = (EvidenceKind.MOBILE, EvidenceKind.LANDLINE)
    return [(kind, key[1]) for key in numbers.values() if key is not None for kind in kinds]


def _check_readable(name: str, values: Mapping[str, object], expected: str) -> None:
    problems = [f"customers.{name}: expected {expected}, found {text!r}" for text, value in values.items() if not value]
    if problems:
        raise SettingsError(problems)
