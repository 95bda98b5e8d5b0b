"""Reads of loyalty accounts, by the customers that they belong to (rule Y1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import fields

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.tables import identities, loyalty_accounts
from gateway.storage.writes.customers.loyalty import AccountRow

_columns = [loyalty_accounts.c[field.name] for field in fields(AccountRow)]
_joined = loyalty_accounts.join(identities, identities.c.id == loyalty_accounts.c.identity_id)
_accounts = BulkSelect(
    sa.select(identities.c.customer_id.label("owner_id"), *_columns).select_from(_joined), identities.c.customer_id
)
_proved_accounts = BulkSelect(
    sa.select(identities.c.proved_id.label("owner_id"), *_columns).select_from(_joined), identities.c.proved_id
)


def find_accounts(
    conn: Connection, customer_ids: Collection[str], *, proved: bool = False
) -> dict[str, list[AccountRow]]:
    """Find the accounts of customers, the oldest first. `proved`: of what a shopper is proved to be."""
    found: dict[str, list[AccountRow]] = defaultdict(list)
    for row in (_proved_accounts if proved else _accounts).select(conn, customer_ids):
        values = row._asdict()
        found[values.pop("owner_id")].append(AccountRow(**values))
    return {id_: sorted(rows, key=lambda row: (row.created_at, row.id)) for id_, rows in found.items()}


def find_related_accounts(conn: Connection, account_id: str) -> list[AccountRow]:
    """Find all accounts of the customer of an account."""
    owner = sa.select(identities.c.customer_id).select_from(_joined).where(loyalty_accounts.c.id == account_id)
    customer_id = conn.scalar(owner)
    if customer_id is not None:
        return find_accounts(conn, [customer_id]).get(customer_id, [])
    own = sa.select(*_columns).where(loyalty_accounts.c.id == account_id)
    return [AccountRow(**row._asdict()) for row in conn.execute(own)]
