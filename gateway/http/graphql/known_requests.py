"""Known requests: parsed once, by their bytes. Only those to which a cached response was sent."""

from __future__ import annotations

from gateway.execution.caching.cache_sizes import SizedCache
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.request import GraphQLRequest

MAX_KNOWN_BYTES, MAX_REQUEST_BYTES = 1_000_000, 10_000
"""Bytes of all known requests, and of one. Longer ones are parsed each time."""

BYTES_PER_BYTE = 4
"""Bytes of memory that each byte of a request takes: its key, and what it is parsed to."""


class KnownRequests:
    """The known requests of one method."""

    def __init__(self) -> None:
        self.requests: WeightedLRU[GraphQLRequest] = WeightedLRU(MAX_KNOWN_BYTES, MAX_REQUEST_BYTES)

    def find(self, text: bytes) -> GraphQLRequest | None:
        """Return the request with this body, or these parameters."""
        return self.requests.get(text.decode("latin-1"))

    def add(self, text: bytes, request: GraphQLRequest) -> None:
        """Add a request, unless it is known."""
        key = text.decode("latin-1")
        if key not in self.requests:
            self.requests.put(key, request, len(text))


def measure_known_requests(*parts: KnownRequests) -> SizedCache:
    """Return the size of known requests."""
    return SizedCache("requests", [one.requests for one in parts], BYTES_PER_BYTE)
