"""The commands of the README, word for word, and helpers that find its chapters."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from gateway.sdk.testing.sandbox import build_small_world
from gateway_sqlpos_sandbox import start

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def find_chapter(title: str) -> str:
    """Find the chapter of the README with this title."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def list_blocks(language: str, text: str = README) -> list[str]:
    """List the code blocks in this language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


async def run(command: str, environment: Mapping[str, str], directory: Path) -> tuple[int, str, str]:
    """Run a command exactly as documented and return its exit code and output."""
    pipe = asyncio.subprocess.PIPE
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, cwd=directory, stdout=pipe, stderr=pipe, env={**os.environ, **environment, "PATH": path}
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Path]:
    """A folder with the gateway.toml of a small shop."""
    sandbox = await start(build_small_world(), tmp_path)
    location_id = build_small_world().places[0].id
    config = "\n".join(
        f"{key} = {json.dumps(value)}" for key, value in sandbox.config.items() if isinstance(value, str)
    )
    (tmp_path / "gateway.toml").write_text(
        f'[channels.till]\nplugin = "sqlpos"\n[channels.till.config]\n{config}\n'
        '[locations.shop]\nname = "Shop"\nkind = "STORE"\nauthority = "till"\n'
        f'channels = {{ till = "{location_id}" }}\n',
        encoding="utf-8",
    )
    yield tmp_path
    await sandbox.close()


@pytest.mark.long
async def test_the_commands_of_the_readme_work(shop: Path) -> None:
    """The demo runs `gateway serve`."""
    commands = [line for block in list_blocks("sh") for line in block.splitlines() if line.startswith("gateway ")]
    assert len(commands) == 6
    for command in commands:
        if not command.startswith("gateway serve"):
            code, out, err = await run(command, {}, shop)
            assert code == 0, f"{command}\n{out}\n{err}"
