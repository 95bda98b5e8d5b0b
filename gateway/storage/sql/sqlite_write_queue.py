"""Write queue of SQLite: units of work that wait for its one writer are committed together (rule L1)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection, Engine

from gateway.storage.change_tracking import forget_changes, has_changed_rows

T = TypeVar("T")

MAX_GROUP_TIME = 0.01
"""Seconds after which units of work that still wait are left to the next commit: the first ones wait for it."""


class WriteUnit(Generic[T]):
    """A unit of work that waits for the writer. `done`: its result and whether it has changed rows, once committed."""

    __slots__ = ("_result", "done", "work")

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work = work
        self.done: Future[tuple[T, bool]] = Future()
        self._result: tuple[T, bool] | Exception | None = None

    def run(self, conn: Connection) -> None:
        """Run it in a transaction of its own. Raises what it raises."""
        self._result = self.work(conn), has_changed_rows(conn)

    def run_isolated(self, conn: Connection) -> None:
        """Run it in a transaction with others. If it fails, it leaves nothing behind, and the others are not affected.

        Raises:
            DBAPIError: SQLite has rolled back the whole transaction.
        """
        forget_changes(conn)
        try:
            with conn.begin_nested():
                self.run(conn)
        except Exception as error:
            if not _is_in_transaction(conn):
                raise
            self._result = error

    def deliver(self, error: BaseException | None = None) -> None:
        """Deliver the result after the commit, or the error."""
        outcome = error or self._result
        if isinstance(outcome, BaseException):
            self.done.set_exception(outcome)
        elif outcome is not None:
            self.done.set_result(outcome)


class WriteQueue:
    """Units of work that wait for the one writer. Those that wait at the same time are committed together.

    A commit waits for the disk, up to some milliseconds, and all that are waiting can wait for it once.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: deque[WriteUnit[Any]] = deque()

    def add(self, unit: WriteUnit[Any]) -> None:
        """Let a unit wait. Call `run_next` in the thread of the writer for each."""
        self._waiting.append(unit)

    def run_next(self) -> None:
        """Run the unit that waits longest, and some of those behind it, unless it has been run with an earlier one."""
        first = self._take_next()
        if first is None:
            return
        units = [first]
        try:
            with self._engine.begin() as conn:
                self._run_together(conn, units)
        except BaseException as error:  # noqa: BLE001 raised where the unit is awaited
            self._handle_failure(units, error)
        else:
            for unit in units:
                unit.deliver()

    def _run_together(self, conn: Connection, units: list[WriteUnit[Any]]) -> None:
        """Run the unit, and others that are waiting, which are appended, in one transaction."""
        if not self._waiting:
            units[0].run(conn)
            return
        ends_at = time.monotonic() + MAX_GROUP_TIME
        units[0].run_isolated(conn)
        while time.monotonic() < ends_at and (unit := self._take_next()) is not None:
            units.append(unit)
            unit.run_isolated(conn)

    def _handle_failure(self, units: Sequence[WriteUnit[Any]], error: BaseException) -> None:
        """Deliver the error, or run the units again, each in a transaction of its own, if they have shared the failed
        one.
        """
        if len(units) == 1:
            units[0].deliver(error)
            return
        for unit in units:
            try:
                with self._engine.begin() as conn:
                    unit.run(conn)
            except BaseException as own_error:  # noqa: BLE001 raised where the unit is awaited
                unit.deliver(own_error)
            else:
                unit.deliver()

    def _take_next(self) -> WriteUnit[Any] | None:
        """Take the next unit that is still awaited; None: there is none."""
        while self._waiting:
            unit = self._waiting.popleft()
            if unit.done.set_running_or_notify_cancel():
                return unit
        return None


def _is_in_transaction(conn: Connection) -> bool:
    """Return whether SQLite still has a transaction: errors such as a full disk end it."""
    connection: Any = conn.connection.driver_connection
    return bool(connection.in_transaction)
