"""Tills for tests: those that request `open_till` run on SQLite, PostgreSQL and, where it is installed, MariaDB."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.sdk import Channel, LiveFeed, Page, Raw, Ref
from gateway.sdk.testing.sandbox import World, build_small_world
from gateway.sdk.testing.stub_context import StubContext
from gateway_sqlpos import open_channel
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos_sandbox import SqlPosSandbox, open_sandbox

AT_WORK = datetime(2011, 3, 1, 12, 0, tzinfo=UTC)


def build_context() -> StubContext:
    """Build the context of a channel, with a fixed clock."""
    return StubContext("till", AT_WORK)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def database_kind(request: pytest.FixtureRequest) -> str:
    """The database of the gateway: plugins do not depend on it, so PostgreSQL is used in thorough runs only.

    `test_three_channels` always runs on both.
    """
    return str(request.param)


@dataclass
class OpenTill:
    """A sandbox, and a channel that is open on it."""

    sandbox: SqlPosSandbox
    channel: Channel
    clock: StubContext = field(default_factory=build_context)

    def feed(self, name: str) -> LiveFeed[Any]:
        found = next(feed for feed in self.channel.feeds if feed.name == name)
        assert isinstance(found, LiveFeed)
        return found

    def read(self, name: str, raw: Raw) -> Any:
        return self.feed(name).read(raw)

    async def read_pages(self, name: str, mark: str | None = None) -> list[Page]:
        """Read a complete pass."""
        found = [await self.feed(name).page(mark, None)]
        while (token := found[-1].next) is not None:
            assert len(token) <= 8_000
            found.append(await self.feed(name).page(mark, token))
        return found

    async def read_items(self, name: str, mark: str | None = None) -> list[Raw]:
        return [raw for page in await self.read_pages(name, mark) for raw in page.items]

    async def read_records(self, name: str, mark: str | None = None) -> list[Any]:
        return [self.read(name, raw) for raw in await self.read_items(name, mark)]

    async def mark(self, mark: str | None = None) -> str:
        """Return the mark of a pass over the receipts."""
        reached = (await self.read_pages("receipts", mark))[-1].mark
        assert reached is not None
        assert len(reached) <= 64_000
        return reached

    async def fetch_records(self, name: str, *ids: str) -> Mapping[str, Any]:
        return await self.feed(name).fetch([Ref(one) for one in ids])

    async def execute(self, *statements: sa.Executable) -> None:
        """Write to the till's database, past the sandbox."""

        def work(conn: Connection) -> None:
            for statement in statements:
                conn.execute(statement)

        await self.sandbox.run(work)


MakeTill = Callable[..., Awaitable[OpenTill]]


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[sa.URL]:
    """The address of a MariaDB server for these tests."""
    if shutil.which("mariadbd") is None:
        pytest.skip("MariaDB is not installed")
    home = Path(tempfile.mkdtemp(prefix="gateway-mariadb-"))
    options = ["--no-defaults", f"--datadir={home / 'data'}", "--user=root"]
    subprocess.run(
        ["mariadb-install-db", *options, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    listening = [
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={home / 'socket'}",
        f"--pid-file={home / 'pid'}",
    ]
    careless = ["--sql-mode=", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M"]
    with subprocess.Popen(["mariadbd", *options, *listening, *careless], stderr=subprocess.DEVNULL) as server:
        address = sa.make_url(f"mariadb://root@127.0.0.1:{port}/mysql")
        asyncio.run(wait_for_server(address))
        yield address
        server.terminate()
    shutil.rmtree(home, ignore_errors=True)


async def wait_for_server(address: sa.URL) -> None:
    """Wait until the server accepts connections."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await execute(address, "SELECT 1")
            except sa.exc.OperationalError:
                await asyncio.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def till_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database for a till."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'till.db'}"
        return
    server = request.getfixturevalue("mariadb_server" if request.param == "mariadb" else "postgres_server")
    with create_till_database(sa.make_url(server), request.param, tmp_path) as url:
        yield url


@pytest.fixture
def mariadb_url(mariadb_server: sa.URL, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database for a till on MariaDB."""
    with create_till_database(mariadb_server, "mariadb", tmp_path) as url:
        yield url


@contextlib.contextmanager
def create_till_database(server: sa.URL, kind: str, directory: Path) -> Iterator[str]:
    """Create an empty database for a till; drop it afterwards."""
    name = f"till_{abs(hash(directory)):x}"
    asyncio.run(execute(server, f"CREATE DATABASE {name}"))
    yield server.set(database=name, drivername=kind).render_as_string(hide_password=False)
    force = "" if kind == "mariadb" else " WITH (FORCE)"
    asyncio.run(execute(server, f"DROP DATABASE {name}{force}"))


async def execute(server: sa.URL, statement: str) -> None:
    """Run a statement on a server, outside any transaction."""
    if server.get_backend_name() == "mariadb":
        address = server.set(drivername="mariadb+aiomysql")
    else:
        address = server.set(database="postgres", drivername="postgresql+asyncpg")
    engine = create_async_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    async with engine.connect() as conn:
        await conn.execute(sa.text(statement))
    await engine.dispose()


@pytest.fixture
async def open_till(till_url: str) -> AsyncIterator[MakeTill]:
    """Opens a till for this test, loaded with a world."""
    opened: list[OpenTill] = []

    async def make(
        world: World | None = None,
        *,
        foreign_keys: bool = True,
        references: Mapping[str, str] | None = None,
        **options: Any,
    ) -> OpenTill:
        sandbox = await open_sandbox(till_url, world or build_small_world(), foreign_keys=foreign_keys)
        clock = replace(build_context(), references=references or {})
        channel = open_channel(SqlPosConfig(**{**sandbox.config, **options}), clock)
        opened.append(OpenTill(sandbox, channel, clock))
        return opened[-1]

    yield make
    for till in opened:
        await till.channel.close()
        await till.sandbox.close()
