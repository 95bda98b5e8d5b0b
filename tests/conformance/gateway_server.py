"""The target of the suites: a gateway on a socket, as `gateway serve` runs it, in front of a small retailer."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.databases import create_sqlite_database
from tests.graphql.shopper import TABLES, build_stores
from tests.graphql.world import open_world
from tests.http.server import serve

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class SuiteError(Exception):
    """A suite did not complete."""


@dataclass(frozen=True)
class Check:
    """A check of a suite. `reason`: why it failed."""

    name: str
    passed: bool
    reason: str | None = None


@dataclass(frozen=True)
class ConformanceTarget:
    """A running gateway. `folder`: contains gateway.toml and the files that a suite writes."""

    url: str
    folder: Path


@contextlib.asynccontextmanager
async def open_target(folder: Path, **tables: Any) -> AsyncIterator[ConformanceTarget]:
    """Run a gateway with writable channels in its own folder."""
    url = create_sqlite_database(folder / "gateway.db")
    (folder / "gateway.toml").write_text(f'database = "{url}"\n', encoding="utf-8")
    async with open_world(url, build_stores(), **{**TABLES, **tables}) as world, serve(world.gateway) as served:
        yield ConformanceTarget(f"http://127.0.0.1:{served.port}/graphql", folder)
