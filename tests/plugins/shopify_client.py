"""A plain client of a store's API, for tests of the sandbox itself."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from gateway.sdk.testing.sandbox import World, build_small_world
from gateway_shopify_sandbox import ShopifySandbox, start
from gateway_shopify_sandbox.sandbox import TOKEN
from gateway_shopify_sandbox.state import API_VERSION, Node, Shop


@dataclass(frozen=True)
class StoreClient:
    """A client of the sandbox."""

    sandbox: ShopifySandbox
    http: httpx2.AsyncClient

    @property
    def shop(self) -> Shop:
        return self.sandbox.shop

    async def post(self, content: Any, version: str = API_VERSION) -> httpx2.Response:
        """Send a body: bytes as they are, anything else as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return await self.http.post(f"/admin/api/{version}/graphql.json", content=body)

    async def execute(self, query: str, **variables: Any) -> dict[str, Any]:
        """Execute a document and return the response."""
        response = await self.post({"query": query, "variables": variables})
        assert response.status_code == 200, response.text
        parsed: dict[str, Any] = response.json()
        return parsed

    async def read(self, query: str, **variables: Any) -> dict[str, Any]:
        """Execute a document that succeeds, and return its data."""
        answer = await self.execute(query, **variables)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def fail(self, query: str, **variables: Any) -> str:
        """Execute a document that fails, and return the text of its first error."""
        answer = await self.execute(query, **variables)
        return str(answer["errors"][0]["message"])

    async def change(self, query: str, **variables: Any) -> dict[str, Any]:
        """Execute a mutation, and return its payload."""
        (payload,) = (await self.read(query, **variables)).values()
        assert isinstance(payload, dict)
        return payload

    def get_variant(self, sku: str) -> Node:
        """Return a variant."""
        return self.shop.get_variant(sku)

    def get_counts(self, sku: str, location: str) -> dict[str, int]:
        """Return the quantities of a variant at a location that are not 0."""
        item = int(self.get_variant(sku)["inventoryItem"]["id"].rpartition("/")[2])
        level = self.shop.levels[item][int(self.sandbox.locations[location])]
        return {name: units for name, units in level["counts"].items() if units}


@contextlib.asynccontextmanager
async def open_store(directory: Path, world: World | None = None, scale: float = 1000) -> AsyncIterator[StoreClient]:
    """Open a sandbox and a client of it."""
    sandbox = await start(world or build_small_world(), directory, scale=scale)
    headers = {"x-shopify-access-token": TOKEN}
    try:
        async with httpx2.AsyncClient(
            base_url=str(sandbox.config["address"]), headers=headers, trust_env=False
        ) as client:
            yield StoreClient(sandbox, client)
    finally:
        await sandbox.close()
