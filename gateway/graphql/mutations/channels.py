"""Channel mutations: pause, resume and sync a channel, replay a rejected record."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.channel_control import ReplayRequest, request_replay, request_sync, set_paused
from gateway.execution.context import Context
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.mutations.execution import Input, build_attempt, build_claim, declare_key, execute
from gateway.graphql.runtime_protocol import get_runtime
from gateway.model.channels import Resource
from gateway.model.locations import collect_external_locations
from gateway.model.mutation_result import MutationResult
from gateway.storage.database import Connection
from gateway.storage.sync import rejects

CHANNEL_KEY = "Key of the channel."

_log = logging.getLogger(__name__)


@strawberry.input(description="A channel to pause.")
class ChannelPauseInput:
    channel_key: str = declare_required(CHANNEL_KEY)
    reason: str | None = declare_optional("Reason, stored in the audit trail. Cut off after 500 characters.")
    idempotency_key: str = declare_key()


async def resolve_channel_pause(context: Context, *, input: Annotated[ChannelPauseInput, Input]) -> MutationResult:
    key = context.require_channel(input.channel_key)
    use_case = partial(set_paused, key=key, paused=True, now=context.now)
    result = await execute(context, "channelPause", input, use_case, MutationResult(subject=key))
    if result.done:
        _log.info("Channel %s: paused by %r", key, context.caller.principal)
    return result


@strawberry.input(description="A paused channel to resume.")
class ChannelResumeInput:
    channel_key: str = declare_required(CHANNEL_KEY)
    idempotency_key: str = declare_key()


async def resolve_channel_resume(context: Context, *, input: Annotated[ChannelResumeInput, Input]) -> MutationResult:
    key = context.require_channel(input.channel_key)
    use_case = partial(set_paused, key=key, paused=False, now=context.now)
    result = await execute(context, "channelResume", input, use_case, MutationResult(subject=key))
    context.gateway.wake(key)
    return result


@strawberry.input(description="A channel to sync now, ahead of its schedule.")
class ChannelSyncInput:
    channel_key: str = declare_required(CHANNEL_KEY)
    resource: Resource | None = declare_optional("The resource to sync. Null syncs all resources of the channel.")
    sweep: bool | None = declare_optional("Whether to read all records, which also detects deletions.", False)
    idempotency_key: str = declare_key()


async def resolve_channel_sync(context: Context, *, input: Annotated[ChannelSyncInput, Input]) -> MutationResult:
    channel = context.gateway.channels[context.require_channel(input.channel_key)]
    resource, sweep = unwrap(input.resource), bool(input.sweep)
    use_case = partial(request_sync, channel=channel, resource=resource, sweep=sweep, now=context.now)
    result = await execute(context, "channelSync", input, use_case, MutationResult(subject=channel.key))
    context.gateway.wake(channel.key)
    return result


@strawberry.input(description="A rejected record to read again.")
class SyncRejectReplayInput:
    reject_id: strawberry.ID = declare_required("ID of the rejected record.")
    idempotency_key: str = declare_key()


async def resolve_sync_reject_replay(
    context: Context, *, input: Annotated[SyncRejectReplayInput, Input]
) -> MutationResult:
    subject = MutationResult(subject=parse_row_id("input.rejectId", "SyncReject", input.reject_id))
    claim, replay = build_claim(context, "syncRejectReplay", input), await _find_replay(context, subject.subject or "")
    start = partial(_start_replay, context=context, replay=replay, subject=subject)
    finish = partial(_finish_replay, replay=replay)
    reread = partial(_reread_record, context, replay)
    attempt = build_attempt(context, "syncRejectReplay", input)
    result = await get_runtime(context).commands.execute_with_call(
        start, reread, finish, claim, subject, attempt, context.write_permit.begin
    )
    if replay is not None:
        context.gateway.wake(replay.channel.key)
    context.clear_loaders()
    return result


async def _find_replay(context: Context, id_: str) -> ReplayRequest | None:
    mapped = collect_external_locations(context.gateway.locations.values())
    found = await context.read(rejects.find_rejects, [id_], mapped)
    if not found or found[0].channel not in context.channels:
        return None
    by_id = context.gateway.live_reads.can_reread(found[0].channel, found[0].feed, found[0].external_id)
    return ReplayRequest(found[0], context.gateway.channels[found[0].channel], by_id)


def _start_replay(
    conn: Connection, context: Context, replay: ReplayRequest | None, subject: MutationResult
) -> tuple[MutationResult, bool]:
    """Request that the record is read again. Returns whether the channel can read it by its id at once."""
    result = request_replay(conn, replay, subject, context.now)
    return result, replay is not None and replay.by_id and not result.user_errors


async def _reread_record(context: Context, replay: ReplayRequest | None) -> None:
    """Read the record within the live deadline. If that fails, sync reads it as soon as it can."""
    if replay is None:
        return
    reject, deadline = replay.reject, context.gateway.settings.channels[replay.channel.key].live_deadline
    ref = await context.read(rejects.get_ref, reject)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline.total_seconds()):
            await context.gateway.live_reads.refresh(reject.channel, Resource(reject.resource), [ref], deadline)


def _finish_replay(conn: Connection, result: MutationResult, replay: ReplayRequest | None) -> MutationResult:
    return replace(result, done=replay is not None and not rejects.is_waiting(conn, replay.reject))
