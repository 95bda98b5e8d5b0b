"""Commands for operators: the outbox, the push of quantities, and the consistency check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.cli.errors import CommandError
from gateway.commerce.access import audit
from gateway.commerce.context import SellingContext
from gateway.commerce.fulfillment import pickup_codes
from gateway.commerce.outbox import commands
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.commerce.permissions import UNRESTRICTED
from gateway.commerce.push import followers, planner
from gateway.commerce.push.planned_quantity import PlannedQuantity
from gateway.commerce.topology import Topology
from gateway.execution.document_cache import list_empty_caches
from gateway.http.graphql.known_requests import KnownRequests, measure_known_requests
from gateway.model.ids import GlobalId, InvalidIdError
from gateway.model.mutation_result import MutationResult
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk.writes import SetStock
from gateway.settings.schema import Settings
from gateway.storage import instance_secret, outbox
from gateway.storage.database import Connection
from gateway.storage.outbox import OutboxEntry
from gateway.storage.writes import pushes
from gateway.storage.writes.pushes import PushArming
from gateway.sync.consistency_check import Findings, check_consistency, compare_channels


async def fetch_entries(settings: Settings, states: Sequence[str] | None, limit: int) -> list[OutboxEntry]:
    """Fetch commands of the outbox, latest first."""

    def read(conn: Connection) -> list[OutboxEntry]:
        rows = outbox.list_entries(states)
        records = conn.execute(rows.statement.order_by(*rows.sort.build_order(backward=False)).limit(limit))
        return [rows.read(row) for row in records]

    async with open_gateway(settings) as gateway:
        return await gateway.database.read(read)


async def replay_commands(settings: Settings, keys: Sequence[str]) -> list[str]:
    """Retry dead commands. Returns why some cannot be retried."""
    async with open_gateway(settings) as gateway:
        results = [(key, await gateway.database.write(_replay, key, gateway.now())) for key in keys]
        return [f"{key}: {error.message}" for key, (outcome, _) in results for error in outcome.user_errors]


async def recheck_commands(settings: Settings) -> int:
    """Mark open commands as possibly sent. Returns how many there are."""
    async with open_gateway(settings) as gateway:
        return await gateway.database.write(_recheck, gateway.now())


def _recheck(conn: Connection, now: datetime) -> int:
    number = outbox.mark_possibly_sent(conn)
    audit.record_command(conn, "gateway outbox recheck", None, now)
    return number


def _replay(conn: Connection, key: str, now: datetime) -> tuple[MutationResult, EnqueuedKeys]:
    result, enqueued = commands.replay_entry(conn, key, UNRESTRICTED, now)
    if result.done:
        audit.record_command(conn, "gateway outbox replay", next(iter(enqueued), None), now)
    return result, enqueued


async def compute_plan(settings: Settings, channel: str) -> tuple[PushArming, list[PlannedQuantity]]:
    """Compute whether the push to a channel is armed, and what would be pushed now."""
    async with open_gateway(settings) as gateway:
        topology = _require_follower(gateway, channel)
        arming = await gateway.database.read(pushes.get_arming, channel)
        return arming, await gateway.database.read(planner.plan_follower, channel, topology)


async def arm_channel(settings: Settings, channel: str) -> None:
    """Arm the push of quantities to a channel."""
    async with open_gateway(settings) as gateway:
        _require_follower(gateway, channel)
        await gateway.database.write(_arm, channel, SellingContext(gateway.selling, gateway.now()))


async def disarm_channel(settings: Settings, channel: str) -> None:
    """Disarm the push of quantities to a channel."""
    async with open_gateway(settings) as gateway:
        _require_follower(gateway, channel)
        await gateway.database.write(_disarm, channel, gateway.now())


def _arm(conn: Connection, channel: str, context: SellingContext) -> None:
    followers.arm_follower(conn, channel, context)
    audit.record_command(conn, "gateway push arm", channel, context.now)


def _disarm(conn: Connection, channel: str, now: datetime) -> None:
    pushes.set_armed(conn, channel, None)
    audit.record_command(conn, "gateway push disarm", channel, now)


def _require_follower(gateway: Gateway, channel: str) -> Topology:
    topology = gateway.rules.topology
    if channel not in gateway.channels:
        raise CommandError(f"there is no channel {channel}; expected one of {', '.join(gateway.channels) or 'none'}")
    if not topology.can_execute(channel, SetStock):
        raise CommandError(f"the configuration of {channel} does not allow setting stock")
    if not followers.list_followed_locations(channel, topology):
        raise CommandError(f"{channel} sells from no location that another channel counts")
    return topology


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings of the consistency check. `cache_limits`: how much memory the caches of each process may take."""

    findings: Findings
    cache_limits: str


async def diagnose_gateway(settings: Settings) -> Diagnosis:
    """Check the consistency of all data, and describe the limits of the caches."""
    async with open_gateway(settings) as gateway:
        known = measure_known_requests(KnownRequests(), KnownRequests())
        gateway.cache_sizes.add([*list_empty_caches(settings.limits), known])
        return Diagnosis(await _check_all(gateway), gateway.cache_sizes.describe_limits())


async def _check_all(gateway: Gateway) -> Findings:
    syncs = gateway.channel_syncs.values()
    findings = await check_consistency(gateway.database, syncs, gateway.rules.topology)
    await compare_channels(syncs, findings)
    findings.unreachable += [f"{key}: {model.failure}" for key, model in gateway.channels.items() if model.failure]
    findings.waiting += gateway.topology_changes.describe()
    return findings


async def delete_stored_secret(settings: Settings) -> bool:
    """Delete the signing secret in the database. Returns whether there was one."""
    if not settings.selling.configured_secret:
        raise CommandError("selling.secret is not configured: the secret in the database is in use")
    async with open_gateway(settings) as gateway:
        return await gateway.database.write(_delete_secret, gateway.now())


def _delete_secret(conn: Connection, now: datetime) -> bool:
    is_deleted = instance_secret.delete_secret(conn)
    if is_deleted:
        audit.record_command(conn, "gateway secret forget", None, now)
    return is_deleted


async def renew_code(settings: Settings, fulfillment: str) -> list[str]:
    """Give a pickup another code. Returns why it cannot have one."""
    try:
        id_ = GlobalId.parse(fulfillment)
    except InvalidIdError as error:
        raise CommandError(f"{fulfillment} is {error}") from error
    if id_.type != "Fulfillment":
        raise CommandError(f"{fulfillment} is the ID of a {id_.type}; expected that of a Fulfillment")
    async with open_gateway(settings) as gateway:
        context = SellingContext(gateway.selling, gateway.now())
        result = await gateway.database.write(_renew_code, id_.key, context)
    return [error.message for error in result.user_errors]


def _renew_code(conn: Connection, id_: str, context: SellingContext) -> MutationResult:
    result = pickup_codes.renew_code(conn, id_, context)
    if result.done:
        audit.record_command(conn, "gateway pickup renew-code", None, context.now)
    return result
