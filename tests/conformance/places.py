"""Where suites run: a gateway on a socket, as `gateway serve` has it, in front of a small retailer."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.databases import sqlite_database
from tests.graphql.buying import TABLES, stores
from tests.graphql.world import opened
from tests.http.served import serving

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class SuiteError(Exception):
    """A suite did not come to its end."""


@dataclass(frozen=True)
class Check:
    """One thing that a suite has looked at. `reason`: why it failed."""

    name: str
    passed: bool
    reason: str | None = None


@dataclass(frozen=True)
class Place:
    """A running gateway. `folder`: holds its gateway.toml, and has room for what a suite makes."""

    url: str
    folder: Path


@contextlib.asynccontextmanager
async def place(folder: Path, **tables: Any) -> AsyncIterator[Place]:
    """A gateway in front of a small retailer who sells, in a folder of its own."""
    url = sqlite_database(folder / "gateway.db")
    (folder / "gateway.toml").write_text(f'database = "{url}"\n', encoding="utf-8")
    async with opened(url, stores(), **{**TABLES, **tables}) as world, serving(world.gateway) as served:
        yield Place(f"http://127.0.0.1:{served.port}/graphql", folder)
