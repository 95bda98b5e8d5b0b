"""Rate budgets: leaky buckets that all processes share and that survive a restart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.http import Budget
from gateway.storage.sql.bulk import insert_new_rows
from gateway.storage.tables import budgets

CLOCK_SET_BACK = 60.0
"""Seconds. A bucket dated further in the future was updated by a clock that has been set back since."""

MIN_WAIT = 0.001

SLOWEST, FASTEST = 1 / 20, 1000.0
"""Multiples of the declared rate or capacity that a channel may report. A report beyond is limited: a bucket that never
refills would permit no further request, so no response could ever correct it.
"""

_locked_bucket = (
    sa.select(budgets.c.level, budgets.c.at, budgets.c.capacity, budgets.c.per_second)
    .where(budgets.c.channel == sa.bindparam("of"), budgets.c.name == sa.bindparam("called"))
    .with_for_update()
)
_update = sa.update(budgets).where(budgets.c.channel == sa.bindparam("of"), budgets.c.name == sa.bindparam("called"))


@dataclass(slots=True)
class RateBucket:
    """The state of one bucket. `at`: the time of `level`, in seconds since 1970."""

    level: float
    at: float
    capacity: float
    per_second: float

    def refill(self, now: float) -> None:
        """Add what has refilled since `at`. Processes whose clocks differ use the one that is ahead."""
        if self.at > now + CLOCK_SET_BACK:
            self.at = now
        self.level = min(self.capacity, self.level + max(0.0, now - self.at) * self.per_second)
        self.at = max(self.at, now)

    def compute_wait(self, cost: float, reserve: float) -> float:
        """Return the seconds until the cost is available above the reserve (a share of the capacity); 0: available now.

        A cost that cannot fit above the reserve waits for a full bucket.
        """
        needed = min(cost + reserve * self.capacity, self.capacity)
        return max((needed - self.level) / self.per_second, MIN_WAIT) if self.level < needed else 0.0


def acquire_budget(
    conn: Connection, channel: str, name: str, declared: Budget, cost: float, reserve: float, now: float
) -> float:
    """Take the cost out of the bucket and return 0, or return the seconds until it is available.

    Args:
        declared: the bucket's size and rate, unless the channel has reported others.
        cost: a negative cost is returned to the bucket; a cost above the capacity takes the whole capacity.
        reserve: the share of the bucket, from 0 to 1, that is reserved for more urgent requests.
    """
    bucket = _lock_bucket(conn, channel, name, declared, now)
    cost = min(cost, bucket.capacity) if math.isfinite(cost) else bucket.capacity
    wait = bucket.compute_wait(cost, reserve) if cost > 0 else 0.0
    if not wait:
        bucket.level = min(bucket.capacity, bucket.level - cost)
        _store_bucket(conn, channel, name, bucket)
    return wait


def correct_bucket(
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
    """Apply the bucket state that the channel reports. `left` only lowers the level: other clients share it."""
    bucket = _lock_bucket(conn, channel, name, declared, now)
    bucket.capacity = _limit_reported(capacity, declared.capacity) or bucket.capacity
    bucket.per_second = _limit_reported(per_second, declared.per_second) or bucket.per_second
    bucket.level = min(bucket.level, bucket.capacity)
    if left is not None and math.isfinite(left):
        bucket.level = min(bucket.level, max(0.0, left))
    _store_bucket(conn, channel, name, bucket)


def _limit_reported(reported: float | None, declared: float) -> float | None:
    if reported is None or not math.isfinite(reported) or reported <= 0:
        return None
    return min(max(reported, declared * SLOWEST), declared * FASTEST)


def _lock_bucket(conn: Connection, channel: str, name: str, declared: Budget, now: float) -> RateBucket:
    declared_values = {"capacity": declared.capacity, "per_second": declared.per_second}
    insert_new_rows(
        conn, budgets, [{"channel": channel, "name": name, "level": declared.capacity, "at": now, **declared_values}]
    )
    bucket = RateBucket(*conn.execute(_locked_bucket, {"of": channel, "called": name}).one())
    bucket.refill(now)
    return bucket


def _store_bucket(conn: Connection, channel: str, name: str, bucket: RateBucket) -> None:
    values = {"level": bucket.level, "at": bucket.at, "capacity": bucket.capacity, "per_second": bucket.per_second}
    conn.execute(_update.values(values), {"of": channel, "called": name})
