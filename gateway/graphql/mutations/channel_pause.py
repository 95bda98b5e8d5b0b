"""`channelPause`."""

from __future__ import annotations

import logging
from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.channels import pause
from gateway.execution.context import Context
from gateway.graphql.inputs import given, required
from gateway.graphql.mutations.once import Input, key_field, once
from gateway.graphql.queries.filters import present
from gateway.model.outcomes import Outcome

log = logging.getLogger(__name__)
LONGEST_REASON = 500


@strawberry.input(description="A channel that is to be left alone.")
class ChannelPauseInput:
    channel_key: str = required("Key of the channel.")
    reason: str | None = given("Why: it goes into the gateway's log, up to 500 characters of it.")
    idempotency_key: str = key_field()


async def channel_pause(context: Context, *, input: Annotated[ChannelPauseInput, Input]) -> Outcome:
    key = context.known_channel(input.channel_key)
    work = partial(pause, key=key, paused=True, now=context.now)
    outcome = await once(context, "channelPause", input, Outcome(subject=key), work)
    reason = (present(input.reason) or "")[:LONGEST_REASON]
    log.info("channel %s: pause asked for by %r, because of %r", key, context.caller.principal, reason)
    return outcome
