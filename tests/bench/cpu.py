"""What processes have computed, and what they hold, as Linux tells it."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_TICK = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0
PARENT, USER, SYSTEM, USER_OF_ENDED, SYSTEM_OF_ENDED = 1, 11, 12, 13, 14
"""Where these stand behind a process's name in its `stat`."""


def server_of(conn: Connection) -> int:
    """The process whose children a PostgreSQL on this machine consists of; 0: this is another database."""
    if conn.dialect.name != "postgresql":
        return 0
    pid: int = conn.scalar(sa.select(sa.func.pg_backend_pid())) or 0
    return _stat(Path(f"/proc/{pid}/stat"))[PARENT]


def seconds_of(server: int) -> float:
    """Seconds that a process and its children have computed, those that have ended too."""
    if not server:
        return 0
    own = _stat(Path(f"/proc/{server}/stat"))
    ticks = sum(own[n] for n in (USER, SYSTEM, USER_OF_ENDED, SYSTEM_OF_ENDED))
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found = _stat(path)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        if found[PARENT] == server:
            ticks += found[USER] + found[SYSTEM]
    return ticks * _TICK


def memory_of(pid: int) -> float:
    """Megabytes of memory that a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _stat(path: Path) -> list[int]:
    """The numbers behind the name, which may hold anything; the state stands as 0."""
    _, _, rest = path.read_text(encoding="ascii", errors="replace").rpartition(")")
    _state, *numbers = rest.split()
    return [0, *map(int, numbers)]
