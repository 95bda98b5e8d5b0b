"""Redemption: points of a customer become a discount on an order, and are held until it is decided (rule Y4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.commerce.loyalty import posting
from gateway.commerce.loyalty.posting import DEBIT, HELD, HOLD
from gateway.commerce.loyalty.program import LoyaltyProgram
from gateway.model.customers.loyalty import LoyaltyEntryKind
from gateway.storage.database import Connection
from gateway.storage.reads.customers.loyalty_accounts import find_accounts_of_home
from gateway.storage.writes.customers import loyalty
from gateway.storage.writes.customers.loyalty import AccountRow, FactRow


class PointsDiscount(NamedTuple):
    """Points that are redeemed, and what they are worth, in the smallest unit of a currency."""

    points: int
    minor: int


class PointsShare(NamedTuple):
    """Points that come from one account."""

    account_id: str
    points: int


@dataclass(frozen=True, slots=True)
class Redeemer:
    """Whose points are spent.

    Attributes:
        home: a customer id that was minted with an identity of the customer.
        is_proved: only accounts that the customer is proved to own are used, as for a shopper who is logged in.
    """

    home: str
    is_proved: bool


NO_DISCOUNT = PointsDiscount(0, 0)


def compute_discount(points: int | None, currency: str, gross: int, program: LoyaltyProgram | None) -> PointsDiscount:
    """Compute the discount of points on goods. Points that the goods do not need are not redeemed."""
    if not points or program is None or (worth := program.compute_worth(points, currency)) is None:
        return NO_DISCOUNT
    if worth > gross:
        points = _count_points(gross, currency, program)
        worth = program.compute_worth(points, currency) or 0
    return PointsDiscount(points, worth) if worth > 0 else NO_DISCOUNT


def _count_points(gross: int, currency: str, program: LoyaltyProgram) -> int:
    """Count the points that are worth at most this."""
    thousand = program.compute_worth(1_000_000_000, currency) or 1
    return max(gross, 0) * 1_000_000_000 // thousand


def list_accounts(conn: Connection, redeemer: Redeemer, program: LoyaltyProgram, now: datetime) -> list[AccountRow]:
    """List the accounts whose points can be spent, as of now: with what has begun and expired."""
    rows = find_accounts_of_home(conn, redeemer.home, proved=redeemer.is_proved)
    return refresh_accounts(conn, rows, program, now)


def refresh_accounts(
    conn: Connection, rows: Sequence[AccountRow], program: LoyaltyProgram, now: datetime
) -> list[AccountRow]:
    """Post what has begun and expired by now, if the background has not done it yet."""
    due = [row.id for row in rows if row.next_at is not None and row.next_at <= now]
    if not due:
        return list(rows)
    posted = posting.post_accounts(conn, due, program, now)
    return [posted[row.id].account if row.id in posted else row for row in rows]


def count_spendable(accounts: Sequence[AccountRow]) -> int:
    """Count the points that several accounts can spend. An account in debt lessens the others."""
    return sum(row.balance - row.held for row in accounts)


def plan_shares(
    conn: Connection, accounts: Sequence[AccountRow], points: int, program: LoyaltyProgram, now: datetime
) -> list[PointsShare]:
    """Plan how many points come from each account: those that expire first, first. What is missing comes from none."""
    states = posting.read_states(conn, [row.id for row in accounts], program, now)
    lots = sorted(
        (lot.expires_at is None, lot.expires_at or now, account_id, lot.points)
        for account_id, state in states.items()
        for lot in state.lots
    )
    left = {row.id: max(row.balance - row.held, 0) for row in accounts}
    shares: dict[str, int] = {}
    for _, _, account_id, available in lots:
        part = min(points, available, left[account_id])
        points -= part
        left[account_id] -= part
        if part:
            shares[account_id] = shares.get(account_id, 0) + part
    return [PointsShare(*share) for share in sorted(shares.items())]


def hold_points(
    conn: Connection,
    redeemer: Redeemer,
    order_id: str,
    points: int,
    program: LoyaltyProgram,
    now: datetime,
    reason: str,
) -> bool:
    """Hold points for an order. Returns False, and holds nothing that stays, if the customer has too few.

    The caller rolls back then. Each statement that holds decides by itself, so two orders at once spend nothing twice.
    """
    shares = plan_shares(conn, list_accounts(conn, redeemer, program, now), points, program, now)
    if sum(share.points for share in shares) < points:
        return False
    if not all(loyalty.hold_points(conn, account_id, part, now) for account_id, part in shares):
        return False
    loyalty.insert_facts(conn, [_build_hold(share, order_id, now, reason) for share in shares])
    return True


def _build_hold(share: PointsShare, order_id: str, now: datetime, reason: str) -> FactRow:
    return FactRow(
        key=f"redeem/{order_id}/{share.account_id}",
        source=HOLD,
        kind=DEBIT,
        account_id=share.account_id,
        order_id=order_id,
        occurred_at=now,
        points=share.points,
        entry_kind=LoyaltyEntryKind.REDEEM.value,
        state=HELD,
        reason=reason,
        created_at=now,
    )
