"""Outbox mutations."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.outbox.commands import replay_entry
from gateway.execution.context import Context
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import declare_required
from gateway.graphql.mutations.execution import Input, declare_key, execute
from gateway.graphql.runtime_protocol import build_permissions
from gateway.model.mutation_result import MutationResult


@strawberry.input(description="A command that the channel rejected, or whose result is unknown, to send again.")
class OutboxReplayInput:
    entry_id: strawberry.ID = declare_required("ID of the outbox entry. Its state must be DEAD.")
    idempotency_key: str = declare_key()


async def resolve_outbox_replay(context: Context, *, input: Annotated[OutboxReplayInput, Input]) -> MutationResult:
    key = parse_row_id("input.entryId", "OutboxEntry", input.entry_id)
    use_case = partial(replay_entry, key=key, permissions=build_permissions(context), now=context.now)
    return await execute(context, "outboxReplay", input, use_case, MutationResult(subject=key))
