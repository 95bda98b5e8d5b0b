"""The world that the tests of a module share: whoever changes it is told to ask for one of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from gateway.storage import health
from tests.graphql.mutating import ask
from tests.graphql.world import World, untouched

pytestmark = [pytest.mark.anyio, pytest.mark.writes, pytest.mark.any_database]


async def mutates(world: World) -> None:
    assert (await ask(world, "channelPause", channelKey="till")).codes == ["INTERNAL_SERVER_ERROR"]


async def moves_the_clock(world: World) -> None:
    with pytest.raises(AssertionError):
        world.clock.forward(seconds=1)


async def writes(world: World) -> None:
    with pytest.raises(AssertionError):
        await world.gateway.database.write(health.set_ready, world.clock())


@pytest.mark.parametrize("touch", [mutates, moves_the_clock, writes])
async def test_the_proof_a_test_that_changes_a_shared_world_fails(
    world: World, touch: Callable[[World], Awaitable[None]]
) -> None:
    with pytest.raises(AssertionError, match="marked with `writes`"), untouched(world):
        await touch(world)


async def test_a_test_that_only_asks_may_share_one(world: World) -> None:
    with untouched(world):
        assert (await world.client.data("{ products { totalCount } }"))["products"] == {"totalCount": 4}
