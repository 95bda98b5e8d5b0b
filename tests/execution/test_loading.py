"""Batch loaders and read groups: what is loaded at once, each once, and what an error or an end of a request does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gateway.execution.batch_loader import BatchLoader
from gateway.storage.database import Connection, Database
from gateway.storage.read_group import ReadGroups

pytestmark = pytest.mark.anyio

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]


class Batches:
    """A batch function that records its calls. Keys that begin with `bad` fail."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def load(self, keys: list[str]) -> Sequence[Any]:
        self.calls.append(keys)
        await self.may_end.wait()
        return [KeyError(key) if key.startswith("bad") else key.upper() for key in keys]


async def test_keys_of_one_iteration_share_a_call_and_are_loaded_once() -> None:
    batches = Batches()
    loader = BatchLoader(batches.load)
    first, second = await asyncio.gather(loader.load_many(["a", "b", "a"]), loader.load_many(["b", "c"]))
    assert first + second == ["A", "B", "A", "B", "C"]
    assert await loader.load_many(["c", "a"]) == ["C", "A"]
    assert batches.calls == [["a", "b", "c"]]


async def test_a_key_that_is_being_loaded_is_waited_for() -> None:
    batches = Batches()
    batches.may_end.clear()
    loader = BatchLoader(batches.load)
    first = asyncio.ensure_future(loader.load_many(["a"]))
    await wait_for_call(batches, 1)
    second = asyncio.ensure_future(loader.load_many(["a", "b"]))
    await wait_for_call(batches, 2)
    batches.may_end.set()
    assert (await first, await second, batches.calls) == (["A"], ["A", "B"], [["a"], ["b"]])


async def wait_for_call(batches: Batches, number: int) -> None:
    async with asyncio.timeout(5):
        while len(batches.calls) < number:  # noqa: ASYNC110 a few iterations of the event loop
            await asyncio.sleep(0)


async def test_a_key_that_fails_leaves_the_others() -> None:
    loader = BatchLoader(Batches().load)
    values = await loader.collect(["a", "bad", "b"])
    assert (values[0], type(values[1]), values[2]) == ("A", KeyError, "B")
    with pytest.raises(KeyError, match="bad"):
        await loader.load_many(["a", "bad"])
    assert await loader.load_many(["b", "a"]) == ["B", "A"]


@pytest.mark.parametrize(
    ("values", "error"), [(["one"], ValueError), (RuntimeError("no batch"), RuntimeError)], ids=["length", "error"]
)
async def test_a_batch_that_fails_fails_all_its_keys(values: Any, error: type[Exception]) -> None:
    async def load(_keys: list[str]) -> Sequence[str]:
        if isinstance(values, Exception):
            raise values
        return list(values)

    loader = BatchLoader(load)
    assert {type(value) for value in await loader.collect(["a", "b"])} == {error}


async def test_a_value_that_is_cleared_while_it_is_loaded_is_loaded_again() -> None:
    batches = Batches()
    batches.may_end.clear()
    loader = BatchLoader(batches.load)
    waiting = asyncio.ensure_future(loader.load_many(["a"]))
    await wait_for_call(batches, 1)
    loader.clear("a")
    batches.may_end.set()
    assert (await loader.load_many(["a"]), await waiting, batches.calls) == (["A"], ["A"], [["a"], ["a"]])


async def test_values_that_are_known_are_not_loaded() -> None:
    batches = Batches()
    loader = BatchLoader(batches.load)
    loader.cache_values({"a": "known"})
    assert (await loader.load_many(["a", "b"]), batches.calls) == (["known", "B"], [["b"]])


async def test_a_canceled_call_cancels_those_who_wait_for_it() -> None:
    batches = Batches()
    batches.may_end.clear()
    tasks: list[asyncio.Task[Any] | None] = []

    async def load(keys: list[str]) -> Sequence[Any]:
        tasks.append(asyncio.current_task())
        return await batches.load(keys)

    waiting = asyncio.ensure_future(BatchLoader(load).load_many(["a"]))
    await wait_for_call(batches, 1)
    assert tasks[0] is not None and tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


# ------------------------------------------------------------------------------------------------ reads


async def wait_for_nothing() -> None:
    return None


def count_reads(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    reads: list[object] = []
    read = database.read

    async def read_counted(work: Callable[..., Any], *arguments: Any) -> Any:
        reads.append(work)
        return await read(work, *arguments)

    monkeypatch.setattr(database, "read", read_counted)
    return reads


def select(value: int) -> Callable[[Connection], int]:
    return lambda conn: int(conn.scalar(sa.select(sa.literal(value))) or 0)


async def test_reads_of_one_iteration_share_a_connection(
    open_database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_database() as database:
        reads, groups = count_reads(database, monkeypatch), ReadGroups(database, wait_for_nothing)
        assert await asyncio.gather(*(groups.read(select(number)) for number in range(5))) == list(range(5))
        assert await groups.read(select(7)) == 7
        assert len(reads) == 2


async def load_nested(depth: int, groups: ReadGroups, starting: set[object]) -> list[int]:
    """Read in a batch function that is called by another one, and so on: so many in all."""

    async def load(keys: list[int]) -> Sequence[int]:
        if depth > 1:
            return await load_nested(depth - 1, groups, starting)
        return [await groups.read(select(key)) for key in keys]

    return await BatchLoader(load, starting).load_many([7])


async def count_hops(database: Database, monkeypatch: pytest.MonkeyPatch, starting: set[object]) -> int:
    reads, groups = count_reads(database, monkeypatch), ReadGroups(database, wait_for_nothing, starting)
    assert await asyncio.gather(*(load_nested(depth, groups, starting) for depth in (1, 2, 5))) == [[7]] * 3
    return len(reads)


async def test_batches_that_read_after_different_numbers_of_steps_share_a_read(
    open_database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_database() as database:
        assert await count_hops(database, monkeypatch, set()) == 1


class Forgetful(set[object]):
    """Does not know what begins soon."""

    def add(self, element: object) -> None:
        pass


async def test_the_proof_a_group_that_does_not_wait_for_further_steps_reads_apart(
    open_database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_database() as database:
        assert await count_hops(database, monkeypatch, Forgetful()) > 1


def fail(_conn: Connection) -> int:
    raise LookupError("this read")


def break_statement(conn: Connection) -> int:
    return int(conn.scalar(sa.text("SELECT nothing FROM nowhere")) or 0)


@pytest.mark.parametrize(("broken", "error"), [(fail, LookupError), (break_statement, DBAPIError)])
async def test_a_read_that_fails_leaves_the_others_of_its_group(
    open_database: OpenDatabase, broken: Callable[[Connection], int], error: type[Exception]
) -> None:
    async with open_database() as database:
        groups = ReadGroups(database, wait_for_nothing)
        calls: list[Awaitable[int]] = [groups.read(select(1)), groups.read(broken), groups.read(select(2))]
        one, failed, two = await asyncio.gather(*calls, return_exceptions=True)
        assert (one, isinstance(failed, error), two) == (1, True, 2)


async def test_reads_end_with_their_request(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        groups = ReadGroups(database, wait_for_nothing)
        reading = asyncio.ensure_future(groups.read(select(1)))
        await asyncio.sleep(0)
        groups.close()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await groups.read(select(2)) == 2
