"""Heads of requests that are answered from caches: what the headers say besides who sends the request.

Clients send the same few headers again and again. What they say is found by the checks of the ordinary path, once.
These see no header but those in `READ_HEADERS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from starlette.requests import Request
from starlette.types import Scope

from gateway.http.compression import IDENTITY
from gateway.http.cors import CorsHeaders
from gateway.http.errors import RequestError
from gateway.http.graphql.csrf import PREFLIGHT_HEADERS, check_csrf
from gateway.http.host_check import has_valid_host
from gateway.http.origins import AllowedOrigins
from gateway.http.request_parsing import is_json, read_content_encoding
from gateway.http.responses import (
    ResponseFormat,
    choose_encoding,
    choose_media_type,
    is_page_request,
    join_header,
)

READ_HEADERS = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"content-encoding",
        b"content-type",
        b"host",
        b"origin",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        *(name.encode() for name in PREFLIGHT_HEADERS),
    }
)

MAX_CACHED_HEADS, MAX_HEAD_BYTES = 500, 2_000
"""How many heads are cached, and the bytes of the longest."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The head of a request that all checks accept.

    Attributes:
        origin: whose pages may read the response, for the CORS headers.
    """

    format: ResponseFormat
    is_post: bool
    origin: str | None


class LongHeadError(Exception):
    """The head is too long to be cached."""


class HeadReader:
    """Reads heads. `cors`: None: CORS is disabled."""

    def __init__(self, origins: AllowedOrigins, cors: CorsHeaders | None, *, draft: bool) -> None:
        self._origins = origins
        self._cors = cors
        self._draft = draft
        self._check_cached = lru_cache(MAX_CACHED_HEADS)(self._check)

    def read(self, scope: Scope) -> RequestHead | None:
        """Read the head of a request, or return None: the ordinary path responds."""
        headers = tuple([header for header in scope["headers"] if header[0] in READ_HEADERS])
        try:
            return self._check_cached(scope["method"], scope.get("http_version", ""), headers)
        except LongHeadError:
            return None

    def _check(self, method: str, version: str, headers: tuple[tuple[bytes, bytes], ...]) -> RequestHead | None:
        if sum(len(value) for _, value in headers) > MAX_HEAD_BYTES:
            raise LongHeadError
        request = Request({"type": "http", "method": method, "http_version": version, "headers": list(headers)})
        if not has_valid_host(request.scope) or not self._is_accepted(request):
            return None
        return self._build(request)

    def _is_accepted(self, request: Request) -> bool:
        if request.method == "POST":
            return is_json(request.headers.get("content-type")) and read_content_encoding(request) in ("", IDENTITY)
        if request.method not in ("GET", "HEAD") or is_page_request(join_header(request, "accept")):
            return False
        try:
            check_csrf(request, self._origins)
        except RequestError:
            return False
        return True

    def _build(self, request: Request) -> RequestHead | None:
        media_type = choose_media_type(join_header(request, "accept"))
        if media_type is None:
            return None
        encoding = choose_encoding(join_header(request, "accept-encoding"))
        origin = None if self._cors is None else self._cors.find_allowed(request.headers.get("origin"))
        return RequestHead(ResponseFormat(media_type, encoding, self._draft), request.method == "POST", origin)
