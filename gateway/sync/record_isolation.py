"""Record isolation: a record whose data makes a batch fail is rejected alone, and the others are stored (rule S8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from gateway.storage.database import Connection
from gateway.storage.errors import DATA_ERRORS, is_conflict, is_data_error

T = TypeVar("T")


def apply_isolated(
    conn: Connection,
    items: Sequence[T],
    apply: Callable[[Sequence[T]], int],
    reject: Callable[[T, Exception], int],
    *,
    is_retry: bool = False,
) -> int:
    """Apply items, at least one. If their data makes that fail, apply each half by itself, until one fails alone.

    Each attempt has a savepoint, so that one that failed leaves nothing behind. An outage is raised as it is. After a
    conflict with another transaction, an item is applied once more: then it sees the row that the other has inserted.

    Args:
        apply: applies items, and returns how many changed something; `reject` does so for an item that failed alone.
    """
    try:
        with conn.begin_nested():
            return apply(items)
    except DATA_ERRORS as error:
        if not is_data_error(error):
            raise
        failure = error
    if len(items) == 1:
        if is_conflict(failure) and not is_retry:
            return apply_isolated(conn, items, apply, reject, is_retry=True)
        return reject(items[0], failure)
    middle = len(items) // 2
    return sum(apply_isolated(conn, half, apply, reject) for half in (items[:middle], items[middle:]))
