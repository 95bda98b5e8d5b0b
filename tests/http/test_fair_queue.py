"""The rules of the admission queue: which requests are admitted, queued and rejected, on a manual clock."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.admission.concurrency_limit import MAX_CONCURRENCY, MIN_CONCURRENCY, ConcurrencyLimit
from gateway.http.admission.fair_queue import OVERLOAD_COOLDOWN, RECHECK_DELAY, AdmissionQueue
from gateway.http.admission.slot import EXTRA_SLOT_DELAY, RequestSlot
from gateway.http.errors import OverloadedError

pytestmark = pytest.mark.anyio


QUEUE_SIZE = 20


class ManualClock:
    """A clock in seconds that the test sets."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def build_busy_queue(watch: ManualClock, *, takes: float = 0.01, limit: float = 2) -> AdmissionQueue:
    """Build a queue that has measured how long requests take."""
    return AdmissionQueue(
        size=QUEUE_SIZE, clock=watch, concurrency=ConcurrencyLimit(limit, baseline=takes, average=takes)
    )


async def start_request(queue: AdmissionQueue, client: str) -> asyncio.Task[None]:
    """Start a request and let it proceed as far as it can."""
    task = asyncio.create_task(queue.enter(client))
    await asyncio.sleep(0)
    return task


def describe_task(task: asyncio.Task[None]) -> str:
    if not task.done():
        return "waits"
    return "refused" if isinstance(task.exception(), OverloadedError) else "works"


def record_flood(queue: AdmissionQueue) -> None:
    """Record that the client "flood" has used a large share recently."""
    for _ in range(100):
        queue.record("flood", 0.01, 0.01, 1)


def record_overload(queue: AdmissionQueue) -> None:
    """Record that a request was rejected just now."""
    queue._rejected_at = queue.clock()


async def cancel_tasks(*tasks: asyncio.Task[None]) -> None:
    """Cancel the requests that are still queued."""
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError, OverloadedError):
            await task


async def test_queued_requests_wait_and_are_served() -> None:
    queue = build_busy_queue(ManualClock())
    tasks = {f"c{number}": await start_request(queue, f"c{number}") for number in range(2 + QUEUE_SIZE)}
    assert [describe_task(task) for task in tasks.values()] == ["works"] * 2 + ["waits"] * QUEUE_SIZE
    served: set[str] = set()
    while len(served) < len(tasks):
        for client in [name for name, task in tasks.items() if describe_task(task) == "works" and name not in served]:
            served.add(client)
            queue.release(client)
        await asyncio.sleep(0)
    assert queue.is_idle
    assert queue.rejected == 0


async def test_a_request_that_arrives_at_a_full_queue_is_refused_at_once() -> None:
    queue = build_busy_queue(ManualClock())
    tasks = [await start_request(queue, f"c{number}") for number in range(2 + QUEUE_SIZE)]
    assert not queue.can_admit("another")
    tasks.append(await start_request(queue, "another"))
    fates = [describe_task(task) for task in tasks]
    assert (fates.count("works"), fates.count("waits"), fates[-1]) == (2, QUEUE_SIZE, "refused")
    await cancel_tasks(*tasks)


async def test_in_overload_a_request_begins_at_once_or_not_at_all() -> None:
    queue = build_busy_queue(ManualClock(), limit=1)
    record_overload(queue)
    tasks = [await start_request(queue, name) for name in ("a", "b")]
    assert [describe_task(task) for task in tasks] == ["works", "refused"]
    assert not queue.can_admit("c")
    queue.release("a")
    assert queue.can_admit("c")
    await cancel_tasks(*tasks)


async def test_overload_is_over_when_no_request_was_refused_for_a_while() -> None:
    watch = ManualClock()
    queue = build_busy_queue(watch, limit=1)
    record_overload(queue)
    tasks = [await start_request(queue, name) for name in ("a", "b")]
    assert not queue.can_admit("c")
    watch.time += OVERLOAD_COOLDOWN
    assert queue.can_admit("c")
    await cancel_tasks(*tasks)


async def test_queued_requests_are_refused_early_while_more_keep_arriving() -> None:
    queue = AdmissionQueue(size=QUEUE_SIZE, concurrency=ConcurrencyLimit(1, baseline=0.01, average=0.01))
    tasks = [await start_request(queue, f"c{number}") for number in range(1 + QUEUE_SIZE)]
    async with asyncio.timeout(5):
        while [describe_task(task) for task in tasks].count("refused") < QUEUE_SIZE:
            assert not queue.can_admit("another")
            await asyncio.sleep(RECHECK_DELAY / 10)
    assert describe_task(tasks[0]) == "works"
    queue.release("c0")
    assert queue.is_idle


async def test_a_full_queue_is_served_except_for_the_requests_beyond_its_size() -> None:
    queue = AdmissionQueue(size=2, concurrency=ConcurrencyLimit(1, baseline=0.01, average=0.01))
    tasks = [await start_request(queue, name) for name in ("a", "b", "c", "d")]
    await asyncio.sleep(2 * RECHECK_DELAY)
    assert [describe_task(task) for task in tasks] == ["works", "waits", "waits", "refused"]
    for name in ("a", "b", "c"):
        queue.release(name)
        await asyncio.sleep(0)
    assert [describe_task(task) for task in tasks[:3]] == ["works"] * 3
    assert queue.is_idle


async def test_no_request_waits_longer_than_the_queue_timeout() -> None:
    queue = AdmissionQueue(timeout=0.05, concurrency=ConcurrencyLimit(2, baseline=0.01, average=0.01))
    tasks = [await start_request(queue, name) for name in ("a", "b", "c")]
    with pytest.raises(OverloadedError):
        await asyncio.wait_for(tasks[-1], 5)
    queue.release("a")
    queue.release("b")
    assert queue.is_idle


async def test_a_client_that_floods_is_refused_and_another_is_not() -> None:
    queue = build_busy_queue(ManualClock(), limit=1)
    record_flood(queue)
    record_overload(queue)
    flood = [await start_request(queue, "flood") for _ in range(2)]
    assert [describe_task(task) for task in flood] == ["works", "refused"]
    others = [await start_request(queue, "other") for _ in range(3)]
    assert [describe_task(task) for task in others] == ["waits"] * 3
    queue.release("flood")
    assert not queue.can_admit("flood")
    await asyncio.sleep(0)
    assert [describe_task(task) for task in others].count("works") == 1
    await cancel_tasks(*others)


async def test_while_another_is_here_the_one_that_floods_stands_back_between_its_steps() -> None:
    queue = build_busy_queue(ManualClock(), limit=1)
    record_flood(queue)
    slot = RequestSlot(queue, "flood")
    await slot.begin()
    await slot.yield_to_others()  # no other client is queued
    other = await start_request(queue, "other")
    step = asyncio.create_task(slot.yield_to_others())
    await asyncio.wait_for(other, 5)
    assert not step.done()
    queue.release("other")
    await asyncio.wait_for(step, 5)
    assert queue.active == 1
    slot.end()
    assert queue.is_idle


async def test_who_stands_back_goes_on_when_the_other_has_left_in_vain() -> None:
    queue = build_busy_queue(ManualClock(), limit=1)
    record_flood(queue)
    slot = RequestSlot(queue, "flood")
    await slot.begin()
    queue.acquire("third")
    other = await start_request(queue, "other")
    step = asyncio.create_task(slot.yield_to_others())
    await asyncio.sleep(0)
    assert describe_task(other) == "waits"
    queue.release("third")
    await cancel_tasks(other)
    await asyncio.wait_for(step, 5)
    slot.end()
    assert queue.is_idle


async def test_all_steps_of_a_request_yield_and_a_client_that_disconnects_meanwhile_holds_no_slot() -> None:
    queue = build_busy_queue(ManualClock(), limit=1)
    record_flood(queue)
    slot = RequestSlot(queue, "flood")
    await slot.begin()
    other = await start_request(queue, "other")
    steps = [asyncio.create_task(slot.yield_to_others()) for _ in range(3)]
    await asyncio.wait_for(other, 5)
    assert not any(step.done() for step in steps)
    slot.end()
    for step in steps:
        step.cancel()
    await asyncio.wait(steps)
    queue.release("other")
    assert queue.is_idle


async def test_no_request_yields_to_others_of_its_client() -> None:
    queue = build_busy_queue(ManualClock(), limit=1)
    slot = RequestSlot(queue, "a")
    await slot.begin()
    other = await start_request(queue, "b")
    await asyncio.wait_for(slot.yield_to_others(), 5)
    assert describe_task(other) == "waits"
    slot.end()
    await other
    queue.release("b")
    assert queue.is_idle


async def test_of_queued_clients_the_dominant_one_comes_last() -> None:
    queue = build_busy_queue(ManualClock(), limit=1)
    record_flood(queue)
    await queue.enter("x")
    flood, other = await start_request(queue, "flood"), await start_request(queue, "other")
    queue.release("x")
    await asyncio.sleep(0)
    assert (describe_task(flood), describe_task(other)) == ("waits", "works")
    await cancel_tasks(flood, other)


async def test_a_full_queue_evicts_a_request_of_the_dominant_client() -> None:
    queue = build_busy_queue(ManualClock(), limit=1)
    flood = [await start_request(queue, "flood") for _ in range(1 + QUEUE_SIZE)]
    assert not queue.can_admit("flood")
    assert queue.can_admit("other")
    other = await start_request(queue, "other")
    await asyncio.sleep(0)
    assert describe_task(other) == "waits"
    assert [describe_task(task) for task in flood].count("refused") == 1
    await cancel_tasks(*flood, other)


async def test_what_a_client_was_given_is_forgotten_in_time() -> None:
    watch = ManualClock()
    queue = build_busy_queue(watch, limit=1)
    record_flood(queue)
    watch.time += 100
    tasks = [await start_request(queue, name) for name in ("x", "flood", "other")]
    queue.release("x")
    await asyncio.sleep(0)
    assert [describe_task(task) for task in tasks] == ["works", "works", "waits"]
    await cancel_tasks(*tasks)


async def test_a_long_request_does_not_block_the_short() -> None:
    queue = AdmissionQueue(concurrency=ConcurrencyLimit(1, baseline=0.01, average=0.01))
    slot = RequestSlot(queue, "long")
    await slot.begin()
    await asyncio.wait_for(queue.enter("short"), 20 * EXTRA_SLOT_DELAY)
    assert queue.active == 2
    slot.end()
    waits = await start_request(queue, "next")
    assert describe_task(waits) == "waits"
    queue.release("short")
    await waits
    queue.release("next")
    assert queue.is_idle


async def test_what_goes_on_behind_the_back_of_a_request_that_is_over_takes_no_place() -> None:
    queue = AdmissionQueue(concurrency=ConcurrencyLimit(1, baseline=0.01, average=0.01))
    slot = RequestSlot(queue, "left")
    await slot.begin()
    with slot.release_temporarily():
        slot.end()
        assert queue.is_idle
    assert queue.is_idle
    assert slot._extra_timer is None, "it would open another slot"


async def test_clients_take_turns_and_of_one_client_the_newest_is_first() -> None:
    queue = build_busy_queue(ManualClock(), limit=1)
    await queue.enter("x")
    tasks = {name: await start_request(queue, name[0]) for name in ("a1", "a2", "a3", "b1", "c1")}
    order: list[str] = []
    for leaves in ("x", "b", "c", "a", "a"):
        queue.record(leaves, 0.01, 0.01, 1)
        queue.release(leaves)
        await asyncio.sleep(0)
        order += [name for name, task in tasks.items() if task.done() and name not in order]
    assert order == ["b1", "c1", "a3", "a2", "a1"]


async def test_a_client_that_disconnects_while_it_is_queued_takes_no_slot() -> None:
    queue = build_busy_queue(ManualClock())
    first, second, waits, goes = [await start_request(queue, name) for name in ("a", "b", "c", "d")]
    await cancel_tasks(waits)
    queue.release("a")
    await asyncio.sleep(0)
    assert describe_task(goes) == "works"
    queue.release("b")
    queue.release("d")
    assert queue.is_idle
    assert first.done()
    assert second.done()


async def test_a_slot_that_is_granted_to_a_disconnected_client_is_released() -> None:
    queue = build_busy_queue(ManualClock())
    await queue.enter("a")
    await queue.enter("b")
    waits = await start_request(queue, "c")
    queue.release("a")  # the slot is granted to a client that disconnects before it resumes
    await cancel_tasks(waits)
    queue.release("b")
    assert queue.is_idle


async def test_a_request_that_waits_for_a_channel_leaves_its_place_to_others() -> None:
    watch = ManualClock()
    queue = build_busy_queue(watch)
    await queue.enter("a")
    slot = RequestSlot(queue, "b")
    await slot.begin()
    waits = await start_request(queue, "c")
    assert describe_task(waits) == "waits"
    with slot.release_temporarily():
        watch.time += 5
        await asyncio.sleep(0)
        assert describe_task(waits) == "works"
    watch.time += 0.01
    slot.end()
    assert queue.concurrency.average < 0.02  # the wait is not part of its work
    queue.release("a")
    queue.release("c")
    assert queue.is_idle


async def test_requests_that_never_wait_meet_at_the_gate_too() -> None:
    """Otherwise the requests of one client, such as invalid documents, would be processed before those of others."""
    queue = build_busy_queue(ManualClock(), limit=1)
    worked: list[str] = []

    async def work(client: str) -> None:
        slot = RequestSlot(queue, client)
        await slot.begin()
        worked.append(client)
        queue.record(client, 0.01, 0.01, 1)
        slot.end()

    await asyncio.gather(*(work(client) for client in ("flood", "flood", "flood", "other")))
    assert worked == ["flood", "other", "flood", "flood"]
    assert queue.is_idle


async def test_a_client_that_disconnects_just_before_it_begins_releases_its_slot() -> None:
    queue = build_busy_queue(ManualClock(), limit=1)
    begins = asyncio.create_task(RequestSlot(queue, "a").begin())
    await asyncio.sleep(0)
    assert queue.active == 1
    await cancel_tasks(begins)
    assert queue.is_idle


async def test_a_request_that_is_given_up_while_it_waits_for_a_channel_leaves_nothing_behind() -> None:
    watch = ManualClock()
    queue = build_busy_queue(watch)
    slot = RequestSlot(queue, "a")
    await slot.begin()
    waiting = slot.release_temporarily()
    waiting.__enter__()
    watch.time += 5
    slot.end()  # the client has disconnected; the channel call ends a moment later
    assert queue.is_idle
    waiting.__exit__(None, None, None)
    assert queue.is_idle
    assert queue.concurrency.average < 0.02


def record_requests(
    pace: ConcurrencyLimit, times: int = 200, *, computed: float, slower: float = 0.0, at_once: int | None = None
) -> ConcurrencyLimit:
    """Record requests of 10 ms, which each concurrent request slows down by the given share. `at_once`: the
    concurrency; None for the current limit.
    """
    for _ in range(times):
        beside = int(pace.limit) if at_once is None else at_once
        pace.record(0.01 * (1 + slower * (beside - 1)), computed, beside)
    return pace


def test_more_are_let_in_while_the_processor_is_idle_and_fewer_where_they_slow_each_other_down() -> None:
    pace = record_requests(ConcurrencyLimit(), 2_000, computed=0.002)
    assert pace.limit == MAX_CONCURRENCY
    assert record_requests(pace, computed=0.002, slower=1.0).limit < 3


def test_where_requests_compute_all_the_time_no_more_are_let_in() -> None:
    assert record_requests(ConcurrencyLimit(), computed=0.0099).limit == MIN_CONCURRENCY


def test_what_few_ask_for_says_nothing_about_how_many_could() -> None:
    assert record_requests(ConcurrencyLimit(4.0), computed=0.002, at_once=1).limit == 4


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ask", "end", "go", "wait", "note"])), max_size=60)


@given(STEPS)
def test_no_place_is_ever_lost_or_given_twice(steps: list[tuple[str, str]]) -> None:
    asyncio.run(_walk(steps))


async def _walk(steps: list[tuple[str, str]]) -> None:
    watch = ManualClock()
    queue = build_busy_queue(watch)
    tasks: dict[str, list[asyncio.Task[None]]] = {"a": [], "b": [], "c": []}
    working = dict.fromkeys("abc", 0)

    async def settle() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        for client, some in tasks.items():
            done = [task for task in some if task.done()]
            working[client] += sum(not task.cancelled() and task.exception() is None for task in done)
            tasks[client] = [task for task in some if not task.done()]
        assert queue.active == sum(working.values())

    for client, step in steps:
        if step == "ask":
            tasks[client].append(asyncio.create_task(queue.enter(client)))
        elif step == "end" and working[client]:
            working[client] -= 1
            queue.release(client)
        elif step == "go" and tasks[client]:
            tasks[client][0].cancel()
        elif step == "wait":
            watch.time += 0.2
        elif step == "note":
            queue.record(client, 0.02, 0.01, 2)
        await settle()
    for some in tasks.values():
        for task in some:
            task.cancel()
    await settle()
    for client, count in working.items():
        for _ in range(count):
            queue.release(client)
    assert queue.is_idle
