"""Items that are applied together: one whose data fails is rejected alone, and a conflict rejects nothing (rule S8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.storage.database import Connection, Database
from gateway.sync.record_isolation import apply_isolated

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


class UniqueViolation(Exception):
    """What a driver of PostgreSQL raises where another transaction has inserted the same key."""

    sqlstate = "23505"


class Applications:
    """Applies items, and records the attempts. `failures`: how often an attempt with this item fails."""

    def __init__(self, error: Exception, **failures: int) -> None:
        self.attempts: list[str] = []
        self.rejected: list[str] = []
        self._error, self._failures = error, failures

    def apply(self, items: Sequence[str]) -> int:
        self.attempts.append("".join(items))
        for item in items:
            if self._failures.get(item):
                self._failures[item] -= 1
                raise self._error
        return len(items)

    def reject(self, item: str, _error: Exception) -> int:
        self.rejected.append(item)
        return 0


Run = Callable[[Applications, str], Awaitable[int]]

ALWAYS = 10**9
CONFLICT = IntegrityError("INSERT", {}, UniqueViolation())


@pytest.fixture
def run(database_url: str) -> Run:
    async def run_once(applications: Applications, items: str) -> int:
        database = Database(database_url)

        def work(conn: Connection) -> int:
            return apply_isolated(conn, items, applications.apply, applications.reject)

        try:
            return await database.write(work)
        finally:
            await database.close()

    return run_once


async def test_one_bad_item_is_found_by_halves(run: Run) -> None:
    applications = Applications(ValueError(), f=ALWAYS)
    assert await run(applications, "abcdefgh") == 7
    assert (applications.rejected, applications.attempts) == (["f"], ["abcdefgh", "abcd", "efgh", "ef", "e", "f", "gh"])


async def test_an_item_that_meets_a_conflict_is_applied_once_more(run: Run) -> None:
    applications = Applications(CONFLICT, a=1)
    assert await run(applications, "a") == 1
    assert (applications.rejected, applications.attempts) == ([], ["a", "a"])


async def test_an_item_that_always_meets_a_conflict_is_rejected(run: Run) -> None:
    applications = Applications(CONFLICT, b=ALWAYS)
    assert await run(applications, "abc") == 2
    assert applications.rejected == ["b"]
