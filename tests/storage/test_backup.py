"""A backup is one consistent state, made while others write, that only its owner can read."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage import tables
from gateway.storage.backup import BackupError, back_up_database
from gateway.storage.database import Database
from gateway.storage.migrate import migrate
from tests.databases import create_sqlite_database

pytestmark = pytest.mark.anyio


def count_pairs(conn: Connection) -> tuple[int, int]:
    """Count the rows of two tables, which every transaction of the test writes alike."""
    first, second = (conn.scalar(sa.select(sa.func.count()).select_from(t)) for t in (tables.facts, tables.leases))
    return first or 0, second or 0


def insert_pair(conn: Connection, name: str) -> None:
    conn.execute(sa.insert(tables.facts).values(name=name, value="x" * 1_000))
    conn.execute(sa.insert(tables.leases).values(name=name, holder="", fence=0, expires_at=tables.EPOCH))


async def test_a_backup_beside_a_writer_is_one_consistent_state(tmp_path: Path) -> None:
    url, is_over = create_sqlite_database(tmp_path / "gateway.db"), threading.Event()
    database = Database(url)
    before = await database.read(count_pairs)
    written: list[str] = []

    async def write() -> None:
        while not is_over.is_set():
            name = f"pair-{len(written)}"
            await database.write(insert_pair, name)
            written.append(name)

    writing, sizes = asyncio.create_task(write()), list[int]()
    # A loaded machine writes slowly: copies are made until there were writes beside them.
    while len(sizes) < 5 or len(written) <= 5:
        assert len(sizes) < 100, f"{len(written)} pairs written beside 100 copies"
        sizes.append(await asyncio.to_thread(back_up_database, url, tmp_path / f"copy-{len(sizes)}.db"))
    is_over.set()
    await writing
    await database.close()
    for number, size in enumerate(sizes):
        path = tmp_path / f"copy-{number}.db"
        copy = Database(f"sqlite:///{path}")
        await migrate(copy)
        first, second = await copy.read(count_pairs)
        await copy.close()
        assert first - before[0] == second - before[1]
        assert size > 0 and stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "name", "message"),
    [
        ("sqlite:///{folder}/none.db", "copy.db", "does not exist"),
        ("sqlite:///{folder}/gateway.db", "gateway.db", "exists; choose another file"),
        ("sqlite:///{folder}/gateway.db", "none/copy.db", "cannot be written"),
        ("postgresql://gateway@db/gateway", "copy.db", "tools of PostgreSQL"),
    ],
)
def test_what_cannot_be_backed_up_says_why_and_leaves_nothing(
    tmp_path: Path, url: str, name: str, message: str
) -> None:
    create_sqlite_database(tmp_path / "gateway.db")
    with pytest.raises(BackupError, match=message):
        back_up_database(url.format(folder=tmp_path), tmp_path / name)
    assert os.listdir(tmp_path) == ["gateway.db"]


def test_a_backup_that_was_killed_is_replaced(tmp_path: Path) -> None:
    url = create_sqlite_database(tmp_path / "gateway.db")
    (tmp_path / "copy.db.partial").write_bytes(b"half")
    back_up_database(url, tmp_path / "copy.db")
    assert sorted(os.listdir(tmp_path)) == ["copy.db", "gateway.db"]
