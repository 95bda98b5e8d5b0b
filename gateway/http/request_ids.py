"""An id for every request: it stands in the answer's header, in every error, and in the log."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
_SAFE = re.compile(rb"[A-Za-z0-9_-]{8,64}")


class RequestIds:
    """Gives every request its id: the client's own, where it has a safe form."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        chosen = _chosen(scope["headers"])
        scope.setdefault("state", {})["request_id"] = chosen.decode()

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (HEADER, chosen)]}
            await send(message)

        await self._app(scope, receive, tell)


def _chosen(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    sent = [value for name, value in headers if name == HEADER]
    if len(sent) == 1 and _SAFE.fullmatch(sent[0]):
        return sent[0]
    return secrets.token_hex(8).encode()


def request_id(request: HTTPConnection) -> str:
    """The id of this request."""
    found: str = request.state.request_id
    return found
