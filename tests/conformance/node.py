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

from tests.conformance.places import HERE, ROOT, Check, Place, SuiteError
from tests.graphql.world import ADMIN

NODE = shutil.which("node")
PACKAGES = HERE / "node_modules"
COMMAND = Path(sys.executable).with_name("gateway")


def missing() -> str | None:
    """What these suites cannot run without, if it is not here."""
    if NODE is None:
        return "node is missing"
    absent = [name for name in versions() if not (PACKAGES / name).exists()]
    return f"packages are missing, which SUITES in the Makefile gets: {', '.join(absent)}" if absent else None


def versions() -> Mapping[str, str]:
    """The versions that are pinned, by package."""
    pinned: Mapping[str, str] = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return pinned


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
