"""HTTP client for channels: charges rate budgets, limits sizes and times, retries where it is safe, and blocks private
networks.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NoReturn

import httpx2

from gateway.channels import call_context
from gateway.channels.public_address import is_public_address, resolve_host
from gateway.sdk.errors import (
    AuthError,
    ChannelError,
    ContractError,
    OutcomeUnknownError,
    RateLimitedError,
    UnavailableError,
)
from gateway.sdk.http import Answer, Authorize, Request

REPEATABLE_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
RETRY_BASE_SECONDS = 0.2
"""Seconds. The backoff doubles with each retry, with random jitter."""

CONNECT_TIMEOUT = 5.0
TIMEOUT_MARGIN = 0.5
"""Seconds added to the call's remaining time, so that the call's own deadline expires first."""
MAX_CONNECTIONS = 20

_log = logging.getLogger(__name__)

Spend = Callable[[str, float], Awaitable[None]]


@cache
def get_ssl_context() -> ssl.SSLContext:
    """Return the trusted certificates. All clients of a process share them, because loading them takes 20 ms."""
    return httpx2.create_ssl_context(trust_env=False)


class PrivateAddressError(UnavailableError):
    """The channel's host resolves to a private address, which the configuration does not allow."""

    retryable = False


class ChannelHttpClient:
    """A client for one base URL of one channel. It runs on the event loop of the channel's thread."""

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
        self._base = _parse_base_url(base_url)
        self._authorize, self._spend = authorize, spend
        none = CookieJar(DefaultCookiePolicy(allowed_domains=()))  # cookies would accumulate with every response
        self._http = httpx2.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            limits=httpx2.Limits(max_connections=MAX_CONNECTIONS),
            cookies=none,
            verify=get_ssl_context(),
        )

    async def send(self, request: Request) -> Answer:
        """Send a request, as `gateway.sdk.Http` defines."""
        for attempt in range(1, max(1, request.tries) + 1):
            try:
                return await self._try(request)
            except UnavailableError as error:
                pause = random.uniform(0, RETRY_BASE_SECONDS * 2**attempt)  # noqa: S311 jitter, not a secret
                if (
                    attempt >= request.tries
                    or not _is_repeatable(request)
                    or not error.retryable
                    or pause > _get_remaining()
                ):
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _try(self, request: Request) -> Answer:
        credentials = await self._authorize() if self._authorize else {}
        if request.budget is not None:  # last, so that the request is sent as soon as it is paid for
            await self._spend(request.budget, request.cost)
        try:
            http_request = await self._build(request, credentials)
        except (UnicodeError, httpx2.InvalidURL) as error:  # such as a page token with an unpaired surrogate
            raise ContractError(f"the request for {self._base.host} cannot be encoded") from error
        try:
            response = await self._read(http_request, request.most)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise UnavailableError(f"{self._base.host} cannot be reached: {type(error).__name__}") from error
        except httpx2.TransportError as error:
            self._raise_failure(request, type(error).__name__, error)
        except httpx2.HTTPError as error:
            raise ContractError(f"{self._base.host} sent a response that cannot be read") from error
        _log.debug("%s %s %s: %d", self._channel, request.method, request.path, response.status)
        return self._check_status(request, response)

    async def _build(self, request: Request, credentials: Mapping[str, str]) -> httpx2.Request:
        """Build the request for the resolved address that was checked: another lookup could return a different one."""
        target = self._base.copy_with(raw_path=self._base.raw_path.rstrip(b"/") + request.path.encode())
        if request.query:
            target = target.copy_merge_params(dict(request.query))
        host = target.host
        headers = {"host": target.netloc.decode(), **request.headers, **credentials}
        return self._http.build_request(
            request.method,
            target.copy_with(host=await self._resolve(host, target.port or (443 if target.scheme == "https" else 80))),
            headers=headers,
            extensions={"sni_hostname": host},
            timeout=httpx2.Timeout(max(0.0, _get_remaining()) + TIMEOUT_MARGIN, connect=CONNECT_TIMEOUT),
            **_build_content(request),
        )

    async def _resolve(self, host: str, port: int) -> str:
        try:
            addresses = await resolve_host(host, port)
        except OSError as error:
            raise UnavailableError(f"{host} has no address") from error
        if not self._private and not all(map(is_public_address, addresses)):
            raise PrivateAddressError(
                f"{host} resolves to a private address; to allow it, set channels.{self._channel}.private_addresses"
            )
        return addresses[0]

    async def _read(self, http_request: httpx2.Request, limit: int) -> Answer:
        response = await self._http.send(http_request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > limit:
                    raise ContractError(f"{self._base.host} sent a response of more than {limit:,} bytes")
            return Answer(response.status_code, dict(response.headers.items()), bytes(body))
        finally:
            await response.aclose()

    def _check_status(self, request: Request, response: Answer) -> Answer:
        host, status = self._base.host, response.status
        if status in (401, 403):
            raise AuthError(f"{host} rejects the credentials of channel {self._channel} ({status}); check them")
        if status == 429:
            raise RateLimitedError(f"{host} limits the request rate (429)", _parse_retry_after(response))
        if status >= 500:
            self._raise_failure(request, f"status {status}", None)
        if not 200 <= status < 300 and not 400 <= status < 500:
            raise ContractError(f"{host} responded with the unexpected status {status}")
        return response

    def _raise_failure(self, request: Request, reason: str, cause: Exception | None) -> NoReturn:
        kind: type[ChannelError] = UnavailableError if _is_repeatable(request) else OutcomeUnknownError
        raise kind(f"{self._base.host} failed: {reason}") from cause


def _parse_base_url(base_url: str) -> httpx2.URL:
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL as error:
        raise ContractError("the channel's base URL is not a URL") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise ContractError("the channel's base URL must be http or https, without a user")
    return url


def _build_content(request: Request) -> dict[str, Any]:
    if request.body is not None:
        return {"content": request.body}
    return {} if request.json is None else {"json": request.json}


def _is_repeatable(request: Request) -> bool:
    return request.method in REPEATABLE_METHODS if request.repeatable is None else request.repeatable


def _get_remaining() -> float:
    return call_context.get_current().remaining


def _parse_retry_after(response: Answer) -> timedelta | None:
    """Parse the header Retry-After: seconds or a date (RFC 9110). Returns None if it is missing or invalid."""
    value = response.headers.get("retry-after", "").strip()
    try:
        return timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        pass  # it may be a date
    try:
        retry_at, sent_at = parsedate_to_datetime(value), parsedate_to_datetime(response.headers.get("date", ""))
        return max(retry_at - sent_at, timedelta(0))
    except (ValueError, TypeError):
        return None
