"""`outboxReplay`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.commands import replay
from gateway.execution.context import Context
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import required
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.mutations.telling import once_told
from gateway.model.outcomes import Outcome


@strawberry.input(description="A wish that a channel refused, or of which it could not be told what became.")
class OutboxReplayInput:
    entry_id: strawberry.ID = required("Which entry: one that is DEAD.")
    idempotency_key: str = key_field()


async def outbox_replay(context: Context, *, input: Annotated[OutboxReplayInput, Input]) -> Outcome:
    key = row_id("OutboxEntry", input.entry_id)
    work = partial(replay, key=key, now=context.now)
    return await once_told(context, "outboxReplay", input, Outcome(subject=key), work)
