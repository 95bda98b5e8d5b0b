"""Outages of a database for tests: a network that is cut, and a disk that is full."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.database import Database

ENDLESS = (
    "WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 2000000000)"
    " SELECT count(*) FROM numbers"
)
"""A statement that takes minutes."""

FULL_DISK = """
CREATE FUNCTION fail_as_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: no space left on device' USING ERRCODE = '53100'; END $$
"""
WRITTEN_TABLES = ("facts", "carts", "idempotency", "leases", "channels")


@dataclass
class DatabaseProxy:
    """A TCP proxy before the socket of a PostgreSQL server, which can be cut and restored."""

    socket_path: str
    port: int = 0
    server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def restore(self) -> None:
        """Listen again, on the same port."""
        self.server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Close all connections, and refuse new ones."""
        if self.server is not None:
            self.server.close()
        for writer in [*self.writers]:
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self.socket_path)
        pair = {writer, server_writer}
        self.writers |= pair
        await asyncio.gather(_copy(reader, server_writer), _copy(server_reader, writer))
        self.writers -= pair


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.transport.abort()


@contextlib.asynccontextmanager
async def open_proxy(url: str) -> AsyncIterator[tuple[DatabaseProxy, str]]:
    """Open a proxy before the server of this URL. Yields it with the URL of the database behind it."""
    parsed = sa.make_url(url)
    proxy = DatabaseProxy(f"{parsed.query['host']}/.s.PGSQL.5432")
    await proxy.restore()
    behind = parsed.set(host="127.0.0.1", port=proxy.port, query={})
    try:
        yield proxy, behind.render_as_string(hide_password=False)
    finally:
        await proxy.cut()


@contextlib.asynccontextmanager
async def fill_disk(database: Database) -> AsyncIterator[None]:
    """Let all writes fail as they do on a full disk, inside the `with` statement. Reads succeed."""
    if database.dialect == "sqlite":
        with _forbid_writing_files():
            yield
        return
    await database.write(_create_failing_triggers)
    yield
    await database.write(lambda conn: conn.exec_driver_sql("DROP FUNCTION fail_as_full CASCADE"))


@contextlib.contextmanager
def _forbid_writing_files() -> Iterator[None]:
    """Limit the size of files that this process may write, with an error of the system beyond it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _create_failing_triggers(conn: Connection) -> None:
    conn.exec_driver_sql(FULL_DISK)
    for table in WRITTEN_TABLES:
        conn.exec_driver_sql(
            f"CREATE TRIGGER full_{table} BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION fail_as_full()"
        )
