"""GraphQL response, independent of its transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from gateway.execution.caching.response_cache import CachedResponse
from gateway.execution.error_codes import Code


@dataclass(frozen=True, slots=True)
class GraphQLResponse:
    """A GraphQL response.

    Attributes:
        body: what is serialized; empty if the response is cached.
        request_error: code of the error because of which the operation was not executed. Then there is no data.
        draft_status: HTTP status of a request error in the newest draft, where it differs from that of the code.
        cached: the same response as bytes, if it can be cached.
    """

    body: dict[str, Any]
    request_error: Code | None = None
    draft_status: int | None = None
    cached: CachedResponse | None = None

    def serialize(self) -> bytes:
        """Serialize the body as JSON."""
        return orjson.dumps(self.body) if self.cached is None else self.cached.content


def build_cached_response(cached: CachedResponse) -> GraphQLResponse:
    """Build a response of the cache."""
    return GraphQLResponse({}, cached=cached)
