"""Tokens and the audit trail."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, compute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.access import (
    load_api_tokens,
    load_audit_changes,
    load_audit_reasons,
    load_issued_secrets,
    load_token_channels,
    load_token_locations,
)
from gateway.graphql.loaders.audit_subjects import build_subject_id, load_audit_subjects
from gateway.graphql.loaders.channels import load_channels
from gateway.graphql.loaders.locations import load_locations
from gateway.graphql.scopes import AUDIT_READ, TOKENS_ADMIN
from gateway.graphql.types.actors import Actor
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.locations import Location
from gateway.graphql.types.node import Node
from gateway.graphql.types.outcomes import ERRORS, UserError
from gateway.model import actors, api_tokens, audit, mutation_result


@output(audit.AuditChange, "A value that changed.")
class AuditChange:
    field: str = attribute("Name of the field, or `reason` for the reason that the caller gave.")
    before: str | None = attribute(
        "Value before, as text. Null: there was none. Personal values are masked without `customers:pii`."
    )
    after: str | None = attribute(
        "Value after, as text. Null: there is none. Personal values are masked without `customers:pii`."
    )


@output(audit.AuditEntry, "An attempt to change something, applied or refused.", scopes=AUDIT_READ)
class AuditEntry(Node):
    id: strawberry.ID = declare_global_id("AuditEntry", "id")
    occurred_at: datetime = attribute("When it happened.")
    actor: Actor = attribute("Who sent the request.")
    action: str = attribute("Name of the mutation, such as `orderCancel`.")
    subject_id: strawberry.ID | None = compute(
        "Global ID of the object. Null: it concerns no object in particular.",
        lambda entry: None if (id_ := build_subject_id(entry)) is None else strawberry.ID(str(id_)),
    )
    subject: Node | None = load(
        "The object in its current state. Null: it concerns none, or the object does not exist any more. "
        "Requires the scopes of the object.",
        load_audit_subjects,
        key=lambda entry: entry,
    )
    channel: Channel | None = load(
        "The channel. Null: it concerns no channel in particular.", load_channels, key=attrgetter("channel_key")
    )
    location: Location | None = load(
        "The location. Null: it concerns no location in particular.", load_locations, key=attrgetter("location_key")
    )
    changes: list[AuditChange] = load(
        "The values that changed, and the reason.", load_audit_changes, key=attrgetter("id"), size=50
    )
    reason: str | None = load(
        "Reason that the caller gave. Null: none. Masked without `customers:pii`.",
        load_audit_reasons,
        key=attrgetter("id"),
    )
    refused: str | None = attribute(
        "Code of the refusal: a `UserErrorCode`, or the code of an error such as `FORBIDDEN`. Null: it was applied."
    )
    request_id: str | None = attribute("ID of the HTTP request. Null: it was no request.")


@output(api_tokens.ApiToken, "A token that an operator created through the API.", scopes=TOKENS_ADMIN)
class ApiToken(Node):
    id: strawberry.ID = declare_global_id("ApiToken", "id")
    name: str = attribute("Name, unique over all tokens.")
    kind: actors.CallerKind = compute("Kind of caller.", lambda token: actors.CallerKind(token.kind))
    state: api_tokens.ApiTokenState = attribute("State of the token.")
    prefix: str = attribute("First characters of the secret, to tell tokens apart.")
    scopes: list[str] = attribute("Scopes of the token.", size=50)
    channel: Channel | None = load(
        "The default channel. Null: that of the configuration.", load_channels, key=attrgetter("channel_key")
    )
    channels: list[Channel] | None = load(
        "The channels that the token sees. Null: all.", load_token_channels, key=lambda token: token, size=20
    )
    locations: list[Location] | None = load(
        "The locations at which the token acts. Null: all.", load_token_locations, key=lambda token: token, size=100
    )
    created_by: str = attribute("Name of the token that created it.")
    created_at: datetime = attribute("When it was created.")
    expires_at: datetime = attribute("When it expires.")
    rotates_at: datetime | None = attribute(
        "Until when the former secret is accepted, or was. Null: the secret was never rotated."
    )
    last_used_at: datetime | None = attribute("When it was last used, within about a minute. Null: never.")


@output(mutation_result.MutationResult, "Result of a change of a token.")
class ApiTokenPayload:
    token: ApiToken | None = load(
        "The token in its current state. Null: it was not found or not created.",
        load_api_tokens,
        key=attrgetter("subject"),
    )
    secret: str | None = load(
        "The secret, to send as `Authorization: Bearer`. It is shown once. Null: no secret was issued, or a retry "
        "returned the result of an earlier request.",
        load_issued_secrets,
        key=attrgetter("subject"),
    )
    user_errors: list[UserError] = attribute(ERRORS)
