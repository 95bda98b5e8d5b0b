"""Login with Amazon: issues access tokens for a refresh token, and checks them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from gateway_amazon_sandbox.errors import make_access_denied
from gateway_amazon_sandbox.rate_limits import TOKEN_LIFETIME, SandboxClock
from gateway_amazon_sandbox.state import Shape

CLIENT_ID, CLIENT_SECRET, REFRESH = "amzn1.application-oa2-client.sandbox", "sandbox-client-secret", "Atzr|sandbox"
FIELDS = ("grant_type", "refresh_token", "client_id", "client_secret")


class LoginError(Exception):
    """Login with Amazon rejects a request. `code`: the error of OAuth 2.0."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class AccessTokens:
    """The access tokens of an app, and the refresh token that they are issued for."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._refresh_token = REFRESH
        self._expiries: dict[str, float] = {}

    def issue_token(self, body: bytes, content_type: str) -> Shape:
        """Issue an access token. Raises `LoginError`."""
        form = parse_form(body, content_type)
        if form["grant_type"] != "refresh_token":
            raise LoginError(400, "unsupported_grant_type", "Unknown grant")
        if (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            raise LoginError(401, "invalid_client", "Client authentication failed")
        if form["refresh_token"] != self._refresh_token:
            raise LoginError(400, "invalid_grant", "The token is not valid")
        lifetime = self._clock.token_lifetime
        answer = {"access_token": self.create_token(), "token_type": "bearer", "expires_in": lifetime}
        return {**answer, "refresh_token": self._refresh_token}

    def create_token(self) -> str:
        """Create a valid access token."""
        token = f"Atza|{secrets.token_urlsafe(24)}"
        self._expiries[token] = self._clock.get_seconds() + TOKEN_LIFETIME
        return token

    def check_token(self, token: str | None) -> None:
        """Raise `RejectedRequestError` unless the access token is valid."""
        if not token:
            raise make_access_denied("Access token is missing in the request header.")
        if token not in self._expiries:
            raise make_access_denied("The access token you provided is revoked, malformed or invalid.")
        if self._expiries[token] <= self._clock.get_seconds():
            raise make_access_denied("The access token you provided has expired.")

    def expire_all(self) -> None:
        """Let all issued tokens expire."""
        self._expiries = dict.fromkeys(self._expiries, self._clock.get_seconds())

    def revoke_all(self, refresh_token: str) -> None:
        """Revoke all issued tokens. `refresh_token`: the one that is valid from now on."""
        self._refresh_token = refresh_token
        self._expiries.clear()


def parse_form(body: bytes, content_type: str) -> Mapping[str, str]:
    """Return the fields of a login, sent as a form or as JSON. Raises `LoginError`."""
    try:
        form: Any = json.loads(body) if "json" in content_type else dict(parse_qsl(body.decode()))
    except (ValueError, RecursionError) as error:
        raise LoginError(400, "invalid_request", "The request is malformed") from error
    if not isinstance(form, dict) or not isinstance(form.get("grant_type"), str):
        raise LoginError(400, "invalid_request", "The request is missing a required parameter : grant_type")
    return {name: value if isinstance(value := form.get(name), str) else "" for name in FIELDS}
