"""Loyalty accounts: which account a purchase belongs to, and whose an account is (rule Y1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from gateway.commerce.loyalty.program import LoyaltyProgram
from gateway.model.ids import generate_id
from gateway.storage.database import Connection
from gateway.storage.reads.customers import loyalty_orders
from gateway.storage.writes.customers import loyalty
from gateway.storage.writes.customers.loyalty import CARD, HOME, AccountRow

MAX_NUMBER = 255
"""Maximum length of the number of a card."""


def build_account(number: str | None, identity_id: str | None, home: str | None, now: datetime) -> AccountRow:
    """Build the account of a card, or else of an identity."""
    key = f"{HOME}{home}" if number is None else f"{CARD}{number}"
    return AccountRow(
        id=generate_id(now),
        key=key,
        number=number,
        identity_id=identity_id if number is None else None,
        created_at=now,
        updated_at=now,
    )


def open_accounts(
    conn: Connection, rows: Collection[AccountRow], program: LoyaltyProgram, now: datetime
) -> Mapping[str, AccountRow]:
    """Open these accounts, unless they are. Returns them by key."""
    accounts = loyalty.ensure_accounts(conn, rows)
    numbers = {row.number for row in accounts.values() if row.number is not None and row.identity_id is None}
    if numbers and assign_cards(conn, numbers, program, now):
        return loyalty.find_accounts_by_key(conn, accounts)
    return accounts


def assign_cards(conn: Connection, numbers: Collection[str], program: LoyaltyProgram, now: datetime) -> bool:
    """Assign the accounts of cards to the identities that have them by now. Returns whether any has changed."""
    accounts = loyalty.find_accounts_by_key(conn, [f"{CARD}{number}" for number in numbers])
    owners = loyalty.find_owners(conn, numbers, program.issuer)
    stale = [row.id for row in accounts.values() if row.identity_id != owners.get(row.number or "")]
    locked = loyalty.lock_accounts(conn, stale)
    changed = [
        replace(row, identity_id=owners.get(row.number or ""), updated_at=now) for _, row in sorted(locked.items())
    ]
    loyalty.update_accounts(conn, changed)
    return bool(changed)


def assign_cards_of_customers(
    conn: Connection, customer_ids: Collection[str], program: LoyaltyProgram, now: datetime
) -> None:
    """Assign the cards that customers have, or had."""
    numbers = loyalty_orders.find_numbers(conn, customer_ids)
    assign_cards(conn, numbers | loyalty_orders.find_account_numbers(conn, customer_ids), program, now)
