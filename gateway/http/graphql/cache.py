"""HTTP caching of GET responses: cache headers, entity tags, and conditional requests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.types import Scope

from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.response import GraphQLResponse
from gateway.http.request_state import RequestState
from gateway.http.responses import (
    NOT_MODIFIED,
    VARY,
    HttpResponse,
    ResponseFormat,
    encode_headers,
    respond,
    respond_at_once,
    serialize,
)

MAX_CACHED_ETAGS = 10_000
"""Responses whose entity tag is cached. Each takes about 300 bytes."""


@dataclass(frozen=True, slots=True)
class CacheRequest:
    """The caching part of a request.

    Attributes:
        key: cache key. Two requests with different responses have different keys.
        if_none_match: entity tags that the client has.
        no_cache: whether the client requires a fresh response.
    """

    key: str
    format: ResponseFormat
    if_none_match: str | None = None
    no_cache: bool = False

    @classmethod
    def read_headers(cls, scope: Scope, response_format: ResponseFormat) -> CacheRequest:
        """Read the headers of an anonymous GET. Its response depends on the URL and the format only."""
        source: bytes = str(response_format).encode() + b" " + scope["query_string"]
        etags = join_raw(scope, b"if-none-match").decode("latin-1") or None
        no_cache = b"no-cache" in join_raw(scope, b"cache-control").lower()
        return cls(hashlib.sha256(source).hexdigest(), response_format, etags, no_cache)

    def has_etag(self, etag: str) -> bool:
        """Whether the client has the response with this tag. A proxy may have weakened the tag (`W/`)."""
        etags = [tag.strip().removeprefix("W/") for tag in (self.if_none_match or "").split(",")]
        return "*" in etags or etag in etags


class EntityTagCache:
    """Entity tags of public responses. It does not store the responses. Its size is bounded."""

    def __init__(self) -> None:
        self._etags: WeightedLRU[tuple[str, datetime]] = WeightedLRU(MAX_CACHED_ETAGS)

    def check_not_modified(self, cache_request: CacheRequest, now: datetime) -> HttpResponse | None:
        """Return status 304 if the client's response has not expired, else None."""
        etag, expires_at = self._etags.get(cache_request.key) or ("", now)
        if cache_request.no_cache or expires_at <= now or not cache_request.has_etag(etag):
            return None
        return _build_not_modified(etag, expires_at - now, {})

    async def respond(
        self,
        response: GraphQLResponse,
        cache_request: CacheRequest,
        state: RequestState,
        max_age: timedelta | None,
        now: datetime,
    ) -> HttpResponse:
        """Build the response to an anonymous GET. `max_age`: how long shared caches may store it; None: not at all."""
        if max_age is None:
            return await respond(response, cache_request.format, state.headers)
        body = serialize(response)
        etag = self._tag(response, body, cache_request, now, max_age)
        if cache_request.has_etag(etag):
            return _build_not_modified(etag, max_age, state.cost_headers)
        headers = {"etag": etag, **state.cost_headers}
        return await respond(response, cache_request.format, headers, body, build_cache_control(max_age))

    def respond_at_once(
        self,
        response: GraphQLResponse,
        cache_request: CacheRequest,
        state: RequestState,
        max_age: timedelta,
        now: datetime,
    ) -> HttpResponse:
        """Build the response as `respond` does. The caller has checked `can_respond_at_once`."""
        etag = self._tag(response, response.serialize(), cache_request, now, max_age)
        if cache_request.has_etag(etag):
            return _build_not_modified(etag, max_age, state.cost_headers)
        headers = {"etag": etag, **state.cost_headers}
        return respond_at_once(response, cache_request.format, headers, build_cache_control(max_age))

    def _tag(
        self, response: GraphQLResponse, body: bytes, cache_request: CacheRequest, now: datetime, max_age: timedelta
    ) -> str:
        """Find the entity tag of a response, and remember it until the response expires."""
        etag = _find_etag(response, body, cache_request.format)
        if max_age:
            self.remember(cache_request.key, etag, now + max_age)
        return etag

    def remember(self, key: str, etag: str, expires_at: datetime) -> None:
        """Cache the entity tag of a response."""
        self._etags.put(key, (etag, expires_at), 1)


def _find_etag(response: GraphQLResponse, body: bytes, response_format: ResponseFormat) -> str:
    """Find the entity tag of a response; that of a cached one is computed once."""
    if response.cached is None:
        return compute_etag(body, response_format)
    etags, name = response.cached.etags, str(response_format)
    if name not in etags:
        etags[name] = compute_etag(body, response_format)
    return etags[name]


def join_raw(scope: Scope, name: bytes) -> bytes:
    """Return all headers of this name as one value, which is empty if there is none."""
    return b", ".join([value for found, value in scope["headers"] if found == name])


def compute_etag(body: bytes, response_format: ResponseFormat) -> str:
    """Compute the strong entity tag of a body. It differs by media type and encoding."""
    return f'"{hashlib.sha256(str(response_format).encode() + b" " + body).hexdigest()[:32]}"'


def build_cache_control(max_age: timedelta) -> str:
    """Build the Cache-Control header of a public response."""
    seconds = int(max_age.total_seconds())
    return f"public, max-age={seconds}" if seconds > 0 else "public, max-age=0, must-revalidate"


def _build_not_modified(etag: str, max_age: timedelta, headers: Mapping[str, str]) -> HttpResponse:
    cache_headers = {"etag": etag, "cache-control": build_cache_control(max_age), "vary": VARY}
    return HttpResponse(NOT_MODIFIED, encode_headers({**cache_headers, **headers}))
