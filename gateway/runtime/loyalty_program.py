"""Builds the loyalty program from the settings."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from gateway.commerce.loyalty.program import LoyaltyProgram, Tier
from gateway.settings.schema import Settings


def build_program(settings: Settings) -> LoyaltyProgram | None:
    """Build the loyalty program; None: there is none."""
    table = settings.loyalty
    if table is None:
        return None
    return LoyaltyProgram(
        since=table.since,
        issuer=table.issuer,
        opening=table.opening,
        earn=table.earn,
        rates=table.rates,
        worth=table.worth,
        pending=table.pending,
        expires_after=table.expires_after,
        zone=ZoneInfo(table.time_zone),
        tiers=tuple(Tier(tier.key, tier.points, tier.multiplier) for tier in table.tiers),
        tier_months=table.tier_period.months,
        location_keys={
            (channel, external_id): key
            for key, location in settings.locations.items()
            for channel, external_id in location.channels.items()
        },
    )
