"""Responses: content negotiation (media type and encoding), status, and cache headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.execution.caching.kept_bytes import copy_exactly
from gateway.execution.caching.response_cache import CachedResponse
from gateway.execution.errors import QueryError
from gateway.execution.executor import build_error_response
from gateway.execution.response import GraphQLResponse
from gateway.http.compression import GZIP, IDENTITY, MIN_COMPRESSED_SIZE, ZSTD, compress, compress_now
from gateway.http.errors import RequestError
from gateway.http.request_state import RequestState

T = TypeVar("T")
RawHeaders = list[tuple[bytes, bytes]]
"""Names in lower case, and values."""

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"

MAX_RANGES = 50
"""Ranges of an Accept header that are read. The rest is ignored."""

MAX_CACHED_HEADERS, MAX_CACHED_HEADER = 500, 200
"""How many values of a header are cached with what is chosen for them, and their length."""

NOT_MODIFIED, PARTIAL_STATUS = 304, 294
PRIVATE = "private, no-store"
VARY = "Accept, Accept-Encoding, Authorization"


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """Format of a response.

    Attributes:
        draft: whether the response has the status codes of the newest draft of GraphQL over HTTP.
    """

    media_type: str = JSON
    encoding: str = IDENTITY
    draft: bool = False

    def __str__(self) -> str:
        return f"{self.media_type} {self.encoding}"


# ------------------------------------------------------------------------------------------------ content negotiation


def join_header(request: Request, name: str) -> str | None:
    """Return all headers of this name as one value, or None if there is none."""
    return ", ".join(request.headers.getlist(name)) or None


def _cache_short(choose: Callable[[str | None], T]) -> Callable[[str | None], T]:
    """Cache what is chosen for short headers: clients send the same few."""
    cached = lru_cache(MAX_CACHED_HEADERS)(choose)

    def choose_cached(header: str | None) -> T:
        return choose(header) if header is not None and len(header) > MAX_CACHED_HEADER else cached(header)

    return wraps(choose)(choose_cached)


def parse_accept(header: str | None) -> list[tuple[str, float]]:
    """Return the media ranges of an Accept header with their weights, preferred ranges first."""
    ranges = [_parse_range(part) for part in (header or "*/*").split(",", MAX_RANGES)[:MAX_RANGES] if part.strip()]
    return sorted(ranges, key=lambda item: -item[1])


def _parse_range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((piece[2:].strip() for piece in parameters if piece.startswith("q=")), "1")
    try:
        number = float(weight)
    except ValueError:
        return name, 0.0
    return name, number if 0 <= number <= 1 else 0.0


@_cache_short
def choose_media_type(header: str | None) -> str | None:
    """Choose the media type of the response for this Accept header, or None if the client accepts neither.

    Of two equal ones it is the newer type if the header names it: a client that accepts any type may not support it.
    """
    ranges = dict(reversed(parse_accept(header)))
    newer, older = _get_weight(GRAPHQL, ranges), _get_weight(JSON, ranges)
    if max(newer, older) == 0:
        return None
    return GRAPHQL if newer > older or (newer == older and GRAPHQL in ranges) else JSON


def _get_weight(name: str, ranges: Mapping[str, float]) -> float:
    """Return the weight of the most specific range."""
    return next((ranges[key] for key in (name, "application/*", "*/*") if key in ranges), 0.0)


def is_page_request(header: str | None) -> bool:
    """Whether a browser sends this Accept header: it has HTML and neither type of a GraphQL response."""
    names = [name for name, weight in parse_accept(header) if weight > 0]
    return HTML in names and GRAPHQL not in names and JSON not in names


@_cache_short
def choose_encoding(header: str | None) -> str:
    """Choose the encoding of the response for this Accept-Encoding header.

    Of two equal ones it is gzip: clients of Node.js 20 name zstd as well, but cannot decompress it.
    """
    weights = dict(reversed(parse_accept(header))) if header else {}
    best = max((GZIP, ZSTD), key=lambda name: weights.get(name, weights.get("*", 0.0)))
    weight = weights.get(best, weights.get("*", 0.0))
    return best if weight > 0 and weight >= weights.get(IDENTITY, 0.0) else IDENTITY


# ------------------------------------------------------------------------------------------------ responses


class HttpResponse(Response):
    """A response as it is sent. It does less than that of the framework: its headers are built once, and complete."""

    def __init__(self, status: int, headers: RawHeaders, body: bytes = b"") -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = headers
        if status != NOT_MODIFIED:
            headers.append((b"content-length", b"%d" % len(body)))

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


@lru_cache(MAX_CACHED_HEADERS)
def _list_common_headers(content_type: str, cache_control: str) -> tuple[tuple[bytes, bytes], ...]:
    """List the headers that every response has."""
    headers = {
        "content-type": f"{content_type}; charset=utf-8",
        "vary": VARY,
        "cache-control": cache_control,
        "x-content-type-options": "nosniff",
    }
    return tuple(encode_headers(headers))


def encode_headers(headers: Mapping[str, str]) -> RawHeaders:
    """Encode headers, whose names are in lower case."""
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def serialize(response: GraphQLResponse | list[GraphQLResponse]) -> bytes:
    """Serialize a response, or the responses of a batch, as JSON."""
    if isinstance(response, list):
        return orjson.dumps([orjson.Fragment(item.serialize()) for item in response])
    return response.serialize()


async def respond(
    response: GraphQLResponse | list[GraphQLResponse],
    response_format: ResponseFormat,
    headers: Mapping[str, str],
    body: bytes | None = None,
    cache_control: str = PRIVATE,
) -> HttpResponse:
    """Build the HTTP response. By default no cache may store it.

    Args:
        headers: further headers.
        body: the response as JSON, if the caller has serialized it already.
    """
    content = serialize(response) if body is None else body
    if not _is_compressed(content, response_format):
        return _build(response, response_format, headers, content, cache_control)
    compressed = await _compress(response, content, response_format.encoding)
    return _build(response, response_format, headers, compressed, cache_control, response_format.encoding)


def respond_at_once(
    response: GraphQLResponse, response_format: ResponseFormat, headers: Mapping[str, str], cache_control: str = PRIVATE
) -> HttpResponse:
    """Build the HTTP response as `respond` does. The caller has checked `can_respond_at_once`."""
    content, encoding = serialize(response), response_format.encoding
    if not _is_compressed(content, response_format):
        return _build(response, response_format, headers, content, cache_control)
    compressed = compress_now(content, encoding) if response.cached is None else response.cached.compressed[encoding]
    return _build(response, response_format, headers, compressed, cache_control, encoding)


def can_respond_at_once(cached: CachedResponse, response_format: ResponseFormat) -> bool:
    """Return whether a cached response does not have to be compressed any more."""
    return response_format.encoding in cached.compressed or not _is_compressed(cached.content, response_format)


def _is_compressed(content: bytes, response_format: ResponseFormat) -> bool:
    return response_format.encoding != IDENTITY and len(content) >= MIN_COMPRESSED_SIZE


def _build(
    response: GraphQLResponse | list[GraphQLResponse],
    response_format: ResponseFormat,
    headers: Mapping[str, str],
    content: bytes,
    cache_control: str,
    encoding: str = IDENTITY,
) -> HttpResponse:
    """Build the HTTP response with this content, which is encoded already."""
    status = 200 if isinstance(response, list) else _choose_status(response, response_format)
    common = _list_common_headers(_choose_content_type(status, response_format), cache_control)
    all_headers = [*common, *encode_headers(headers)]
    if encoding != IDENTITY:
        all_headers.append((b"content-encoding", encoding.encode()))
    return HttpResponse(status, all_headers, content)


async def respond_to_error(error: QueryError, state: RequestState, response_format: ResponseFormat) -> HttpResponse:
    """Build the HTTP response to a request that is rejected."""
    response = build_error_response(error, state.request_id)
    return await respond(response, response_format, _list_error_headers(error, state))


def respond_to_error_at_once(error: QueryError, state: RequestState, response_format: ResponseFormat) -> HttpResponse:
    """Build the HTTP response as `respond_to_error` does."""
    response = build_error_response(error, state.request_id)
    return respond_at_once(response, response_format, _list_error_headers(error, state))


def _list_error_headers(error: QueryError, state: RequestState) -> Mapping[str, str]:
    return {**state.headers, **(error.headers if isinstance(error, RequestError) else {})}


async def _compress(response: GraphQLResponse | list[GraphQLResponse], content: bytes, encoding: str) -> bytes:
    """Compress the body; that of a cached response once."""
    cached = None if isinstance(response, list) else response.cached
    if cached is None:
        return await compress(content, encoding)
    if encoding not in cached.compressed:
        cached.compressed[encoding] = copy_exactly(await compress(content, encoding))
    return cached.compressed[encoding]


def _choose_status(response: GraphQLResponse, response_format: ResponseFormat) -> int:
    code = response.request_error
    if code is None:
        is_partial = response_format.draft and response_format.media_type == GRAPHQL and "errors" in response.body
        return PARTIAL_STATUS if is_partial else 200
    if response_format.draft:
        return response.draft_status or code.draft_status
    return 200 if response_format.media_type == JSON and code.value.lenient else code.status


def _choose_content_type(status: int, response_format: ResponseFormat) -> str:
    """In the draft an error status has the GraphQL type: it tells that the response is not from a proxy."""
    return GRAPHQL if response_format.draft and status >= 300 else response_format.media_type
