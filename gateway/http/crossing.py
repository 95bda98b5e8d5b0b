"""Requests that a browser sends for a page of another origin, without asking first whether it may (CSRF).

Nothing is done for a browser's sake: cookies are not read, so who asks is said by a token in a header, which no other
page can set; and a body has to be JSON, for which a browser asks first. What is left is GET. It changes nothing, and no
page can read its answer that CORS does not allow; but something in front of us may know the browser and put a token in.
So a GET that comes from elsewhere, as the browser says, is refused.
"""

from __future__ import annotations

from collections.abc import Container

from starlette.requests import Request

from gateway.execution.codes import Code
from gateway.http.negotiation import is_json
from gateway.http.requests import RequestError

SIGNS = ("apollo-require-preflight", "graphql-require-preflight", "x-apollo-operation-name")
"""Headers that a browser sends to another origin only after it has asked."""


def check_crossing(request: Request, origins: Container[str]) -> None:
    """Refuse a GET that any page could have caused. `origins`: of pages that may ask."""
    if request.method == "POST" or "*" in origins or _is_deliberate(request) or not _crosses(request, origins):
        return
    message = f"A page of another origin sends this. If it may: send it with POST, or with the header {SIGNS[0]}: true."
    raise RequestError(Code.CROSS_SITE_REQUEST, message)


def _is_deliberate(request: Request) -> bool:
    return any(request.headers.get(name) for name in SIGNS) or is_json(request.headers.get("content-type"))


def _crosses(request: Request, origins: Container[str]) -> bool:
    """As the browser says: with the page's origin, or else with Fetch Metadata. Following a link is no crossing."""
    origin = request.headers.get("origin")
    if origin is not None:
        return origin not in origins and origin.partition("://")[2] != request.headers.get("host")
    site, mode = (request.headers.get(f"sec-fetch-{name}") for name in ("site", "mode"))
    return site in ("cross-site", "same-site") and mode != "navigate"
