"""Readers of SQLite: threads that each keep a connection.

To submit work to an executor and to take a connection from a pool takes twice as long as a short statement.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection, Engine

from gateway.storage.errors import GivenUpError

T = TypeVar("T")

INTERRUPT_INTERVAL = 0.005
"""Seconds after which a read that was given up is interrupted again: it may have been between two statements."""


class SQLiteReaders:
    """Some threads for reading. `engine`: has a connection for each."""

    def __init__(self, engine: Engine, count: int) -> None:
        self._engine = engine
        self._count = count
        self._waiting: SimpleQueue[SQLiteRead[Any] | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)  # a thread is started only if all others are busy
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one of the threads. If the caller is canceled, its statement is interrupted (rule L5).

        Raises:
            RuntimeError: the readers are closed.
        """
        if self._is_closed:
            raise RuntimeError("the database is closed")
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._count:
            self._start_thread()
        reading = SQLiteRead(work, asyncio.get_running_loop())
        self._waiting.put(reading)
        try:
            return await reading.done
        except asyncio.CancelledError:
            reading.interrupt()
            raise

    def _start_thread(self) -> None:
        name = f"sqlite-read_{len(self._threads)}"
        self._threads.append(threading.Thread(target=self._serve, name=name, daemon=True))
        self._threads[-1].start()

    def _serve(self) -> None:
        """Run the reads that wait, until there is a None."""
        reader = _ReaderConnection(self._engine)
        while (reading := self._waiting.get()) is not None:
            reading.run(reader)
            self._idle.release()
            reading.deliver()
            del reading  # else its result would live until the next one
        reader.close()

    async def close(self) -> None:
        """Wait for what runs or waits, and end the threads."""
        self._is_closed = True
        for _ in self._threads:
            self._waiting.put(None)
        await asyncio.to_thread(self._join)

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()


class _ReaderConnection:
    """The connection of a thread, which is opened when it is needed, and anew after any error."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def open(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def release(self) -> None:
        """End the transaction that a read may have left open, so that the next one sees all committed data."""
        if self._connection is not None and self._connection.in_transaction():
            self._connection.rollback()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class SQLiteRead(Generic[T]):
    """A read that can be given up. Its thread cannot be canceled, so its statements are interrupted.

    Attributes:
        done: its result, in the event loop of the caller.
    """

    def __init__(self, work: Callable[[Connection], T], loop: asyncio.AbstractEventLoop) -> None:
        self._work = work
        self._loop = loop
        self._lock = threading.Lock()  # an interrupt must not reach the next read of the same connection
        self._connection: sqlite3.Connection | None = None
        self._is_given_up = False
        self._result: Any = None
        self._error: BaseException | None = None
        self.done: asyncio.Future[T] = loop.create_future()

    def run(self, reader: _ReaderConnection) -> None:
        """Run the read, unless it was given up before."""
        if self._is_given_up:
            return
        try:
            self._result = self._run(reader)
        except BaseException as error:  # noqa: BLE001 raised where it is awaited
            self._error = error

    def _run(self, reader: _ReaderConnection) -> T:
        try:
            conn = reader.open()
            self._begin(conn.connection.driver_connection)
            try:
                result = self._work(conn)
            finally:
                self._end()
            reader.release()
        except BaseException:
            reader.close()
            raise
        return result

    def deliver(self) -> None:
        """Deliver the result or the error to the event loop."""
        with suppress(RuntimeError):  # the event loop is closed, and no caller waits
            self._loop.call_soon_threadsafe(self._complete)

    def _complete(self) -> None:
        if self.done.done():  # the caller was canceled
            return
        if self._error is not None:
            self.done.set_exception(self._error)
        else:
            self.done.set_result(self._result)

    def interrupt(self) -> None:
        """Give the read up: interrupt its statement now, and any later one until the thread has ended the read."""
        with self._lock:
            self._is_given_up = True
            if self._connection is None:
                return
            self._connection.interrupt()
        self._loop.call_later(INTERRUPT_INTERVAL, self.interrupt)

    def _begin(self, connection: sqlite3.Connection | None) -> None:
        with self._lock:
            if self._is_given_up:
                raise GivenUpError
            self._connection = connection

    def _end(self) -> None:
        with self._lock:
            self._connection = None
