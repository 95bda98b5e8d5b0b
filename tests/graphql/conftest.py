"""Worlds to ask: one for all tests of a module, since opening and syncing one takes its time; tests that write
something or move the clock are marked with `writes` and get one of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from tests.graphql.world import World, small_world, untouched

Make = Callable[[str], AbstractAsyncContextManager[World]]


@pytest.fixture(scope="module")
def retailer() -> Make:
    """Opens the world of this module over an empty database; modules have others."""
    return small_world


@pytest.fixture(scope="module")
async def shared_world(retailer: Make, shared_database_url: str) -> AsyncIterator[World]:
    async with retailer(shared_database_url) as world:
        yield world


@pytest.fixture
async def own_world(retailer: Make, database_url: str) -> AsyncIterator[World]:
    async with retailer(database_url) as world:
        yield world


@pytest.fixture
def world(request: pytest.FixtureRequest, database_kind: str) -> Iterator[World]:
    """The module's world, or the test's own."""
    if request.node.get_closest_marker("writes"):
        yield request.getfixturevalue("own_world")
        return
    shared: World = request.getfixturevalue("shared_world")
    with untouched(shared):
        yield shared
