"""`channelSync`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.channels import request_sync
from gateway.execution.context import Context
from gateway.graphql.inputs import given, required
from gateway.graphql.mutations.once import Input, key_field, once
from gateway.graphql.queries.filters import present
from gateway.model.channels import Resource
from gateway.model.outcomes import Outcome


@strawberry.input(description="A channel that is to be read now, ahead of its time.")
class ChannelSyncInput:
    channel_key: str = required("Key of the channel.")
    resource: Resource | None = given("Only this; else everything it has.")
    sweep: bool | None = given("Whether to read all there is, so that deletions are found, too.", False)
    idempotency_key: str = key_field()


async def channel_sync(context: Context, *, input: Annotated[ChannelSyncInput, Input]) -> Outcome:
    channel = context.gateway.channels[context.known_channel(input.channel_key)]
    resource, sweep = present(input.resource), bool(input.sweep)
    work = partial(request_sync, channel=channel, resource=resource, sweep=sweep, now=context.now)
    outcome = await once(context, "channelSync", input, Outcome(subject=channel.key), work)
    context.gateway.wake(channel.key)
    return outcome
