"""Cross-site request forgery (CSRF): rejects GET requests that a browser sends for a page of another origin.

The gateway does not read cookies: it authenticates a token in a header, which a page of another origin cannot set. A
body must be JSON, for which a browser sends a preflight request first. Only GET remains. It changes nothing, and a page
cannot read its response unless CORS allows it; but a proxy in front of the gateway may authenticate the browser and add
a token.
"""

from __future__ import annotations

from collections.abc import Container

from starlette.requests import Request

from gateway.execution.error_codes import Code
from gateway.http.errors import RequestError
from gateway.http.request_parsing import is_json

PREFLIGHT_HEADERS = ("apollo-require-preflight", "graphql-require-preflight", "x-apollo-operation-name")
"""Headers that a browser sends to another origin only after a preflight request."""


def check_csrf(request: Request, origins: Container[str]) -> None:
    """Check that a page of another origin cannot have caused this GET.

    Args:
        origins: origins whose pages may send it.

    Raises:
        RequestError: the request may be forged.
    """
    if "*" in origins or _is_preflighted(request) or not _is_cross_origin(request, origins):
        return
    message = (
        "Cross-origin request blocked. Add the origin to `server.cors.origins`, send the request with POST, "
        f"or set the header {PREFLIGHT_HEADERS[0]}: true."
    )
    raise RequestError(Code.CROSS_SITE_REQUEST, message)


def _is_preflighted(request: Request) -> bool:
    return any(request.headers.get(name) for name in PREFLIGHT_HEADERS) or is_json(request.headers.get("content-type"))


def _is_cross_origin(request: Request, origins: Container[str]) -> bool:
    """Whether the header Origin, or else Fetch Metadata, says so. A navigation (a link) is not cross-origin."""
    origin = request.headers.get("origin")
    if origin is not None:
        return origin not in origins and origin.partition("://")[2] != request.headers.get("host")
    site, mode = (request.headers.get(f"sec-fetch-{name}") for name in ("site", "mode"))
    return site in ("cross-site", "same-site") and mode != "navigate"
