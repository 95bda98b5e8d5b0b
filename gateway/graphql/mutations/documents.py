"""Document mutations: policies of persisted documents."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.access.document_policies import set_policy
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_document_id
from gateway.graphql.input_values import parse_short_text
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.mutations.execution import Input, declare_key, execute
from gateway.model.documents import DocumentPolicy
from gateway.model.mutation_result import MutationResult

MAX_AGE_SECONDS = 86_400
MAX_PER_MINUTE = 1_000_000
MAX_DEADLINE_MS = 60_000


@strawberry.input(description="The policy of a persisted document. It replaces an earlier one.")
class DocumentPolicySetInput:
    document_id: strawberry.ID = declare_required("ID of the document.")
    blocked: bool | None = declare_optional(
        "Whether requests of the document get the error DOCUMENT_BLOCKED. Null: they do not."
    )
    reason: str | None = declare_optional("Reason, which clients of a blocked document read.")
    max_age_seconds: int | None = declare_optional(
        "How long caches store answers that may be shared, in seconds, 0 to 86,400, instead of what their data "
        "allows. Null: as their data allows."
    )
    max_per_minute: int | None = declare_optional(
        "How often each process of the gateway executes it in a minute. Null: no limit of its own."
    )
    deadline_ms: int | None = declare_optional(
        "Deadline of its queries, in milliseconds, 1 to 60,000. Null: that of the configuration."
    )
    idempotency_key: str = declare_key()


async def resolve_document_policy_set(
    context: Context, *, input: Annotated[DocumentPolicySetInput, Input]
) -> MutationResult:
    id_ = parse_document_id("input.documentId", input.document_id)
    policy = DocumentPolicy(
        blocked=bool(unwrap(input.blocked)),
        reason=parse_short_text("reason", unwrap(input.reason)),
        max_age_seconds=_read_limit("maxAgeSeconds", unwrap(input.max_age_seconds), 0, MAX_AGE_SECONDS),
        max_per_minute=_read_limit("maxPerMinute", unwrap(input.max_per_minute), 0, MAX_PER_MINUTE),
        deadline_ms=_read_limit("deadlineMs", unwrap(input.deadline_ms), 1, MAX_DEADLINE_MS),
        set_by=context.caller.name,
        set_at=context.now,
    )
    use_case = partial(set_policy, document_id=id_, policy=policy)
    result = await execute(context, "documentPolicySet", input, use_case, MutationResult(subject=id_))
    context.gateway.registry.expire_policies()
    return result


def _read_limit(argument: str, value: int | None, least: int, most: int) -> int | None:
    if value is not None and not least <= value <= most:
        raise BadUserInputError(f"{argument}: expected {least} to {most}.")
    return value
