"""Check of the Host header (RFC 9112, section 3.2)."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.execution.error_codes import Code
from gateway.http.errors import RequestError
from gateway.http.rejection import reject_request

VERSION = "1.1"
"""The version of HTTP that requires a Host header."""


class HostMiddleware:
    """Rejects requests with several Host headers, and requests over HTTP/1.1 with none.

    A proxy in front of the gateway may route by a header that the gateway does not see, or by another one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not has_valid_host(scope):
            error = RequestError(Code.BAD_REQUEST, "Expected exactly one Host header.")
            await reject_request(scope, send, error)
        else:
            await self._app(scope, receive, send)


def has_valid_host(scope: Scope) -> bool:
    """Return whether a request has the Host headers that its version of HTTP requires."""
    hosts = sum(name == b"host" for name, _ in scope["headers"])
    is_optional: bool = scope.get("http_version") != VERSION
    return hosts == 1 or (hosts == 0 and is_optional)
