"""Login with Amazon: a refresh token, which lasts until it is revoked, buys access tokens, which last an hour."""

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
EARLY = timedelta(seconds=60)
"""So long before its end a token is replaced, or in the last tenth of its life."""

REST = timedelta(minutes=1)
LONGEST_ANSWER = 100_000
ADVICE = {
    "invalid_grant": "the refresh token is revoked or expired; authorize the app again in Seller Central, and "
    "configure the new refresh_token",
    "invalid_client": "the app is unknown or its secret is wrong; check client_id and client_secret",
    "unauthorized_client": "the refresh token belongs to another app; check client_id and refresh_token",
}


class LoginError(AuthError):
    """Login with Amazon gives no access token. Asking again with the same credentials is of no use."""


@dataclass(frozen=True, slots=True)
class Access:
    """An access token, and when it is to be replaced."""

    token: str
    until: datetime


class Login:
    """Keeps one access token for all requests of a channel."""

    def __init__(self, config: AmazonConfig, context: Context) -> None:
        self._config, self._context = config, context
        self._http = context.http(config.login)
        self._access: Access | None = None
        self._turn = asyncio.Lock()

    async def headers(self) -> Mapping[str, str]:
        """What proves who asks."""
        async with self._turn:
            if self._access is None or self._context.now() >= self._access.until:
                self._access = await self._bought()
            return {"x-amz-access-token": self._access.token}

    def drop(self) -> None:
        """The token was refused: the next request buys another one."""
        self._access = None

    async def _bought(self) -> Access:
        asked = self._context.now()
        try:
            answer = await self._http.send(self._request())
        except RateLimitedError as error:
            raise RateLimitedError("Login with Amazon was asked too often", error.retry_after or REST) from error
        except AuthError as error:
            raise LoginError(f"Login with Amazon refuses: {ADVICE['invalid_client']}") from error
        said = answer.json()
        if not isinstance(said, dict):
            raise ContractError("Login with Amazon answered with something else than an object")
        if answer.status >= 400:
            code = said.get("error")
            if isinstance(code, str) and code in ADVICE:
                raise LoginError(f"Login with Amazon refuses: {ADVICE[code]}")
            raise RejectedError(f"Login with Amazon refuses with status {answer.status}", "login")
        return _access(said, asked)

    def _request(self) -> Request:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._config.refresh_token.get_secret_value(),
            "client_id": self._config.client_id,
            "client_secret": self._config.client_secret.get_secret_value(),
        }
        kind = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
        body = urlencode(form).encode()
        return Request(method="POST", path=PATH, headers=kind, body=body, repeatable=True, most=LONGEST_ANSWER)


def _access(said: Mapping[str, Any], asked: datetime) -> Access:
    token, lasts = said.get("access_token"), said.get("expires_in")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise ContractError("Login with Amazon gave no access token")
    if isinstance(lasts, bool) or not isinstance(lasts, int) or not 0 < lasts <= 86_400:
        raise ContractError("Login with Amazon does not say how long its token lasts")
    return Access(token, asked + timedelta(seconds=lasts) - min(EARLY, timedelta(seconds=lasts) / 10))
