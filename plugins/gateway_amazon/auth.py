"""Login with Amazon: exchanges a refresh token, valid until revoked, for access tokens, valid for one hour."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from gateway.sdk import AuthError, Context, ContractError, RateLimitedError, RejectedError, Request
from gateway_amazon.config import AmazonConfig

PATH = "/auth/o2/token"
RENEWAL_MARGIN = timedelta(seconds=60)
"""A token is renewed this long before it expires, or in the last tenth of its lifetime if that is shorter."""

DEFAULT_RETRY_AFTER = timedelta(minutes=1)
MAX_RESPONSE_BYTES = 100_000
ERROR_ADVICE = {
    "invalid_grant": "the refresh token is revoked or expired; authorize the app again in Seller Central, and "
    "configure the new refresh_token",
    "invalid_client": "the app is unknown or its secret is wrong; check client_id and client_secret",
    "unauthorized_client": "the refresh token belongs to another app; check client_id and refresh_token",
}


class LoginError(AuthError):
    """Login with Amazon issued no access token. Retrying with the same credentials does not help."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token, and when to renew it."""

    token: str
    renew_at: datetime


class AccessTokenProvider:
    """Holds one access token for all requests of a channel."""

    def __init__(self, config: AmazonConfig, context: Context) -> None:
        self._config, self._context = config, context
        self._http = context.http(config.login)
        self._token: AccessToken | None = None
        self._lock = asyncio.Lock()

    async def get_headers(self) -> Mapping[str, str]:
        """Return the authentication header; request a token if there is none or it is about to expire."""
        async with self._lock:
            if self._token is None or self._context.now() >= self._token.renew_at:
                self._token = await self._request_token()
            return {"x-amz-access-token": self._token.token}

    def drop_token(self) -> None:
        """Discard a token that was rejected: the next request obtains a new one."""
        self._token = None

    async def _request_token(self) -> AccessToken:
        requested_at = self._context.now()
        try:
            response = await self._http.send(self._build_request())
        except RateLimitedError as error:
            raise RateLimitedError(
                "Login with Amazon was called too often", error.retry_after or DEFAULT_RETRY_AFTER
            ) from error
        except AuthError as error:
            raise LoginError(f"Login with Amazon rejected the credentials: {ERROR_ADVICE['invalid_client']}") from error
        body = response.json()
        if not isinstance(body, dict):
            raise ContractError("the response of Login with Amazon is not an object")
        if response.status >= 400:
            code = body.get("error")
            if isinstance(code, str) and code in ERROR_ADVICE:
                raise LoginError(f"Login with Amazon rejected the credentials: {ERROR_ADVICE[code]}")
            raise RejectedError(f"Login with Amazon rejected the request with status {response.status}", "login")
        return _parse_token(body, requested_at)

    def _build_request(self) -> Request:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._config.refresh_token.get_secret_value(),
            "client_id": self._config.client_id,
            "client_secret": self._config.client_secret.get_secret_value(),
        }
        headers = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
        body = urlencode(form).encode()
        return Request(method="POST", path=PATH, headers=headers, body=body, repeatable=True, most=MAX_RESPONSE_BYTES)


def _parse_token(body: Mapping[str, Any], requested_at: datetime) -> AccessToken:
    token, lifetime = body.get("access_token"), body.get("expires_in")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise ContractError("the response of Login with Amazon has no access token")
    if isinstance(lifetime, bool) or not isinstance(lifetime, int) or not 0 < lifetime <= 86_400:
        raise ContractError("the response of Login with Amazon has no valid expires_in")
    return AccessToken(
        token, requested_at + timedelta(seconds=lifetime) - min(RENEWAL_MARGIN, timedelta(seconds=lifetime) / 10)
    )
