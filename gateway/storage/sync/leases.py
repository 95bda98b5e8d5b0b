"""Leases (rule L3): exclusive ownership of background work, with fencing: a holder that lost its lease cannot write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import insert_new_rows
from gateway.storage.tables import EPOCH, leases

PROCESS = "process"
"""First word of the names of leases that show that a process runs; its channels follow."""

CLOCK_SET_BACK = 10
"""Multiple of a lease's duration; the clocks of two processes never differ by more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The exclusive right to run the work `name`, until it expires. `fence` increases with every holder."""

    name: str
    holder: str
    fence: int
    expires_at: datetime


class LeaseLostError(Exception):
    """Another process holds the lease now: nothing was written."""


def acquire_lease(conn: Connection, name: str, holder: str, now: datetime, duration: timedelta) -> Lease | None:
    """Acquire the lease if it is free or this holder already has it; None: another process holds it.

    A lease that expires too far in the future counts as free: the clock of its holder has been set back since.
    """
    insert_new_rows(conn, leases, [{"name": name, "holder": "", "fence": 0, "expires_at": EPOCH}])
    expired = sa.or_(leases.c.expires_at <= now, leases.c.expires_at > now + CLOCK_SET_BACK * duration)
    free = sa.or_(expired, leases.c.holder == holder)
    row = conn.execute(
        sa.update(leases)
        .where(leases.c.name == name, free)
        .values(holder=holder, fence=leases.c.fence + 1, expires_at=now + duration)
        .returning(leases.c.fence)
    ).first()
    return None if row is None else Lease(name, holder, row.fence, now + duration)


def renew_lease(conn: Connection, lease: Lease, now: datetime, duration: timedelta) -> Lease:
    """Extend the lease.

    Raises:
        LeaseLostError: another process holds it.
    """
    own = sa.and_(leases.c.name == lease.name, leases.c.fence == lease.fence)
    if conn.execute(sa.update(leases).where(own).values(expires_at=now + duration)).rowcount == 0:
        raise LeaseLostError(lease.name)
    return Lease(lease.name, lease.holder, lease.fence, now + duration)


_fence = sa.select(leases.c.fence).where(leases.c.name == sa.bindparam("name")).with_for_update(read=True)


def check_lease(conn: Connection, lease: Lease) -> None:
    """Assert that this process holds the lease until the end of the transaction.

    Raises:
        LeaseLostError: it does not.
    """
    fence = conn.scalar(_fence, {"name": lease.name})
    if fence != lease.fence:
        raise LeaseLostError(lease.name)


def release_lease(conn: Connection, lease: Lease) -> None:
    """Release the lease immediately."""
    own = sa.and_(leases.c.name == lease.name, leases.c.fence == lease.fence)
    conn.execute(sa.update(leases).where(own).values(expires_at=EPOCH, holder=""))


def delete_lease(conn: Connection, lease: Lease) -> None:
    """Delete a lease whose name is not used again."""
    conn.execute(sa.delete(leases).where(leases.c.name == lease.name, leases.c.fence == lease.fence))


def format_process(process_id: str, channels: Iterable[str]) -> str:
    """Build the name of the lease that a process holds while it serves these channels."""
    return " ".join((PROCESS, process_id, *sorted(channels)))


def prune_processes(conn: Connection, before: datetime, most: int) -> int:
    """Delete leases of processes that ended without releasing them. Returns how many."""
    expired = sa.select(leases.c.name).where(leases.c.name.startswith(f"{PROCESS} "), leases.c.expires_at < before)
    return conn.execute(sa.delete(leases).where(leases.c.name.in_(expired.limit(most)))).rowcount


def is_served(conn: Connection, channel: str, now: datetime) -> bool:
    """Return whether a process serves the channel, or was killed a moment ago."""
    return any(channel in name.split(" ")[1:] for name in list_running(conn, now))


def list_running(conn: Connection, now: datetime) -> list[str]:
    """List the names of leases that a process holds now: it runs, or was killed a moment ago."""
    return list(conn.scalars(sa.select(leases.c.name).where(leases.c.expires_at > now).order_by(leases.c.name)))
