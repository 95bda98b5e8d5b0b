"""Views of loyalty accounts: the points of a customer, summed over all accounts (rule Y1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.commerce.loyalty.posting import read_grants, read_periods, read_states
from gateway.commerce.loyalty.program import LoyaltyProgram
from gateway.commerce.loyalty.tiers import compute_tier
from gateway.model.customers.loyalty import LoyaltyAccount, LoyaltyExpiry, LoyaltyOwner
from gateway.model.money import Money
from gateway.storage.database import Connection
from gateway.storage.reads.customers.loyalty_accounts import find_accounts_of_owners
from gateway.storage.writes.customers.loyalty import AccountRow


def load_accounts(
    conn: Connection, owners: Sequence[LoyaltyOwner], program: LoyaltyProgram, now: datetime
) -> Mapping[LoyaltyOwner, LoyaltyAccount]:
    """Load what owners have; those without an account are left out."""
    rows = find_accounts_of_owners(conn, owners)
    return {owner: _sum_accounts(owner, accounts, program, now) for owner, accounts in rows.items()}


def _sum_accounts(
    owner: LoyaltyOwner, rows: Sequence[AccountRow], program: LoyaltyProgram, now: datetime
) -> LoyaltyAccount:
    status = compute_tier(read_periods(rows), read_grants(rows), program, now)
    return LoyaltyAccount(
        owner=owner,
        account_ids=tuple(row.id for row in rows),
        numbers=tuple(row.number for row in rows if row.number is not None),
        balance=sum(row.balance - row.held for row in rows),
        pending=sum(row.pending for row in rows),
        tier=None if status.tier is None else status.tier.key,
        next_tier=None if status.next_tier is None else status.next_tier.key,
        points_to_next_tier=status.missing,
    )


def list_worth(balance: int, program: LoyaltyProgram) -> list[Money]:
    """List what points are worth, in every currency in which they are redeemed."""
    worth = {currency: program.compute_worth(max(balance, 0), currency) for currency in sorted(program.worth)}
    return [Money(minor, currency) for currency, minor in worth.items() if minor is not None]


def list_expiries(
    conn: Connection, groups: Sequence[tuple[str, ...]], program: LoyaltyProgram, now: datetime
) -> Mapping[tuple[str, ...], Sequence[LoyaltyExpiry]]:
    """List when the points of groups of accounts expire, soonest first."""
    states = read_states(conn, {id_ for group in groups for id_ in group}, program, now)
    expiries: dict[tuple[str, ...], Sequence[LoyaltyExpiry]] = {}
    for group in groups:
        sums: Counter[datetime] = Counter()
        for id_ in group:
            for lot in states[id_].lots:
                if lot.expires_at is not None:
                    sums[lot.expires_at] += lot.points
        expiries[group] = [LoyaltyExpiry(points=points, expires_at=at) for at, points in sorted(sums.items())]
    return expiries
