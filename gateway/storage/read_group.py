"""Read group: the reads of one iteration of the event loop share a connection and a switch of threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError

from gateway.storage.database import Connection, Database
from gateway.storage.errors import SnapshotError

T = TypeVar("T")
Work = Callable[[Connection], Any]


class _Failure:
    """What a read has raised."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Group:
    """Reads that run together."""

    __slots__ = ("ended", "error", "results", "task", "works")

    def __init__(self) -> None:
        self.works: list[Work] = []
        self.results: Sequence[Any] = ()
        self.error: BaseException | None = None
        self.ended = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class ReadGroups:
    """Groups the reads of one request.

    Args:
        wait: awaited before and after each group, to let other requests go first.
        starting: what will begin in the next iteration of the event loop and may read: a group waits for it.
    """

    def __init__(
        self, database: Database, wait: Callable[[], Awaitable[None]], starting: Collection[object] = ()
    ) -> None:
        self._database = database
        self._wait = wait
        self._starting = starting
        self._next: _Group | None = None
        self._running: set[_Group] = set()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work(connection)` with the other reads of this iteration of the event loop.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        group, number = self._join(work)
        await group.ended.wait()
        if group.error is not None:
            raise group.error
        result = group.results[number]
        if isinstance(result, _Failure):
            raise result.error
        found: T = result
        return found

    def _join(self, work: Work) -> tuple[_Group, int]:
        if self._next is None:
            self._next = _Group()
            self._running.add(self._next)
            self._next.task = asyncio.ensure_future(self._run(self._next))
            self._next.task.add_done_callback(partial(self._end, self._next))
        self._next.works.append(work)
        return self._next, len(self._next.works) - 1

    async def _run(self, group: _Group) -> None:
        try:
            await asyncio.sleep(0)
            while self._starting:  # noqa: ASYNC110 one iteration of the event loop each
                await asyncio.sleep(0)
            self._next = None
            await self._wait()
            group.results = await self._read_all(group.works)
            await self._wait()
        except Exception as error:  # noqa: BLE001 raised by each read of the group
            group.error = error
        self._close(group)

    def _end(self, group: _Group, task: asyncio.Task[None]) -> None:
        """Close a group that was canceled, maybe before it began."""
        if task.cancelled():
            group.error = asyncio.CancelledError()
            self._close(group)

    def _close(self, group: _Group) -> None:
        self._next = None if self._next is group else self._next
        self._running.discard(group)
        group.ended.set()

    async def _read_all(self, works: Sequence[Work]) -> Sequence[Any]:
        try:
            return await self._database.read(_run_all, works)
        except DBAPIError as error:
            if len(works) == 1:
                return [_Failure(error)]
        return [await self._read_alone(work) for work in works]  # one statement failed, and not the database

    async def _read_alone(self, work: Work) -> Any:
        try:
            return await self._database.read(work)
        except DBAPIError as error:
            return _Failure(error)

    def close(self) -> None:
        """Cancel the reads that no one awaits any more."""
        for group in [*self._running]:
            if group.task is not None:
                group.task.cancel()


async def read_snapshot(database: Database, work: Callable[[Connection], T]) -> T:
    """Run `work(connection)` in one snapshot. Its own errors leave the connection as it is.

    Raises:
        StorageUnavailableError: the database cannot be used now.
        SnapshotError: a statement has failed.
    """
    try:
        found = await database.read_snapshot(lambda conn: _run_one(conn, work))
    except DBAPIError as error:
        raise SnapshotError from error
    if isinstance(found, _Failure):
        raise found.error
    result: T = found
    return result


def _run_all(conn: Connection, works: Sequence[Work]) -> Sequence[Any]:
    return [_run_one(conn, work) for work in works]


def _run_one(conn: Connection, work: Work) -> Any:
    try:
        return work(conn)
    except DBAPIError:
        raise
    except Exception as error:  # noqa: BLE001 of this read only
        return _Failure(error)
