"""What operators do to what goes out: look at it, let it, try it again; and a thorough look at everything."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.cli.errors import CommandError
from gateway.commerce import commands, pushing
from gateway.commerce.ground import Ground
from gateway.commerce.pushing import Planned
from gateway.runtime import Gateway, open_gateway
from gateway.sdk.writes import SetStock
from gateway.settings import Settings
from gateway.storage import outbox, pushes
from gateway.storage.database import Connection
from gateway.storage.outbox import OutboxEntry
from gateway.storage.pushes import Arming
from gateway.sync.doctor import Findings, examine


async def entries(settings: Settings, states: Sequence[str] | None, most: int) -> list[OutboxEntry]:
    """Wishes towards channels, the latest first."""

    def read(conn: Connection) -> list[OutboxEntry]:
        rows = outbox.entries(states)
        found = conn.execute(rows.statement.order_by(*rows.sort.order(backward=False)).limit(most))
        return [rows.read(row) for row in found]

    async with open_gateway(settings) as gateway:
        return await gateway.database.read(read)


async def replayed(settings: Settings, keys: Sequence[str]) -> list[str]:
    """Have dead wishes be tried again; the reasons for which some are not."""
    async with open_gateway(settings) as gateway:
        told = [(key, await gateway.database.write(commands.replay, key, gateway.now())) for key in keys]
        return [f"{key}: {error.message}" for key, (outcome, _) in told for error in outcome.user_errors]


async def planned(settings: Settings, channel: str) -> tuple[Arming, list[Planned]]:
    """Whether quantities may be sent to a channel, and what would be sent now."""
    async with open_gateway(settings) as gateway:
        ground = _follower(gateway, channel)
        arming = await gateway.database.read(pushes.arming, channel)
        return arming, await gateway.database.read(pushing.plan, channel, ground)


async def armed(settings: Settings, channel: str) -> None:
    """Let quantities be sent to a channel."""
    async with open_gateway(settings) as gateway:
        ground = _follower(gateway, channel)
        await gateway.database.write(pushing.arm, channel, ground, gateway.now())


async def disarmed(settings: Settings, channel: str) -> None:
    """Let no quantities be sent to a channel any more."""
    async with open_gateway(settings) as gateway:
        _follower(gateway, channel)
        await gateway.database.write(pushes.arm, channel, None)


def _follower(gateway: Gateway, channel: str) -> Ground:
    ground = gateway.rules.ground
    if channel not in gateway.channels:
        raise CommandError(f"there is no channel {channel}; expected one of {', '.join(gateway.channels) or 'none'}")
    if not ground.can(channel, SetStock):
        raise CommandError(f"{channel} cannot be told what to offer, as it is configured")
    if not pushing.follower_places(channel, ground):
        raise CommandError(f"{channel} sells from no location that another channel counts")
    return ground


async def examined(settings: Settings) -> Findings:
    """A thorough look at everything."""
    async with open_gateway(settings) as gateway:
        return await examine(gateway.database, gateway.syncing.values(), gateway.rules.ground)
