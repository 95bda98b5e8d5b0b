"""What a channel said once must not stop it for ever: a token that is no good, an id over which it breaks, a wait of
centuries. Nothing but time is needed, and no restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from gateway.sdk import ContractError, RateLimitedError, RejectedError
from gateway.sdk.errors import BudgetSpentError, ChannelError
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import Answer, Ask, raising
from gateway.sdk.testing.memory import MemoryStore
from gateway.sync.feeds import TRIES
from tests.house import Clock, running
from tests.sync.observed import channel, hint, pass_of, titles

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

BROKEN = [ContractError("what was answered is nonsense"), RejectedError("no such page", "InvalidInput")]


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    for n in range(9):
        store.put("products", rows.product(f"{n}", title=f"Old {n}"))
    yield store
    store.mend()


class Spoiled:
    """Refuses the page tokens of the first pass, for ever."""

    def __init__(self, error: ChannelError) -> None:
        self.error, self.passes, self.refusals = error, 0, 0

    async def __call__(self, ask: Ask, answer: Answer) -> Any:
        self.passes += ask.token is None
        if ask.token is not None and self.passes == 1:
            self.refusals += 1
            raise self.error
        return await answer()


@pytest.mark.parametrize("error", BROKEN, ids=["nonsense", "refusal"])
async def test_a_page_token_that_is_never_answered_is_given_up_after_some_tries(
    database_url: str, store: MemoryStore, error: ChannelError
) -> None:
    clock, spoiled = Clock(), Spoiled(error)
    store.apply(spoiled)
    async with running(database_url, {"till": store}, clock, channel(page_size=4)) as gateway:
        for _ in range(TRIES + 2):
            await gateway.run_due()
            clock.forward(minutes=2)
        assert (spoiled.refusals, spoiled.passes) == (TRIES, 2)
        assert len(await titles(gateway)) == 9
        assert (await pass_of(gateway)).fault_code is None


async def test_a_pass_that_meets_nonsense_now_and_then_goes_on_where_it_was(
    database_url: str, store: MemoryStore
) -> None:
    clock = Clock()
    async with running(database_url, {"till": store}, clock, channel(page_size=1)) as gateway:
        for call in range(2 * 9):  # every second page
            store.apply(raising(BROKEN[0]), times=call % 2)
            await gateway.run_due()
            clock.forward(seconds=61)
        assert len(await titles(gateway)) == 9
    assert [call.token for call in store.calls if call.method == "page" and call.mark is None].count(None) == 1


@pytest.mark.parametrize("error", BROKEN, ids=["nonsense", "refusal"])
async def test_an_id_over_which_the_channel_breaks_keeps_no_other_from_being_read(
    database_url: str, store: MemoryStore, error: ChannelError
) -> None:
    clock = Clock()

    async def breaks(ask: Ask, answer: Answer) -> Any:
        if "bad" in {ref.id for ref in ask.refs}:
            raise error
        return await answer()

    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        await gateway.run_due()
        store.apply(breaks, method="fetch")
        for n in range(9):
            store.change("products", f"{n}", title=f"New {n}")
        await hint(gateway, "bad", *(f"{n}" for n in range(9)))
        for _ in range(12):
            clock.forward(seconds=61)
            await gateway.run_due()
        assert sorted(await titles(gateway)) == [f"New {n}" for n in range(9)]
        store.mend()
        store.put("products", rows.product("bad", title="Not so bad"))
        clock.forward(minutes=2)
        await gateway.run_due()
        assert "Not so bad" in await titles(gateway)


CENTURIES = timedelta(days=1_000_000)


@pytest.mark.parametrize(
    "error",
    [RateLimitedError("ask less", CENTURIES), BudgetSpentError("spent", CENTURIES), RateLimitedError("", -CENTURIES)],
    ids=["told", "spent", "told backwards"],
)
async def test_no_channel_is_left_alone_for_centuries_whatever_it_says(
    database_url: str, store: MemoryStore, error: ChannelError
) -> None:
    clock = Clock()
    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        store.apply(raising(error), times=1)
        await gateway.run_due()
        assert timedelta(0) <= (await pass_of(gateway)).due_at - clock() <= timedelta(minutes=15)
        clock.forward(minutes=15)
        await gateway.run_due()
        assert len(await titles(gateway)) == 9
        store.apply(raising(error), method="fetch", times=1)
        store.change("products", "1", title="New")
        await hint(gateway, "1")
        await gateway.run_due()
        clock.forward(minutes=15)
        await gateway.run_due()
        assert "New" in await titles(gateway)


async def test_a_clock_that_is_set_back_by_a_year_puts_nothing_off(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        clock.forward(days=365)
        await gateway.run_due()
    clock.forward(days=-365)
    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        store.change("products", "1", title="New")
        await gateway.run_due()
        assert "New" in await titles(gateway)
