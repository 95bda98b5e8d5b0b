"""Multipliers: what the tier of a customer multiplies the points of a purchase by."""

from __future__ import annotations

from datetime import datetime

from gateway.commerce.loyalty.posting import read_grants, read_periods
from gateway.commerce.loyalty.program import LoyaltyProgram
from gateway.commerce.loyalty.tiers import compute_tier
from gateway.storage.database import Connection
from gateway.storage.reads.customers.loyalty_accounts import find_related_accounts


def find_multiplier(conn: Connection, account_id: str, program: LoyaltyProgram, at: datetime) -> str:
    """Find the multiplier of the tier that the customer of an account has at the time of a purchase."""
    if not program.tiers:
        return "1"
    accounts = find_related_accounts(conn, account_id)
    tier = compute_tier(read_periods(accounts), read_grants(accounts), program, at).tier
    return "1" if tier is None else str(tier.multiplier)
