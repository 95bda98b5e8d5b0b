"""A channel passes on what its customers ask for by webhooks, and speaks of its own records only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from gateway.sdk import Delivery, PrivacyRequest, PrivacyRequestKind
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore, MemoryWebhooks, build_delivery
from gateway.sync.webhook_inbox import receive_delivery
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

SECRET = "s3cret"
REQUESTS = """{ dataRequests { nodes { kind state requestedBy parts { channel { key } state proof } } } }"""
CUSTOMERS = "{ customers { nodes { displayName identities { nodes { externalId channel { key } } } } } }"


class AskingWebhooks(MemoryWebhooks):
    """Webhooks whose deliveries about the feed `privacy` ask for something."""

    def hints(self, delivery: Delivery) -> Sequence[Any]:
        return [] if json.loads(delivery.body)["feed"] == "privacy" else super().hints(delivery)

    def privacy_requests(self, delivery: Delivery) -> Sequence[PrivacyRequest]:
        body = json.loads(delivery.body)
        if body["feed"] != "privacy":
            return ()
        kind, *customers = body["ids"]
        return [PrivacyRequest(kind=PrivacyRequestKind(kind), customer=next(iter(customers), None))]


@pytest.fixture
async def world(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr("gateway.sdk.testing.memory_channel.MemoryWebhooks", AskingWebhooks)
    till, web = MemoryStore(), MemoryStore()
    for store, id_ in ((till, "t1"), (web, "w1")):
        store.put("customers", record_builders.build_customer(id_, name="Ada Ash", card="9826000000017"))
    web.put("customers", record_builders.build_customer("w2", name="Bea Birch", email="bea@example.com"))
    channels = {"till": {}, "web": {"config": {"secrets": [SECRET]}}}
    tables: dict[str, Any] = {"locations": {}, "privacy": {"cooling_off": "0s"}, "channels": channels}
    async with open_world(database_url, {"till": till, "web": web}, **tables) as world:
        yield world


async def deliver(world: World, id: str, *ids: str) -> None:
    sent = build_delivery(SECRET, id, "privacy", ids, world.clock())
    assert await receive_delivery(world.gateway.channel_syncs["web"], sent.headers, sent.body)
    await world.gateway.run_due()


async def list_requests(world: World) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = (await world.client.fetch_data(REQUESTS, ADMIN))["dataRequests"]["nodes"]
    return nodes


async def list_records(world: World) -> list[list[str]]:
    nodes = (await world.client.fetch_data(CUSTOMERS, ADMIN))["customers"]["nodes"]
    return sorted(sorted(one["externalId"] for one in node["identities"]["nodes"]) for node in nodes)


async def test_an_erase_by_a_channel_is_about_its_own_record(world: World) -> None:
    assert await list_records(world) == [["t1", "w1"], ["w2"]]
    await deliver(world, "d1", "ERASE", "w1")
    (request,) = await list_requests(world)
    assert (request["kind"], request["state"], request["requestedBy"]) == ("ERASE", "DONE", "channel:web")
    assert [part["state"] for part in request["parts"]] == ["DONE", "DONE"]
    assert "t1" in (await list_records(world))[0]
    names = [node["displayName"] for node in (await world.client.fetch_data(CUSTOMERS, ADMIN))["customers"]["nodes"]]
    assert sorted(names) == ["Ada Ash", "Bea Birch"], "the till still knows Ada"


async def test_a_repeated_or_unknown_request_has_no_effect(world: World) -> None:
    await deliver(world, "d1", "ERASE", "w2")
    await deliver(world, "d2", "ERASE", "w2")
    await deliver(world, "d3", "ERASE", "unknown")
    assert len(await list_requests(world)) == 1


async def test_a_channel_asks_for_an_export_that_staff_pass_on(world: World) -> None:
    await deliver(world, "d1", "EXPORT", "w2")
    (request,) = await list_requests(world)
    assert (request["kind"], request["state"]) == ("EXPORT", "DONE")


async def test_all_customers_of_a_closed_shop_are_erased(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await deliver(world, "d1", "ERASE_ALL")
    assert "web asks for the erase of all its customers" in caplog.text
    assert [request["state"] for request in await list_requests(world)] == ["DONE"]
    names = [node["displayName"] for node in (await world.client.fetch_data(CUSTOMERS, ADMIN))["customers"]["nodes"]]
    assert names == ["Ada Ash"]


@pytest.mark.parametrize("ids", [("ERASE",), ("ERASE_ALL", "w1"), ("ERASE", "x" * 10_000)])
async def test_a_request_that_names_no_one_or_too_much_is_reported(world: World, ids: tuple[str, ...]) -> None:
    await deliver(world, "d1", *ids)
    assert await list_requests(world) == []
