"""Loaders of tokens and audit entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.execution.context import Context
from gateway.graphql.loaders.channels import load_channel_lists
from gateway.model.api_tokens import ApiToken
from gateway.model.audit import AuditChange, AuditEntry
from gateway.model.channels import Channel
from gateway.model.locations import Location
from gateway.model.token_secrets import hash_secret
from gateway.storage import api_tokens, audit

MASK = "***"


async def load_api_tokens(context: Context, ids: Sequence[str]) -> Sequence[ApiToken | None]:
    tokens = await context.read(api_tokens.find_tokens, ids, context.now)
    return [tokens.get(id_) for id_ in ids]


async def load_issued_secrets(context: Context, ids: Sequence[str]) -> Sequence[str | None]:
    """Load the secrets that this request issued; a retry of an earlier request gets none."""
    tokens = await context.load_all(load_api_tokens, ids)
    return [_get_issued_secret(context, token) for token in tokens]


def _get_issued_secret(context: Context, token: ApiToken | None) -> str | None:
    secret = None if token is None else context.issued_secrets.get(token.id)
    return secret if secret is not None and token is not None and hash_secret(secret) == token.secret_hash else None


async def load_token_channels(context: Context, tokens: Sequence[ApiToken]) -> Sequence[list[Channel] | None]:
    keys = [token.channel_keys for token in tokens]
    lists = await load_channel_lists(context, [group or () for group in keys])
    return [None if group is None else channels for group, channels in zip(keys, lists, strict=True)]


async def load_token_locations(context: Context, tokens: Sequence[ApiToken]) -> Sequence[list[Location] | None]:
    locations = context.gateway.locations
    return [
        None if token.location_keys is None else [locations[key] for key in token.location_keys if key in locations]
        for token in tokens
    ]


async def load_audit_entries(context: Context, ids: Sequence[str]) -> Sequence[AuditEntry | None]:
    """Load the entries about channels and locations of the caller."""
    entries = await context.read(audit.find_entries, ids)
    return [entry if (entry := entries.get(id_)) and _can_see(context, entry) else None for id_ in ids]


def _can_see(context: Context, entry: AuditEntry) -> bool:
    sees_channel = (
        entry.channel_key is None or context.visibility.channels is None or (entry.channel_key in context.channels)
    )
    return sees_channel and context.caller.can_act_at(entry.location_key)


async def load_audit_changes(context: Context, ids: Sequence[str]) -> Sequence[list[AuditChange]]:
    """Load the changed values; personal ones are masked without the scope to read personal data."""
    changes = await context.read(audit.find_changes, ids)
    sees_personal_data = context.caller.has_scope("customers:pii")
    return [
        [change if sees_personal_data or not change.is_personal else _mask(change) for change in changes[id_]]
        for id_ in ids
    ]


def _mask(change: AuditChange) -> AuditChange:
    before, after = (None if value is None else MASK for value in (change.before, change.after))
    return replace(change, before=before, after=after)


async def load_audit_reasons(context: Context, ids: Sequence[str]) -> Sequence[str | None]:
    changes_by_entry = await context.load_all(load_audit_changes, ids)
    return [
        next((change.after for change in changes if change.field == "reason"), None) for changes in changes_by_entry
    ]
