"""Raw HTTP requests with full control of their headers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx2

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
QUERY = {"query": "{ __typename }"}
ANSWER = {"data": {"__typename": "Query"}}

EMPTY: Mapping[str, Any] = {"locations": {}, "catalogue": {}, "tokens": {}, "stock": {}}
"""Configuration tables of a gateway without channels."""


def get_media_type(response: httpx2.Response) -> str:
    return response.headers["content-type"].partition(";")[0]


def list_error_codes(response: httpx2.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


async def post(http: httpx2.AsyncClient, body: Any, accept: str | None = GRAPHQL, **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": JSON, **({"accept": accept} if accept else {}), **headers}
    return await http.post("/graphql", content=content, headers=given)


async def get(http: httpx2.AsyncClient, query: str, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.get("/graphql", params={"query": query}, headers={"accept": GRAPHQL, **named})
