"""Loyalty points: posts what orders and time have changed, in the background."""

from __future__ import annotations

from datetime import datetime

from gateway.commerce.loyalty import change_handlers
from gateway.commerce.loyalty.program import LoyaltyProgram
from gateway.sync.channel_sync import WriteThrottle


async def post_points(throttle: WriteThrottle, program: LoyaltyProgram | None, now: datetime) -> bool:
    """Post everything that is due. Returns whether anything was."""
    worked = False
    while program is not None and await throttle.database.read(change_handlers.is_due, now):
        if not await throttle.write(change_handlers.handle_changes, program, now):
            break
        worked = True
    return worked
