"""The rows that hold the personal data of identities, as the declaration of columns says (rules C11, C13)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.customers.timeline import InteractionKind
from gateway.storage.privacy.personal_data import EXPORTED_WITH, PERSONAL, Owner, PersonalColumns
from gateway.storage.sql.keyset import is_among
from gateway.storage.tables import (
    audit_entries,
    customer_decision_members,
    customer_decisions,
    customer_review_members,
    fulfillments,
    interactions,
    loyalty_accounts,
    loyalty_entries,
    metadata,
    orders,
)
from gateway.storage.writes.customers.identities import IdentityRow

Owned = Mapping[Owner, Sequence[str]]
"""The keys of personal rows, by what they refer to."""

SUBJECTS = {
    "Customer": Owner.HOME,
    "Order": Owner.ORDER,
    "CustomerMerge": Owner.DECISION,
    "CustomerReview": Owner.REVIEW,
}
"""What the audit trail names that belongs to somebody, by its type."""


def find_owned(conn: Connection, members: Collection[IdentityRow]) -> Owned:
    """Find what belongs to identities."""
    ids = [row.id for row in members]
    numbers = [row.loyalty_number for row in members if row.loyalty_number is not None]
    accounts = {
        *_select(conn, loyalty_accounts.c.id, loyalty_accounts.c.identity_id, ids),
        *_select(conn, loyalty_accounts.c.id, loyalty_accounts.c.number, numbers),  # not assigned yet
    }
    decisions = _select(conn, customer_decision_members.c.decision_id, customer_decision_members.c.identity_id, ids)
    owned = {
        Owner.IDENTITY: ids,
        Owner.HOME: [row.home for row in members],
        Owner.ORDER: _find_orders(conn, members),
        Owner.ACCOUNT: sorted(accounts),
        Owner.DECISION: decisions,
        Owner.REVIEW: _select(conn, customer_review_members.c.review_id, customer_review_members.c.identity_id, ids),
    }
    return {**owned, Owner.AUDIT: _find_audit_entries(conn, owned)}


def _select(
    conn: Connection, column: sa.Column[Any], key: sa.Column[Any], keys: Collection[str], *conditions: Any
) -> list[str]:
    statement = sa.select(column).where(is_among(conn, key, keys), *conditions)
    return sorted(set(conn.scalars(statement)))


def _find_orders(conn: Connection, members: Iterable[IdentityRow]) -> list[str]:
    """Find the orders that name identities, with the copies of them that other channels have."""
    by_channel: dict[str, list[str]] = {}
    for row in members:
        by_channel.setdefault(row.channel, []).append(row.external_id)
    named = [
        id_
        for channel, ids in sorted(by_channel.items())
        for id_ in _select(conn, orders.c.id, orders.c.customer, ids, orders.c.customer_channel == channel)
    ]
    return [*named, *_select(conn, orders.c.id, orders.c.attached_to, named)]


def _find_audit_entries(conn: Connection, owned: Owned) -> list[str]:
    merges = _select(conn, customer_decisions.c.merge_id, customer_decisions.c.id, owned[Owner.DECISION])
    entries = _select(conn, loyalty_entries.c.id, loyalty_entries.c.account_id, owned[Owner.ACCOUNT])
    fulfilled = _select(conn, fulfillments.c.id, fulfillments.c.order_id, owned[Owner.ORDER])
    added = _select(conn, interactions.c.id, interactions.c.identity_id, owned[Owner.IDENTITY])
    noted = [f"{kind}:{id_}" for id_ in added for kind in InteractionKind.__members__]
    subjects = [(type_, merges if type_ == "CustomerMerge" else owned[owner]) for type_, owner in SUBJECTS.items()]
    found = [
        id_
        for type_, ids in (
            *subjects,
            ("LoyaltyEntry", entries),
            ("Fulfillment", fulfilled),
            ("Interaction", [*added, *noted]),
        )
        for id_ in _select(
            conn, audit_entries.c.id, audit_entries.c.subject_id, ids, audit_entries.c.subject_type == type_
        )
    ]
    return sorted(found)


EXPORTED = frozenset({Owner.IDENTITY, Owner.HOME, Owner.ORDER, Owner.ACCOUNT})
"""What an export has. Decisions and reviews of staff compare a customer with others, whose values they would show."""


def read_rows(conn: Connection, owned: Owned) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Read what belongs to a customer, by table."""
    tables = {name: (one.owner, one.key) for name, one in PERSONAL.items() if one.owner in EXPORTED}
    return {
        name: _read_table(conn, metadata.tables[name], key, owned[owner])
        for name, (owner, key) in (*tables.items(), *EXPORTED_WITH.items())
    }


def _read_table(conn: Connection, table: sa.Table, key: str, keys: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    statement = sa.select(table).where(is_among(conn, table.c[key], keys))
    return [dict(row._mapping) for row in conn.execute(statement.order_by(*table.primary_key.columns))]


def erase_rows(conn: Connection, owned: Owned, retained: Collection[str] = ()) -> None:
    """Clear or delete the personal columns. `retained`: the orders whose data is still needed."""
    without = {**owned, Owner.ORDER: [id_ for id_ in owned[Owner.ORDER] if id_ not in retained]}
    for name, declared in PERSONAL.items():
        _erase_table(conn, metadata.tables[name], declared, without[declared.owner])


def _erase_table(conn: Connection, table: sa.Table, declared: PersonalColumns, keys: Sequence[str]) -> None:
    if not keys:
        return
    condition = is_among(conn, table.c[declared.key], keys)
    if declared.erased is None:
        conn.execute(sa.delete(table).where(condition))
    else:
        conn.execute(sa.update(table).where(condition).values(dict(declared.erased)))
