"""Webhook deliveries are verified, stored and acknowledged before they are processed (rule S2)."""

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
from gateway.http.webhooks import LARGE_BODY_BYTES, MAX_BODY_BYTES, MAX_LARGE_BODIES
from gateway.runtime.gateway import Gateway
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import Answer, Ask, block_thread
from gateway.sdk.testing.memory_channel import MemoryStore, build_delivery
from gateway.sdk.webhooks import Delivery
from gateway.storage import tables
from tests.gateways import Clock, run_gateway
from tests.graphql.world import get_schema
from tests.sync.observed_records import list_rows, list_titles

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

SECRET = "the secret of the web store"
CHANNELS: dict[str, dict[str, Any]] = {
    "web": {"config": {"feeds": ["products"], "secrets": [SECRET]}, "live_deadline": "300ms"},
    "till": {"config": {"feeds": ["products"]}},
}


@dataclass
class WebhookGateway:
    """A gateway with a web store that sends webhooks and a till that does not."""

    gateway: Gateway
    http: httpx2.AsyncClient
    store: MemoryStore
    clock: Clock

    def build_signed_delivery(self, id: str, *ids: str, secret: str = SECRET) -> Delivery:
        return build_delivery(secret, id, "products", ids, self.clock())

    async def send(self, sent: Delivery, channel: str = "web") -> int:
        answer = await self.http.post(f"/webhooks/{channel}", content=sent.body, headers=dict(sent.headers))
        assert answer.content == b"", "who sends it learns nothing else"
        return answer.status_code

    async def list_stored(self) -> list[str]:
        return await list_rows(self.gateway, tables.inbox, "delivery_id")


@pytest.fixture
async def webhook_gateway(database_url: str) -> AsyncIterator[WebhookGateway]:
    clock, stores = Clock(), {"web": MemoryStore(), "till": MemoryStore()}
    stores["web"].put("products", record_builders.build_product("1", title="Old"))
    async with run_gateway(database_url, stores, clock, CHANNELS) as gateway:
        await gateway.run_due()
        transport = httpx2.ASGITransport(create_app(gateway, get_schema()))
        async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield WebhookGateway(gateway, http, stores["web"], clock)
        stores["web"].mend()


async def test_a_delivery_is_stored_before_it_is_answered_and_its_record_is_read_again(
    webhook_gateway: WebhookGateway,
) -> None:
    webhook_gateway.store.change("products", "1", title="New")
    assert await webhook_gateway.send(webhook_gateway.build_signed_delivery("d1", "1")) == 200
    assert await webhook_gateway.list_stored() == ["d1"]
    assert await list_titles(webhook_gateway.gateway) == ["Old"]
    await webhook_gateway.gateway.run_due()
    assert await list_titles(webhook_gateway.gateway) == ["New"]


async def test_a_second_copy_is_answered_alike_and_has_no_effect(webhook_gateway: WebhookGateway) -> None:
    sent = webhook_gateway.build_signed_delivery("d1", "1")
    assert [await webhook_gateway.send(sent), await webhook_gateway.send(sent)] == [200, 200]
    await webhook_gateway.gateway.run_due()
    calls = len(webhook_gateway.store.calls)
    assert await webhook_gateway.send(sent) == 200
    await webhook_gateway.gateway.run_due()
    assert (await webhook_gateway.list_stored(), len(webhook_gateway.store.calls)) == (["d1"], calls)


async def test_a_forged_delivery_is_refused_and_kept_nowhere(webhook_gateway: WebhookGateway) -> None:
    assert await webhook_gateway.send(webhook_gateway.build_signed_delivery("d1", "1", secret="another secret")) == 401
    unsigned = Delivery(headers={}, body=b"{}", received_at=webhook_gateway.clock())
    assert await webhook_gateway.send(unsigned) == 401
    assert await webhook_gateway.list_stored() == []


async def test_a_delivery_that_was_signed_long_ago_is_refused(webhook_gateway: WebhookGateway) -> None:
    sent = webhook_gateway.build_signed_delivery("d1", "1")
    webhook_gateway.clock.time += timedelta(hours=1)
    assert await webhook_gateway.send(sent) == 409
    assert await webhook_gateway.list_stored() == []


async def test_a_body_that_is_too_large_is_not_read(webhook_gateway: WebhookGateway) -> None:
    sent = webhook_gateway.build_signed_delivery("d1", "1")
    assert (
        await webhook_gateway.send(
            Delivery(headers=sent.headers, body=b"x" * (MAX_BODY_BYTES + 1), received_at=webhook_gateway.clock())
        )
        == 413
    )
    assert await webhook_gateway.list_stored() == []


@pytest.mark.any_database
async def test_unauthenticated_clients_do_not_fill_the_memory_with_large_bodies(
    webhook_gateway: WebhookGateway,
) -> None:
    begun, end = asyncio.Semaphore(0), asyncio.Event()

    async def stream_body() -> AsyncIterator[bytes]:
        begun.release()
        yield b"x"
        await end.wait()

    waiting = [
        asyncio.create_task(webhook_gateway.http.post("/webhooks/web", content=stream_body()))
        for _ in range(MAX_LARGE_BODIES)
    ]
    for _ in waiting:
        await begun.acquire()
    too_many = await webhook_gateway.http.post("/webhooks/web", content=b"x" * (LARGE_BODY_BYTES + 1))
    assert (too_many.status_code, too_many.headers["retry-after"]) == (503, "1")
    assert await webhook_gateway.send(webhook_gateway.build_signed_delivery("d1", "1")) == 200
    end.set()
    assert [(await one).status_code for one in waiting] == [401] * MAX_LARGE_BODIES
    assert (await webhook_gateway.http.post("/webhooks/web", content=b"x" * (LARGE_BODY_BYTES + 1))).status_code == 401


@pytest.mark.parametrize("channel", ["till", "unknown", "web/x", ""])
async def test_where_no_webhooks_are_expected_there_is_nothing(webhook_gateway: WebhookGateway, channel: str) -> None:
    sent = webhook_gateway.build_signed_delivery("d1", "1")
    answer = await webhook_gateway.http.post(f"/webhooks/{channel}", content=sent.body, headers=dict(sent.headers))
    assert answer.status_code == 404


async def test_a_delivery_about_a_product_that_is_gone_and_one_about_nothing_known_do_no_harm(
    webhook_gateway: WebhookGateway,
) -> None:
    webhook_gateway.store.remove("products", "1")
    for n, id in enumerate(("1", "unknown")):
        assert await webhook_gateway.send(webhook_gateway.build_signed_delivery(f"d{n}", id)) == 200
    await webhook_gateway.gateway.run_due()
    assert await list_titles(webhook_gateway.gateway) == []


async def test_signed_nonsense_is_stored_with_its_problem_and_stops_nothing(webhook_gateway: WebhookGateway) -> None:
    webhook_gateway.store.change("products", "1", title="New")
    assert (
        await webhook_gateway.send(build_delivery(SECRET, "d1", "no such feed", ["1"], webhook_gateway.clock())) == 200
    )
    assert await webhook_gateway.send(webhook_gateway.build_signed_delivery("d2", "1")) == 200
    await webhook_gateway.gateway.run_due()
    assert await list_titles(webhook_gateway.gateway) == ["New"]
    problems = await list_rows(webhook_gateway.gateway, tables.inbox, "delivery_id", "problem")
    assert [id for id, problem in problems if problem] == ["d1"]


async def test_a_store_whose_plugin_is_stuck_is_asked_to_deliver_again(webhook_gateway: WebhookGateway) -> None:
    reached, free = threading.Event(), threading.Event()

    async def block_and_report(ask: Ask, answer: Answer) -> Any:
        reached.set()
        return await block_thread(free)(ask, answer)

    webhook_gateway.store.apply(block_and_report, times=1)
    webhook_gateway.clock.forward(hours=1)
    syncing = asyncio.create_task(webhook_gateway.gateway.run_due())
    await asyncio.to_thread(reached.wait)
    try:
        assert await webhook_gateway.send(webhook_gateway.build_signed_delivery("d1", "1")) == 503
    finally:
        free.set()
        await syncing
    assert await webhook_gateway.send(webhook_gateway.build_signed_delivery("d1", "1")) == 200


async def test_the_gateway_subscribes_under_the_name_that_it_has_outside(database_url: str) -> None:
    store = MemoryStore()
    server = {"public_url": "https://shop.example/gateway/"}
    async with run_gateway(database_url, {"web": store}, Clock(), {"web": CHANNELS["web"]}, server=server) as gateway:
        await gateway.subscribe_webhooks("web")
        await gateway.subscribe_webhooks("web")
    assert store.subscriptions == ["https://shop.example/gateway/webhooks/web"]
