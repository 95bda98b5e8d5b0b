"""Addresses and contacts in inputs."""

from __future__ import annotations

from typing import Any

from gateway.execution.errors import BadUserInputError
from gateway.graphql.inputs import AddressInput
from gateway.graphql.queries.filters import present
from gateway.model import values
from gateway.model.channels import Address
from gateway.model.values import InvalidValueError

LONGEST = 255


def address(given: AddressInput | None) -> Address | None:
    """The address, if its texts are such as an address has."""
    found = present(given)
    if found is None:
        return None
    names = ("name", "company", "line1", "line2", "city", "region", "postal_code", "phone")
    texts: dict[str, Any] = {name: short(name, getattr(found, name)) for name in names}
    return Address(country_code=present(found.country_code), **texts)


def short(name: str, given: str | None) -> str | None:
    """A text that stands in one line; None: it is not given, or is empty."""
    try:
        text = values.optional_text(name, present(given), LONGEST)
    except InvalidValueError as error:
        raise BadUserInputError(f"{error}.") from error
    return text.strip() or None if text is not None else None
