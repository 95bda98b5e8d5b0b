"""Authorization of apps: the redirect after a merchant's approval, and the exchange of its code for a token.

The merchant approves at once. An app of the merchant's own organization gets its token without a code.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.responses import JSONResponse, RedirectResponse, Response

from gateway_shopify_sandbox.scalars import is_web_url

SCOPES = "read_orders,write_orders,read_products,read_inventory,write_inventory,write_order_edits"
TOKEN_SECONDS = 86_399
"""Validity of a token without a code, in seconds. The sandbox does not enforce it."""


@dataclass(frozen=True, slots=True)
class AppAuthorization:
    """The app of a shop, with its credentials and token."""

    domain: str
    client_id: str
    secret: str
    token: str
    now: Callable[[], datetime]
    codes: set[str] = field(default_factory=set)

    def authorize(self, query: Mapping[str, str]) -> Response:
        """Redirect to the app with a code, signed with its secret."""
        target = query.get("redirect_uri", "")
        if query.get("client_id") != self.client_id or not is_web_url(target):
            return self.refuse("invalid_request", "The redirect_uri is not whitelisted")
        code = secrets.token_hex(16)
        self.codes.add(code)
        given = {
            "code": code,
            "shop": self.domain,
            "state": query.get("state", ""),
            "timestamp": str(int(self.now().timestamp())),
        }
        return RedirectResponse(f"{target}?{urlencode({**given, 'hmac': self.sign(given)})}", 302)

    def sign(self, params: Mapping[str, str]) -> str:
        """Sign the parameters of a redirect."""
        return hmac.new(self.secret.encode(), urlencode(sorted(params.items())).encode(), hashlib.sha256).hexdigest()

    def grant(self, body: bytes) -> Response:
        """Exchange a code, or the credentials of the app, for a token."""
        given = _parse_body(body)
        if (given.get("client_id"), given.get("client_secret")) != (self.client_id, self.secret):
            return self.refuse("invalid_client", "The client credentials are invalid")
        if given.get("grant_type") == "client_credentials":
            return JSONResponse({"access_token": self.token, "scope": SCOPES, "expires_in": TOKEN_SECONDS})
        if given.get("code") not in self.codes:
            return self.refuse("invalid_request", "The authorization code was not found or was already used")
        self.codes.discard(str(given["code"]))
        return JSONResponse({"access_token": self.token, "scope": SCOPES})

    def refuse(self, error: str, description: str) -> Response:
        """Build the response to a refused request."""
        return JSONResponse({"error": error, "error_description": description}, 400)


def _parse_body(body: bytes) -> Mapping[str, Any]:
    """Parse a body in JSON or as a form."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        parsed = dict(parse_qsl(body.decode("latin-1")))
    return parsed if isinstance(parsed, dict) else {}
