"""Feed of a till's customers, with their loyalty card numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from gateway.sdk import Address, ContactPoint, CustomerRecord, LoyaltyCard, Raw, Ref
from gateway_sqlpos.customers.customer_references import format_references, label_references, map_references
from gateway_sqlpos.row_values import Row, get_number, get_single_row, get_text, is_false, is_number, is_true
from gateway_sqlpos.table_feed import TableFeed
from gateway_sqlpos.table_mapping import Customers, Layout
from gateway_sqlpos.till import TillSession

_ADDRESS_COLUMNS = ("line1", "line2", "city", "region", "postal_code")


class CustomerFeed(TableFeed[CustomerRecord]):
    """Customers of a till. Those that the till hides are left out."""

    of = CustomerRecord
    name = "customers"
    every = timedelta(minutes=15)
    columns = (
        "id",
        "name",
        "given_name",
        "family_name",
        "email",
        "phone",
        "card",
        *_ADDRESS_COLUMNS,
        "country",
        "visible",
        "email_verified",
        "points",
        "tier",
    )

    def get_names(self, layout: Layout) -> Customers:
        return layout.customers

    def label_more_columns(self, till: TillSession) -> Mapping[str, str]:
        return label_references(till)

    def complete_rows(self, till: TillSession, rows: list[Row]) -> None:
        for row in rows:
            format_references(row)

    def has_row(self, row: Row) -> bool:
        return not is_false(row.pop("visible"))

    def read(self, raw: Raw) -> CustomerRecord:
        row = get_single_row(raw)
        references, warnings = map_references(row)
        return CustomerRecord(
            ref=Ref(raw.id),
            display_name=get_text(row, "name"),
            given_name=get_text(row, "given_name"),
            family_name=get_text(row, "family_name"),
            emails=_map_contact_points(row, "email", verified=is_true(row.get("email_verified"))),
            phones=_map_contact_points(row, "phone"),
            addresses=_map_addresses(row),
            loyalty_number=get_text(row, "card"),
            loyalty=_map_card(row),
            references=references,
            warnings=tuple(warnings),
        )


def _map_card(row: Row) -> LoyaltyCard | None:
    """Map the card, if the till has points or tiers. An empty column has none yet."""
    points, tier = row.get("points"), get_text(row, "tier")
    if points is None and tier is None:
        return None
    if is_number(points) and get_number(row, "points") % 1 == 0:
        points = int(get_number(row, "points"))
    return LoyaltyCard(number=get_text(row, "card"), tier=tier, points=points)


def _map_contact_points(row: Row, field: str, *, verified: bool = False) -> tuple[ContactPoint, ...]:
    value = get_text(row, field)
    return () if value is None else (ContactPoint(value=value.strip(), verified=verified, primary=True),)


def _map_addresses(row: Row) -> tuple[Address, ...]:
    parts = {field: get_text(row, field) for field in _ADDRESS_COLUMNS}
    country = get_text(row, "country") or ""
    if not any(parts.values()):
        return ()
    code = (
        country if re.fullmatch("[A-Z]{2}", country) else None
    )  # a free-text field, often with the name of the country
    return (Address(**parts, country_code=code),)
