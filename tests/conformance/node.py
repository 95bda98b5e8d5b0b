"""Suites that run in Node."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conformance.gateway_server import HERE, ROOT, Check, ConformanceTarget, SuiteError
from tests.graphql.world import ADMIN

NODE = shutil.which("node")
PACKAGES = HERE / "node_modules"
COMMAND = Path(sys.executable).with_name("gateway")


def describe_missing() -> str | None:
    """Return what these suites need but cannot find, or None."""
    if NODE is None:
        return "node is missing"
    absent = [name for name in read_versions() if not (PACKAGES / name).exists()]
    return f"packages are missing, which SUITES in the Makefile gets: {', '.join(absent)}" if absent else None


def read_versions() -> Mapping[str, str]:
    """Read the pinned versions, by package."""
    pinned: Mapping[str, str] = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return pinned


async def run_suite(script: str, target: ConformanceTarget) -> list[Check]:
    """Run the script of a suite and return its checks.

    Raises:
        SuiteError: the script did not complete.
    """
    command = (NODE or "node", str(HERE / script), target.url, ADMIN, str(target.folder), str(COMMAND))
    pipe = asyncio.subprocess.PIPE
    environment = {**os.environ, "NODE_ENV": "production"}  # as in a production build; urql is stricter in development
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe)
    output, complaint = await process.communicate()
    if process.returncode != 0:
        raise SuiteError(f"{script}: {complaint.decode(errors='replace')}")
    return [_check(json.loads(line)) for line in output.splitlines()]


def _check(result: Mapping[str, Any]) -> Check:
    return Check(result["name"], result["status"] == "ok", result.get("reason"))
