"""Requests to channels over HTTP: paid for, bounded, repeated where that is safe, and kept to where they may go."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import random
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NoReturn

import httpx2

from gateway.channels import errands
from gateway.sdk.errors import (
    AuthError,
    ChannelError,
    ContractError,
    OutcomeUnknownError,
    RateLimitedError,
    UnavailableError,
)
from gateway.sdk.requests import Answer, Authorize, Request

REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
FIRST_PAUSE = 0.2
"""Seconds, doubled with every try and drawn from at random."""

CONNECTING = 5.0
LATER = 0.5
"""Seconds beyond the call's own deadline, which is to be the first to end it."""
AT_ONCE = 20

_log = logging.getLogger(__name__)

Spend = Callable[[str, float], Awaitable[None]]


@cache
def trust() -> ssl.SSLContext:
    """Whose certificates are believed: all clients of a process the same, and reading them takes 20 ms."""
    return httpx2.create_ssl_context(trust_env=False)


class PrivateAddressError(UnavailableError):
    """The channel's name leads into a private network, and nothing says that it may."""

    retryable = False


class Client:
    """A client for one address of one channel. Lives on the channel's own loop."""

    def __init__(
        self,
        channel: str,
        base_url: str,
        authorize: Authorize | None,
        spend: Spend,
        *,
        private: bool,
    ) -> None:
        self._channel, self._private = channel, private
        self._base = _address(base_url)
        self._authorize, self._spend = authorize, spend
        none = CookieJar(DefaultCookiePolicy(allowed_domains=()))  # they would grow with every answer
        self._http = httpx2.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            limits=httpx2.Limits(max_connections=AT_ONCE),
            cookies=none,
            verify=trust(),
        )

    async def send(self, request: Request) -> Answer:
        """As `gateway.sdk.Http` says."""
        for attempt in range(1, max(1, request.tries) + 1):
            try:
                return await self._try(request)
            except UnavailableError as error:
                pause = random.uniform(0, FIRST_PAUSE * 2**attempt)  # noqa: S311 jitter, not a secret
                if attempt >= request.tries or not _repeatable(request) or not error.retryable or pause > _left():
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def _try(self, request: Request) -> Answer:
        proof = await self._authorize() if self._authorize else {}
        if request.budget is not None:  # last, so that the channel is asked when it is paid
            await self._spend(request.budget, request.cost)
        try:
            built = await self._built(request, proof)
        except (UnicodeError, httpx2.InvalidURL) as error:  # such as a page token with half of a surrogate pair
            raise ContractError(f"{self._base.host} cannot be asked in the words that it gave") from error
        try:
            answer = await self._read(built, request.most)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise UnavailableError(f"{self._base.host} cannot be reached: {type(error).__name__}") from error
        except httpx2.TransportError as error:
            self._lost(request, type(error).__name__, error)
        except httpx2.HTTPError as error:
            raise ContractError(f"{self._base.host} gave an answer that cannot be read") from error
        _log.debug("%s %s %s: %d", self._channel, request.method, request.path, answer.status)
        return self._understood(request, answer)

    async def _built(self, request: Request, proof: Mapping[str, str]) -> httpx2.Request:
        """To the address that was looked at: looking the name up again could lead elsewhere."""
        target = self._base.copy_with(raw_path=self._base.raw_path.rstrip(b"/") + request.path.encode())
        if request.query:
            target = target.copy_merge_params(dict(request.query))
        host = target.host
        headers = {"host": target.netloc.decode(), **request.headers, **proof}
        return self._http.build_request(
            request.method,
            target.copy_with(host=await self._resolved(host, target.port or (443 if target.scheme == "https" else 80))),
            headers=headers,
            extensions={"sni_hostname": host},
            timeout=httpx2.Timeout(max(0.0, _left()) + LATER, connect=CONNECTING),
            **_content(request),
        )

    async def _resolved(self, host: str, port: int) -> str:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise UnavailableError(f"{host} has no address") from error
        addresses = [str(entry[4][0]) for entry in found]
        if not self._private and not all(ipaddress.ip_address(address).is_global for address in addresses):
            raise PrivateAddressError(
                f"{host} leads into a private network; if it should, set channels.{self._channel}.private_addresses"
            )
        return addresses[0]

    async def _read(self, built: httpx2.Request, most: int) -> Answer:
        answer = await self._http.send(built, stream=True)
        try:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > most:
                    raise ContractError(f"{self._base.host} gave an answer of more than {most:,} bytes")
            return Answer(answer.status_code, dict(answer.headers.items()), bytes(body))
        finally:
            await answer.aclose()

    def _understood(self, request: Request, answer: Answer) -> Answer:
        host, status = self._base.host, answer.status
        if status in (401, 403):
            raise AuthError(f"{host} refuses the credentials of channel {self._channel} ({status}); check them")
        if status == 429:
            raise RateLimitedError(f"{host} wants to be asked less (429)", _retry_after(answer))
        if status >= 500:
            self._lost(request, f"status {status}", None)
        if not 200 <= status < 300 and not 400 <= status < 500:
            raise ContractError(f"{host} answered with status {status}, which is no answer")
        return answer

    def _lost(self, request: Request, what: str, cause: Exception | None) -> NoReturn:
        kind: type[ChannelError] = UnavailableError if _repeatable(request) else OutcomeUnknownError
        raise kind(f"{self._base.host} failed: {what}") from cause


def _address(base_url: str) -> httpx2.URL:
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL as error:
        raise ContractError("the channel's address is not a URL") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise ContractError("the channel's address is not one of http or https without a user")
    return url


def _content(request: Request) -> dict[str, Any]:
    if request.body is not None:
        return {"content": request.body}
    return {} if request.json is None else {"json": request.json}


def _repeatable(request: Request) -> bool:
    return request.method in REPEATABLE if request.repeatable is None else request.repeatable


def _left() -> float:
    return errands.current().left


def _retry_after(answer: Answer) -> timedelta | None:
    """What the header says, in seconds or as a date (RFC 9110); None: nothing that can be understood."""
    said = answer.headers.get("retry-after", "").strip()
    try:
        return timedelta(seconds=float(said))
    except (ValueError, OverflowError):
        pass
    try:
        at, sent = parsedate_to_datetime(said), parsedate_to_datetime(answer.headers.get("date", ""))
        return max(at - sent, timedelta(0))
    except (ValueError, TypeError):
        return None
