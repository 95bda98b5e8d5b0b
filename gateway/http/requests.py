"""Reading a GraphQL request from HTTP. Whatever is wrong with it is one error, with its status."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from starlette.requests import ClientDisconnect, Request

from gateway.execution.asked import Asked
from gateway.execution.codes import Code
from gateway.execution.errors import MalformedError, QueryError
from gateway.http.negotiation import is_json

T = TypeVar("T")

PATIENCE = 10
"""Seconds within which a body has to be there."""


class RequestError(QueryError):
    """A request that is not even looked at as GraphQL. `headers`: that its answer needs."""

    def __init__(self, code: Code, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.headers = dict(headers or {})


async def read_request(request: Request, max_body_bytes: int) -> Asked:
    """The request in a body, or with GET in the parameters.

    Raises:
        RequestError: it cannot be read.
    """
    if request.method == "GET":
        return checked(_from_parameters(request))
    if not is_json(request.headers.get("content-type")):
        raise RequestError(Code.UNSUPPORTED_MEDIA_TYPE, "Expected a body of the type application/json, in UTF-8.")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise RequestError(
            Code.UNSUPPORTED_MEDIA_TYPE, "Expected a body without Content-Encoding.", {"accept-encoding": "identity"}
        )
    return checked(_parsed(await read_body(request, max_body_bytes), "body"))


async def read_body(request: Request, most: int) -> bytes:
    """The body, read no further and waited for no longer than is allowed."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _received(request, most)
    except TimeoutError as error:
        raise RequestError(
            Code.REQUEST_TIMEOUT, f"The body took more than {PATIENCE} s.", {"connection": "close"}
        ) from error
    except ClientDisconnect as error:  # the answer has no reader, and nothing of ours has failed
        raise RequestError(Code.BAD_REQUEST, "The body ended too early.") from error


async def _received(request: Request, most: int) -> bytes:
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > most:
            raise RequestError(Code.BODY_TOO_LARGE, f"The body has more than {most} bytes.", {"connection": "close"})
    return bytes(found)


def _parsed(raw: bytes | str, what: str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RequestError(Code.BAD_REQUEST, f"The {what} is not JSON in UTF-8, or is nested too deeply.") from error


def _from_parameters(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if found.get(name) is not None:
            found[name] = _parsed(_utf8(found[name]), f"parameter {name}") if found[name] else None
    return found


def _utf8(text: str) -> bytes:
    return text.encode(errors="replace")


def checked(found: Any) -> Asked:
    """The request that this JSON value is."""
    if not isinstance(found, dict):
        raise MalformedError("Expected a JSON object with the key query.")
    return Asked(
        _of(found, "query", str),
        _of(found, "variables", dict) or {},
        _of(found, "operationName", str) or None,
        _of(found, "extensions", dict) or {},
        _of(found, "documentId", str) or None,
    )


def _of(found: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    value = found.get(key)
    if value is not None and not isinstance(value, kind):
        raise MalformedError(f"{key} is no {'string' if kind is str else 'object'}.")
    return value
