"""A channel passes on what its customers ask for by webhooks, and speaks of its own records only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce.context import SellingContext
from gateway.commerce.privacy import unowned_orders
from gateway.commerce.privacy.channel_requests import store_requests
from gateway.sdk import Delivery, PrivacyRequest, PrivacyRequestKind
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore, MemoryWebhooks, build_delivery
from gateway.storage.tables import orders
from gateway.sync.webhook_inbox import receive_delivery
from tests.commerce.privacy.test_erase import ADDRESS, CANCEL
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

SECRET = "s3cret"
REQUESTS = """{ dataRequests { nodes {
  id customer { id } kind state requestedBy parts { channel { key } state proof } } } }"""
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


UNOWNED: Mapping[str, Mapping[str, Any]] = {
    "address": {"shipping_address": ADDRESS},
    "name": {"contact": {"name": "Carl Cole", "email": None, "phone": None}},
    "unknown": {"contact": {"name": "Carl Cole", "email": "carl@example.com", "phone": None}, "customer": "not-read"},
    "test": {"billing_address": ADDRESS, "test": True},
    "open": {"billing_address": ADDRESS, "status": "OPEN"},
    "nothing": {},
}
"""Orders that belong to no identity."""


def put_unowned(store: MemoryStore) -> None:
    line = record_builders.build_line("1", None, 1, "5.00")
    for number, values in UNOWNED.items():
        store.put("orders", record_builders.build_order(number, [line], **{"status": "COMPLETED", **values}))


async def list_named(world: World) -> list[str]:
    """List the orders that have a contact or an address."""
    named = sa.or_(*(orders.c[name].is_not(None) for name in ("contact", "shipping_address", "billing_address")))
    statement = sa.select(orders.c.number).where(named).order_by(orders.c.number)
    return await world.gateway.database.read(lambda conn: list(conn.scalars(statement)))


async def test_an_erase_of_all_clears_the_orders_without_a_customer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unowned_orders, "SLICE_SIZE", 2)
    for store in world.stores.values():
        put_unowned(store)
    world.clock.forward(days=1)
    await world.gateway.run_due()
    everything = sorted(number for number in UNOWNED if number != "nothing")
    assert await list_named(world) == sorted([*everything, *everything])
    await deliver(world, "d1", "ERASE_ALL")
    assert await list_named(world) == sorted([*everything, "open"]), "those of the till, and one that is not complete"
    for number in UNOWNED:
        world.stores["web"].change("orders", number, status="COMPLETED", payment_status="REFUNDED")
    world.clock.forward(days=1)
    await world.gateway.run_due()
    assert await list_named(world) == everything, "the channel still shows them"
    assert {request["state"] for request in await list_requests(world)} == {"DONE"}
    await deliver(world, "d2", "ERASE_ALL")
    assert len(await list_requests(world)) == 4, "one of the customers, three of the orders"


async def test_an_erase_of_all_that_is_canceled_clears_no_order(world: World) -> None:
    put_unowned(world.stores["web"])
    world.clock.forward(days=1)
    await world.gateway.run_due()
    config = world.gateway.selling
    waiting = replace(config, privacy=replace(config.privacy, cooling_off=timedelta(days=3)))
    requests = [PrivacyRequest(kind=PrivacyRequestKind.ERASE_ALL)]
    for _ in range(2):
        context = SellingContext(waiting, world.clock())
        await world.gateway.database.write(store_requests, "web", requests, context)
    listed = await list_requests(world)
    assert sorted(request["customer"] is None for request in listed) == [False, True], "that of the orders has none"
    for request in listed:
        canceled = await world.client.fetch_data(CANCEL, ADMIN, id=request["id"], key=request["id"])
        assert canceled["dataRequestCancel"]["userErrors"] == []
    world.clock.forward(days=9)
    await world.gateway.run_due()
    assert len(await list_named(world)) == 5
    assert [request["state"] for request in await list_requests(world)] == ["CANCELLED", "CANCELLED"]
