"""Rate budgets: leaky buckets that every process pays from, and that a restart does not fill."""

from __future__ import annotations

import math
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.requests import Budget
from gateway.storage.rows import insert_new
from gateway.storage.tables import budgets

SET_BACK = 60.0
"""Seconds. A bucket that was paid from so far in the future was so by a clock that has been set back since."""

SOONEST = 0.001

SLOWEST, FASTEST = 1 / 20, 1000.0
"""Times what was declared. A channel that tells something beyond is not believed: of a bucket that never fills again
nobody would be asked, so nobody could tell otherwise."""

_locked = (
    sa.select(budgets.c.level, budgets.c.at, budgets.c.capacity, budgets.c.per_second)
    .where(budgets.c.channel == sa.bindparam("of"), budgets.c.name == sa.bindparam("called"))
    .with_for_update()
)
_set = sa.update(budgets).where(budgets.c.channel == sa.bindparam("of"), budgets.c.name == sa.bindparam("called"))


@dataclass(slots=True)
class Bucket:
    """What one bucket holds. `at`: when it held that, in seconds since 1970."""

    level: float
    at: float
    capacity: float
    per_second: float

    def fill(self, now: float) -> None:
        """Let what has come back since then in. Processes whose clocks differ go by the one that is ahead."""
        if self.at > now + SET_BACK:
            self.at = now
        self.level = min(self.capacity, self.level + max(0.0, now - self.at) * self.per_second)
        self.at = max(self.at, now)

    def lacks(self, cost: float, reserve: float) -> float:
        """How many seconds it takes until the cost can be paid and a share of it left to others; 0: it can now.

        Of a bucket that holds no more than that, only all can be asked.
        """
        needed = min(cost + reserve * self.capacity, self.capacity)
        return max((needed - self.level) / self.per_second, SOONEST) if self.level < needed else 0.0


def pay(conn: Connection, channel: str, name: str, declared: Budget, cost: float, reserve: float, now: float) -> float:
    """Take the cost out of the bucket, or else say how many seconds it takes until that can be done.

    Args:
        declared: what the bucket is like, unless the channel has told.
        cost: what is negative is given back; more than the bucket holds is all that it holds.
        reserve: the share of the bucket, from 0 to 1, that is left to what is more urgent.
    """
    bucket = _bucket(conn, channel, name, declared, now)
    cost = min(cost, bucket.capacity) if math.isfinite(cost) else bucket.capacity
    wait = bucket.lacks(cost, reserve) if cost > 0 else 0.0
    if not wait:
        bucket.level = min(bucket.capacity, bucket.level - cost)
        _store(conn, channel, name, bucket)
    return wait


def correct(
    conn: Connection,
    channel: str,
    name: str,
    declared: Budget,
    now: float,
    *,
    left: float | None,
    per_second: float | None,
    capacity: float | None,
) -> None:
    """The channel has told what the bucket is like. What is left there only lowers what we know: others pay as well."""
    bucket = _bucket(conn, channel, name, declared, now)
    bucket.capacity = _believed(capacity, declared.capacity) or bucket.capacity
    bucket.per_second = _believed(per_second, declared.per_second) or bucket.per_second
    bucket.level = min(bucket.level, bucket.capacity)
    if left is not None and math.isfinite(left):
        bucket.level = min(bucket.level, max(0.0, left))
    _store(conn, channel, name, bucket)


def _believed(told: float | None, declared: float) -> float | None:
    if told is None or not math.isfinite(told) or told <= 0:
        return None
    return min(max(told, declared * SLOWEST), declared * FASTEST)


def _bucket(conn: Connection, channel: str, name: str, declared: Budget, now: float) -> Bucket:
    told = {"capacity": declared.capacity, "per_second": declared.per_second}
    insert_new(conn, budgets, [{"channel": channel, "name": name, "level": declared.capacity, "at": now, **told}])
    bucket = Bucket(*conn.execute(_locked, {"of": channel, "called": name}).one())
    bucket.fill(now)
    return bucket


def _store(conn: Connection, channel: str, name: str, bucket: Bucket) -> None:
    values = {"level": bucket.level, "at": bucket.at, "capacity": bucket.capacity, "per_second": bucket.per_second}
    conn.execute(_set.values(values), {"of": channel, "called": name})
