"""Who is let in, who waits and who is refused: the rules of the gate, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.gate import CALM, SOON, Gate, OverloadedError
from gateway.http.pace import FEWEST, MOST, Pace
from gateway.http.turn import LONG, Turn

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
    return Gate(crowd=CROWD, clock=watch, pace=Pace(limit, alone=takes, usual=takes))


async def asked(gate: Gate, client: str) -> asyncio.Task[None]:
    """A request that has got as far as it gets."""
    task = asyncio.create_task(gate.enter(client))
    await asyncio.sleep(0)
    return task


def fate(task: asyncio.Task[None]) -> str:
    if not task.done():
        return "waits"
    return "refused" if isinstance(task.exception(), OverloadedError) else "works"


def flooding(gate: Gate) -> None:
    """A client called flood was given very much of late."""
    for _ in range(100):
        gate.note("flood", 0.01, 0.01, 1)


def overload(gate: Gate) -> None:
    """Somebody had to be refused just now."""
    gate._refused_at = gate.clock()


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


async def test_in_overload_a_request_begins_at_once_or_not_at_all() -> None:
    gate = busy_gate(Watch(), limit=1)
    overload(gate)
    tasks = [await asked(gate, name) for name in ("a", "b")]
    assert [fate(task) for task in tasks] == ["works", "refused"]
    assert not gate.admits("c")
    gate.leave("a")
    assert gate.admits("c")
    await ended(*tasks)


async def test_overload_is_over_when_for_a_while_nobody_had_to_be_refused() -> None:
    watch = Watch()
    gate = busy_gate(watch, limit=1)
    overload(gate)
    tasks = [await asked(gate, name) for name in ("a", "b")]
    assert not gate.admits("c")
    watch.time += CALM
    assert gate.admits("c")
    await ended(*tasks)


async def test_a_crowd_is_told_soon_that_it_waits_in_vain_where_more_go_on_coming() -> None:
    gate = Gate(crowd=CROWD, pace=Pace(1, alone=0.01, usual=0.01))
    tasks = [await asked(gate, f"c{number}") for number in range(1 + CROWD)]
    async with asyncio.timeout(5):
        while [fate(task) for task in tasks].count("refused") < CROWD:
            assert not gate.admits("another")
            await asyncio.sleep(SOON / 10)
    assert fate(tasks[0]) == "works"
    gate.leave("c0")
    assert gate.is_idle


async def test_a_crowd_of_too_many_is_served_but_for_those_who_were_too_many() -> None:
    gate = Gate(crowd=2, pace=Pace(1, alone=0.01, usual=0.01))
    tasks = [await asked(gate, name) for name in ("a", "b", "c", "d")]
    await asyncio.sleep(2 * SOON)
    assert [fate(task) for task in tasks] == ["works", "waits", "waits", "refused"]
    for name in ("a", "b", "c"):
        gate.leave(name)
        await asyncio.sleep(0)
    assert [fate(task) for task in tasks[:3]] == ["works"] * 3
    assert gate.is_idle


async def test_nobody_waits_longer_than_that() -> None:
    gate = Gate(longest=0.05, pace=Pace(2, alone=0.01, usual=0.01))
    tasks = [await asked(gate, name) for name in ("a", "b", "c")]
    with pytest.raises(OverloadedError):
        await asyncio.wait_for(tasks[-1], 5)
    gate.leave("a")
    gate.leave("b")
    assert gate.is_idle


async def test_a_client_that_floods_is_refused_and_another_is_not() -> None:
    gate = busy_gate(Watch(), limit=1)
    flooding(gate)
    overload(gate)
    flood = [await asked(gate, "flood") for _ in range(2)]
    assert [fate(task) for task in flood] == ["works", "refused"]
    others = [await asked(gate, "other") for _ in range(3)]
    assert [fate(task) for task in others] == ["waits"] * 3
    gate.leave("flood")
    assert not gate.admits("flood")
    await asyncio.sleep(0)
    assert [fate(task) for task in others].count("works") == 1
    await ended(*others)


async def test_while_another_is_here_the_one_that_floods_stands_back_between_its_steps() -> None:
    gate = busy_gate(Watch(), limit=1)
    flooding(gate)
    turn = Turn(gate, "flood")
    await turn.begin()
    await turn.stand_back()  # there is nobody
    other = await asked(gate, "other")
    step = asyncio.create_task(turn.stand_back())
    await asyncio.wait_for(other, 5)
    assert not step.done()
    gate.leave("other")
    await asyncio.wait_for(step, 5)
    assert gate.working == 1
    turn.end()
    assert gate.is_idle


async def test_who_stands_back_goes_on_when_the_other_has_left_in_vain() -> None:
    gate = busy_gate(Watch(), limit=1)
    flooding(gate)
    turn = Turn(gate, "flood")
    await turn.begin()
    gate.take("third")
    other = await asked(gate, "other")
    step = asyncio.create_task(turn.stand_back())
    await asyncio.sleep(0)
    assert fate(other) == "waits"
    gate.leave("third")
    await ended(other)
    await asyncio.wait_for(step, 5)
    turn.end()
    assert gate.is_idle


async def test_all_steps_of_a_request_stand_back_and_who_leaves_meanwhile_holds_no_place() -> None:
    gate = busy_gate(Watch(), limit=1)
    flooding(gate)
    turn = Turn(gate, "flood")
    await turn.begin()
    other = await asked(gate, "other")
    steps = [asyncio.create_task(turn.stand_back()) for _ in range(3)]
    await asyncio.wait_for(other, 5)
    assert not any(step.done() for step in steps)
    turn.end()
    for step in steps:
        step.cancel()
    await asyncio.wait(steps)
    gate.leave("other")
    assert gate.is_idle


async def test_nobody_stands_back_for_her_like() -> None:
    gate = busy_gate(Watch(), limit=1)
    turn = Turn(gate, "a")
    await turn.begin()
    other = await asked(gate, "b")
    await asyncio.wait_for(turn.stand_back(), 5)
    assert fate(other) == "waits"
    turn.end()
    await other
    gate.leave("b")
    assert gate.is_idle


async def test_of_those_who_wait_the_one_that_floods_comes_last() -> None:
    gate = busy_gate(Watch(), limit=1)
    flooding(gate)
    await gate.enter("x")
    flood, other = await asked(gate, "flood"), await asked(gate, "other")
    gate.leave("x")
    await asyncio.sleep(0)
    assert (fate(flood), fate(other)) == ("waits", "works")
    await ended(flood, other)


async def test_where_the_crowd_is_complete_it_goes_at_the_cost_of_the_one_that_floods() -> None:
    gate = busy_gate(Watch(), limit=1)
    flood = [await asked(gate, "flood") for _ in range(1 + CROWD)]
    assert not gate.admits("flood")
    assert gate.admits("other")
    other = await asked(gate, "other")
    await asyncio.sleep(0)
    assert fate(other) == "waits"
    assert [fate(task) for task in flood].count("refused") == 1
    await ended(*flood, other)


async def test_what_a_client_was_given_is_forgotten_in_time() -> None:
    watch = Watch()
    gate = busy_gate(watch, limit=1)
    flooding(gate)
    watch.time += 100
    tasks = [await asked(gate, name) for name in ("x", "flood", "other")]
    gate.leave("x")
    await asyncio.sleep(0)
    assert [fate(task) for task in tasks] == ["works", "works", "waits"]
    await ended(*tasks)


async def test_a_long_request_does_not_block_the_short() -> None:
    gate = Gate(pace=Pace(1, alone=0.01, usual=0.01))
    turn = Turn(gate, "long")
    await turn.begin()
    await asyncio.wait_for(gate.enter("short"), 20 * LONG)
    assert gate.working == 2
    turn.end()
    waits = await asked(gate, "next")
    assert fate(waits) == "waits"
    gate.leave("short")
    await waits
    gate.leave("next")
    assert gate.is_idle


async def test_what_goes_on_behind_the_back_of_a_request_that_is_over_takes_no_place() -> None:
    gate = Gate(pace=Pace(1, alone=0.01, usual=0.01))
    turn = Turn(gate, "left")
    await turn.begin()
    with turn.apart():
        turn.end()
        assert gate.is_idle
    assert gate.is_idle
    assert turn._growing_long is None, "it would open its place to another"


async def test_clients_take_turns_and_of_one_client_the_newest_is_first() -> None:
    gate = busy_gate(Watch(), limit=1)
    await gate.enter("x")
    tasks = {name: await asked(gate, name[0]) for name in ("a1", "a2", "a3", "b1", "c1")}
    order: list[str] = []
    for leaves in ("x", "b", "c", "a", "a"):
        gate.note(leaves, 0.01, 0.01, 1)
        gate.leave(leaves)
        await asyncio.sleep(0)
        order += [name for name, task in tasks.items() if task.done() and name not in order]
    assert order == ["b1", "c1", "a3", "a2", "a1"]


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
    assert gate.pace.usual < 0.02  # the wait is no part of its work
    gate.leave("a")
    gate.leave("c")
    assert gate.is_idle


async def test_requests_that_never_wait_meet_at_the_gate_too() -> None:
    """Or one client's, such as documents that are no good, would all be worked on before anybody else's."""
    gate = busy_gate(Watch(), limit=1)
    worked: list[str] = []

    async def work(client: str) -> None:
        turn = Turn(gate, client)
        await turn.begin()
        worked.append(client)
        gate.note(client, 0.01, 0.01, 1)
        turn.end()

    await asyncio.gather(*(work(client) for client in ("flood", "flood", "flood", "other")))
    assert worked == ["flood", "other", "flood", "flood"]
    assert gate.is_idle


async def test_who_leaves_just_before_she_begins_gives_her_place_back() -> None:
    gate = busy_gate(Watch(), limit=1)
    begins = asyncio.create_task(Turn(gate, "a").begin())
    await asyncio.sleep(0)
    assert gate.working == 1
    await ended(begins)
    assert gate.is_idle


async def test_a_request_that_is_given_up_while_it_waits_for_a_channel_leaves_nothing_behind() -> None:
    watch = Watch()
    gate = busy_gate(watch)
    turn = Turn(gate, "a")
    await turn.begin()
    waiting = turn.apart()
    waiting.__enter__()
    watch.time += 5
    turn.end()  # its client has left; what it waits for hears of it a moment later
    assert gate.is_idle
    waiting.__exit__(None, None, None)
    assert gate.is_idle
    assert gate.pace.usual < 0.02


def noted(pace: Pace, times: int = 200, *, computed: float, slower: float = 0.0, at_once: int | None = None) -> Pace:
    """After so many requests of 10 ms, which each beside makes slower by so much. `at_once`: as many as may be."""
    for _ in range(times):
        beside = int(pace.limit) if at_once is None else at_once
        pace.note(0.01 * (1 + slower * (beside - 1)), computed, beside)
    return pace


def test_more_are_let_in_while_the_processor_is_idle_and_fewer_where_they_slow_each_other_down() -> None:
    pace = noted(Pace(), 2_000, computed=0.002)
    assert pace.limit == MOST
    assert noted(pace, computed=0.002, slower=1.0).limit < 3


def test_where_requests_compute_all_the_time_no_more_are_let_in() -> None:
    assert noted(Pace(), computed=0.0099).limit == FEWEST


def test_what_few_ask_for_says_nothing_about_how_many_could() -> None:
    assert noted(Pace(4.0), computed=0.002, at_once=1).limit == 4


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
            gate.note(client, 0.02, 0.01, 2)
        await settle()
    for some in tasks.values():
        for task in some:
            task.cancel()
    await settle()
    for client, count in working.items():
        for _ in range(count):
            gate.leave(client)
    assert gate.is_idle
