"""One hostile request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

PLAIN = ((b"content-type", b"application/json"), (b"accept", b"application/graphql-response+json"))


@dataclass(frozen=True, slots=True)
class Hostile:
    """What is sent. `fine`: it turns out to be a request like others, and may be answered."""

    body: bytes = b'{"query": "{ __typename }"}'
    headers: Sequence[tuple[bytes, bytes]] = PLAIN
    method: str = "POST"
    path: str = "/graphql"
    fine: bool = field(default=False, kw_only=True)

    async def send(self, http: httpx2.AsyncClient) -> httpx2.Response:
        return await http.request(self.method, self.path, content=self.body, headers=list(self.headers))


def asking(query: str, *, fine: bool = False, **variables: Any) -> Hostile:
    """A request for this document."""
    return Hostile(json.dumps({"query": query, "variables": variables}).encode(), fine=fine)


def getting(parameters: str, *, fine: bool = False) -> Hostile:
    """A GET with these parameters, as they stand in the address."""
    return Hostile(b"", PLAIN[1:], "GET", f"/graphql?{parameters}", fine=fine)
