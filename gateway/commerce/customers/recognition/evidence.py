"""Evidence: the values of a customer record in the form in which they are compared (rule C2)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from gateway.commerce.customers.recognition.loyalty_numbers import CheckDigit, read_loyalty_number
from gateway.commerce.customers.recognition.mailboxes import normalize_mailbox
from gateway.commerce.email_form import InvalidEmailError, check_email
from gateway.model.customers.profiles import ContactPoint
from gateway.model.customers.recognition import Evidence, EvidenceKey, EvidenceKind
from gateway.model.validation import fold

_KINDS = {
    PhoneNumberType.MOBILE: EvidenceKind.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: EvidenceKind.LANDLINE,
    PhoneNumberType.FIXED_LINE: EvidenceKind.LANDLINE,
    PhoneNumberType.VOIP: EvidenceKind.LANDLINE,
    PhoneNumberType.PERSONAL_NUMBER: EvidenceKind.LANDLINE,
}
"""Kinds of numbers that people have. Where a numbering plan does not tell which are mobile, a number is a landline,
unless a channel has verified it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRules:
    """What a retailer configures.

    Attributes:
        service_keys: The retailer's own addresses and numbers, and what clerks enter for none: they tell nothing.
        service_domains: The retailer's own mail domains.
        relay_domains: Domains of the addresses that channels issue for their customers.
        placeholders: Folded texts that stand for a missing value, such as `n/a`.
    """

    service_keys: frozenset[EvidenceKey] = frozenset()
    service_domains: frozenset[str] = frozenset()
    relay_domains: frozenset[str] = frozenset()
    placeholders: frozenset[str] = frozenset()
    check_digit: CheckDigit = CheckDigit.NONE

    def is_placeholder(self, text: str) -> bool:
        """Report whether a text stands for a missing value."""
        return fold(text) in self.placeholders


def read_email(text: str) -> str | None:
    """Read an email address: folded, the domain as IDNA, one spelling for a mailbox. None: it is no address."""
    address = unicodedata.normalize("NFC", text.strip())
    try:
        domain = check_email(address).ascii_domain or ""
    except InvalidEmailError:
        return None
    local = address.rpartition("@")[0]
    return normalize_mailbox(unicodedata.normalize("NFC", local.casefold()), domain.lower())


def read_phone(text: str, region: str | None, *, verified: bool = False) -> EvidenceKey | None:
    """Read a phone number: its kind, and its number in E.164. None: it is no number of a person.

    Args:
        region: ISO 3166-1 code of the country of numbers without a country code.
        verified: Whether the channel has verified it. Then it is mobile if it can be.
    """
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    kind = _classify_phone(number, verified=verified)
    return None if kind is None else (kind, phonenumbers.format_number(number, PhoneNumberFormat.E164))


def _classify_phone(number: PhoneNumber, *, verified: bool) -> EvidenceKind | None:
    """A number with an extension is that of an office."""
    number_type = phonenumbers.number_type(number)
    if number.extension:
        return EvidenceKind.LANDLINE
    if verified and number_type == PhoneNumberType.FIXED_LINE_OR_MOBILE:
        return EvidenceKind.MOBILE
    return _KINDS.get(number_type)


def is_in_domain(address: str, domains: Iterable[str]) -> bool:
    """Report whether an address is in one of these domains, or in a domain below one."""
    host = address.rpartition("@")[2]
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def collect_evidence(
    emails: Iterable[ContactPoint],
    phones: Iterable[ContactPoint],
    loyalty_number: str | None,
    region: str | None,
    rules: EvidenceRules,
) -> tuple[Evidence, ...]:
    """Collect what the values of a record tell: sorted, each value once. A value that is none is left out.

    Args:
        region: ISO 3166-1 code of the country whose phone numbers the channel writes without their country code; None:
            its numbers need it.
    """
    verified: dict[EvidenceKey, bool] = {}
    for key, is_verified in _list_values(emails, phones, loyalty_number, region, rules):
        verified[key] = verified.get(key, False) or is_verified
    ordered = sorted(verified.items(), key=_get_order)
    return tuple(Evidence(*key, is_verified) for key, is_verified in ordered if key not in rules.service_keys)


def _get_order(item: tuple[EvidenceKey, bool]) -> tuple[str, str]:
    (kind, value), _ = item
    return kind.value, value


def _list_values(
    emails: Iterable[ContactPoint],
    phones: Iterable[ContactPoint],
    loyalty_number: str | None,
    region: str | None,
    rules: EvidenceRules,
) -> Iterator[tuple[EvidenceKey, bool]]:
    for point in _drop_placeholders(emails, rules):
        if (key := _read_address(point.value, rules)) is not None:
            yield key, point.verified
    for point in _drop_placeholders(phones, rules):
        if (key := read_phone(point.value, region, verified=point.verified)) is not None:
            yield key, point.verified
    if loyalty_number is not None and not rules.is_placeholder(loyalty_number):
        number = read_loyalty_number(loyalty_number, rules.check_digit)
        if number is not None:
            yield (EvidenceKind.LOYALTY_NUMBER, number), False


def _drop_placeholders(points: Iterable[ContactPoint], rules: EvidenceRules) -> Iterator[ContactPoint]:
    return (point for point in points if not rules.is_placeholder(point.value))


def _read_address(text: str, rules: EvidenceRules) -> EvidenceKey | None:
    """Read an email address. An address that a channel issues is an alias of an account, and no email
    address.
    """
    address = read_email(text)
    if address is None or is_in_domain(address, rules.service_domains):
        return None
    kind = EvidenceKind.RELAY_ADDRESS if is_in_domain(address, rules.relay_domains) else EvidenceKind.EMAIL
    return kind, address
