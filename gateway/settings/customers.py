"""The table `[customers]` of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from gateway.settings.table import Table
from gateway.settings.value_types import Key

Domain = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[^@\s]+\.[^@\s.]+$")]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]


def _check_international(value: str) -> str:
    digits = [character for character in value if character.isdigit()]
    if not value.startswith("+") or not 7 <= len(digits) <= 15:
        raise ValueError("expected a phone number with its country code, such as +44 20 7946 0000")
    return value


PhoneNumber = Annotated[str, AfterValidator(_check_international)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class CustomersTable(Table):
    """`[customers]`: how records of channels are recognized as one customer."""

    recognition: str = "evidence"  # policy that returns keys of records, in addition to the gateway's own evidence
    by_name: bool = True  # false: an equal full name with an equal address or mobile number is a review
    loyalty_check_digit: Literal["none", "luhn", "gtin"] = "none"
    service_addresses: tuple[Address, ...] = ()  # email addresses of the retailer, or that clerks enter for none
    service_phones: tuple[PhoneNumber, ...] = ()
    service_domains: tuple[Domain, ...] = ()  # of the retailer's own email addresses
    external_systems: tuple[Key, ...] = ()  # that are no channel, whose IDs references have
    placeholders: tuple[ShortText, ...] = ()  # texts that stand for a missing name, address, number or card
