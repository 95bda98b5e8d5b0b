"""A hostile request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

PLAIN = ((b"content-type", b"application/json"), (b"accept", b"application/graphql-response+json"))


@dataclass(frozen=True, slots=True)
class HostileRequest:
    """A request to send. `fine`: the request is valid after all and may be answered."""

    body: bytes = b'{"query": "{ __typename }"}'
    headers: Sequence[tuple[bytes, bytes]] = PLAIN
    method: str = "POST"
    path: str = "/graphql"
    fine: bool = field(default=False, kw_only=True)

    async def send(self, http: httpx2.AsyncClient) -> httpx2.Response:
        return await http.request(self.method, self.path, content=self.body, headers=list(self.headers))


def build_query_request(query: str, *, fine: bool = False, **variables: Any) -> HostileRequest:
    """Build a request for this document."""
    return HostileRequest(json.dumps({"query": query, "variables": variables}).encode(), fine=fine)


def build_get_request(parameters: str, *, fine: bool = False) -> HostileRequest:
    """Build a GET with these parameters as raw query string."""
    return HostileRequest(b"", PLAIN[1:], "GET", f"/graphql?{parameters}", fine=fine)
