"""The write permit: decides once whether an operation writes, or is given up at its deadline or when its client leaves.

A mutation that waits, for the database or for its turn, has changed nothing and can be given up. A transaction that has
begun runs to its end: its effect, its answer and the calls of channels that follow from it belong together.
"""

from __future__ import annotations

import threading

from gateway.execution.errors import QueryError
from gateway.storage.errors import GivenUpError


class MutationGivenUpError(QueryError, GivenUpError):
    """The mutation was given up before it began to write. Its code and message are those of the reason."""

    def __init__(self, reason: QueryError) -> None:
        super().__init__(str(reason))
        self.code = reason.code


class WritePermit:
    """The permit of one operation. Transactions begin in other threads, so both decisions are made under a lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._has_begun = False
        self._error: QueryError | None = None

    def begin(self) -> None:
        """Begin to write. It is called inside the transaction, before its first statement.

        Raises:
            MutationGivenUpError: the operation has been given up.
        """
        with self._lock:
            if self._error is not None:
                raise MutationGivenUpError(self._error)
            self._has_begun = True

    def close(self, error: QueryError) -> bool:
        """Let nothing more begin to write. Returns whether nothing has: then the operation can be canceled."""
        with self._lock:
            self._error = self._error or error
            return not self._has_begun
