"""`channelResume`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.channels import pause
from gateway.execution.context import Context
from gateway.graphql.inputs import required
from gateway.graphql.mutations.once import Input, key_field, once
from gateway.model.outcomes import Outcome


@strawberry.input(description="A channel that is to go on.")
class ChannelResumeInput:
    channel_key: str = required("Key of the channel.")
    idempotency_key: str = key_field()


async def channel_resume(context: Context, *, input: Annotated[ChannelResumeInput, Input]) -> Outcome:
    key = context.known_channel(input.channel_key)
    work = partial(pause, key=key, paused=False, now=context.now)
    outcome = await once(context, "channelResume", input, Outcome(subject=key), work)
    context.gateway.wake(key)
    return outcome
