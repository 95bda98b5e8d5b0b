"""Ids, cart tokens and idempotency keys of the gateway under test, which random documents seldom guess."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from tests.graphql.world import ADMIN

QUERIES = """
mutation Filled($input: CartCreateInput!) {
  cartCreate(input: $input) { cart { token lines { id } } }
}
query Known {
  products(first: 20) { nodes { id } }
  variants: productVariants(first: 20) { nodes { id } }
  sold: productVariants(first: 1, filter: { skus: ["TEE-B"] }) { nodes { id } }
  listings(first: 20) { nodes { id } }
  customers(first: 20) { nodes { id } }
  orders(first: 20) { nodes { id } }
  categories(first: 20) { nodes { id } }
  rejects: syncRejects(first: 20) { nodes { id } }
  locations(first: 20) { nodes { id } }
}
"""


async def fetch_dictionaries(url: str) -> Mapping[str, list[str]]:
    """Fetch values for the dictionaries of schemathesis.toml, by name."""
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {ADMIN}"}) as http:
        found = await _fetch(http, url, "Known")
        known = {name: [node["id"] for node in connection["nodes"]] for name, connection in found.items()}
        wanted = [{"variantId": variant, "quantity": 1} for variant in known["sold"]]
        given = {"channelKey": "web", "lines": wanted, "idempotencyKey": str(uuid4())}
        cart = (await _fetch(http, url, "Filled", input=given))["cartCreate"]["cart"]
    ids = [one for several in known.values() for one in several]
    lines = [line["id"] for line in cart["lines"]]
    keys = [str(uuid4()) for _ in range(5_000)]  # each makes a mutation a new request
    return {**known, "ids": ids, "carts": [cart["token"]], "lines": lines, "keys": keys}


async def _fetch(http: httpx2.AsyncClient, url: str, name: str, **variables: Any) -> dict[str, Any]:
    asked = {"query": QUERIES, "operationName": name, "variables": variables}
    answer: dict[str, Any] = (await http.post(url, json=asked)).json()
    found: dict[str, Any] = answer["data"]
    return found


def render_configuration(template: Path, values: Mapping[str, list[str]]) -> str:
    """Add these dictionaries to schemathesis.toml."""
    return "\n".join([template.read_text(encoding="utf-8"), *_render_tables(values)])


def _render_tables(values: Mapping[str, list[str]]) -> Iterator[str]:
    for name, several in values.items():
        yield f"[dictionaries.{name}]\nvalues = {json.dumps(several or ['none'])}"
