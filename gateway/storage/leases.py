"""Leases (rule L3): who does a piece of background work. Fenced: who lost one cannot write under it any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import insert_new
from gateway.storage.tables import EPOCH, leases

SET_BACK = 10
"""Times what a lease lasts: so much the clocks of two processes never differ."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do what `name` names, until it expires. `fence` grows with every holder."""

    name: str
    holder: str
    fence: int
    expires_at: datetime


class LeaseLostError(Exception):
    """Somebody else holds the lease by now: nothing was written."""


def acquire(conn: Connection, name: str, holder: str, now: datetime, lasting: timedelta) -> Lease | None:
    """The lease, if nobody holds it, or this holder does already.

    One that lasts for much longer than any was given out by a clock that has been set back since.
    """
    insert_new(conn, leases, [{"name": name, "holder": "", "fence": 0, "expires_at": EPOCH}])
    over = sa.or_(leases.c.expires_at <= now, leases.c.expires_at > now + SET_BACK * lasting)
    free = sa.or_(over, leases.c.holder == holder)
    taken = conn.execute(
        sa.update(leases)
        .where(leases.c.name == name, free)
        .values(holder=holder, fence=leases.c.fence + 1, expires_at=now + lasting)
        .returning(leases.c.fence)
    ).first()
    return None if taken is None else Lease(name, holder, taken.fence, now + lasting)


def renew(conn: Connection, lease: Lease, now: datetime, lasting: timedelta) -> Lease:
    """The lease, lasting longer.

    Raises:
        LeaseLostError: somebody else has it.
    """
    mine = sa.and_(leases.c.name == lease.name, leases.c.fence == lease.fence)
    if conn.execute(sa.update(leases).where(mine).values(expires_at=now + lasting)).rowcount == 0:
        raise LeaseLostError(lease.name)
    return Lease(lease.name, lease.holder, lease.fence, now + lasting)


_fence = sa.select(leases.c.fence).where(leases.c.name == sa.bindparam("name")).with_for_update(read=True)


def check(conn: Connection, lease: Lease) -> None:
    """Make sure, for the rest of this transaction, that the lease is still ours.

    Raises:
        LeaseLostError: it is not.
    """
    fence = conn.scalar(_fence, {"name": lease.name})
    if fence != lease.fence:
        raise LeaseLostError(lease.name)


def release(conn: Connection, lease: Lease) -> None:
    """Let somebody else have it at once."""
    mine = sa.and_(leases.c.name == lease.name, leases.c.fence == lease.fence)
    conn.execute(sa.update(leases).where(mine).values(expires_at=EPOCH, holder=""))
