"""An issuer of logins over HTTP, which a test can break."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

from starlette.responses import PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from examples.oidc.http_app import create_app
from examples.oidc.issuer import Issuer
from gateway.sdk.testing.sandbox_server import Server
from gateway.settings.login import LoginTable

AUDIENCE = "storefront"
REDIRECT_URI = "https://shop.example/login"


class BreakableApp:
    """The application of an issuer, with a fault.

    Attributes:
        fault: what is wrong with it; empty: nothing.
        reads: how often its keys were requested.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.fault = ""
        self.reads = 0
        self.released = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reads += scope["path"] == "/jwks.json"
        await (self._build_fault() or self._app)(scope, receive, send)

    def _build_fault(self) -> ASGIApp | None:
        match self.fault:
            case "hang":
                return StreamingResponse(self._send_forever())
            case "10 MB":
                return StreamingResponse(_send_megabytes())
            case "redirect":
                return RedirectResponse("/elsewhere.json")
            case "error":
                return PlainTextResponse("no", 503)
            case "garbage":
                return PlainTextResponse('{"keys": [{"kty": "RSA"}, 1, {"kty": "oct", "k": "c2VjcmV0"}]}')
        return None

    async def _send_forever(self) -> AsyncIterator[bytes]:
        yield b"{"
        await self.released.wait()


async def _send_megabytes() -> AsyncIterator[bytes]:
    for _ in range(10):
        yield b" " * 1_000_000


class IssuerServer:
    """A running issuer."""

    def __init__(self, issuer: Issuer, app: BreakableApp, server: Server) -> None:
        self.issuer, self.app, self.server = issuer, app, server

    def build_table(self, **changes: Any) -> dict[str, Any]:
        """Build the table of its configuration."""
        return {
            "issuer": self.issuer.url,
            "audiences": [AUDIENCE],
            "jwks_url": f"http://127.0.0.1:{self.server.port}/jwks.json",
            "algorithms": ["ES256", "RS256", "PS256", "Ed25519"],
            "private_addresses": True,
            **changes,
        }

    def configure(self, **changes: Any) -> LoginTable:
        return LoginTable.model_validate(self.build_table(**changes))

    def issue_token(self, subject: str = "person-1", **claims: Any) -> str:
        """Issue a token for the gateway."""
        return self.issuer.issue_token(subject, AUDIENCE, **claims)


@contextlib.asynccontextmanager
async def run_issuer(clock: Callable[[], datetime], algorithm: str = "ES256") -> AsyncIterator[IssuerServer]:
    """Run an issuer on this machine."""
    issuer = Issuer("https://login.example", clock, algorithm)
    app = BreakableApp(create_app(issuer, {AUDIENCE: {REDIRECT_URI}}))
    server = Server(app)
    await server.open()
    try:
        yield IssuerServer(issuer, app, server)
    finally:
        app.released.set()
        await server.close()
