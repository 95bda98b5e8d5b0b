"""Page check: whether a page still has the same items, so that a response outlives changes of others (rule E5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.storage.database import Connection


@dataclass(frozen=True, slots=True)
class PageCheck:
    """What tells whether a page still has the same items in the same order.

    Attributes:
        read: reads which items the page has now.
        expected: what `read` returns if they are the same.
        ids: of the items.
    """

    read: Callable[[Connection], object]
    expected: object
    ids: frozenset[str]


def are_current(conn: Connection, checks: tuple[PageCheck, ...]) -> bool:
    """Return whether all pages still have the same items."""
    return all(check.read(conn) == check.expected for check in checks)
