"""Gateways to query over HTTP, shared by the tests of a module where no test changes anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.graphql.world import World, forbid_changes, open_small_world, open_world
from tests.http.raw_client import EMPTY


@pytest.fixture(scope="module")
async def empty_world(shared_database_url: str) -> AsyncIterator[World]:
    async with open_world(shared_database_url, {}, **EMPTY) as world:
        yield world


@pytest.fixture
def http(empty_world: World) -> Iterator[httpx2.AsyncClient]:
    """An HTTP client of a gateway without channels."""
    with forbid_changes(empty_world):
        yield empty_world.client.http


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A small retailer of this test alone."""
    async with open_small_world(database_url) as world:
        yield world
