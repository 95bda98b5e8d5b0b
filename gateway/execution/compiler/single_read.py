"""Single read: a query that is executed as a whole with one connection, in one snapshot (rule E7).

Nothing waits in it but for loads of the same query, so no event loop is needed: the function of the query and its
batches run step by step, and each statement is executed at once. A batch begins in the step after the one in which its
keys were requested, as it would in the event loop, so that the same batches share a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, NoReturn, TypeVar

from gateway.execution.errors import QueryError
from gateway.storage.database import Connection

T = TypeVar("T")
Routine = Coroutine[Any, Any, None]


class NextStep:
    """Awaited until the next step."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class LeftReadError(Exception):
    """The query has to wait for more than the database, or to write, or a statement has failed. It is executed anew in
    the event loop.
    """


class SingleRead:
    """One read of one query.

    Attributes:
        connection: that of all its statements.
        is_left: whether the query is to be executed in the event loop: it has to wait, or a statement has failed.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.is_left = False
        self._ready: list[Routine] = []

    def start(self, routine: Routine) -> None:
        """Let a coroutine run from the next step on."""
        self._ready.append(routine)

    async def wait(self, has_ended: Callable[[], bool]) -> None:
        """Wait for the end of another coroutine."""
        while not has_ended():
            await NextStep()

    def execute(self, work: Callable[[Connection], T]) -> T:
        """Execute the statements of `work`. After an error of the database others fail, too, so the read is left."""
        try:
            return work(self.connection)
        except QueryError:
            raise
        except Exception:
            self.is_left = True
            raise

    def leave(self) -> NoReturn:
        """Leave the read. A batch may take the error for that of a key, so it is noted, too."""
        self.is_left = True
        raise LeftReadError

    def run(self, function: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine, and those that it starts, until it has returned.

        Raises:
            LeftReadError: it cannot be run in one read.
            Exception: it raises this.
        """
        found: list[T] = []
        self.start(_note_result(function, found))
        try:
            while not found:
                self._resume_all()
        except Exception:
            if not self.is_left:
                raise
        finally:
            for routine in self._ready:
                routine.close()
        if self.is_left:
            raise LeftReadError
        return found[0]

    def _resume_all(self) -> None:
        ready, self._ready = self._ready, []
        for number, routine in enumerate(ready):
            try:
                awaited = routine.send(None)
            except StopIteration:
                continue
            except BaseException:
                self._ready += ready[number + 1 :]
                raise
            self._ready.append(routine)
            if awaited is not None:
                self._ready += ready[number + 1 :]
                self.leave()


async def _note_result(function: Coroutine[Any, Any, T], found: list[T]) -> None:
    found.append(await function)
