"""The gateway that tests of a module share: a test that changes it fails and is directed to the `writes` marker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from gateway.storage.sync import channel_health
from tests.graphql.mutation_documents import ask
from tests.graphql.world import World, forbid_changes

pytestmark = [pytest.mark.anyio, pytest.mark.writes, pytest.mark.any_database]


async def run_forbidden_mutation(world: World) -> None:
    assert (await ask(world, "channelPause", channelKey="till")).codes == ["INTERNAL_SERVER_ERROR"]


async def forward_clock(world: World) -> None:
    with pytest.raises(AssertionError):
        world.clock.forward(seconds=1)


async def write_directly(world: World) -> None:
    with pytest.raises(AssertionError):
        await world.gateway.database.write(channel_health.set_ready, world.clock())


@pytest.mark.parametrize("touch", [run_forbidden_mutation, forward_clock, write_directly])
async def test_the_proof_a_test_that_changes_a_shared_world_fails(
    world: World, touch: Callable[[World], Awaitable[None]]
) -> None:
    with pytest.raises(AssertionError, match="with `writes`"), forbid_changes(world):
        await touch(world)


async def test_a_test_that_only_asks_may_share_one(world: World) -> None:
    with forbid_changes(world):
        assert (await world.client.fetch_data("{ products { totalCount } }"))["products"] == {"totalCount": 4}
