"""Errors of the HTTP layer. Each has the code that the client reads and the headers that its response needs."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.execution.error_codes import Code
from gateway.execution.errors import QueryError


class RequestError(QueryError):
    """The gateway rejects the HTTP request before it handles it as GraphQL. `headers`: for the response."""

    def __init__(self, code: Code, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.headers = dict(headers or {})

    @property
    def draft_status(self) -> int:
        """HTTP status. The newest draft of GraphQL over HTTP changes the status of GraphQL errors only."""
        return self.code.status


class OverloadedError(RequestError):
    """The request cannot begin soon, because too many others are in progress."""

    def __init__(self) -> None:
        super().__init__(Code.OVERLOADED, "The gateway is overloaded. Try again in 1 s.", {"retry-after": "1"})


class UnavailableError(RequestError):
    """The database cannot be used, so nothing can be answered."""

    def __init__(self) -> None:
        message = "The gateway's database is unavailable. Try again in 1 s, a mutation with the same key."
        super().__init__(Code.STORAGE_UNAVAILABLE, message, {"retry-after": "1"})


class ClientDisconnectedError(RequestError):
    """The client has disconnected: it cannot receive a response, and the gateway has not failed."""

    def __init__(self) -> None:
        super().__init__(Code.BAD_REQUEST, "The client has disconnected.")
