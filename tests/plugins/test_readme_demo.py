"""The README's chapters about the demo, word for word: what it says to type is typed, what it says comes back comes
back, and every channel has its part of what was sold.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from examples.demo import store
from examples.demo.__main__ import DATA, around, until
from examples.demo.channels import Twins, forget_others, started, worlds_of
from examples.demo.retail import read
from gateway_amazon.sandbox.twin import AmazonSandbox
from gateway_shopify.sandbox import ShopSandbox
from gateway_shopify.sandbox.shop import Node, number
from gateway_sqlpos.sandbox import TillSandbox, schema
from gateway_sqlpos.sandbox.loading import product_id
from tests.plugins.test_demo_run import free_ports
from tests.plugins.test_readme import blocks, chapter

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]
STAND = "22423"
PATIENCE = 180
"""Seconds until what a store was told is proved to be in its count: a minute, and what the feeds take."""


class Shell:
    """A shell into which things are pasted."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def paste(self, text: str) -> list[Any]:
        """What it prints: a line each."""
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
    """The demo, in this process: the gateway runs in one of its own."""

    twins: Twins
    shell: Shell
    port: int

    async def paste(self, text: str) -> list[Any]:
        """What the README says to type, at the ports of this demo."""
        return await self.shell.paste(text.replace(":8000", f":{self.port}").replace(":8001", f":{self.port + 1}"))

    async def till(self) -> dict[str, float]:
        """What the till counts in each shop."""
        counts = schema.stockcurrent.c
        chosen = sa.select(counts.location, counts.units).where(counts.product == product_id(STAND))
        till: Any = self.twins.sandboxes["till"]
        assert isinstance(till, TillSandbox)
        return dict(await till.run(lambda conn: [tuple(row) for row in conn.execute(chosen)]))

    @property
    def shop(self) -> ShopSandbox:
        found = self.twins.sandboxes["web"]
        assert isinstance(found, ShopSandbox)
        return found

    def web(self) -> dict[str, int]:
        """What the web store counts in Leeds."""
        item = number(self.shop.shop.variant(STAND)["inventoryItem"]["id"])
        counts = self.shop.shop.levels[item][int(self.shop.places[store.LEEDS])]["counts"]
        return {name: counts.get(name, 0) for name in ("available", "committed", "on_hand")}

    def newest(self) -> Node:
        """The last order that the web store has."""
        return self.shop.shop.all("Order")[-1]

    def amazon(self) -> int | None:
        """What is offered on Amazon."""
        account = self.twins.sandboxes["amazon"]
        assert isinstance(account, AmazonSandbox)
        return account.offered(STAND)


async def ready(address: str, running: asyncio.Task[None]) -> None:
    """Once the gateway says so."""
    async with httpx2.AsyncClient() as client, asyncio.timeout(120):
        while not running.done():
            with contextlib.suppress(httpx2.TransportError):
                if (await client.get(address)).is_success:
                    return
            await asyncio.sleep(0.1)


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    worlds, kept, port, stop = worlds_of(read(DATA)), tmp_path / "state", free_ports(), asyncio.Event()
    forget_others(worlds, kept)
    async with started(worlds, kept) as twins:
        running = asyncio.create_task(until(stop, around(worlds, twins, kept, port)))
        pipe = asyncio.subprocess.PIPE
        shell = await asyncio.create_subprocess_exec("bash", stdin=pipe, stdout=pipe, cwd=tmp_path)
        await ready(f"http://127.0.0.1:{port}/health/ready", running)
        yield Demo(twins, Shell(shell), port)
        shell.terminate()
        await shell.communicate()
        stop.set()
        await running


def agrees(shown: Any, said: Any) -> bool:
    """Whether an answer is as it is shown: an ellipsis stands for anything, and at the end of a list for more."""
    if shown == "…":
        return said is not None
    if isinstance(shown, dict):
        same = isinstance(said, dict) and shown.keys() == said.keys()
        return same and all(agrees(value, said[key]) for key, value in shown.items())
    if isinstance(shown, list):
        more = shown[-1:] == ["…"]
        some = shown[:-1] if more else shown
        enough = isinstance(said, list) and (len(said) > len(some) if more else len(said) == len(some))
        return enough and all(map(agrees, some, said))
    return bool(shown == said)


def shown(block: str) -> list[Any]:
    """The answers in a block of the README, one after the other."""
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
def test_an_answer_that_is_not_as_shown_is_told_from_one_that_is(this: Any, that: Any) -> None:
    assert not agrees(this, that)
    assert agrees({"a": "…", "b": [1, "…"]}, {"a": {"c": 1}, "b": [1, 2]})


async def test_the_demo_answers_and_sells_as_the_readme_says(demo: Demo) -> None:
    await queries(demo)
    await sales(demo)


async def queries(demo: Demo) -> None:
    """The first chapter."""
    query, world = blocks("sh", chapter("A query"))
    (answer,) = map(json.loads, blocks("json", chapter("A query")))
    assert await demo.paste(query) == [answer]
    for line in world.splitlines():
        (done,) = await demo.paste(line)
        assert "error" not in done


async def sales(demo: Demo) -> None:
    """The second one; what was sold is counted in the channels themselves."""
    functions, begun, collected, sent, offered, asked = blocks("sh", chapter("A sale"))
    answers = [shown(block) for block in blocks("json", chapter("A sale"))]
    assert await demo.paste(functions) == []
    before, orders = await demo.till(), len(demo.shop.shop.all("Order"))
    assert (demo.web(), demo.amazon()) == ({"available": 379, "committed": 0, "on_hand": 379}, 379)

    assert agrees(answers[0], await demo.paste(begun))
    assert agrees(answers[1], await demo.paste(collected))
    assert demo.web() == {"available": 377, "committed": 0, "on_hand": 377}, "the store was told by an adjustment"
    assert len(demo.shop.shop.all("Order")) == orders

    assert agrees(answers[2], await demo.paste(sent))
    assert demo.web()["available"] == 376
    await eventually(lambda: demo.web() == {"available": 376, "committed": 0, "on_hand": 376})
    order = demo.newest()
    assert (len(demo.shop.shop.all("Order")), order["displayFulfillmentStatus"]) == (orders + 1, "FULFILLED")
    assert [one["tracking"]["number"] for one in order["fulfillments"]] == ["RM 1234 5678 9GB"]
    assert await demo.till() == before, "nothing has left a shop's own shelf"

    assert await demo.paste(offered) == [{"order": "202-0900000-0000057"}]
    assert demo.amazon() == 378
    await eventually(lambda: demo.web() == {"available": 375, "committed": 0, "on_hand": 375})
    async with asyncio.timeout(PATIENCE):
        while not agrees(answers[3], await demo.paste(asked)):  # noqa: ASYNC110 as a reader would
            await asyncio.sleep(0.5)
    assert demo.web() == {"available": 375, "committed": 0, "on_hand": 375}, "and nothing was told twice"
    assert len(demo.shop.shop.all("Order")) == orders + 1


async def eventually(condition: Callable[[], bool]) -> None:
    """Once this is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 the twins set no events
            await asyncio.sleep(0.1)
