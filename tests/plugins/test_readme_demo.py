"""The chapters of the README about the demo: each command is run, each response compared, and every channel must show
its part of the sales.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from examples.demo import store
from examples.demo.__main__ import DATA, run_gateway, run_until
from examples.demo.channels import Sandboxes, build_worlds, reset_state, start_sandboxes
from examples.demo.retail import read_receipts
from gateway_amazon_sandbox.sandbox import AmazonSandbox
from gateway_shopify_sandbox import ShopifySandbox
from gateway_shopify_sandbox.state import Node, parse_number
from gateway_sqlpos_sandbox import SqlPosSandbox, schema
from gateway_sqlpos_sandbox.seed import derive_product_id
from tests.plugins.test_demo_run import free_ports
from tests.plugins.test_readme import find_chapter, list_blocks

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]
STAND = "22423"
PATIENCE = 180
"""Seconds until a count is proved to contain a push to the store: a minute, plus the intervals of the feeds."""


class Shell:
    """A shell that runs pasted commands."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def paste(self, text: str) -> list[Any]:
        """Run the text and return its output, a value per line."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{text}\necho; echo END\n".encode())
        lines: list[str] = []
        async with asyncio.timeout(60):
            while (line := (await self._process.stdout.readline()).decode().strip()) != "END":
                assert self._process.returncode is None
                lines.append(line)
        return [json.loads(line) for line in lines if line]


@dataclass
class Demo:
    """The demo in this process; the gateway runs in a separate one."""

    twins: Sandboxes
    shell: Shell
    port: int

    async def paste(self, text: str) -> list[Any]:
        """Run commands of the README."""
        return await self.shell.paste(text)

    async def count_till_units(self) -> dict[str, float]:
        """Return the count of the till in each shop."""
        counts = schema.stockcurrent.c
        chosen = sa.select(counts.location, counts.units).where(counts.product == derive_product_id(STAND))
        till: Any = self.twins.by_channel["till"]
        assert isinstance(till, SqlPosSandbox)
        return dict(await till.run(lambda conn: [tuple(row) for row in conn.execute(chosen)]))

    @property
    def shop(self) -> ShopifySandbox:
        found = self.twins.by_channel["web"]
        assert isinstance(found, ShopifySandbox)
        return found

    def count_web_units(self) -> dict[str, int]:
        """Return the counts of the web store in Leeds."""
        item = parse_number(self.shop.shop.get_variant(STAND)["inventoryItem"]["id"])
        counts = self.shop.shop.levels[item][int(self.shop.locations[store.LEEDS])]["counts"]
        return {name: counts.get(name, 0) for name in ("available", "committed", "on_hand")}

    def find_newest_order(self) -> Node:
        """Return the latest order of the web store."""
        return self.shop.shop.list_nodes("Order")[-1]

    def get_amazon_quantity(self) -> int | None:
        """Return the quantity offered on Amazon."""
        account = self.twins.by_channel["amazon"]
        assert isinstance(account, AmazonSandbox)
        return account.get_offer(STAND)


async def wait_until_ready(address: str, running: asyncio.Task[None]) -> None:
    """Wait until the gateway is ready."""
    async with httpx2.AsyncClient() as client, asyncio.timeout(300):
        while not running.done():
            with contextlib.suppress(httpx2.TransportError):
                if (await client.get(address)).is_success:
                    return
            await asyncio.sleep(0.1)


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    worlds, directory, port, stop = build_worlds(read_receipts(DATA)), tmp_path / "state", free_ports(), asyncio.Event()
    reset_state(worlds, directory)
    async with start_sandboxes(worlds, directory) as twins:
        running = asyncio.create_task(run_until(stop, run_gateway(worlds, twins, directory, port)))
        pipe = asyncio.subprocess.PIPE
        environment = {**os.environ, "PORT": str(port)}
        shell = await asyncio.create_subprocess_exec("bash", stdin=pipe, stdout=pipe, cwd=tmp_path, env=environment)
        await wait_until_ready(f"http://127.0.0.1:{port}/health/ready", running)
        yield Demo(twins, Shell(shell), port)
        shell.terminate()
        await shell.communicate()
        stop.set()
        await running


def has_expected_shape(shown: Any, said: Any) -> bool:
    """Compare a response with the documented one: an ellipsis stands for any value, and at the end of a list for more
    items.
    """
    if shown == "…":
        return said is not None
    if isinstance(shown, dict):
        same = isinstance(said, dict) and shown.keys() == said.keys()
        return same and all(has_expected_shape(value, said[key]) for key, value in shown.items())
    if isinstance(shown, list):
        more = shown[-1:] == ["…"]
        some = shown[:-1] if more else shown
        enough = isinstance(said, list) and (len(said) > len(some) if more else len(said) == len(some))
        return enough and all(map(has_expected_shape, some, said))
    return bool(shown == said)


def parse_answers(block: str) -> list[Any]:
    """Parse the responses in a block of the README."""
    decoder, found, text = json.JSONDecoder(), [], block.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].strip()
    return found


@pytest.mark.parametrize(
    ("this", "that"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ([1, "…"], [1]),
        ([1], [1, 2]),
        ({"a": "…"}, {"a": None}),
        ("…", None),
    ],
)
def test_a_response_that_differs_from_the_documented_one_is_noticed(this: Any, that: Any) -> None:
    assert not has_expected_shape(this, that)
    assert has_expected_shape({"a": "…", "b": [1, "…"]}, {"a": {"c": 1}, "b": [1, 2]})


async def test_the_demo_answers_and_sells_as_the_readme_says(demo: Demo) -> None:
    await run_query_chapter(demo)
    await run_sale_chapter(demo)


async def run_query_chapter(demo: Demo) -> None:
    """Run the first chapter."""
    query, world = list_blocks("sh", find_chapter("Query"))
    (answer,) = map(json.loads, list_blocks("json", find_chapter("Query")))
    assert await demo.paste(query) == [answer]
    for line in world.splitlines():
        (done,) = await demo.paste(line)
        assert "error" not in done


async def run_sale_chapter(demo: Demo) -> None:
    """Run the second chapter; sold units are counted in the channels themselves."""
    functions, begun, collected, sent, offered, asked = list_blocks("sh", find_chapter("Place orders"))
    answers = [parse_answers(block) for block in list_blocks("json", find_chapter("Place orders"))]
    assert await demo.paste(functions) == []
    before, orders = await demo.count_till_units(), len(demo.shop.shop.list_nodes("Order"))
    assert (demo.count_web_units(), demo.get_amazon_quantity()) == (
        {"available": 379, "committed": 0, "on_hand": 379},
        379,
    )

    assert has_expected_shape(answers[0], await demo.paste(begun))
    assert has_expected_shape(answers[1], await demo.paste(collected))
    assert demo.count_web_units() == {"available": 377, "committed": 0, "on_hand": 377}, (
        "the store received an adjustment"
    )
    assert len(demo.shop.shop.list_nodes("Order")) == orders

    assert has_expected_shape(answers[2], await demo.paste(sent))
    assert demo.count_web_units()["available"] == 376
    await wait_until(lambda: demo.count_web_units() == {"available": 376, "committed": 0, "on_hand": 376})
    order = demo.find_newest_order()
    assert (len(demo.shop.shop.list_nodes("Order")), order["displayFulfillmentStatus"]) == (orders + 1, "FULFILLED")
    assert [one["tracking"]["number"] for one in order["fulfillments"]] == ["RM 1234 5678 9GB"]
    assert await demo.count_till_units() == before, "nothing has left a shop's own shelf"

    assert await demo.paste(offered) == [{"order": "202-0900000-0000057"}]
    assert demo.get_amazon_quantity() == 378
    await wait_until(lambda: demo.count_web_units() == {"available": 375, "committed": 0, "on_hand": 375})
    async with asyncio.timeout(PATIENCE):
        while not has_expected_shape(answers[3], await demo.paste(asked)):  # noqa: ASYNC110 as a reader would
            await asyncio.sleep(0.5)
    assert demo.count_web_units() == {"available": 375, "committed": 0, "on_hand": 375}, "nothing is sent twice"
    assert len(demo.shop.shop.list_nodes("Order")) == orders + 1


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 the sandboxes set no events
            await asyncio.sleep(0.1)
