"""Who is let in, who waits and who is refused: the rules of the gate, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.gate import BURST, CALM, FEWEST, MOST, Gate, OverloadedError, Turn

pytestmark = pytest.mark.anyio


class Watch:
    """Seconds, as the test sets them."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def busy_gate(watch: Watch, *, takes: float = 0.01, limit: float = 2) -> Gate:
    """A gate that knows how long requests take."""
    gate = Gate(watch, limit=limit)
    gate.pace.note(takes, 1)
    return gate


async def asked(gate: Gate, client: str) -> asyncio.Task[None]:
    """A request that has got as far as it gets."""
    task = asyncio.create_task(gate.enter(client))
    await asyncio.sleep(0)
    return task


def fate(task: asyncio.Task[None]) -> str:
    if not task.done():
        return "waits"
    return "refused" if isinstance(task.exception(), OverloadedError) else "works"


async def ended(*tasks: asyncio.Task[None]) -> None:
    """Those that still wait have left."""
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError, OverloadedError):
            await task


async def test_a_burst_waits_and_is_served_in_order() -> None:
    gate = busy_gate(Watch())
    tasks = [await asked(gate, f"c{number}") for number in range(10)]
    assert [fate(task) for task in tasks] == ["works"] * 2 + ["waits"] * 8
    for number in range(8):
        gate.leave(f"c{number}")
        await asyncio.sleep(0)
        assert fate(tasks[number + 2]) == "works"
    gate.leave("c8")
    gate.leave("c9")
    assert gate.is_idle
    assert gate.refused == 0


async def test_more_than_a_burst_is_refused_at_once_and_those_who_waited_in_vain_with_it() -> None:
    gate = busy_gate(Watch())
    most = int(BURST / 0.01)
    tasks = [await asked(gate, f"c{number}") for number in range(2 + most)]
    assert gate.refused == 0
    tasks.append(await asked(gate, "last"))
    await asyncio.sleep(0)
    fates = [fate(task) for task in tasks]
    assert (fates.count("works"), fates.count("waits")) == (2, 0)
    assert not gate.admits("another")
    await ended(*tasks)


async def test_those_who_waited_in_vain_are_told_when_the_next_one_is_turned_away() -> None:
    watch = Watch()
    gate = busy_gate(watch)
    tasks = [await asked(gate, f"c{number}") for number in range(2 + int(BURST / 0.01))]
    assert not gate.admits("another")
    await asyncio.sleep(0)
    assert [fate(task) for task in tasks].count("waits") == 0
    await ended(*tasks)


async def test_after_a_calm_a_burst_may_wait_again() -> None:
    watch = Watch()
    gate = busy_gate(watch)
    tasks = [await asked(gate, f"c{number}") for number in range(100)]
    assert gate.refused
    watch.time += CALM
    tasks += [await asked(gate, f"d{number}") for number in range(10)]
    assert [fate(task) for task in tasks[-10:]] == ["waits"] * 10
    await ended(*tasks)


async def test_a_client_that_floods_is_refused_and_another_is_not() -> None:
    gate = busy_gate(Watch())
    flood = [await asked(gate, "flood") for _ in range(200)]
    assert not gate.admits("flood")
    assert gate.admits("other")
    other = await asked(gate, "other")
    assert fate(other) == "works"
    assert [fate(task) for task in flood].count("works") == 1
    await ended(*flood)


async def test_one_client_alone_never_has_the_last_place() -> None:
    gate = busy_gate(Watch(), limit=5)
    tasks = [await asked(gate, "one") for _ in range(8)]
    assert [fate(task) for task in tasks].count("works") == 4
    await ended(*tasks)


async def test_clients_take_turns() -> None:
    gate = busy_gate(Watch())
    await gate.enter("x")
    await gate.enter("y")
    tasks = {name: await asked(gate, name[0]) for name in ("a1", "a2", "a3", "b1", "c1")}
    order: list[str] = []
    for leaves in ("x", "y", "a", "b", "c", "a"):
        gate.leave(leaves)
        await asyncio.sleep(0)
        order += [name for name, task in tasks.items() if task.done() and name not in order]
    assert order == ["a1", "b1", "c1", "a2", "a3"]


async def test_who_leaves_while_she_waits_takes_nobodys_place() -> None:
    gate = busy_gate(Watch())
    first, second, waits, goes = [await asked(gate, name) for name in ("a", "b", "c", "d")]
    await ended(waits)
    gate.leave("a")
    await asyncio.sleep(0)
    assert fate(goes) == "works"
    gate.leave("b")
    gate.leave("d")
    assert gate.is_idle
    assert first.done()
    assert second.done()


async def test_a_place_that_is_given_to_who_has_just_left_is_given_back() -> None:
    gate = busy_gate(Watch())
    await gate.enter("a")
    await gate.enter("b")
    waits = await asked(gate, "c")
    gate.leave("a")  # the turn is hers, and she is gone before she knows
    await ended(waits)
    gate.leave("b")
    assert gate.is_idle


async def test_a_request_that_waits_for_a_channel_leaves_its_place_to_others() -> None:
    watch = Watch()
    gate = busy_gate(watch)
    await gate.enter("a")
    turn = Turn(gate, "b")
    await turn.begin()
    waits = await asked(gate, "c")
    assert fate(waits) == "waits"
    with turn.apart():
        watch.time += 5
        await asyncio.sleep(0)
        assert fate(waits) == "works"
    watch.time += 0.01
    turn.end()
    assert gate.pace.beside < 0.02  # the wait is no part of its work
    gate.leave("a")
    gate.leave("c")
    assert gate.is_idle


def test_more_are_let_in_while_that_costs_each_of_them_nothing_and_fewer_where_it_does() -> None:
    gate = busy_gate(Watch(), limit=4)
    for _ in range(200):
        gate.note(0.01, int(gate.limit))
    assert gate.limit == MOST
    for _ in range(200):
        gate.note(0.1, int(gate.limit))
    assert gate.limit == FEWEST


def test_what_few_ask_for_says_nothing_about_how_many_could() -> None:
    gate = busy_gate(Watch(), limit=4)
    for _ in range(200):
        gate.note(0.01, 1)
    assert gate.limit == 4


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ask", "end", "go", "wait", "note"])), max_size=60)


@given(STEPS)
def test_no_place_is_ever_lost_or_given_twice(steps: list[tuple[str, str]]) -> None:
    asyncio.run(_walk(steps))


async def _walk(steps: list[tuple[str, str]]) -> None:
    watch = Watch()
    gate = busy_gate(watch)
    tasks: dict[str, list[asyncio.Task[None]]] = {"a": [], "b": [], "c": []}
    working = dict.fromkeys("abc", 0)

    async def settle() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        for client, some in tasks.items():
            done = [task for task in some if task.done()]
            working[client] += sum(not task.cancelled() and task.exception() is None for task in done)
            tasks[client] = [task for task in some if not task.done()]
        assert gate.working == sum(working.values())

    for client, step in steps:
        if step == "ask":
            tasks[client].append(asyncio.create_task(gate.enter(client)))
        elif step == "end" and working[client]:
            working[client] -= 1
            gate.leave(client)
        elif step == "go" and tasks[client]:
            tasks[client][0].cancel()
        elif step == "wait":
            watch.time += 0.2
        elif step == "note":
            gate.note(0.02, 2)
        await settle()
    for some in tasks.values():
        for task in some:
            task.cancel()
    await settle()
    for client, count in working.items():
        for _ in range(count):
            gate.leave(client)
    assert gate.is_idle
