"""Requests that a browser sends for a page of another origin without asking first (CSRF).

Nothing is done for a browser's sake: cookies are not read, and a body has to be JSON, for which a browser asks first.
What is left is a GET whose token was put in by something in front of us that knows the browser: so a GET with a token
has to bear a sign that a page of another origin cannot give it.
"""

from __future__ import annotations

from starlette.requests import Request

from gateway.execution.codes import Code
from gateway.http.negotiation import is_json
from gateway.http.requests import RequestError

SIGNS = ("apollo-require-preflight", "x-apollo-operation-name", "graphql-require-preflight")
"""Headers that a browser sends to another origin only where that allows it."""


def check_crossing(request: Request) -> None:
    """Refuse a GET with a token that any page could have caused."""
    if request.method != "GET" or "authorization" not in request.headers or _is_deliberate(request):
        return
    message = f"A GET with a token needs one of the headers {', '.join(SIGNS)}, not empty; or send it with POST."
    raise RequestError(Code.PREFLIGHT_REQUIRED, message)


def _is_deliberate(request: Request) -> bool:
    return any(request.headers.get(name) for name in SIGNS) or is_json(request.headers.get("content-type"))
