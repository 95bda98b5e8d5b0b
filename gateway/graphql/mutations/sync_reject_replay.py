"""`syncRejectReplay`: the one of these that calls a channel, between two transactions."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import strawberry

from gateway.commerce import once as wishes
from gateway.commerce.channels import Replay, request_replay
from gateway.execution.context import Context
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import required
from gateway.graphql.mutations.once import Input, claim, key_field
from gateway.model.channels import Resource, mapped_places
from gateway.model.outcomes import Outcome
from gateway.storage import rejects
from gateway.storage.database import Connection
from gateway.storage.idempotency import Claim


@strawberry.input(description="A record that could not be taken in, and is to be read again.")
class SyncRejectReplayInput:
    reject_id: strawberry.ID = required("The reject.")
    idempotency_key: str = key_field()


async def sync_reject_replay(context: Context, *, input: Annotated[SyncRejectReplayInput, Input]) -> Outcome:
    about = Outcome(subject=row_id("SyncReject", input.reject_id))
    wish, replay = claim(context, "syncRejectReplay", input), await _replay(context, about.subject or "")
    outcome, under_way = await context.write(_begin, wish, replay, about, context.now)
    if replay is not None and under_way:
        await _reread(context, replay)
        outcome = await context.write(_finish, wish, replay, outcome)
    if replay is not None:
        context.gateway.wake(replay.channel.key)
    context.forget()
    return outcome


async def _replay(context: Context, id_: str) -> Replay | None:
    mapped = mapped_places(context.gateway.locations.values())
    found = await context.read(rejects.by_ids, [id_], mapped)
    if not found or found[0].channel not in context.gateway.channels:
        return None
    by_id = context.gateway.can_reread(found[0].channel, found[0].feed, found[0].external_id)
    return Replay(found[0], context.gateway.channels[found[0].channel], by_id)


def _begin(conn: Connection, wish: Claim, replay: Replay | None, about: Outcome, now: datetime) -> tuple[Outcome, bool]:
    """Ask for the record to be read again; and whether that can be done at once."""
    known = wishes.begin(conn, wish, about)
    if known is not None:
        return known, False
    outcome = request_replay(conn, replay, about, now)
    if replay is not None and replay.by_id and not outcome.user_errors:
        return outcome, True
    return wishes.finish(conn, wish, outcome), False


async def _reread(context: Context, replay: Replay) -> None:
    """Now, where the channel can be asked; else sync does so as soon as it can."""
    reject, deadline = replay.reject, context.gateway.settings.channels[replay.channel.key].live_deadline
    ref = await context.read(rejects.ref_of, reject)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline.total_seconds()):
            await context.gateway.refresh(reject.channel, Resource(reject.resource), [ref], deadline)


def _finish(conn: Connection, wish: Claim, replay: Replay, outcome: Outcome) -> Outcome:
    return wishes.finish(conn, wish, replace(outcome, done=not rejects.waits(conn, replay.reject)))
