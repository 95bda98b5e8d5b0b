"""Suites that run in Node, against a gateway that `gateway serve` would be."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.sdk.testing.memory import MemoryStore
from tests.databases import sqlite_database
from tests.graphql.buying import TABLES, stores
from tests.graphql.world import ADMIN, opened
from tests.http.served import serving

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NODE = shutil.which("node")
PACKAGES = HERE / "node_modules"
COMMAND = Path(sys.executable).with_name("gateway")


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
async def place(folder: Path, retailer: bool = True, **tables: Any) -> AsyncIterator[Place]:
    """A gateway in front of a small retailer who sells, or of nobody."""
    url = sqlite_database(folder / "gateway.db")
    (folder / "gateway.toml").write_text(f'database = "{url}"\n', encoding="utf-8")
    sold: Mapping[str, MemoryStore] = stores() if retailer else {}
    given: Mapping[str, Any] = TABLES if retailer else {"locations": {}, "catalogue": {}, "stock": {}}
    async with opened(url, sold, **{**given, **tables}) as world, serving(world.gateway) as served:
        yield Place(f"http://127.0.0.1:{served.port}/graphql", folder)


async def run_suite(script: str, place: Place) -> list[Check]:
    """What a suite's script found.

    Raises:
        SuiteError: it ended before its time.
    """
    command = (NODE or "node", str(HERE / script), place.url, ADMIN, str(place.folder), str(COMMAND))
    pipe = asyncio.subprocess.PIPE
    environment = {**os.environ, "NODE_ENV": "production"}  # as in an app that is built; urql is stricter before
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe)
    told, complaint = await process.communicate()
    if process.returncode != 0:
        raise SuiteError(f"{script}: {complaint.decode(errors='replace')}")
    return [_check(json.loads(line)) for line in told.splitlines()]


def _check(told: Mapping[str, Any]) -> Check:
    return Check(told["name"], told["status"] == "ok", told.get("reason"))
