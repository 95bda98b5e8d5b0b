"""The demo as users run it: the program itself, over HTTP, until it ends."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import randrange

import httpx2
import pytest

from examples.demo.queries import LIVE, PRODUCT, RECEIPTS
from examples.demo.retail import COLUMNS

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
STAFF = {"authorization": "Bearer demo-staff"}
LINES = (
    "536365,22423,REGENCY CAKESTAND 3 TIER,6,2010-12-01 08:26:00,12.75,17850.0,United Kingdom",
    "C536366,22423,REGENCY CAKESTAND 3 TIER,-1,2010-12-02 08:26:00,12.75,17850.0,United Kingdom",
    "536367,84969,BOX OF 6 ASSORTED COLOUR TEASPOONS,6,2010-12-01 08:34:00,4.25,13047.0,United Kingdom",
)


REDUCED = """{ products(first: 1, search: "84969") { nodes { featuredImage { url sized(maxWidth: 400) }
  variants(first: 1) { nodes { offer(channelKey: "web") {
    price { amount } compareAtPrice { amount } lowestPriceBefore { amount } } } } } } }"""


@dataclass(frozen=True)
class Demo:
    process: asyncio.subprocess.Process
    port: int
    ready: str


def free_ports() -> int:
    """Find a free port whose successor is free as well: none of those that the system gives to connections, and that
    no other process of this run tries.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = 20_000 + 1_000 * (worker % 10) + 2 * randrange(499)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


async def start_demo(directory: Path, port: int) -> asyncio.subprocess.Process:
    data = directory / "data.csv.gz"
    data.write_bytes(gzip.compress("\n".join([",".join(COLUMNS), *LINES]).encode()))
    environment = {**os.environ, "PORT": str(port), "DATA": str(data), "DEMO_STATE": str(directory / "state")}
    command = (sys.executable, "-m", "examples.demo")
    out = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=out, stderr=out)


async def read_output(process: asyncio.subprocess.Process) -> str:
    """Read the output up to the instructions for ending the demo."""
    assert process.stdout is not None
    text = ""
    async with asyncio.timeout(180):
        while "Ctrl-C ends" not in text and (line := await process.stdout.readline()):
            text += line.decode()
    return text


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    port = free_ports()
    process = await start_demo(tmp_path, port)
    yield Demo(process, port, await read_output(process))
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def post_query(port: int, query: str, headers: dict[str, str] | None = None) -> str:
    async with httpx2.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{port}/graphql", json={"query": query}, headers=headers)
    assert answer.status_code == 200
    assert "errors" not in answer.json()
    return answer.text


@pytest.mark.long
async def test_the_demo_answers_what_it_says_to_paste_and_leaves_nothing_running(demo: Demo) -> None:
    assert f"ready http://127.0.0.1:{demo.port}/graphql" in demo.ready
    assert PRODUCT in demo.ready
    product = await post_query(demo.port, PRODUCT)
    assert ('"amount":"12.75"' in product, '"amount":"14.98"' in product) == (True, True), "without tax, and with it"
    receipts = await post_query(demo.port, RECEIPTS, STAFF)
    assert '"number":"R536366"' in receipts
    assert '"reverses":{"number":"536365"}' in receipts
    await check_reduced_product(demo.port)
    found = re.search(r'variantIds: \["(.+?)"\]', demo.ready)
    assert found is not None
    before = await post_query(demo.port, LIVE.format(variant=found[1]), STAFF)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{demo.port + 1}/world/till") as outside:
        await outside.post("/sell", json={"sku": "22423", "quantity": 2, "location": "store-london"})
    after = await post_query(demo.port, LIVE.format(variant=found[1]), STAFF)
    assert read_on_hand(before) - read_on_hand(after) == 2
    demo.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(30):
        await demo.process.communicate()
    assert demo.process.returncode == 0
    assert not await is_listening(demo)


async def check_reduced_product(port: int) -> None:
    """Check what a page shows of a reduced product: the lowest price before, and a picture of its size."""
    (product,) = json.loads(await post_query(port, REDUCED))["data"]["products"]["nodes"]
    offer = product["variants"]["nodes"][0]["offer"]
    price, before, lowest = (
        Decimal(offer[name]["amount"]) for name in ("price", "compareAtPrice", "lowestPriceBefore")
    )
    assert price < lowest <= before
    image = product["featuredImage"]
    assert image["sized"] == f"{image['url']}?width=400"
    async with httpx2.AsyncClient() as client:
        assert 'width="400" height="300"' in (await client.get(image["sized"])).text


@pytest.mark.long
async def test_a_demo_that_is_killed_takes_its_gateway_along(demo: Demo) -> None:
    demo.process.kill()
    async with asyncio.timeout(30):
        await demo.process.communicate()  # to the end of the output, which the gateway writes to as well
    assert not await is_listening(demo)


async def is_listening(demo: Demo) -> bool:
    for port in (demo.port, demo.port + 1):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            continue
        writer.close()
        return True
    return False


def read_on_hand(answer: str) -> int:
    found = re.search(r'"onHand":(-?\d+)', answer)
    assert found is not None
    return int(found[1])


async def test_a_port_that_is_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = await start_demo(tmp_path, taken.getsockname()[1])
        _, problems = await process.communicate()
    assert process.returncode == 1
    assert problems.decode().startswith("demo: PORT: ")
    assert len(problems.decode().splitlines()) == 1
