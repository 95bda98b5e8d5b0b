"""`make demo`: a till with real receipts, the gateway on PORT, and the outside world on PORT + 1."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from examples.demo.control import ControlServer, Outside, control_server
from examples.demo.gateway_process import DemoError, ask, run, serving
from examples.demo.queries import SHOWN, VARIANT, paste
from examples.demo.retail import DataError, read
from examples.demo.world import world_of
from gateway.sdk.testing.sandbox import Sandbox, World
from gateway_sqlpos.sandbox import start
from gateway_sqlpos.sandbox.loading import fingerprint

HERE = Path(__file__).parent
KEPT = Path(os.environ.get("DEMO_STATE") or HERE.parents[1] / ".demo")
"""What the demo keeps from one start to the next."""

LOCATIONS = {"store-london": "london", "store-manchester": "manchester"}
DATA = HERE / "data" / "online-retail-2010-12.csv.gz"


def main() -> int:
    """Run until Ctrl-C."""
    try:
        port = free_port(os.environ.get("PORT") or "8000")
        world = world_of(read(Path(os.environ.get("DATA") or DATA)))
        asyncio.run(demo(world, port))
    except (DataError, DemoError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


async def demo(world: World, port: int) -> None:
    """The whole demo; ended by the first of Ctrl-C, SIGTERM and the gateway's own end."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    forget_another_world(world)
    print(f"the till: {len(world.products):,} products, {len(world.receipts):,} receipts", flush=True)
    sandbox = await start(world, KEPT)
    try:
        await until(stop, around(world, sandbox, port))
    finally:
        await sandbox.close()


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


async def around(world: World, sandbox: Sandbox, port: int) -> None:
    """The gateway and the control server, around the sandbox."""
    address = f"http://127.0.0.1:{port}"
    environment = {
        "DEMO_DATABASE": f"sqlite:///{KEPT / 'gateway.db'}",
        "DEMO_PORT": str(port),
        "DEMO_TILL": str(sandbox.config["url"]),
    }
    control = control_server(Outside({"till": sandbox}, {"till": LOCATIONS}, summary(world)), port + 1)
    outside = asyncio.create_task(control.serve())
    try:
        await run("sync", environment)
        async with serving(environment, address) as gateway:
            await announce(f"{address}/graphql", port + 1)
            await gateway.wait()
            raise DemoError(f"`gateway serve` ended with code {gateway.returncode}")
    finally:
        await ended(control, outside)


async def ended(control: ControlServer, serving: asyncio.Task[None]) -> None:
    """Stop the control server."""
    control.should_exit = True
    await serving


async def announce(address: str, control_port: int) -> None:
    """Say that it is ready, and what to try."""
    found = await ask(address, VARIANT)
    nodes = found["data"]["productVariants"]["nodes"]
    print(paste(address, control_port, nodes[0]["id"] if nodes else None), flush=True)


def summary(world: World) -> Mapping[str, Any]:
    """What `GET /world` says."""
    return {
        "till": {
            "products": len(world.products),
            "customers": len(world.customers),
            "receipts": len(world.receipts),
            "locations": list(LOCATIONS),
            "skus": [product.sku for product in world.products if product.sku in SHOWN],
            "sell": {"sku": SHOWN[0], "quantity": 1, "location": "store-london"},
            "price": {"sku": SHOWN[0], "amount": "2.95"},
            "product": {"sku": SHOWN[0], "title": "CAKESTAND"},
            "fault": {"mode": "down", "seconds": 30},
        }
    }


def forget_another_world(world: World) -> None:
    """Begin anew where the last start had other data."""
    note, now = KEPT / "world", fingerprint(world)
    if note.exists() and note.read_text(encoding="ascii") == now:
        return
    if KEPT.exists():
        shutil.rmtree(KEPT)
    KEPT.mkdir(parents=True)
    (KEPT / ".gitignore").write_text("*\n", encoding="ascii")
    note.write_text(now, encoding="ascii")


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
