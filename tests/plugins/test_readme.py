"""The README, word for word: what it says to type is typed, and what it says comes back comes back."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from gateway.sdk.testing.sandbox import small_world
from gateway_sqlpos.sandbox import start
from tests.plugins.test_demo_run import free_ports, told

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The README's code blocks in this language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


async def run(command: str, environment: Mapping[str, str], directory: Path) -> tuple[int, str, str]:
    """What a command gives, typed as it stands."""
    pipe = asyncio.subprocess.PIPE
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, cwd=directory, stdout=pipe, stderr=pipe, env={**os.environ, **environment, "PATH": path}
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """Where the demo runs, on the data that comes with the project."""
    port, pipe = free_ports(), asyncio.subprocess.PIPE
    environment = {**os.environ, "PORT": str(port), "DEMO_STATE": str(tmp_path / "state")}
    environment.pop("DATA", None)
    command = (sys.executable, "-m", "examples.demo")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe)
    assert f"ready http://127.0.0.1:{port}/graphql" in await told(process)
    yield port
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(30):
        await process.communicate()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_first_query_and_the_outside_world_answer_as_the_readme_says(port: int, tmp_path: Path) -> None:
    query, world = [block for block in blocks("sh") if block.startswith("curl")]
    answer = json.loads(blocks("json")[0])
    code, out, err = await run(query.replace(":8000", f":{port}"), {}, tmp_path)
    assert (code, json.loads(out)) == (0, answer), err
    for line in world.splitlines():
        code, out, err = await run(line.replace(":8001", f":{port + 1}") + " --fail", {}, tmp_path)
        assert code == 0, err


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Path]:
    """A folder with the gateway.toml of a small shop."""
    sandbox = await start(small_world(), tmp_path)
    place = small_world().places[0]
    config = "\n".join(
        f"{key} = {json.dumps(value)}" for key, value in sandbox.config.items() if isinstance(value, str)
    )
    (tmp_path / "gateway.toml").write_text(
        f'[channels.till]\nplugin = "sqlpos"\n[channels.till.config]\n{config}\n'
        f'[locations.shop]\nname = "Shop"\nkind = "STORE"\nauthority = "till"\nchannels = {{ till = "{place.id}" }}\n',
        encoding="utf-8",
    )
    yield tmp_path
    await sandbox.close()


async def test_the_commands_of_the_readme_work(shop: Path) -> None:
    """`gateway serve` is what the demo runs."""
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("gateway ")]
    assert len(commands) == 6
    for command in commands:
        if not command.startswith("gateway serve"):
            code, out, err = await run(command, {}, shop)
            assert code == 0, f"{command}\n{out}\n{err}"
