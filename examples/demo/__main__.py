"""`make demo`: runs a till, a web store and a marketplace, the gateway on PORT, and the control server on PORT + 1."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from examples.demo.busy.day import Plan, run_day
from examples.demo.channels import (
    EXTERNAL_LOCATIONS,
    Sandboxes,
    build_worlds,
    mark_changed,
    reset_state,
    start_sandboxes,
    summarize_worlds,
)
from examples.demo.control import ControlContext, ControlServer, create_control_server
from examples.demo.gateway_process import DemoError, build_environment, query_gateway, run_command, serve_gateway
from examples.demo.prices import import_prices
from examples.demo.queries import VARIANT, render_instructions
from examples.demo.retail import DataError, ReceiptLine, read_receipts
from examples.storefront.manifest import build_manifest, load_documents
from gateway.sdk.testing.sandbox import World

HERE = Path(__file__).parent
STATE_DIRECTORY = Path(os.environ.get("DEMO_STATE") or HERE.parents[1] / ".demo")
"""The directory for state that survives a restart."""

DATA = HERE / "data" / "online-retail-2010-12.csv.gz"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo until Ctrl-C, or a busy day to its end."""
    arguments = build_parser().parse_args(argv)
    try:
        lines = read_receipts(Path(os.environ.get("DATA") or DATA))
        if arguments.command == "busy-day":
            return run_busy_day(lines, Plan(arguments.sales, arguments.seed))
        port = parse_port(os.environ.get("PORT") or "8000")
        asyncio.run(run_demo(build_worlds(lines, f"http://127.0.0.1:{port + 1}/pictures"), port))
    except (DataError, DemoError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    parser = argparse.ArgumentParser("python -m examples.demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", title="commands")
    busy = commands.add_parser(
        "busy-day",
        help="simulate sales in all channels while they fail, then run `gateway doctor`",
        description="Simulates a day of sales in minutes. Exit code 1: a channel's count differs from the sales, a due",
    )
    busy.add_argument("--sales", type=int, default=2_000, help="how many (default: 2,000)")
    busy.add_argument("--seed", type=int, default=1, help="the seed of the random choices (default: 1)")
    return parser


def run_busy_day(lines: Sequence[ReceiptLine], plan: Plan) -> int:
    """Simulate a day in a temporary directory."""
    say = partial(print, flush=True)
    with tempfile.TemporaryDirectory(prefix="busy-day-") as directory:
        return asyncio.run(run_day(lines, Path(directory), find_free_port(), plan, say)).print(say)


async def run_demo(worlds: Mapping[str, World], port: int) -> None:
    """Run the demo until Ctrl-C, SIGTERM, or the end of the gateway."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    reset_state(worlds, STATE_DIRECTORY)
    for key, world in worlds.items():
        print(f"{key}: {len(world.products):,} products, {len(world.receipts):,} orders", flush=True)
    async with start_sandboxes(worlds, STATE_DIRECTORY) as sandboxes:
        await run_until(stop, run_gateway(worlds, sandboxes, STATE_DIRECTORY, port))


async def run_until(stop: asyncio.Event, work: Any) -> None:
    """Run the work until it completes or `stop` is set."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        working.cancel()
        await asyncio.wait((working,))
    if not working.cancelled():
        working.result()


async def run_gateway(worlds: Mapping[str, World], sandboxes: Sandboxes, state: Path, port: int) -> None:
    """Run the gateway and the control server for the sandboxes. `state`: the directory of the gateway's database."""
    address = f"http://127.0.0.1:{port}"
    environment = {**sandboxes.environment, **build_environment(state / "gateway.db", port)}
    outside = ControlContext(
        sandboxes.by_channel,
        EXTERNAL_LOCATIONS,
        summarize_worlds(worlds),
        address,
        port + 1,
        lambda: mark_changed(state),
    )
    control = create_control_server(outside)
    serving_it = asyncio.create_task(control.serve())
    try:
        if not is_synced(state):
            await sync_first(sandboxes, state, environment)
        await push_documents(state / "storefront.json", environment)
        async with serve_gateway(environment, address) as gateway:
            await print_instructions(f"{address}/graphql", port + 1)
            await gateway.wait()
            raise DemoError(f"`gateway serve` ended with code {gateway.returncode}")
    finally:
        await stop_server(control, serving_it)


def is_synced(state: Path) -> bool:
    """Return whether an earlier start completed the first sync; later changes are read while the gateway serves."""
    return (state / "synced").exists()


async def push_documents(file: Path, environment: Mapping[str, str]) -> None:
    """Push the storefront's documents, as its release would."""
    await asyncio.to_thread(file.write_text, build_manifest(load_documents()), encoding="utf-8")
    named = ("--app", "storefront", "--version", "1.0")
    if code := await run_command("documents", environment, "push", str(file), *named):
        raise DemoError(f"`gateway documents push` ended with code {code}")


async def sync_first(sandboxes: Sandboxes, state: Path, environment: Mapping[str, str]) -> None:
    """Sync for the first time, and import what the web store's products cost before, which no channel tells."""
    if code := await run_command("sync", environment):
        print(f"`gateway sync` ended with code {code}; `gateway serve` retries what failed", flush=True)
    else:
        await import_prices(state / "prices.csv", sandboxes.web, environment, datetime.now(UTC))
        (state / "synced").touch()


async def stop_server(control: ControlServer, serving: asyncio.Task[None]) -> None:
    """Stop the control server."""
    control.should_exit = True
    await serving


async def print_instructions(address: str, control_port: int) -> None:
    """Print the address and the queries to try."""
    response = await query_gateway(address, VARIANT)
    nodes = response["data"]["productVariants"]["nodes"]
    print(render_instructions(address, control_port, nodes[0]["id"] if nodes else None), flush=True)


def find_free_port() -> int:
    """Find a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def parse_port(text: str) -> int:
    """Parse a port number; check that this port and the next one are free."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65534:
        raise DemoError(f"PORT: expected a number from 1 to 65534, found {text}")
    for port in (int(text), int(text) + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise DemoError(f"PORT: {port} is in use; choose another one: PORT=9000 make demo") from error
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
