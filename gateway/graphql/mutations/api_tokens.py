"""Token mutations: create, rotate and revoke tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.access.api_tokens import (
    Grants,
    TokenActor,
    TokenRequest,
    create_token,
    generate_secret,
    revoke_token,
    rotate_token,
)
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.input_values import parse_short_text
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.mutations.execution import Input, declare_key, execute
from gateway.graphql.runtime_protocol import get_runtime
from gateway.model.actors import CallerKind
from gateway.model.mutation_result import MutationResult
from gateway.runtime.command_bus import UseCase
from gateway.settings.value_types import SCOPES, is_key

MAX_SCOPES = 50
MAX_CHANNELS = 20
MAX_LOCATIONS = 100
KINDS = (CallerKind.STAFF, CallerKind.PARTNER)


@strawberry.input(description="A token to create.")
class ApiTokenCreateInput:
    name: str = declare_required(
        "Name, unique over all tokens: lowercase letters, digits and hyphens, at most 40 characters."
    )
    kind: CallerKind = declare_required("STAFF or PARTNER.")
    scopes: list[str] = declare_required("Scopes, at most 50. The caller must have them all.", max_items=MAX_SCOPES)
    channel_key: str | None = declare_optional("Key of the default channel. Null: that of the configuration.")
    channel_keys: list[str] | None = declare_optional(
        "Keys of the channels that the token sees, at most 20. Null: those of the caller.", max_items=MAX_CHANNELS
    )
    location_keys: list[str] | None = declare_optional(
        "Keys of the locations at which the token acts, at most 100. Null: those of the caller.",
        max_items=MAX_LOCATIONS,
    )
    expires_at: datetime = declare_required("When the token expires, within a year.")
    idempotency_key: str = declare_key()


async def resolve_api_token_create(context: Context, *, input: Annotated[ApiTokenCreateInput, Input]) -> MutationResult:
    secret, now = generate_secret(), context.now
    request, actor = _read_request(context, input), _build_actor(context)
    use_case = partial(create_token, request=request, secret=secret, actor=actor, now=now)
    return await _execute_with_secret(context, "apiTokenCreate", input, use_case, MutationResult(), secret)


@strawberry.input(description="A token whose secret is replaced.")
class ApiTokenRotateInput:
    token_id: strawberry.ID = declare_required("ID of the token.")
    overlap_seconds: int = declare_optional(
        "For how long the former secret stays valid, in seconds, at most 2,592,000 (30 days).", 86400
    )
    expires_at: datetime | None = declare_optional("When the token expires, within a year. Null: as before.")
    idempotency_key: str = declare_key()


async def resolve_api_token_rotate(context: Context, *, input: Annotated[ApiTokenRotateInput, Input]) -> MutationResult:
    id_, secret = parse_row_id("input.tokenId", "ApiToken", input.token_id), generate_secret()
    use_case = partial(
        rotate_token,
        id_=id_,
        overlap=timedelta(seconds=input.overlap_seconds),
        expires_at=unwrap(input.expires_at),
        secret=secret,
        actor=_build_actor(context),
        now=context.now,
    )
    subject = MutationResult(subject=id_)
    return await _execute_with_secret(context, "apiTokenRotate", input, use_case, subject, secret)


@strawberry.input(description="A token to revoke.")
class ApiTokenRevokeInput:
    token_id: strawberry.ID = declare_required("ID of the token.")
    reason: str = declare_required("Reason, stored in the audit trail.")
    idempotency_key: str = declare_key()


async def resolve_api_token_revoke(context: Context, *, input: Annotated[ApiTokenRevokeInput, Input]) -> MutationResult:
    id_ = parse_row_id("input.tokenId", "ApiToken", input.token_id)
    if parse_short_text("input.reason", input.reason) is None:
        raise BadUserInputError("input.reason: must not be empty.")
    use_case = partial(revoke_token, id_=id_, now=context.now)
    result = await execute(context, "apiTokenRevoke", input, use_case, MutationResult(subject=id_))
    get_runtime(context).tokens.expire_cache()
    return result


def _read_request(context: Context, input: ApiTokenCreateInput) -> TokenRequest:
    if not is_key(input.name):
        raise BadUserInputError("name: expected lowercase letters, digits and hyphens, at most 40 characters.")
    if input.kind not in KINDS:
        raise BadUserInputError("kind: expected STAFF or PARTNER.")
    channel = unwrap(input.channel_key)
    return TokenRequest(
        name=input.name,
        kind=input.kind.value,
        grants=_read_grants(context, input),
        channel=None if channel is None else context.require_channel(channel),
        expires_at=input.expires_at,
        reserved_names=context.gateway.settings.tokens.keys(),
    )


def _read_grants(context: Context, input: ApiTokenCreateInput) -> Grants:
    caller = context.caller
    channels = unwrap(input.channel_keys)
    locations = unwrap(input.location_keys)
    for key in channels or ():
        context.require_channel(key)
    for key in locations or ():
        context.require_location(key)
    return Grants(
        scopes=_read_scopes(input.scopes),
        channels=caller.channels if channels is None else channels,
        locations=caller.locations if locations is None else locations,
    )


def _read_scopes(scopes: Sequence[str]) -> Sequence[str]:
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise BadUserInputError(f"scopes: there is no scope {unknown[0]!r}.")
    return scopes


def _build_actor(context: Context) -> TokenActor:
    caller = context.caller
    grants = Grants(scopes=caller.scopes, channels=caller.channels, locations=caller.locations)
    return TokenActor(name=caller.name, grants=grants)


async def _execute_with_secret(
    context: Context,
    mutation: str,
    input: ApiTokenCreateInput | ApiTokenRotateInput,
    use_case: UseCase,
    subject: MutationResult,
    secret: str,
) -> MutationResult:
    """Execute a mutation that issues a secret, and show it if this execution issued it rather than an earlier one."""
    result = await execute(context, mutation, input, use_case, subject)
    if result.done and result.subject is not None:
        context.issued_secrets[result.subject] = secret
        get_runtime(context).tokens.expire_cache()
    return result
