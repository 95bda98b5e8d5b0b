"""The public audits of GraphQL over HTTP, from the package graphql-http, against the running gateway."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.app import create_app
from gateway.sdk.testing.server import Server
from tests.databases import sqlite_database
from tests.graphql.world import opened, schema
from tests.http.asking import EMPTY

HERE = Path(__file__).parent
NODE = shutil.which("node")
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(NODE is None, reason="node is missing"),
    pytest.mark.skipif(not (HERE / "node_modules" / "graphql-http").exists(), reason="see SUITES in the Makefile"),
]


async def audited(url: str) -> list[dict[str, Any]]:
    """The outcome of every audit."""
    command = (NODE or "", str(HERE / "audits.mjs"), url)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in told.splitlines()]


async def outcomes(path: Path, **server: bool) -> list[dict[str, Any]]:
    """The outcome of every audit of a gateway with these settings."""
    async with opened(sqlite_database(path / "gateway.db"), {}, **EMPTY, server=server) as world:
        listening = Server(create_app(world.gateway, schema()))
        await listening.open()
        try:
            return await audited(f"http://127.0.0.1:{listening.port}/graphql")
        finally:
            await listening.close()


async def test_all_61_audits_pass(tmp_path: Path) -> None:
    found = await outcomes(tmp_path)
    assert [one for one in found if one["status"] != "ok"] == []
    assert len(found) == 61


async def test_the_proof_an_audit_that_fails_is_seen(tmp_path: Path) -> None:
    found = await outcomes(tmp_path, draft_status_codes=True)
    assert len(found) == 61
    assert {one["status"] for one in found} > {"ok"}
