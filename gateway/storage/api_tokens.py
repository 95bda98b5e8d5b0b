"""Tokens that operators create through the API. Secrets are stored as hashes only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.api_tokens import ApiToken, ApiTokenState
from gateway.storage.sql.bulk import convert_to_row, load_json
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.tables import Instant, api_tokens


@dataclass(slots=True, kw_only=True)
class ApiTokenRow:
    """A row of `api_tokens`. `scopes`, `channels`, `locations`: JSON lists."""

    id: str
    name: str
    kind: str
    prefix: str
    secret_hash: str
    scopes: str
    channel: str | None
    channels: str | None
    locations: str | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    former_hash: str | None = None
    rotates_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


_names = tuple(field.name for field in fields(ApiTokenRow))
_columns = [api_tokens.c[name] for name in _names]
_use = (
    sa.update(api_tokens)
    .where(api_tokens.c.id == sa.bindparam("_id"))
    .values(last_used_at=sa.bindparam("_at", type_=Instant()))
)


def count_tokens(conn: Connection) -> int:
    """Count all tokens, revoked ones too."""
    return conn.scalar(sa.select(sa.func.count()).select_from(api_tokens)) or 0


def find_taken_names(conn: Connection, names: Sequence[str]) -> list[str]:
    """Find which of these names tokens of the database have."""
    return sorted(conn.scalars(sa.select(api_tokens.c.name).where(is_among(conn, api_tokens.c.name, names))))


def find_token_by_name(conn: Connection, name: str) -> str | None:
    """Find the ID of the token with this name. A revoked token keeps its name."""
    return conn.scalar(sa.select(api_tokens.c.id).where(api_tokens.c.name == name))


def insert_token(conn: Connection, row: ApiTokenRow) -> bool:
    """Insert a token. Returns False if its name is taken."""
    if find_token_by_name(conn, row.name) is not None:
        return False
    conn.execute(sa.insert(api_tokens), convert_to_row(row))
    return True


def lock_token(conn: Connection, id_: str) -> ApiTokenRow | None:
    """Lock a token."""
    row = conn.execute(sa.select(*_columns).where(api_tokens.c.id == id_).with_for_update()).first()
    return None if row is None else ApiTokenRow(**row._asdict())


def update_token(conn: Connection, row: ApiTokenRow) -> None:
    """Store a changed token."""
    conn.execute(sa.update(api_tokens).where(api_tokens.c.id == row.id), convert_to_row(row))


def list_usable_tokens(conn: Connection, now: datetime) -> list[ApiTokenRow]:
    """List the tokens that are neither revoked nor expired."""
    usable = sa.and_(api_tokens.c.revoked_at.is_(None), api_tokens.c.expires_at > now)
    return [ApiTokenRow(**row._asdict()) for row in conn.execute(sa.select(*_columns).where(usable))]


def store_uses(conn: Connection, uses: Mapping[str, datetime]) -> None:
    """Store when tokens were last used, in the order of their IDs, or two processes would deadlock."""
    if uses:
        conn.execute(_use, [{"_id": id_, "_at": uses[id_]} for id_ in sorted(uses)])


def search_tokens(states: Sequence[ApiTokenState] | None, now: datetime) -> Rows[ApiToken]:
    """List tokens in any of these states, the newest first."""
    statement = sa.select(*_columns)
    if states is not None:
        state = _build_state(now)
        statement = statement.where(state.in_([item.value for item in states]))
    newest_first = Sort(api_tokens.c.created_at, api_tokens.c.id, descending=True)
    return Rows(statement, newest_first, lambda row: _read_token(row, now))


def find_tokens(conn: Connection, ids: Sequence[str], now: datetime) -> Mapping[str, ApiToken]:
    """Find the tokens with these IDs."""
    rows = conn.execute(sa.select(*_columns).where(is_among(conn, api_tokens.c.id, ids)))
    return {row.id: _read_token(row, now) for row in rows}


def _build_state(now: datetime) -> sa.ColumnElement[str]:
    return sa.case(
        (api_tokens.c.revoked_at.is_not(None), ApiTokenState.REVOKED.value),
        (api_tokens.c.expires_at <= now, ApiTokenState.EXPIRED.value),
        (api_tokens.c.rotates_at > now, ApiTokenState.ROTATING.value),
        else_=ApiTokenState.ACTIVE.value,
    )


def compute_state(row: Any, now: datetime) -> ApiTokenState:
    """Compute the state of a token: what `_build_state` computes in the database."""
    if row.revoked_at is not None:
        return ApiTokenState.REVOKED
    if row.expires_at <= now:
        return ApiTokenState.EXPIRED
    is_rotating = row.rotates_at is not None and row.rotates_at > now
    return ApiTokenState.ROTATING if is_rotating else ApiTokenState.ACTIVE


def _read_token(row: sa.Row[Any], now: datetime) -> ApiToken:
    return ApiToken(
        id=row.id,
        name=row.name,
        kind=row.kind,
        state=compute_state(row, now),
        prefix=row.prefix,
        secret_hash=row.secret_hash,
        scopes=tuple(load_json(row.scopes)),
        channel_key=row.channel,
        channel_keys=None if row.channels is None else tuple(load_json(row.channels)),
        location_keys=None if row.locations is None else tuple(load_json(row.locations)),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        rotates_at=row.rotates_at,
        last_used_at=row.last_used_at,
    )
