"""Gateways to ask over HTTP, shared by the tests of a module where none of them changes anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.graphql.world import World, opened, small_world, untouched
from tests.http.asking import EMPTY


@pytest.fixture(scope="module")
async def empty_world(shared_database_url: str) -> AsyncIterator[World]:
    async with opened(shared_database_url, {}, **EMPTY) as world:
        yield world


@pytest.fixture
def http(empty_world: World) -> Iterator[httpx2.AsyncClient]:
    """Asks a gateway without channels."""
    with untouched(empty_world):
        yield empty_world.client.http


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A small retailer of the test's own."""
    async with small_world(database_url) as world:
        yield world
