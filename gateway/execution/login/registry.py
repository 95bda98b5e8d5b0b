"""Registry of logins: the shopper that a token stands for.

A verified token is cached by its digest until it expires, or its issuer no longer publishes the key that has signed
it. The identity that it is bound to is read again every few seconds, because it may have been erased.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.caller import Caller
from gateway.execution.login.claims import check_expiry, has_expired
from gateway.execution.login.errors import LoginError
from gateway.execution.login.token_parts import is_token
from gateway.execution.login.verifier import CreateSource, LoginVerifier, Verification, create_http_source
from gateway.model.actors import CallerKind
from gateway.model.customers.logins import VerifiedLogin
from gateway.settings.login import LoginTable

MAX_TOKENS = 20_000
"""Verified tokens that are cached."""

BINDING_MAX_AGE = timedelta(seconds=5)
"""Age at which it is read again whether the identity of a shopper was erased."""


class Binding(Protocol):
    """Binds logins to identities."""

    async def bind(self, login: VerifiedLogin) -> str | None:
        """Bind a login to its identity, and return the id. None: it was issued before its subject was erased."""

    async def is_valid(self, identity_id: str, issued_at: datetime) -> bool:
        """Return whether a login that was issued at this time still holds: its subject was not erased since."""


@dataclass(slots=True)
class CachedLogin:
    """A verified token. `checked_at`: when its identity was read."""

    verification: Verification
    caller: Caller
    checked_at: datetime


class LoginRegistry:
    """The shoppers whose tokens the gateway accepts."""

    def __init__(
        self,
        tables: Mapping[str, LoginTable],
        binding: Binding,
        clock: Callable[[], datetime],
        create_source: CreateSource = create_http_source,
    ) -> None:
        self._is_enabled = bool(tables)
        self._verifier = LoginVerifier(tables, clock, create_source)
        self._binding = binding
        self._clock = clock
        self._cached: WeightedLRU[CachedLogin] = WeightedLRU(MAX_TOKENS)
        self._running: dict[str, asyncio.Task[Caller]] = {}

    def is_login(self, token: str) -> bool:
        """Return whether a bearer token is that of a shopper, by its form."""
        return self._is_enabled and is_token(token)

    async def find_caller(self, token: str) -> Caller:
        """Find the shopper whose token this is.

        Raises:
            LoginError: the token is not valid, or the keys of its issuer cannot be read.
            StorageUnavailableError: the database cannot be used now.
        """
        digest = _compute_digest(token)
        known = self._find_current(digest)
        if known is not None:
            return known
        running = self._running.get(digest)
        if running is None:
            running = self._running[digest] = asyncio.create_task(self._authenticate(digest, token))
            running.add_done_callback(lambda task: self._forget_running(digest, task))
        return await asyncio.shield(running)

    def find_known(self, token: str) -> Caller | None:
        """Find a shopper as `find_caller` does; None also if something has to be read or verified for that."""
        return self._find_current(_compute_digest(token))

    async def verify(self, token: str) -> VerifiedLogin:
        """Verify a token that a client presents, without a binding.

        Raises:
            LoginError: the token is not valid, or the keys of its issuer cannot be read.
        """
        return (await self._verifier.verify(token)).login

    async def close(self) -> None:
        """Stop reading keys."""
        await self._verifier.close()

    def _find_current(self, digest: str) -> Caller | None:
        """Find the caller of a cached token that holds, and whose identity was read a moment ago."""
        cached, now = self._find_cached(digest), self._clock()
        return cached.caller if cached and timedelta(0) <= now - cached.checked_at < BINDING_MAX_AGE else None

    def _find_cached(self, digest: str) -> CachedLogin | None:
        """Find a cached token that has not expired, and whose key is still published."""
        cached = self._cached.get(digest)
        if cached is None:
            return None
        found, issuer = cached.verification, cached.verification.issuer
        if has_expired(found.login, issuer.table, self._clock()) or not issuer.keys.has_key(found.thumbprint):
            self._cached.remove(digest)
            return None
        return cached

    def _forget_running(self, digest: str, task: asyncio.Task[Caller]) -> None:
        self._running.pop(digest, None)
        if not task.cancelled():
            task.exception()  # all who waited for it may have been canceled

    async def _authenticate(self, digest: str, token: str) -> Caller:
        cached = self._find_cached(digest)
        if cached is None:
            return await self._bind(digest, await self._verifier.verify(token))
        now, login = self._clock(), cached.verification.login
        check_expiry(login, cached.verification.issuer.table, now)
        if not await self._binding.is_valid(cached.caller.identity_id or "", login.issued_at):
            self._cached.remove(digest)
            raise _build_erased_error()
        cached.checked_at = now
        return cached.caller

    async def _bind(self, digest: str, verification: Verification) -> Caller:
        now = self._clock()
        identity_id = await self._binding.bind(verification.login)
        if identity_id is None:
            raise _build_erased_error()
        caller = _build_caller(verification, identity_id)
        self._cached.put(digest, CachedLogin(verification, caller, now), 1)
        return caller


def _compute_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _build_caller(verification: Verification, identity_id: str) -> Caller:
    table = verification.issuer.table
    return Caller(
        CallerKind.SHOPPER,
        channel=table.channel,
        principal=f"shopper {identity_id}",
        channels=None if table.channels is None else frozenset(table.channels),
        expires_at=verification.login.expires_at,
        identity_id=identity_id,
    )


def _build_erased_error() -> LoginError:
    return LoginError("The token was issued before the data of its subject was erased. Log in again.")
