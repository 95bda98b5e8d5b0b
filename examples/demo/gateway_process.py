"""The gateway of the demo: a separate process of the real program, configured by `gateway.toml` and the environment."""

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

from examples.demo.login import build_issuer_url

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
"""Runs the gateway. Its standard input is a pipe that closes when the demo ends, however it ends."""
READY_TIMEOUT = 60.0
STOP_TIMEOUT = 15.0


class DemoError(Exception):
    """The demo cannot run. The message is one line."""


def build_environment(database: Path, port: int) -> Mapping[str, str]:
    """Build the environment variables for the gateway's database and address."""
    return {
        "DEMO_DATABASE": f"sqlite:///{database}",
        "DEMO_PORT": str(port),
        "DEMO_ADDRESS": f"http://127.0.0.1:{port}",
        "DEMO_LOGIN": build_issuer_url(port + 1),
    }


async def run_command(command: str, environment: Mapping[str, str], *arguments: str) -> int:
    """Run a command of the gateway, and return its exit code. Its output is printed."""
    process = await _start_process(command, environment, *arguments)
    try:
        return await process.wait()
    finally:
        await _stop_process(process)


@contextlib.asynccontextmanager
async def serve_gateway(environment: Mapping[str, str], address: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `gateway serve`, and yield its process once it is ready."""
    process = await _start_process("serve", environment)
    try:
        await _wait_until_ready(process, f"{address}/health/ready")
        yield process
    finally:
        await _stop_process(process)


async def _start_process(command: str, environment: Mapping[str, str], *arguments: str) -> asyncio.subprocess.Process:
    program = (sys.executable, "-c", PROGRAM, command, *arguments, "--config", str(CONFIG))
    return await asyncio.create_subprocess_exec(
        *program, env={**os.environ, **environment}, stdin=asyncio.subprocess.PIPE
    )


async def _stop_process(process: asyncio.subprocess.Process) -> None:
    """Terminate the process; kill it after a timeout."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _wait_until_ready(process: asyncio.subprocess.Process, address: str) -> None:
    try:
        async with asyncio.timeout(READY_TIMEOUT):
            while process.returncode is None:
                if await asyncio.to_thread(_is_ready, address):
                    return
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise DemoError(f"`gateway serve` was not ready after {READY_TIMEOUT:.0f} seconds") from error
    raise DemoError(f"`gateway serve` ended with code {process.returncode}")


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


async def query_gateway(address: str, query: str, token: str | None = None) -> dict[str, Any]:
    """Send a query, and return the response."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(address, json.dumps({"query": query}).encode(), headers)

    def answer() -> dict[str, Any]:
        with urllib.request.urlopen(request, timeout=30) as response:
            data: dict[str, Any] = json.load(response)
            return data

    return await asyncio.to_thread(answer)
