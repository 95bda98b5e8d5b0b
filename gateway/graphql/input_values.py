"""Parsing of addresses, short texts, email addresses and amounts in inputs."""

from __future__ import annotations

from typing import Any

from gateway.commerce.email_form import InvalidEmailError, check_email
from gateway.execution.errors import BadUserInputError
from gateway.graphql.filters import unwrap
from gateway.graphql.inputs import AddressInput, MoneyInput
from gateway.model import validation
from gateway.model.locations import Address
from gateway.model.money import Money
from gateway.model.validation import InvalidValueError

MAX_TEXT_LENGTH = 255
_ADDRESS_FIELDS = {
    "name": "name",
    "company": "company",
    "line1": "line1",
    "line2": "line2",
    "city": "city",
    "region": "region",
    "postal_code": "postalCode",
    "phone": "phone",
}


def parse_address(name: str, address: AddressInput | None) -> Address | None:
    """Parse an address.

    Raises:
        BadUserInputError: A text is too long.
    """
    fields = unwrap(address)
    if fields is None:
        return None
    texts: dict[str, Any] = {
        key: parse_short_text(f"{name}.{shown}", getattr(fields, key)) for key, shown in _ADDRESS_FIELDS.items()
    }
    return Address(country_code=unwrap(fields.country_code), **texts)


def parse_short_text(name: str, value: str | None) -> str | None:
    """Parse a text of one line; None: it is omitted or empty."""
    try:
        text = validation.check_optional_text(name, unwrap(value), MAX_TEXT_LENGTH)
    except InvalidValueError as error:
        raise BadUserInputError(f"{error}.") from error
    return text.strip() or None if text is not None else None


def parse_email(name: str, value: str | None) -> str | None:
    """Parse an email address and return it as it was typed. Only its form is checked, not that its domain exists.

    Raises:
        BadUserInputError: It does not have the form of an email address.
    """
    text = parse_short_text(name, value)
    if text is None:
        return None
    try:
        check_email(text)
    except InvalidEmailError as error:
        raise BadUserInputError(f"{name}: is not an email address: {error}") from error
    return text


def parse_money(name: str, value: MoneyInput) -> Money:
    """Parse an amount; it must have at most the digits of its currency."""
    try:
        return Money.of(value.amount, value.currency_code)
    except InvalidValueError as error:
        raise BadUserInputError(f"{name}: {error}.") from error
