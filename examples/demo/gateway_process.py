"""The gateway of the demo: the real program, in a process of its own, told by `gateway.toml` and the environment."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

CONFIG = Path(__file__).with_name("gateway.toml")
PROGRAM = """
import os, signal, threading, time

def end_with_the_demo():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
    os._exit(1)

threading.Thread(target=end_with_the_demo, daemon=True).start()

from gateway.cli import main
main()
"""
"""The gateway. Its input is a pipe that ends with the demo, however the demo ends."""
PATIENCE = 60.0
STOPPING = 15.0


class DemoError(Exception):
    """The demo cannot run. The message is one line."""


def addresses(database: Path, port: int) -> Mapping[str, str]:
    """Where the gateway keeps what it knows, and where it listens, as its environment says it."""
    return {
        "DEMO_DATABASE": f"sqlite:///{database}",
        "DEMO_PORT": str(port),
        "DEMO_ADDRESS": f"http://127.0.0.1:{port}",
    }


async def run(command: str, environment: Mapping[str, str], *arguments: str) -> int:
    """Run a command of the gateway to its end; its code. What it shows is seen."""
    process = await _started(command, environment, *arguments)
    try:
        return await process.wait()
    finally:
        await _stopped(process)


@contextlib.asynccontextmanager
async def serving(environment: Mapping[str, str], address: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`gateway serve`, once it is ready."""
    process = await _started("serve", environment)
    try:
        await _ready(process, f"{address}/health/ready")
        yield process
    finally:
        await _stopped(process)


async def _started(command: str, environment: Mapping[str, str], *arguments: str) -> asyncio.subprocess.Process:
    program = (sys.executable, "-c", PROGRAM, command, *arguments, "--config", str(CONFIG))
    return await asyncio.create_subprocess_exec(
        *program, env={**os.environ, **environment}, stdin=asyncio.subprocess.PIPE
    )


async def _stopped(process: asyncio.subprocess.Process) -> None:
    """End it, kindly at first."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOPPING)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _ready(process: asyncio.subprocess.Process, address: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while process.returncode is None:
                if await asyncio.to_thread(_answers, address):
                    return
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise DemoError(f"`gateway serve` was not ready after {PATIENCE:.0f} seconds") from error
    raise DemoError(f"`gateway serve` ended with code {process.returncode}")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


async def ask(address: str, query: str, token: str | None = None) -> dict[str, Any]:
    """The answer to a query, as any client gets it."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(address, json.dumps({"query": query}).encode(), headers)

    def answer() -> dict[str, Any]:
        with urllib.request.urlopen(request, timeout=30) as response:
            found: dict[str, Any] = json.load(response)
            return found

    return await asyncio.to_thread(answer)
