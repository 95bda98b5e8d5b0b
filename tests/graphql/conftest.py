"""Gateways to query: tests of a module share one, since opening and syncing a gateway is slow. Tests marked with
`writes` write data or move the clock and get a gateway of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from tests.graphql.world import World, forbid_changes, open_small_world

Make = Callable[[str], AbstractAsyncContextManager[World]]


@pytest.fixture(scope="module")
def retailer() -> Make:
    """Opens the gateway of this module over an empty database; a module may override this fixture."""
    return open_small_world


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
    """The gateway of the module, or that of the test."""
    if request.node.get_closest_marker("writes"):
        yield request.getfixturevalue("own_world")
        return
    shared: World = request.getfixturevalue("shared_world")
    with forbid_changes(shared):
        yield shared
