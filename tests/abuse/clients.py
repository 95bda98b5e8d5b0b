"""Clients of one gateway: from several networks, and with an order to look up."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from gateway.app import create_app
from tests.graphql.shopper import Shopper
from tests.graphql.world import Client, World, get_schema


@contextlib.asynccontextmanager
async def connect_from(world: World, address: str) -> AsyncIterator[Client]:
    """Connect a client with this address."""
    app = create_app(world.gateway, get_schema())
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield Client(http)


async def place_order_for_pickup(world: World) -> dict[str, Any]:
    """Place an order in the web store, for pickup in London, without a token."""
    shopper = Shopper(world)
    await shopper.fill("web", MUG=1)
    payload = await shopper.buy(await shopper.find_option("PICKUP", "london"))
    assert payload["userErrors"] == []
    placed: dict[str, Any] = payload["order"]
    return placed
