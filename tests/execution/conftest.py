"""Fixtures of tests of the response cache."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.execution.compiler import run
from tests.graphql.world import World, open_small_world


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_small_world(database_url) as world:
        yield world


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Records each run of a plan: what is not answered from the cache."""
    runs: list[object] = []
    resolve_roots = run.PlanRun.resolve_roots

    async def resolve_recorded(self: run.PlanRun) -> Any:
        runs.append(self)
        return await resolve_roots(self)

    monkeypatch.setattr(run.PlanRun, "resolve_roots", resolve_recorded)
    return runs
