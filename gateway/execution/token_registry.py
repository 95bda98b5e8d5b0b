"""Registry of tokens: those of the configuration, and those that operators created through the API.

Both are in memory, by the hash of their secrets. Tokens of the database are read again when a request may use one and
the last read is older than `MAX_AGE`, so that every process accepts a new token, and rejects a revoked one, within
that time. A client that sends unknown tokens causes no more than one read in that time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from gateway.execution.caller import Caller
from gateway.model.actors import CallerKind
from gateway.model.token_secrets import hash_secret
from gateway.settings.schema import TokenTable
from gateway.storage import api_tokens
from gateway.storage.api_tokens import ApiTokenRow
from gateway.storage.database import Database
from gateway.storage.sql.bulk import load_json

MAX_AGE = timedelta(seconds=1)

USE_RESOLUTION = timedelta(minutes=1)
"""How exactly the last use of a token is stored."""


class TokenRegistry:
    """The tokens that the gateway accepts."""

    def __init__(self, database: Database, tables: Mapping[str, TokenTable], now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._configured = _build_configured(tables)
        self._stored: Mapping[str, Caller] = {}
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()
        self._uses: dict[str, datetime] = {}
        self._stored_uses: dict[str, datetime] = {}

    def replace_configured(self, tables: Mapping[str, TokenTable]) -> None:
        """Replace the tokens of the configuration."""
        self._configured = _build_configured(tables)

    async def find_caller(self, secret: str) -> Caller | None:
        """Find the caller of a token; None: it is unknown, or revoked."""
        hashed = hash_secret(secret)
        if hashed not in self._configured:
            await self._refresh()
        return self._find(hashed)

    def find_known(self, secret: str) -> Caller | None:
        """Find the caller of a token as `find_caller` does; None also if tokens have to be read for that."""
        hashed = hash_secret(secret)
        return None if hashed not in self._configured and self._is_stale() else self._find(hashed)

    def _find(self, hashed: str) -> Caller | None:
        if (configured := self._configured.get(hashed)) is not None:
            return configured
        caller = self._stored.get(hashed)
        if caller is not None and caller.token_id is not None:
            self._uses[caller.token_id] = self._now()
        return caller

    async def _refresh(self) -> None:
        if not self._is_stale():
            return
        async with self._reading:
            if self._is_stale():
                now = self._now()
                rows = await self._database.read(api_tokens.list_usable_tokens, now)
                self._stored, self._read_at = _build_stored(rows, now), now

    def _is_stale(self) -> bool:
        return self._read_at is None or not timedelta(0) <= self._now() - self._read_at < MAX_AGE

    def expire_cache(self) -> None:
        """Read the tokens of the database again at the next request."""
        self._read_at = None

    async def flush_usage(self) -> None:
        """Store when tokens were last used."""
        recent = {
            id_: at
            for id_, at in self._uses.items()
            if id_ not in self._stored_uses or at - self._stored_uses[id_] >= USE_RESOLUTION
        }
        if recent:
            await self._database.write(api_tokens.store_uses, recent)
            self._stored_uses |= recent


def _build_configured(tables: Mapping[str, TokenTable]) -> Mapping[str, Caller]:
    return {hashed: _build_caller(name, table) for name, table in tables.items() for hashed in table.hashes}


def _build_caller(name: str, table: TokenTable) -> Caller:
    return Caller(
        CallerKind(table.kind),
        table.scopes,
        table.channel,
        principal=f"token {name}",
        name=name,
        channels=None if table.channels is None else frozenset(table.channels),
        locations=None if table.locations is None else frozenset(table.locations),
        expires_at=table.expires,
    )


def _build_stored(rows: list[ApiTokenRow], now: datetime) -> Mapping[str, Caller]:
    callers: dict[str, Caller] = {}
    for row in rows:
        caller = _read_caller(row)
        callers[row.secret_hash] = caller
        if row.former_hash is not None and row.rotates_at is not None and row.rotates_at > now:
            callers[row.former_hash] = caller
    return callers


def _read_caller(row: ApiTokenRow) -> Caller:
    return Caller(
        CallerKind(row.kind),
        tuple(load_json(row.scopes)),
        row.channel,
        principal=f"api token {row.id}",  # the name of a token of the configuration has no space
        name=row.name,
        token_id=row.id,
        channels=None if row.channels is None else frozenset(load_json(row.channels)),
        locations=None if row.locations is None else frozenset(load_json(row.locations)),
        expires_at=row.expires_at,
    )
