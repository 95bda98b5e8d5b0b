"""Loyalty points: posts what orders and time have changed, in the background."""

from __future__ import annotations

from gateway.commerce.context import SellingContext
from gateway.commerce.loyalty import change_handlers
from gateway.sync.channel_sync import WriteThrottle


async def post_points(throttle: WriteThrottle, context: SellingContext) -> bool:
    """Post everything that is due. Returns whether anything was."""
    program, worked = context.config.loyalty, False
    while program is not None and await throttle.database.read(change_handlers.is_due, context):
        if not await throttle.write(change_handlers.handle_changes, program, context):
            break
        worked = True
    return worked
