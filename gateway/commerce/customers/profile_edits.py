"""Profile edits: values that the customer or staff enter here. They are preferred to those of channels (rule C6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.commerce.context import SellingContext
from gateway.commerce.customers.edited_customers import (
    EditedCustomer,
    Editor,
    derive_customer,
    lock_customer,
    refuse_edit,
    refuse_unknown,
)
from gateway.commerce.customers.golden_record import EMAIL, LOCALE, NAME, PHONE, TAGS, build_golden_record
from gateway.model.mutation_result import MutationResult, UserErrorCode
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes.customers import edits
from gateway.storage.writes.customers.edits import EditRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileEdit:
    """Fields to change: by the names below. One that is missing stays; None removes what was entered here.

    Attributes:
        version: the version of the customer that the client last read.
        values: `given_name`, `family_name`, `email`, `phone`, `locale` and `tags`.
    """

    editor: Editor
    version: int
    values: dict[str, Any]


_FIELDS = {"email": EMAIL, "phone": PHONE, "locale": LOCALE, "tags": TAGS}


def update_customer(conn: Connection, edit: ProfileEdit, context: SellingContext) -> MutationResult:
    """Store what the customer or staff have entered."""
    customer = lock_customer(conn, edit.editor)
    if customer is None:
        return refuse_unknown()
    if customer.version != edit.version:
        message = "The customer has changed. Read it again and retry with its current version."
        return refuse_edit("version", message, UserErrorCode.CONFLICT, edit.editor.customer_id)
    rows = [
        EditRow(customer.identity_id, field, dump_json(value), edit.editor.by_customer, context.now)
        for field, value in _list_edits(conn, customer, edit, context)
    ]
    edits.replace_edits(conn, rows)
    derive_customer(conn, customer, context)
    return MutationResult(subject=edit.editor.customer_id, done=True)


def _list_edits(
    conn: Connection, customer: EditedCustomer, edit: ProfileEdit, context: SellingContext
) -> Iterator[tuple[str, Any]]:
    if edit.values.keys() & {"given_name", "family_name"}:
        yield NAME, _build_name(conn, customer, edit, context)
    for name, field in _FIELDS.items():
        if name in edit.values:
            yield field, edit.values[name]


def _build_name(
    conn: Connection, customer: EditedCustomer, edit: ProfileEdit, context: SellingContext
) -> Sequence[str | None] | None:
    """Build the name, which is entered whole: a part that is not given stays as it is shown."""
    ids = [row.id for row in customer.members]
    shown = build_golden_record(
        customer.members, edits.find_edits(conn, ids), (), context.config.customers.survivorship
    )
    given, family = (edit.values.get(name, getattr(shown, name)) or None for name in ("given_name", "family_name"))
    whole = " ".join(part for part in (given, family) if part)
    return [whole, given, family] if whole else None
