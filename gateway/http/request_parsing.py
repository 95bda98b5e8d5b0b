"""Parses GraphQL requests from HTTP requests. Every problem is one error with its HTTP status."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.types import Receive

from gateway.execution.error_codes import Code
from gateway.execution.errors import MalformedError
from gateway.execution.request import GraphQLRequest
from gateway.http.compression import GZIP, IDENTITY, BodyInflater, CorruptBodyError, DecompressedSizeError
from gateway.http.errors import RequestError

T = TypeVar("T")

MAX_PARAMETERS = 20
"""Parameters of a GET. The gateway reads six; analytics tools add some."""

BODY_TIMEOUT = 10
"""Seconds within which the client must send the body."""


def is_json(content_type: str | None) -> bool:
    """Whether a body of this Content-Type is JSON in UTF-8."""
    name, *parameters = (piece.strip().lower() for piece in (content_type or "").split(";"))
    charsets = [piece[8:].strip('"') for piece in parameters if piece.startswith("charset=")]
    return name == "application/json" and all(charset in ("utf-8", "utf8") for charset in charsets)


# ------------------------------------------------------------------------------------------------ GET


def read_parameters(query_string: bytes, limit: int) -> GraphQLRequest:
    """Read the GraphQL request from the parameters of a GET.

    Args:
        limit: bytes of all parameters.

    Raises:
        QueryError: the parameters are not a GraphQL request.
    """
    if len(query_string) > limit:
        raise RequestError(Code.URI_TOO_LONG, f"The parameters have more than {limit} bytes. Send them with POST.")
    if query_string.count(b"&") >= MAX_PARAMETERS:
        raise MalformedError(f"The request has more than {MAX_PARAMETERS} parameters.")
    parameters = QueryParams(query_string).multi_items()
    values: dict[str, Any] = dict(parameters)
    if len(values) < len(parameters):  # a cache in front of the gateway may have used the other value
        raise MalformedError("A parameter is repeated.")
    for name in ("variables", "extensions"):
        if values.get(name) is not None:
            values[name] = _parse_json(_encode_utf8(values[name]), f"parameter {name}") if values[name] else None
    return build_request(values)


# ------------------------------------------------------------------------------------------------ POST


async def read_request(request: Request, limit: int, batch_size: int) -> GraphQLRequest | list[GraphQLRequest]:
    """Read the GraphQL request from a body; or a list of them, if the body is a batch.

    Args:
        limit: bytes of a body, both compressed and decompressed.
        batch_size: requests of a batch. With 0 batches are rejected.

    Raises:
        QueryError: the body is not a GraphQL request.
    """
    if not is_json(request.headers.get("content-type")):
        raise RequestError(Code.UNSUPPORTED_MEDIA_TYPE, "Expected the header Content-Type: application/json.")
    return parse_body(await read_body(request.receive, limit, _create_inflater(request, limit)), batch_size)


def parse_body(body: bytes, batch_size: int) -> GraphQLRequest | list[GraphQLRequest]:
    """Parse a body as `read_request` does."""
    value = _parse_json(body, "body")
    return _build_batch(value, batch_size) if isinstance(value, list) else build_request(value)


def _build_batch(values: list[Any], batch_size: int) -> list[GraphQLRequest]:
    if batch_size == 0:
        raise MalformedError("Expected one JSON object. Batches are disabled.")
    if not 0 < len(values) <= batch_size:
        raise MalformedError(f"Expected one JSON object, or a list of at most {batch_size}.")
    return [build_request(value) for value in values]


def read_content_encoding(request: Request) -> str:
    """Read the encoding of the body; empty: it has none."""
    return request.headers.get("content-encoding", "").strip().lower()


def _create_inflater(request: Request, limit: int) -> BodyInflater | None:
    encoding = read_content_encoding(request)
    if encoding in ("", IDENTITY):
        return None
    if encoding in (GZIP, "x-gzip"):
        return BodyInflater(limit)
    message = f"Expected a body without Content-Encoding, or in {GZIP}."
    raise RequestError(Code.UNSUPPORTED_MEDIA_TYPE, message, {"accept-encoding": f"{GZIP}, {IDENTITY}"})


async def read_body(receive: Receive, limit: int, inflater: BodyInflater | None = None) -> bytes:
    """Read the body. Stops at the size limit and at the timeout.

    Raises:
        RequestError: the body is too large, too slow, incomplete or corrupt.
    """
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            return await _receive_body(receive, limit, inflater)
    except TimeoutError as error:
        message = f"The body took more than {BODY_TIMEOUT} s."
        raise RequestError(Code.REQUEST_TIMEOUT, message, {"connection": "close"}) from error
    except CorruptBodyError as error:
        raise RequestError(Code.BAD_REQUEST, f"The body is not {GZIP}, or is incomplete.") from error
    except DecompressedSizeError as error:
        raise _build_size_error(limit) from error


async def _receive_body(receive: Receive, limit: int, inflater: BodyInflater | None) -> bytes:
    body, received, is_open = bytearray(), 0, True
    while is_open:
        message = await receive()
        if message["type"] == "http.disconnect":  # the response has no reader, and the gateway has not failed
            raise RequestError(Code.BAD_REQUEST, "The body is incomplete.")
        chunk, is_open = message.get("body", b""), message.get("more_body", False)
        received += len(chunk)
        if received > limit:
            raise _build_size_error(limit)
        body += chunk if inflater is None else inflater.feed(chunk)
    if inflater is not None:
        inflater.check_complete()
    return bytes(body)


def _build_size_error(limit: int) -> RequestError:
    return RequestError(Code.BODY_TOO_LARGE, f"The body has more than {limit} bytes.", {"connection": "close"})


# ------------------------------------------------------------------------------------------------ JSON


def _parse_json(raw: bytes | str, source: str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RequestError(Code.BAD_REQUEST, f"The {source} is not JSON in UTF-8, or is nested too deeply.") from error


def _encode_utf8(text: str) -> bytes:
    return text.encode(errors="replace")


def build_request(value: Any) -> GraphQLRequest:
    """Build the GraphQL request from a JSON value.

    Raises:
        MalformedError: the value is not an object, or one of its keys has a value of the wrong type.
    """
    if not isinstance(value, dict):
        raise MalformedError("Expected a JSON object with the key query.")
    return GraphQLRequest(
        _get_typed(value, "query", str),
        _get_typed(value, "variables", dict) or {},
        _get_typed(value, "operationName", str) or None,
        _get_typed(value, "extensions", dict) or {},
        _get_typed(value, "documentId", str) or None,
    )


def _get_typed(values: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    value = values.get(key)
    if value is not None and not isinstance(value, kind):
        raise MalformedError(f"{key} is not {'a string' if kind is str else 'an object'}.")
    return value
