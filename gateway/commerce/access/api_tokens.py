"""Tokens that operators create, rotate and revoke (rule X2). No caller grants what it lacks."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.model.ids import generate_id
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.token_secrets import hash_secret
from gateway.storage import api_tokens
from gateway.storage.api_tokens import ApiTokenRow
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import load_json

MAX_LIFETIME = timedelta(days=366)
MAX_OVERLAP = timedelta(days=30)
MAX_TOKENS = 1_000
"""Tokens in the database, revoked ones too. Each process has the usable ones in memory."""

SECRET_PREFIX = "gwt_"  # noqa: S105 it is public
"""Start of every secret, so that scanners of source code recognize it."""

PREFIX_LENGTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a token may do. `channels`, `locations`: keys; None: all."""

    scopes: Sequence[str]
    channels: Collection[str] | None
    locations: Collection[str] | None

    def find_missing(self, wanted: Grants) -> str | None:
        """Find what these grants lack of others: a description for a message, or None."""
        if missing := sorted(set(wanted.scopes) - set(self.scopes)):
            return f"the scope {missing[0]}"
        return _find_missing_key("channel", self.channels, wanted.channels) or _find_missing_key(
            "location", self.locations, wanted.locations
        )


def _find_missing_key(noun: str, held: Collection[str] | None, wanted: Collection[str] | None) -> str | None:
    if held is None:
        return None
    if wanted is None:
        return f"all {noun}s"
    missing = sorted(set(wanted) - set(held))
    return f"the {noun} {missing[0]}" if missing else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenActor:
    """The caller of a token mutation: the name of its token, and what it may do."""

    name: str
    grants: Grants


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A token to create. `reserved_names`: names of the tokens in the configuration."""

    name: str
    kind: str
    grants: Grants
    channel: str | None
    expires_at: datetime
    reserved_names: Collection[str]


def generate_secret() -> str:
    """Generate the secret of a token: 256 random bits."""
    return f"{SECRET_PREFIX}{secrets.token_urlsafe(32)}"


def create_token(
    conn: Connection, request: TokenRequest, secret: str, actor: TokenActor, now: datetime
) -> MutationResult:
    """Create a token with this secret."""
    if (refusal := _check_request(conn, request, actor, now)) is not None:
        return MutationResult(user_errors=(refusal,))
    row = ApiTokenRow(
        id=generate_id(now),
        name=request.name,
        kind=request.kind,
        prefix=secret[:PREFIX_LENGTH],
        secret_hash=hash_secret(secret),
        scopes=json.dumps(sorted(set(request.grants.scopes))),
        channel=request.channel,
        channels=_dump_keys(request.grants.channels),
        locations=_dump_keys(request.grants.locations),
        created_by=actor.name,
        created_at=now,
        expires_at=request.expires_at,
    )
    if not api_tokens.insert_token(conn, row):
        return MutationResult(user_errors=(_NAME_TAKEN,))
    return MutationResult(subject=row.id, done=True)


def rotate_token(
    conn: Connection,
    id_: str,
    overlap: timedelta,
    expires_at: datetime | None,
    secret: str,
    actor: TokenActor,
    now: datetime,
) -> MutationResult:
    """Replace the secret of a token. The former one stays valid for `overlap`."""
    row = api_tokens.lock_token(conn, id_)
    if row is None:
        return MutationResult(user_errors=(_NOT_FOUND,))
    if (refusal := _check_rotation(row, overlap, expires_at, actor, now)) is not None:
        return MutationResult(subject=id_, user_errors=(refusal,))
    row.former_hash, row.rotates_at = row.secret_hash, now + overlap
    row.secret_hash, row.prefix = hash_secret(secret), secret[:PREFIX_LENGTH]
    row.expires_at = expires_at or row.expires_at
    api_tokens.update_token(conn, row)
    return MutationResult(subject=id_, done=True)


def revoke_token(conn: Connection, id_: str, now: datetime) -> MutationResult:
    """Revoke a token. Its name stays taken, so that the audit trail names one token only."""
    row = api_tokens.lock_token(conn, id_)
    if row is None:
        return MutationResult(user_errors=(_NOT_FOUND,))
    row.revoked_at = row.revoked_at or now
    api_tokens.update_token(conn, row)
    return MutationResult(subject=id_, done=True)


def _check_request(conn: Connection, request: TokenRequest, actor: TokenActor, now: datetime) -> UserError | None:
    if request.name in request.reserved_names:
        return _NAME_TAKEN
    if (missing := actor.grants.find_missing(request.grants)) is not None:
        return _build_grant_error(missing)
    if (channels := request.grants.channels) is not None and request.channel not in (None, *channels):
        return _build_error(UserErrorCode.INVALID, "channelKey", "The default channel is not among the channels.")
    if api_tokens.count_tokens(conn) >= MAX_TOKENS:
        return _build_error(UserErrorCode.LIMIT_EXCEEDED, "name", f"There can be at most {MAX_TOKENS} tokens.")
    return _check_expiry(request.expires_at, now)


def _check_rotation(
    row: ApiTokenRow, overlap: timedelta, expires_at: datetime | None, actor: TokenActor, now: datetime
) -> UserError | None:
    if row.revoked_at is not None:
        return _build_error(UserErrorCode.NOT_ALLOWED_IN_STATE, "tokenId", "The token is revoked.")
    if (missing := actor.grants.find_missing(_read_grants(row))) is not None:
        return _build_grant_error(missing)
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        message = f"Expected 0 to {MAX_OVERLAP.total_seconds():.0f} seconds."
        return _build_error(UserErrorCode.INVALID, "overlapSeconds", message)
    return _check_expiry(expires_at or row.expires_at, now)


def _check_expiry(expires_at: datetime, now: datetime) -> UserError | None:
    if now < expires_at <= now + MAX_LIFETIME:
        return None
    return _build_error(UserErrorCode.INVALID, "expiresAt", "A token expires in the future, within a year.")


def _read_grants(row: ApiTokenRow) -> Grants:
    return Grants(
        scopes=load_json(row.scopes),
        channels=None if row.channels is None else load_json(row.channels),
        locations=None if row.locations is None else load_json(row.locations),
    )


def _dump_keys(keys: Collection[str] | None) -> str | None:
    return None if keys is None else json.dumps(sorted(set(keys)))


def _build_error(code: UserErrorCode, field: str, message: str) -> UserError:
    return UserError(code=code, field=("input", field), message=message)


def _build_grant_error(missing: str) -> UserError:
    message = f"The token would have {missing}, which the caller does not have."
    return UserError(code=UserErrorCode.SCOPE_NOT_HELD, field=("input",), message=message)


_NAME_TAKEN = _build_error(UserErrorCode.CONFLICT, "name", "The name is taken by another token.")
_NOT_FOUND = _build_error(UserErrorCode.NOT_FOUND, "tokenId", "There is no token with this ID.")
