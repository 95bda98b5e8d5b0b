"""Customers of a till, with the number of the card that she shows."""

from __future__ import annotations

import re
from datetime import timedelta

from gateway.sdk import Address, ContactPoint, CustomerRecord, Raw, Ref
from gateway_sqlpos.rows import Row, only, text
from gateway_sqlpos.tables import TableFeed

_ADDRESS = ("line1", "line2", "city", "region", "postal_code")


class CustomerFeed(TableFeed[CustomerRecord]):
    """The table of customers."""

    of = CustomerRecord
    name = "customers"
    every = timedelta(minutes=15)
    columns = ("id", "name", "given_name", "family_name", "email", "phone", "card", *_ADDRESS, "country")

    def read(self, raw: Raw) -> CustomerRecord:
        row = only(raw)
        return CustomerRecord(
            ref=Ref(raw.id),
            display_name=text(row, "name"),
            given_name=text(row, "given_name"),
            family_name=text(row, "family_name"),
            emails=_contacts(row, "email"),
            phones=_contacts(row, "phone"),
            addresses=_addresses(row),
            loyalty_number=text(row, "card"),
        )


def _contacts(row: Row, field: str) -> tuple[ContactPoint, ...]:
    value = text(row, field)
    return () if value is None else (ContactPoint(value=value.strip(), primary=True),)


def _addresses(row: Row) -> tuple[Address, ...]:
    parts = {field: text(row, field) for field in _ADDRESS}
    country = text(row, "country") or ""
    if not any(parts.values()):
        return ()
    code = country if re.fullmatch("[A-Z]{2}", country) else None  # a free text field, and often a country's name
    return (Address(**parts, country_code=code),)
