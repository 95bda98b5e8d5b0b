"""Webhooks as they come in: proved, stored, answered, and only then looked at (rule S2)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gateway.app import create_app
from gateway.http.webhooks import LARGE, LARGEST, MOST_LARGE
from gateway.runtime import Gateway
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import Answer, Ask, blocking
from gateway.sdk.testing.memory import MemoryStore, delivery
from gateway.sdk.webhooks import Delivery
from gateway.storage import tables
from tests.graphql.world import schema
from tests.house import Clock, running
from tests.sync.observed import rows_of, titles

pytestmark = pytest.mark.anyio

SECRET = "the secret of the web store"
CHANNELS: dict[str, dict[str, Any]] = {
    "web": {"config": {"feeds": ["products"], "secrets": [SECRET]}, "live_deadline": "300ms"},
    "till": {"config": {"feeds": ["products"]}},
}


@dataclass
class House:
    """A gateway with a web store that sends webhooks and a till that does not."""

    gateway: Gateway
    http: httpx2.AsyncClient
    store: MemoryStore
    clock: Clock

    def signed(self, id: str, *ids: str, secret: str = SECRET) -> Delivery:
        return delivery(secret, id, "products", ids, self.clock())

    async def send(self, sent: Delivery, channel: str = "web") -> int:
        answer = await self.http.post(f"/webhooks/{channel}", content=sent.body, headers=dict(sent.headers))
        assert answer.content == b"", "who sends it learns nothing else"
        return answer.status_code

    async def stored(self) -> list[str]:
        return await rows_of(self.gateway, tables.inbox, "delivery_id")


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    clock, stores = Clock(), {"web": MemoryStore(), "till": MemoryStore()}
    stores["web"].put("products", rows.product("1", title="Old"))
    async with running(database_url, stores, clock, CHANNELS) as gateway:
        await gateway.run_due()
        transport = httpx2.ASGITransport(create_app(gateway, schema()))
        async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield House(gateway, http, stores["web"], clock)
        stores["web"].mend()


async def test_a_delivery_is_stored_before_it_is_answered_and_its_record_is_read_again(house: House) -> None:
    house.store.change("products", "1", title="New")
    assert await house.send(house.signed("d1", "1")) == 200
    assert await house.stored() == ["d1"]
    assert await titles(house.gateway) == ["Old"]
    await house.gateway.run_due()
    assert await titles(house.gateway) == ["New"]


async def test_a_second_copy_is_answered_alike_and_has_no_effect(house: House) -> None:
    sent = house.signed("d1", "1")
    assert [await house.send(sent), await house.send(sent)] == [200, 200]
    await house.gateway.run_due()
    calls = len(house.store.calls)
    assert await house.send(sent) == 200
    await house.gateway.run_due()
    assert (await house.stored(), len(house.store.calls)) == (["d1"], calls)


async def test_a_forged_delivery_is_refused_and_kept_nowhere(house: House) -> None:
    assert await house.send(house.signed("d1", "1", secret="another secret")) == 401
    unsigned = Delivery(headers={}, body=b"{}", received_at=house.clock())
    assert await house.send(unsigned) == 401
    assert await house.stored() == []


async def test_a_delivery_that_was_signed_long_ago_is_refused(house: House) -> None:
    sent = house.signed("d1", "1")
    house.clock.time += timedelta(hours=1)
    assert await house.send(sent) == 409
    assert await house.stored() == []


async def test_a_body_that_is_too_large_is_not_read(house: House) -> None:
    sent = house.signed("d1", "1")
    assert await house.send(Delivery(headers=sent.headers, body=b"x" * (LARGEST + 1), received_at=house.clock())) == 413
    assert await house.stored() == []


@pytest.mark.any_database
async def test_strangers_do_not_fill_the_memory_with_large_bodies(house: House) -> None:
    begun, end = asyncio.Semaphore(0), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        begun.release()
        yield b"x"
        await end.wait()

    waiting = [asyncio.create_task(house.http.post("/webhooks/web", content=body())) for _ in range(MOST_LARGE)]
    for _ in waiting:
        await begun.acquire()
    too_many = await house.http.post("/webhooks/web", content=b"x" * (LARGE + 1))
    assert (too_many.status_code, too_many.headers["retry-after"]) == (503, "1")
    assert await house.send(house.signed("d1", "1")) == 200
    end.set()
    assert [(await one).status_code for one in waiting] == [401] * MOST_LARGE
    assert (await house.http.post("/webhooks/web", content=b"x" * (LARGE + 1))).status_code == 401


@pytest.mark.parametrize("channel", ["till", "nobody", "web/x", ""])
async def test_where_no_webhooks_are_expected_there_is_nothing(house: House, channel: str) -> None:
    sent = house.signed("d1", "1")
    answer = await house.http.post(f"/webhooks/{channel}", content=sent.body, headers=dict(sent.headers))
    assert answer.status_code == 404


async def test_a_delivery_about_a_product_that_is_gone_and_one_about_nothing_known_do_no_harm(house: House) -> None:
    house.store.remove("products", "1")
    for n, id in enumerate(("1", "never heard of")):
        assert await house.send(house.signed(f"d{n}", id)) == 200
    await house.gateway.run_due()
    assert await titles(house.gateway) == []


async def test_signed_nonsense_is_stored_with_its_problem_and_stops_nothing(house: House) -> None:
    house.store.change("products", "1", title="New")
    assert await house.send(delivery(SECRET, "d1", "no such feed", ["1"], house.clock())) == 200
    assert await house.send(house.signed("d2", "1")) == 200
    await house.gateway.run_due()
    assert await titles(house.gateway) == ["New"]
    problems = await rows_of(house.gateway, tables.inbox, "delivery_id", "problem")
    assert [id for id, problem in problems if problem] == ["d1"]


async def test_a_store_whose_plugin_is_stuck_is_asked_to_deliver_again(house: House) -> None:
    reached, free = threading.Event(), threading.Event()

    async def stuck(ask: Ask, answer: Answer) -> Any:
        reached.set()
        return await blocking(free)(ask, answer)

    house.store.apply(stuck, times=1)
    house.clock.forward(hours=1)
    syncing = asyncio.create_task(house.gateway.run_due())
    await asyncio.to_thread(reached.wait)
    try:
        assert await house.send(house.signed("d1", "1")) == 503
    finally:
        free.set()
        await syncing
    assert await house.send(house.signed("d1", "1")) == 200


async def test_the_gateway_subscribes_under_the_name_that_it_has_outside(database_url: str) -> None:
    store = MemoryStore()
    server = {"public_url": "https://shop.example/gateway/"}
    async with running(database_url, {"web": store}, Clock(), {"web": CHANNELS["web"]}, server=server) as gateway:
        await gateway.subscribe("web")
        await gateway.subscribe("web")
    assert store.subscriptions == ["https://shop.example/gateway/webhooks/web"]
