"""No response of a channel stops it forever: an invalid token, an id that causes errors, a delay of centuries. Each
heals with time, without a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from gateway.sdk import ContractError, RateLimitedError, RejectedError
from gateway.sdk.errors import BudgetSpentError, ChannelError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import Answer, Ask, raise_error
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.sync.pass_state import MAX_TOKEN_TRIES
from tests.gateways import Clock, run_gateway
from tests.sync.observed_records import configure_till, hint, list_titles, pass_of

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

BROKEN = [ContractError("what was answered is nonsense"), RejectedError("no such page", "InvalidInput")]


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    for n in range(9):
        store.put("products", record_builders.build_product(f"{n}", title=f"Old {n}"))
    yield store
    store.mend()


class TokenRejection:
    """Rejects the page tokens of the first pass forever."""

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
    clock, spoiled = Clock(), TokenRejection(error)
    store.apply(spoiled)
    async with run_gateway(database_url, {"till": store}, clock, configure_till(page_size=4)) as gateway:
        for _ in range(MAX_TOKEN_TRIES + 2):
            await gateway.run_due()
            clock.forward(minutes=2)
        assert (spoiled.refusals, spoiled.passes) == (MAX_TOKEN_TRIES, 2)
        assert len(await list_titles(gateway)) == 9
        assert (await pass_of(gateway)).fault_code is None


async def test_a_pass_that_meets_nonsense_now_and_then_goes_on_where_it_was(
    database_url: str, store: MemoryStore
) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"till": store}, clock, configure_till(page_size=1)) as gateway:
        for call in range(2 * 9):  # every second page
            store.apply(raise_error(BROKEN[0]), times=call % 2)
            await gateway.run_due()
            clock.forward(seconds=61)
        assert len(await list_titles(gateway)) == 9
    assert [call.token for call in store.calls if call.method == "page" and call.mark is None].count(None) == 1


@pytest.mark.parametrize("error", BROKEN, ids=["nonsense", "refusal"])
async def test_an_id_over_which_the_channel_breaks_keeps_no_other_from_being_read(
    database_url: str, store: MemoryStore, error: ChannelError
) -> None:
    clock = Clock()

    async def fail_on_bad_id(ask: Ask, answer: Answer) -> Any:
        if "bad" in {ref.id for ref in ask.refs}:
            raise error
        return await answer()

    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        await gateway.run_due()
        store.apply(fail_on_bad_id, method="fetch")
        for n in range(9):
            store.change("products", f"{n}", title=f"New {n}")
        await hint(gateway, "bad", *(f"{n}" for n in range(9)))
        for _ in range(12):
            clock.forward(seconds=61)
            await gateway.run_due()
        assert sorted(await list_titles(gateway)) == [f"New {n}" for n in range(9)]
        store.mend()
        store.put("products", record_builders.build_product("bad", title="Not so bad"))
        clock.forward(minutes=2)
        await gateway.run_due()
        assert "Not so bad" in await list_titles(gateway)


CENTURIES = timedelta(days=1_000_000)


@pytest.mark.parametrize(
    "error",
    [RateLimitedError("ask less", CENTURIES), BudgetSpentError("spent", CENTURIES), RateLimitedError("", -CENTURIES)],
    ids=["given", "spent", "given backwards"],
)
async def test_no_channel_is_left_alone_for_centuries_whatever_it_says(
    database_url: str, store: MemoryStore, error: ChannelError
) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        store.apply(raise_error(error), times=1)
        await gateway.run_due()
        assert timedelta(0) <= (await pass_of(gateway)).due_at - clock() <= timedelta(minutes=15)
        clock.forward(minutes=15)
        await gateway.run_due()
        assert len(await list_titles(gateway)) == 9
        store.apply(raise_error(error), method="fetch", times=1)
        store.change("products", "1", title="New")
        await hint(gateway, "1")
        await gateway.run_due()
        clock.forward(minutes=15)
        await gateway.run_due()
        assert "New" in await list_titles(gateway)


async def test_a_clock_that_is_set_back_by_a_year_puts_nothing_off(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        clock.forward(days=365)
        await gateway.run_due()
    clock.forward(days=-365)
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        store.change("products", "1", title="New")
        await gateway.run_due()
        assert "New" in await list_titles(gateway)
