"""Keys of one issuer, cached.

A key that is not cached makes the cache read the keys again, but seldom: a flood of tokens with invented keys must not
become one of requests to the issuer. While the issuer is down, its keys remain usable for a limited time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from gateway.execution.login.errors import IssuerUnavailableError, UnknownKeyError
from gateway.execution.login.json_web_keys import InvalidKeySetError, VerificationKey, find_keys, parse_key_set
from gateway.execution.login.key_client import KeySource, KeysUnavailableError

REFRESH_AGE = timedelta(minutes=10)
"""Age at which keys are read again, while requests go on with those that are cached."""

MAX_AGE = timedelta(hours=24)
"""Age until which keys are used if the issuer cannot be reached."""

RETRY_DELAY = timedelta(seconds=30)
"""Time between two reads, unless none has succeeded."""

FIRST_RETRY_DELAY = timedelta(seconds=5)
"""Time between two reads as long as there are no keys."""

_log = logging.getLogger(__name__)


class KeyCache:
    """The keys of one issuer. `issuer`: its key in the configuration."""

    def __init__(self, issuer: str, source: KeySource, clock: Callable[[], datetime]) -> None:
        self._issuer = issuer
        self._source = source
        self._clock = clock
        self._keys: tuple[VerificationKey, ...] = ()
        self._read_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._reading: asyncio.Task[None] | None = None

    def has_key(self, thumbprint: str) -> bool:
        """Return whether the issuer still publishes a key, as far as is known."""
        self._start_due_refresh()
        return not self._has_expired and any(key.thumbprint == thumbprint for key in self._keys)

    async def find_keys(self, key_id: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """Find the keys that may have signed a token. There is at least one.

        Raises:
            UnknownKeyError: there is none.
            IssuerUnavailableError: the keys cannot be read now.
        """
        if self._has_expired:
            await self._read_again()
        if self._has_expired:
            raise IssuerUnavailableError("The keys of the token's issuer cannot be read now. Try again in 30 s.")
        found = find_keys(self._keys, key_id, algorithm)
        if not found:
            await self._read_again()
            found = find_keys(self._keys, key_id, algorithm)
        if not found:
            raise UnknownKeyError("The token is signed with a key that its issuer does not publish.")
        self._start_due_refresh()
        return found

    async def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    @property
    def _has_expired(self) -> bool:
        return self._read_at is None or not self._is_within(self._read_at, MAX_AGE)

    def _is_within(self, moment: datetime, age: timedelta) -> bool:
        """Whether a moment is no longer ago than this. A clock that was set back ends every wait."""
        return timedelta(0) <= self._clock() - moment < age

    def _start_due_refresh(self) -> None:
        if self._read_at is not None and not self._is_within(self._read_at, REFRESH_AGE):
            self._start_reading()

    async def _read_again(self) -> None:
        """Read the keys, or wait for the read in progress. A canceled request does not cancel it for others."""
        self._start_reading()
        if self._reading is not None:
            await asyncio.shield(self._reading)

    def _start_reading(self) -> None:
        """Begin to read the keys, unless they are being read or were a moment ago."""
        delay = FIRST_RETRY_DELAY if self._has_expired else RETRY_DELAY
        if self._reading is not None or (self._tried_at is not None and self._is_within(self._tried_at, delay)):
            return
        self._tried_at = self._clock()
        self._reading = asyncio.create_task(self._read(), name=f"keys of issuer {self._issuer}")

    async def _read(self) -> None:
        try:
            self._keys = parse_key_set(await self._source.read())
            self._read_at = self._clock()
        except (KeysUnavailableError, InvalidKeySetError) as error:
            _log.warning("login.%s: the keys of the issuer cannot be read: %s", self._issuer, error)
        except Exception as error:  # noqa: BLE001 a login must not fail for a reason that clients cannot read
            _log.error("login.%s: the keys of the issuer cannot be read", self._issuer, exc_info=error)
        finally:
            self._reading = None
