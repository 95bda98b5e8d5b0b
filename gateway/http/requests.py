"""Reading a GraphQL request from HTTP. Whatever is wrong with it is one error, with its status."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from gateway.http.negotiation import is_json

PATIENCE = 10
"""Seconds within which a body has to be there."""


class RequestError(Exception):
    """A request that is no GraphQL request."""

    def __init__(
        self, status: int, message: str, code: str = "BAD_REQUEST", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None


async def read_request(request: Request, max_body_bytes: int) -> Asked:
    """The request in a body, or with GET in the parameters.

    Raises:
        RequestError: it cannot be read.
    """
    if request.method == "GET":
        return checked(_from_parameters(request))
    if not is_json(request.headers.get("content-type")):
        raise RequestError(415, "Expected a body of the type application/json, in UTF-8.")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise RequestError(415, "Expected a body without Content-Encoding.", headers={"accept-encoding": "identity"})
    return checked(_parsed(await read_body(request, max_body_bytes), "body"))


async def read_body(request: Request, most: int) -> bytes:
    """The body, read no further and waited for no longer than is allowed."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _received(request, most)
    except TimeoutError as error:
        raise RequestError(408, f"The body took more than {PATIENCE} s.", headers={"connection": "close"}) from error
    except ClientDisconnect as error:  # the answer has no reader, and nothing of ours has failed
        raise RequestError(400, "The body ended too early.") from error


async def _received(request: Request, most: int) -> bytes:
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > most:
            raise RequestError(413, f"The body has more than {most} bytes.", headers={"connection": "close"})
    return bytes(found)


def _parsed(raw: bytes | str, what: str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"The {what} is not JSON in UTF-8, or is nested too deeply.") from error


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
        raise RequestError(400, "Expected a JSON object with the key query.")
    query, variables, name = (found.get(key) for key in ("query", "variables", "operationName"))
    if not isinstance(query, str):
        raise RequestError(400, "The key query is missing, or is no string.")
    _check_object("variables", variables)
    _check_object("extensions", found.get("extensions"))
    if name is not None and not isinstance(name, str):
        raise RequestError(400, "operationName is no string.")
    return Asked(query, variables or {}, name or None)


def _check_object(key: str, value: Any) -> None:
    if value is not None and not isinstance(value, dict):
        raise RequestError(400, f"{key} is no object.")
