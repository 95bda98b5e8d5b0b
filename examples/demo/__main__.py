"""`make demo`: tills, a web store and a marketplace, the gateway on PORT, and the outside world on PORT + 1."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from examples.demo.busy.day import Plan, spend
from examples.demo.channels import PLACES, Twins, forget_others, note_change, started, summary, worlds_of
from examples.demo.control import ControlServer, Outside, control_server
from examples.demo.gateway_process import DemoError, addresses, ask, run, serving
from examples.demo.queries import VARIANT, paste
from examples.demo.retail import DataError, Sold, read
from examples.storefront.manifest import manifest, texts
from gateway.sdk.testing.sandbox import World

HERE = Path(__file__).parent
KEPT = Path(os.environ.get("DEMO_STATE") or HERE.parents[1] / ".demo")
"""What the demo keeps from one start to the next."""

DATA = HERE / "data" / "online-retail-2010-12.csv.gz"


def main(given: Sequence[str] | None = None) -> int:
    """Run the demo until Ctrl-C, or a busy day to its end."""
    asked = arguments().parse_args(given)
    try:
        lines = read(Path(os.environ.get("DATA") or DATA))
        if asked.command == "busy-day":
            return busy_day(lines, Plan(asked.sales, asked.seed))
        asyncio.run(demo(worlds_of(lines), free_port(os.environ.get("PORT") or "8000")))
    except (DataError, DemoError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def arguments() -> argparse.ArgumentParser:
    """What can be asked for."""
    parser = argparse.ArgumentParser("python -m examples.demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", title="instead of the demo")
    busy = commands.add_parser(
        "busy-day",
        help="sell everywhere at once while channels break, and have `gateway doctor` look at what it came to",
        description="A busy day, in minutes. Exit code 1: a channel counts other units than are left, something that "
        "is due is not done, or `gateway doctor` finds a difference.",
    )
    busy.add_argument("--sales", type=int, default=2_000, help="how many (default: 2,000)")
    busy.add_argument("--seed", type=int, default=1, help="another one makes another day (default: 1)")
    return parser


def busy_day(lines: Sequence[Sold], plan: Plan) -> int:
    """A day of its own, of which nothing is kept."""
    say = partial(print, flush=True)
    with tempfile.TemporaryDirectory(prefix="busy-day-") as kept:
        return asyncio.run(spend(lines, Path(kept), any_port(), plan, say)).told(say)


async def demo(worlds: Mapping[str, World], port: int) -> None:
    """The whole demo; ended by the first of Ctrl-C, SIGTERM and the gateway's own end."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    forget_others(worlds, KEPT)
    for key, world in worlds.items():
        print(f"{key}: {len(world.products):,} products, {len(world.receipts):,} orders", flush=True)
    async with started(worlds, KEPT) as twins:
        await until(stop, around(worlds, twins, KEPT, port))


async def until(stop: asyncio.Event, work: Any) -> None:
    """Do the work until it is done or told to stop."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        working.cancel()
        await asyncio.wait((working,))
    if not working.cancelled():
        working.result()


async def around(worlds: Mapping[str, World], twins: Twins, kept: Path, port: int) -> None:
    """The gateway and the control server, around the twins. `kept`: where it is kept what has been read."""
    address = f"http://127.0.0.1:{port}"
    environment = {**twins.environment, **addresses(kept / "gateway.db", port)}
    outside = Outside(twins.sandboxes, PLACES, summary(worlds), address, lambda: note_change(kept))
    control = control_server(outside, port + 1)
    serving_it = asyncio.create_task(control.serve())
    try:
        if not was_synced(kept):
            note_synced(kept, await run("sync", environment))
        await push_documents(kept / "storefront.json", environment)
        async with serving(environment, address) as gateway:
            await announce(f"{address}/graphql", port + 1)
            await gateway.wait()
            raise DemoError(f"`gateway serve` ended with code {gateway.returncode}")
    finally:
        await ended(control, serving_it)


def was_synced(kept: Path) -> bool:
    """Whether an earlier start has read everything: what has changed since, the gateway reads while it serves."""
    return (kept / "synced").exists()


async def push_documents(file: Path, environment: Mapping[str, str]) -> None:
    """The storefront's documents, as its release would push them."""
    await asyncio.to_thread(file.write_text, manifest(texts()), encoding="utf-8")
    named = ("--app", "storefront", "--version", "1.0")
    if code := await run("documents", environment, "push", str(file), *named):
        raise DemoError(f"`gateway documents push` ended with code {code}")


def note_synced(kept: Path, code: int) -> None:
    """The first sync ended with this code."""
    if code:
        print(f"`gateway sync` ended with code {code}; `gateway serve` tries again what failed", flush=True)
    else:
        (kept / "synced").touch()


async def ended(control: ControlServer, serving: asyncio.Task[None]) -> None:
    """Stop the control server."""
    control.should_exit = True
    await serving


async def announce(address: str, control_port: int) -> None:
    """Say that it is ready, and what to try."""
    found = await ask(address, VARIANT)
    nodes = found["data"]["productVariants"]["nodes"]
    print(paste(address, control_port, nodes[0]["id"] if nodes else None), flush=True)


def any_port() -> int:
    """One that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_port(given: str) -> int:
    """The port, which is free, and so is the next one."""
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= 65534:
        raise DemoError(f"PORT: expected a number from 1 to 65534, found {given}")
    for port in (int(given), int(given) + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise DemoError(f"PORT: {port} is in use; choose another one: PORT=9000 make demo") from error
    return int(given)


if __name__ == "__main__":
    sys.exit(main())
