"""A grant for an address that is not verified is confirmed with the token of a webhook (rules C10, N3)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.cli.webhooks import operations
from gateway.model.notices.kinds import NoticeState
from gateway.runtime.status_log import StatusLog
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.sdk.testing.sandbox_server import Server
from gateway.sync.consistency_check import check_consistency
from tests.conditions import wait_for
from tests.graphql.world import ADMIN, World, open_world
from tests.sync.notices.receiver import KIND, SECRET

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

SET = """mutation ($id: ID!, $key: String!) {
  consentSet(input: {customerId: $id, purpose: MARKETING_EMAIL, granted: true, wording: "page 3",
    idempotencyKey: $key}) { consent { state address } userErrors { code } } }"""
CONFIRM = """mutation ($given: String!) {
  consentConfirm(input: {token: $given, idempotencyKey: "confirm"}) { consent { state } userErrors { code } } }"""
FIND = """query ($id: ID!) { customer(id: $id) { consents {
  purpose address decisions { state receivedAt } } } }"""


class Mailer:
    """A receiver of webhooks over HTTP."""

    def __init__(self) -> None:
        self.status = 204
        self.bodies: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append(json.loads(await Request(scope, receive).body()))
        await Response(status_code=self.status)(scope, receive, send)


@pytest.fixture
async def mailer() -> AsyncIterator[tuple[Mailer, int]]:
    mailer = Mailer()
    server = Server(mailer)
    await server.open()
    yield mailer, server.port
    await server.close()


@pytest.fixture
async def world(database_url: str, mailer: tuple[Mailer, int]) -> AsyncIterator[World]:
    store, (_, port) = MemoryStore(), mailer
    store.put("customers", record_builders.build_customer("ada", name="Ada", email="Ada@example.com"))
    table = {"url": f"http://127.0.0.1:{port}/", "secrets": SECRET, "kinds": [KIND.value], "private_addresses": True}
    tables: dict[str, Any] = {"locations": {}, "webhooks": {"mailer": table}, "stock": {}, "catalogue": {}}
    async with open_world(database_url, {"web": store}, **tables) as world:
        yield world


async def grant(world: World, key: str = "1") -> str:
    found = await world.client.fetch_data('{ customers(search: "Ada") { nodes { id } } }', ADMIN)
    id_: str = found["customers"]["nodes"][0]["id"]
    payload = (await world.client.fetch_data(SET, ADMIN, id=id_, key=key))["consentSet"]
    assert payload == {"consent": {"state": "UNCONFIRMED", "address": "ada@example.com"}, "userErrors": []}
    return id_


async def test_the_receiver_finds_the_address_and_the_token_confirms_the_grant(
    world: World, mailer: tuple[Mailer, int]
) -> None:
    id_ = await grant(world)
    await world.gateway.run_due()
    (body,) = mailer[0].bodies
    data = body["data"]
    assert (data["customerId"], data["purpose"]) == (id_, "MARKETING_EMAIL")
    assert "example.com" not in str(body)
    consents = (await world.client.fetch_data(FIND, ADMIN, id=data["customerId"]))["customer"]["consents"]
    expected = {"state": "UNCONFIRMED", "receivedAt": data["receivedAt"]}
    assert [consent["address"] for consent in consents if expected in consent["decisions"]] == ["ada@example.com"]
    confirmed = (await world.client.fetch_data(CONFIRM, given=data["token"]))["consentConfirm"]
    assert confirmed == {"consent": {"state": "GRANTED"}, "userErrors": []}


async def test_an_address_gets_one_message_an_hour(world: World, mailer: tuple[Mailer, int]) -> None:
    for key in ("1", "2", "3"):
        await grant(world, key)
        world.clock.forward(minutes=20)
    await world.gateway.run_due()
    assert len(mailer[0].bodies) == 1
    await grant(world, "4")
    world.clock.forward(minutes=61)
    await grant(world, "5")
    await world.gateway.run_due()
    assert len(mailer[0].bodies) == 2


async def has_arrived(mailer: Mailer) -> bool:
    return len(mailer.bodies) == 1


async def test_a_serving_gateway_sends_notices_by_itself(world: World, mailer: tuple[Mailer, int]) -> None:
    background = asyncio.create_task(world.gateway.background.run())
    try:
        await grant(world)
        await wait_for(partial(has_arrived, mailer[0]))
    finally:
        background.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await background


async def test_a_paused_webhook_is_shown_and_resumed(
    world: World, mailer: tuple[Mailer, int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gateway.runtime.status_log")
    log, settings = StatusLog(world.gateway), world.gateway.settings
    mailer[0].status = 410
    await grant(world)
    await world.gateway.run_due()
    await log.observe()
    findings = await check_consistency(world.gateway.database, [], world.gateway.rules.topology)
    assert findings.waiting == ["webhook mailer is paused (status 410); see `gateway webhooks`"]
    mailer[0].status = 204
    await operations.resume_endpoint(settings, "mailer")
    (dead,) = await operations.fetch_notices(settings, NoticeState.DEAD)
    world.clock.time = dead.created_at.replace(year=2100)  # the commands take the time of the machine
    assert await operations.replay_notices(settings, [dead.id]) == [dead.id]
    await world.gateway.run_due()
    await log.observe()
    assert len(mailer[0].bodies) == 2
    lines = [record.getMessage() for record in caplog.records if record.name == "gateway.runtime.status_log"]
    assert [line for line in lines if "webhook" in line] == [
        "webhook mailer is paused (status 410): correct it, then `gateway webhooks resume mailer`",
        "notices to webhook mailer are dead, 1 so far: see `gateway webhooks list --state dead`",
        "webhook mailer is not paused any more",
        "no notice to webhook mailer is dead any more",
    ]
