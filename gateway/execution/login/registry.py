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
from functools import partial
from typing import Protocol

from gateway.execution.caching.cache_sizes import SizedCache
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.caller import Caller
from gateway.execution.login.errors import LoginError, LoginExpiredError
from gateway.execution.login.token_parts import is_token
from gateway.execution.login.verifier import CreateSource, LoginVerifier, Verification, create_http_source
from gateway.model.actors import CallerKind
from gateway.model.customers.logins import SHOPPER_PREFIX, ShopperToken, VerifiedLogin
from gateway.settings.login import LoginTable

MAX_TOKENS = 20_000
"""Verified tokens that are cached."""

ENTRY_BYTES = 1_500
"""Bytes that one takes."""

BINDING_MAX_AGE = timedelta(seconds=5)
"""Age at which it is read again whether the identity of a shopper was erased."""


class BoundIdentity(Protocol):
    """The identity of a login. `home`: the customer id that was minted with it."""

    @property
    def identity_id(self) -> str: ...
    @property
    def home(self) -> str: ...


class Binding(Protocol):
    """Binds logins to identities."""

    async def bind(self, login: VerifiedLogin) -> BoundIdentity | None:
        """Bind a login to its identity, and return that. None: it was issued before its subject was erased."""

    async def is_valid(self, identity_id: str, issued_at: datetime) -> bool:
        """Return whether a login that was issued at this time still holds: its subject was not erased since."""


class ShopperTokens(Protocol):
    """Tokens that the gateway itself has signed, in exchange for those of an issuer or a channel."""

    def read(self, token: str) -> ShopperToken | None:
        """Read a token. None: the gateway has not signed it, or it is none."""


@dataclass(slots=True)
class CachedLogin:
    """A token that was verified.

    Attributes:
        ends_at: when it is not accepted any more.
        holds: whether what it was verified with still holds.
        checked_at: when its identity was read.
    """

    caller: Caller
    issued_at: datetime
    ends_at: datetime
    holds: Callable[[], bool]
    checked_at: datetime


class LoginRegistry:
    """The shoppers whose tokens the gateway accepts."""

    def __init__(
        self,
        tables: Mapping[str, LoginTable],
        binding: Binding,
        tokens: ShopperTokens,
        clock: Callable[[], datetime],
        create_source: CreateSource = create_http_source,
    ) -> None:
        self._tables = tables
        self._verifier = LoginVerifier(tables, clock, create_source)
        self._binding = binding
        self._tokens = tokens
        self._clock = clock
        self._cached: WeightedLRU[CachedLogin] = WeightedLRU(MAX_TOKENS)
        self._running: dict[str, asyncio.Task[Caller]] = {}

    def measure(self) -> SizedCache:
        """Return the size of the cache of verified tokens."""
        return SizedCache("logins", (self._cached,), ENTRY_BYTES)

    def is_login(self, token: str) -> bool:
        """Return whether a bearer token is that of a shopper, by its form."""
        return token.startswith(SHOPPER_PREFIX) or (bool(self._tables) and is_token(token))

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
        """Verify a token of an issuer, without a binding.

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
        if cached is not None and (cached.ends_at <= self._clock() or not cached.holds()):
            self._cached.remove(digest)
            return None
        return cached

    def _forget_running(self, digest: str, task: asyncio.Task[Caller]) -> None:
        self._running.pop(digest, None)
        if not task.cancelled():
            task.exception()  # all who waited for it may have been canceled

    async def _authenticate(self, digest: str, token: str) -> Caller:
        now = self._clock()
        cached = self._find_cached(digest)
        if cached is None and not token.startswith(SHOPPER_PREFIX):
            cached = await self._bind(await self._verifier.verify(token))
        else:
            cached = cached or self._read_own(token)
            if not await self._binding.is_valid(cached.caller.identity_id or "", cached.issued_at):
                self._cached.remove(digest)
                raise _build_erased_error()
        cached.checked_at = now
        self._cached.put(digest, cached, 1)
        return cached.caller

    async def _bind(self, verification: Verification) -> CachedLogin:
        login, issuer = verification.login, verification.issuer
        bound = await self._binding.bind(login)
        if bound is None:
            raise _build_erased_error()
        caller = _build_caller(bound, issuer.table, login)
        holds = partial(issuer.keys.has_key, verification.thumbprint)
        return CachedLogin(caller, login.issued_at, login.expires_at + issuer.table.leeway, holds, self._clock())

    def _read_own(self, token: str) -> CachedLogin:
        """Read a token that the gateway has signed."""
        content = self._tokens.read(token)
        if content is None:
            raise LoginError("The token is unknown.")
        if content.expires_at <= self._clock():
            raise LoginExpiredError("The token has expired.")
        table = None if content.issuer is None else self._tables.get(content.issuer)
        if content.issuer is not None and table is None:
            raise LoginError("The token is of an issuer that is not configured any more.")
        caller = _build_caller(content, table, content, content.channel)
        return CachedLogin(caller, content.issued_at, content.expires_at, _hold_always, self._clock())


def _hold_always() -> bool:
    return True


def _compute_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _build_caller(
    bound: BoundIdentity, table: LoginTable | None, login: VerifiedLogin | ShopperToken, channel: str | None = None
) -> Caller:
    channels = None if table is None else table.channels
    return Caller(
        CallerKind.SHOPPER,
        channel=channel if table is None else table.channel,
        principal=f"shopper {bound.identity_id}",
        channels=None if channels is None else frozenset(channels),
        expires_at=login.expires_at,
        auth_time=login.auth_time,
        identity_id=bound.identity_id,
        home=bound.home,
    )


def _build_erased_error() -> LoginError:
    return LoginError("The token was issued before the data of its subject was erased. Log in again.")
