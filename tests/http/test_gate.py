"""Who is let in, who waits and who is refused: the rules of the gate, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.gate import CALM, FEWEST, MOST, Gate, OverloadedError, Turn

pytestmark = pytest.mark.anyio


CROWD = 20


class Watch:
    """Seconds, as the test sets them."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def busy_gate(watch: Watch, *, takes: float = 0.01, limit: float = 2) -> Gate:
    """A gate that knows how long requests take."""
    gate = Gate(crowd=CROWD, clock=watch, limit=limit)
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


async def test_a_crowd_waits_and_is_served() -> None:
    gate = busy_gate(Watch())
    tasks = {f"c{number}": await asked(gate, f"c{number}") for number in range(2 + CROWD)}
    assert [fate(task) for task in tasks.values()] == ["works"] * 2 + ["waits"] * CROWD
    served: set[str] = set()
    while len(served) < len(tasks):
        for client in [name for name, task in tasks.items() if fate(task) == "works" and name not in served]:
            served.add(client)
            gate.leave(client)
        await asyncio.sleep(0)
    assert gate.is_idle
    assert gate.refused == 0


async def test_who_comes_when_the_crowd_is_complete_is_refused_at_once() -> None:
    gate = busy_gate(Watch())
    tasks = [await asked(gate, f"c{number}") for number in range(2 + CROWD)]
    assert not gate.admits("another")
    tasks.append(await asked(gate, "another"))
    fates = [fate(task) for task in tasks]
    assert (fates.count("works"), fates.count("waits"), fates[-1]) == (2, CROWD, "refused")
    await ended(*tasks)


async def test_in_overload_who_comes_begins_at_once_or_not_at_all_and_the_crowd_goes_on_when_it_is_over() -> None:
    watch = Watch()
    gate = busy_gate(watch)
    tasks = [await asked(gate, f"c{number}") for number in range(2 + CROWD)]
    assert not gate.admits("another")
    gate.leave("c0")
    await asyncio.sleep(0)
    assert [fate(task) for task in tasks].count("waits") == CROWD
    assert gate.admits("another")
    newcomer = await asked(gate, "another")
    assert fate(newcomer) == "works"
    assert not gate.admits("one more")
    watch.time += CALM
    gate.leave("another")
    await asyncio.sleep(0)
    assert [fate(task) for task in tasks].count("waits") == CROWD - 1
    await ended(*tasks, newcomer)


async def test_the_crowd_goes_on_by_itself_when_nobody_comes_any_more() -> None:
    gate = Gate(crowd=1, limit=2)
    gate.pace.note(0.01, 1)
    first, second, waits = [await asked(gate, name) for name in ("a", "b", "c")]
    assert not gate.admits("d")
    gate.leave("a")
    gate.leave("b")
    assert fate(waits) == "waits"
    await asyncio.wait_for(waits, 5)
    gate.leave("c")
    assert gate.is_idle
    assert first.done()
    assert second.done()


async def test_nobody_waits_longer_than_that() -> None:
    gate = Gate(longest=0.05, limit=2)
    gate.pace.note(0.01, 1)
    tasks = [await asked(gate, name) for name in ("a", "b", "c")]
    with pytest.raises(OverloadedError):
        await asyncio.wait_for(tasks[-1], 5)
    gate.leave("a")
    gate.leave("b")
    assert gate.is_idle


async def test_a_client_that_floods_is_refused_and_another_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.http.gate.SOON", 60.0)  # however busy the machine is, all of this comes at once
    gate = busy_gate(Watch())
    flood = [await asked(gate, "flood") for _ in range(200)]
    assert not gate.admits("flood")
    assert gate.admits("other")
    others = [await asked(gate, "other") for _ in range(3)]
    assert [fate(task) for task in others] == ["works", "waits", "waits"]
    assert [fate(task) for task in flood].count("works") == 1
    gate.leave("other")
    await asyncio.sleep(0)
    assert [fate(task) for task in others].count("works") == 2
    await ended(*flood, *others)


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
    assert order == ["a3", "b1", "c1", "a2", "a1"]


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
