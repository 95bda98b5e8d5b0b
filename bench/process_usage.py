"""CPU time and memory of processes, from Linux's /proc."""

from __future__ import annotations

import os
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_TICK = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0
_SCHEDULER_CLOCK = 2
"""What Linux makes, together with its id, the clock of a process."""

PARENT, USER, SYSTEM, USER_OF_ENDED, SYSTEM_OF_ENDED = 1, 11, 12, 13, 14
"""Positions of these values after the process's name in `stat`."""


def find_server(conn: Connection) -> int:
    """Find the parent process of a local PostgreSQL server; 0: the database is another one."""
    if conn.dialect.name != "postgresql":
        return 0
    pid: int = conn.scalar(sa.select(sa.func.pg_backend_pid())) or 0
    return _read_stat(Path(f"/proc/{pid}/stat"))[PARENT]


def get_cpu_seconds(server: int) -> float:
    """Return the CPU seconds of a process and its children, including ended ones."""
    if not server:
        return 0
    own = _read_stat(Path(f"/proc/{server}/stat"))
    ticks = sum(own[n] for n in (USER, SYSTEM, USER_OF_ENDED, SYSTEM_OF_ENDED))
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found = _read_stat(path)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        if found[PARENT] == server:
            ticks += found[USER] + found[SYSTEM]
    return ticks * _TICK


def read_cpu_clock(pid: int) -> float:
    """Read the CPU seconds of a process without its children, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | _SCHEDULER_CLOCK)


def get_memory(pid: int) -> float:
    """Return the memory of a process in megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _read_stat(path: Path) -> list[int]:
    """Read the numbers after the name, which may contain any characters; the state is read as 0."""
    _, _, rest = path.read_text(encoding="ascii", errors="replace").rpartition(")")
    _state, *numbers = rest.split()
    return [0, *map(int, numbers)]
