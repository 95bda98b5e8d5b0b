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
from gateway.http.compression import GZIP, IDENTITY, BombError, DamagedError, Inflating
from gateway.http.negotiation import is_json

T = TypeVar("T")

MOST_PARAMETERS = 20
"""Of an address: there are six that say anything, and some that others add."""

PATIENCE = 10
"""Seconds within which a body has to be there."""


class RequestError(QueryError):
    """A request that is not even looked at as GraphQL. `headers`: that its answer needs."""

    def __init__(self, code: Code, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.headers = dict(headers or {})

    @property
    def draft_status(self) -> int:
        """The same as ever: what cannot be read is not even malformed."""
        return self.code.status


def read_parameters(request: Request, most: int) -> Asked:
    """The request in the parameters of a GET. `most`: bytes of them.

    Raises:
        QueryError: it cannot be read.
    """
    if len(request.scope["query_string"]) > most:
        raise RequestError(Code.URI_TOO_LONG, f"The parameters have more than {most} bytes; send them with POST.")
    if request.scope["query_string"].count(b"&") >= MOST_PARAMETERS:
        raise MalformedError(f"There are more than {MOST_PARAMETERS} parameters.")
    parameters = request.query_params.multi_items()
    found: dict[str, Any] = dict(parameters)
    if len(found) < len(parameters):  # a cache in front of us may have believed the other one
        raise MalformedError("A parameter is there twice.")
    for name in ("variables", "extensions"):
        if found.get(name) is not None:
            found[name] = _parsed(_utf8(found[name]), f"parameter {name}") if found[name] else None
    return checked(found)


async def read_request(request: Request, most: int, batching: int) -> Asked | list[Asked]:
    """The request in a body; several, where it holds a list and that is allowed.

    Args:
        most: bytes of a body, sent and made whole.
        batching: how many requests a list may hold; 0: no list.

    Raises:
        QueryError: it cannot be read.
    """
    if not is_json(request.headers.get("content-type")):
        raise RequestError(Code.UNSUPPORTED_MEDIA_TYPE, "Expected the header Content-Type: application/json.")
    found = _parsed(await read_body(request, most, _inflating(request, most)), "body")
    return _batch(found, batching) if isinstance(found, list) else checked(found)


def _batch(found: list[Any], most: int) -> list[Asked]:
    if most == 0:
        raise MalformedError("Expected one JSON object: several operations in one request are not taken here.")
    if not 0 < len(found) <= most:
        raise MalformedError(f"Expected one JSON object, or a list of at most {most}.")
    return [checked(one) for one in found]


def _inflating(request: Request, most: int) -> Inflating | None:
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", IDENTITY):
        return None
    if encoding in (GZIP, "x-gzip"):
        return Inflating(most)
    message = f"Expected a body without Content-Encoding, or in {GZIP}."
    raise RequestError(Code.UNSUPPORTED_MEDIA_TYPE, message, {"accept-encoding": f"{GZIP}, {IDENTITY}"})


async def read_body(request: Request, most: int, inflating: Inflating | None = None) -> bytes:
    """The body, read no further and waited for no longer than is allowed."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _received(request, most, inflating)
    except TimeoutError as error:
        message = f"The body took more than {PATIENCE} s."
        raise RequestError(Code.REQUEST_TIMEOUT, message, {"connection": "close"}) from error
    except ClientDisconnect as error:  # the answer has no reader, and nothing of ours has failed
        raise RequestError(Code.BAD_REQUEST, "The body ended too early.") from error
    except DamagedError as error:
        raise RequestError(Code.BAD_REQUEST, f"The body is not {GZIP}, or not all of it.") from error
    except BombError as error:
        raise _too_large(most) from error


async def _received(request: Request, most: int, inflating: Inflating | None) -> bytes:
    found, received = bytearray(), 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > most:
            raise _too_large(most)
        found += chunk if inflating is None else inflating.feed(chunk)
    if inflating is not None:
        inflating.check_whole()
    return bytes(found)


def _too_large(most: int) -> RequestError:
    return RequestError(Code.BODY_TOO_LARGE, f"The body has more than {most} bytes.", {"connection": "close"})


def _parsed(raw: bytes | str, what: str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RequestError(Code.BAD_REQUEST, f"The {what} is not JSON in UTF-8, or is nested too deeply.") from error


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
