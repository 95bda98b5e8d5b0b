"""Gateways to attack: a till that sells to known callers, and a web store that sells to anyone."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from gateway.sdk.testing.memory_channel import MemoryStore
from tests.conftest import THOROUGH
from tests.graphql.shopper import LOCATIONS, SELLING, build_stores
from tests.graphql.world import TOKENS, Client, World, open_world
from tests.graphql.writable_channels import WRITES
from tests.http.server import serve

LEEDS = "leeds-shop-secret"
LONDON = "london-shop-secret"
SHOP_SCOPES = ["stock:read", "stock:write", "orders:read", "orders:write", "payments:assert"]
CHANNELS: Mapping[str, Any] = {
    "till": {**WRITES["till"], "sells_to": "known"},
    "web": {**WRITES["web"], "sells_to": "anyone"},
}
SHOPS: Mapping[str, Any] = {
    **TOKENS,
    "leeds": {"token": LEEDS, "scopes": SHOP_SCOPES, "locations": ["leeds"]},
    "london": {"token": LONDON, "scopes": SHOP_SCOPES, "locations": ["london"], "channels": ["till", "web"]},
}


@contextlib.asynccontextmanager
async def open_retailer(
    url: str, stores: Mapping[str, MemoryStore] | None = None, **tables: Any
) -> AsyncIterator[World]:
    """Open a gateway with tokens of two shops. `make thorough` connects its client over a socket."""
    document = {"channels": CHANNELS, "locations": LOCATIONS, "selling": SELLING, "tokens": SHOPS, **tables}
    async with open_world(url, stores or build_stores(), **document) as world, _connect(world) as client:
        yield replace(world, client=client)


@contextlib.asynccontextmanager
async def _connect(world: World) -> AsyncIterator[Client]:
    if not THOROUGH:
        yield world.client
        return
    async with (
        serve(world.gateway) as server,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http,
    ):
        yield Client(http)


@pytest.fixture
async def retailer(database_url: str) -> AsyncIterator[World]:
    async with open_retailer(database_url) as world:
        yield world
