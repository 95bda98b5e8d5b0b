"""Tiers of the loyalty program, by points of the present and the last period (rule Y9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.commerce.loyalty.program import LoyaltyProgram, Tier


@dataclass(frozen=True, slots=True)
class TierGrant:
    """A tier that was granted, and until when it lasts at least."""

    key: str
    until: datetime


@dataclass(frozen=True, slots=True)
class TierStatus:
    """The tier of a customer, the next one, and the points that are missing for it."""

    tier: Tier | None
    next_tier: Tier | None
    missing: int | None


def sum_periods(earned: Iterable[tuple[datetime, int]], program: LoyaltyProgram) -> Counter[int]:
    """Sum points by the period of the purchase, in whatever order they were reported."""
    sums: Counter[int] = Counter()
    for at, points in earned:
        sums[program.find_period(at)] += points
    return sums


def compute_tier(
    periods: Mapping[int, int], grants: Iterable[TierGrant], program: LoyaltyProgram, now: datetime
) -> TierStatus:
    """Compute the tier: up at once, down at the end of a period, and never below what was granted until then."""
    period = program.find_period(now)
    ranks = [_find_rank(periods.get(number, 0), program) for number in (period, period - 1)]
    keys = [tier.key for tier in program.tiers]
    ranks += [keys.index(grant.key) for grant in grants if grant.until > now and grant.key in keys]
    rank = max(ranks)
    following = program.tiers[rank + 1] if rank + 1 < len(program.tiers) else None
    return TierStatus(
        tier=program.tiers[rank] if rank >= 0 else None,
        next_tier=following,
        missing=None if following is None else max(following.points - periods.get(period, 0), 0),
    )


def renew_grant(periods: Mapping[int, int], program: LoyaltyProgram, now: datetime) -> TierGrant | None:
    """Return what the points of the present period grant: their tier, until the end of the next period."""
    period = program.find_period(now)
    rank = _find_rank(periods.get(period, 0), program)
    return TierGrant(program.tiers[rank].key, program.compute_period_end(period + 1)) if rank >= 0 else None


def _find_rank(points: int, program: LoyaltyProgram) -> int:
    """Return the position of the highest tier that these points reach; -1: none."""
    return sum(1 for tier in program.tiers if points >= tier.points) - 1
