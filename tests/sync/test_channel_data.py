"""A channel that is not configured any more is forgotten, or its data is carried over to a new key."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from gateway.commerce import channel_data
from gateway.commerce.channel_data import ChannelServedError
from gateway.commerce.context import SellingContext
from gateway.commerce.inventory import channel_holds
from gateway.commerce.inventory.reservations import ReservationTemplate, StockRequest, reserve_stock
from gateway.commerce.push.allocation import format_owner
from gateway.model.ids import GlobalId
from gateway.model.stock import ReservationState
from gateway.runtime.heartbeat import LIFETIME, Heartbeat
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import channel_keys, channel_purge, consistency, tables
from gateway.storage.database import Connection, Database
from gateway.storage.sync import channel_health, leases
from gateway.sync.channel_removal import forget_channel
from tests.gateways import START
from tests.graphql.shopper import TABLES, Shopper, build_stores, make_key, run_as_staff
from tests.graphql.world import ADMIN, TOKENS, World, open_world
from tests.graphql.writable_channels import select_variant_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

OLD, NEW = "zqstore", "yvstore"

HISTORICAL = {"audit_values.before", "audit_values.after", "id_namespaces.namespace"}
"""Values as they were: the audit trail does not rewrite them, and ids are made as under the first key."""

NO_KEYS = {
    "customers.channels_version",
    "fulfillments.channel_order_id",
    "listings.channel_product_id",
    "product_texts.channel_product_id",
}
"""Columns that are named after channels and hold ids and numbers."""

SHOWN = """{ orders(first: 50) { nodes { id number channel { key } } } customers(first: 50) { totalCount }
  listings(first: 50) { nodes { id variant { id } channel { key } price { amount } } }
  products(first: 50) { nodes { id title variants { nodes { id stock(channelKey: "till") { available } } } } }
  matchReviews(first: 50) { totalCount } }"""


def build_tables(key: str) -> dict[str, Any]:
    """Build the configuration in which the web store has this key."""
    text = json.dumps({**TABLES, "catalogue": {"priority": ["till"]}, "tokens": TOKENS})
    replaced: dict[str, Any] = json.loads(text.replace('"web"', json.dumps(key)))
    return replaced


def build_web() -> MemoryStore:
    """Build a web store that has everything: products, stock, a customer, an order, a rejected record."""
    web = build_stores()["web"]
    web.put("customers", record_builders.build_customer("w1", name="Ada", email="ada@example.com"))
    web.put("stock", record_builders.build_stock("half", "D", 0.5))
    return web


async def use_everything(world: World) -> Shopper:
    """Do what stores the key of the web store: carts, orders, holds, links, tokens, paused channels, a search."""
    buyer = Shopper(world)
    await buyer.fill(OLD, TEE_R=1)
    ordered = await buyer.buy(await buyer.find_option("SHIPPING", "depot"))
    assert ordered["userErrors"] == []
    shopper = Shopper(world)
    await shopper.fill(OLD, TEE_B=1)
    await run_as_staff(world, "channelPause", channelKey=OLD)
    await run_as_staff(world, "channelResume", channelKey=OLD)
    create = "mutation ($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { userErrors { message } } }"
    token = {"name": "partner", "kind": "PARTNER", "scopes": ["stock:read"], "channelKeys": [OLD]}
    token |= {"expiresAt": "2026-03-01T00:00:00Z", "idempotencyKey": make_key()}
    assert (await world.client.fetch_data(create, ADMIN, input=token))["apiTokenCreate"] == {"userErrors": []}
    listed = await world.client.fetch_data(
        "{ listings(first: 50) { nodes { id channel { key } variant { id } } } }", ADMIN
    )
    by_channel = {node["channel"]["key"]: node for node in listed["listings"]["nodes"]}
    link = {"listingId": by_channel[OLD]["id"], "variantId": by_channel["till"]["variant"]["id"]}
    assert (await run_as_staff(world, "listingLink", **link))["userErrors"] == []
    await hold_for_channel(world)
    await world.gateway.run_due()
    return shopper


async def hold_for_channel(world: World) -> None:
    """Hold units for the web store: a drift hold and an allocation (rule K6)."""
    variant = GlobalId.parse(await select_variant_id(world, "MUG")).key
    context = SellingContext(world.gateway.selling, world.clock())

    def hold(conn: Connection) -> None:
        for owner in (channel_holds.format_drift_owner(OLD), format_owner(OLD, "listing")):
            template = ReservationTemplate(state=ReservationState.HELD, owner=owner)
            reserve_stock(conn, [StockRequest(variant, "london", 1)], template, context)

    await world.gateway.database.write(hold)


def find_columns_with(conn: Connection, text: str) -> set[str]:
    """Find the text columns with values that contain this text."""
    columns = [column for table in tables.metadata.tables.values() for column in table.columns]
    texts = [column for column in columns if isinstance(column.type, sa.Text)]
    return {
        f"{column.table.name}.{column.name}"
        for column in texts
        if conn.execute(sa.select(sa.literal(1)).where(column.contains(text)).limit(1)).first()
    }


def test_every_column_that_holds_keys_of_channels_is_renamed() -> None:
    covered = {str(column) for column in (*channel_keys.COLUMNS, *channel_keys.REFERENCES, *channel_keys.DOCUMENTS)}
    named = {
        f"{table.name}.{column.name}"
        for table in tables.metadata.tables.values()
        for column in table.columns
        if "channel" in column.name or column is tables.channels.c.key
    }
    assert named - covered - NO_KEYS == set()


async def test_a_renamed_channel_keeps_everything(database_url: str) -> None:
    web = build_web()
    async with open_world(database_url, {"till": build_stores()["till"], OLD: web}, **build_tables(OLD)) as world:
        shopper = await use_everything(world)
        before = await world.client.fetch_data(SHOWN, ADMIN)
        held = await world.gateway.database.read(find_columns_with, OLD)
        assert {
            "api_tokens.channels",
            "customers.channels",
            "customers.emails",
            "idempotency.answer",
            "reservations.owner",
            "leases.name",
        } <= held
    database = Database(database_url)
    await database.write(channel_data.rename_channel, OLD, NEW, START)
    left = await database.read(find_columns_with, OLD)
    assert left - HISTORICAL == set()
    await database.close()
    till = build_stores()["till"]
    async with open_world(database_url, {"till": till, NEW: web}, **build_tables(NEW)) as world:
        after = await world.client.fetch_data(SHOWN, ADMIN)
        assert json.dumps(after) == json.dumps(before).replace(OLD, NEW)
        cart = shopper.cart
        shopper = Shopper(world, cart=cart)
        more = await shopper.ask(
            "cartLinesUpdate", cartToken=cart["token"], lines=[{"lineId": cart["lines"][0]["id"], "quantity": 2}]
        )
        assert (more["userErrors"], more["cart"]["channel"]) == ([], {"key": NEW})
        assert world.gateway.topology_changes.describe() == []


TILL_ONLY: dict[str, Any] = {
    "channels": {"till": TABLES["channels"]["till"]},
    "locations": {
        "london": {"name": "London", "kind": "STORE", "authority": "till", "channels": {"till": "L"}},
        "leeds": {"name": "Leeds", "kind": "STORE", "authority": "till", "channels": {"till": "M"}, "buffer": 2},
    },
    "catalogue": {"priority": ["till"]},
    "tokens": {name: table for name, table in TOKENS.items() if name != "clerk"},
}


def count_rows(conn: Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    counted = sa.select(sa.func.count()).select_from(table).where(table.c.channel == OLD, *conditions)
    return conn.scalar(counted) or 0


async def forget_old(world: World) -> None:
    await forget_channel(world.gateway.database, OLD, world.gateway.rules, world.clock)


async def test_a_forgotten_channel_leaves_its_orders_and_customers_only(database_url: str) -> None:
    web = build_web()
    async with open_world(database_url, {"till": build_stores()["till"], OLD: web}, **build_tables(OLD)) as world:
        shopper = await use_everything(world)
        before = await world.client.fetch_data(SHOWN, ADMIN)
    async with open_world(database_url, {"till": build_stores()["till"]}, **TILL_ONLY) as world:
        read = world.gateway.database.read
        write, rules, now = world.gateway.database.write, world.gateway.rules, world.clock()
        assert await write(channel_data.remove_products, OLD, rules, now, 1) == 1  # killed after the first slice
        await forget_old(world)
        listings, products = tables.listings, tables.channel_products
        assert await read(count_rows, listings, sa.or_(~listings.c.gone, listings.c.price.is_not(None))) == 0
        assert await read(count_rows, products, sa.or_(~products.c.gone, products.c.images != "[]")) == 0
        for table in channel_purge.PURGED:
            assert await read(count_rows, table) == 0, table.name
        assert await read(count_rows, tables.links) == 0
        assert await read(consistency.find_unbalanced_counters) == []
        found = await world.client.fetch_data(SHOWN, ADMIN)
        assert {node["channel"]["key"] for node in found["listings"]["nodes"]} == {"till"}
        assert [node["title"] for node in found["products"]["nodes"]] == ["Gift card", "Lamp", "Mug", "Tee red"]
        assert [node["id"] for node in found["orders"]["nodes"]] == [node["id"] for node in before["orders"]["nodes"]]
        assert found["customers"] == before["customers"]
        cart = shopper.cart
        emptied = await Shopper(world).ask("cartLinesRemove", cartToken=cart["token"], lineIds=[cart["lines"][0]["id"]])
        assert [error["code"] for error in emptied["userErrors"]] == ["CHANNEL_UNAVAILABLE"]
        assert "gateway channels forget" in await read(list_actions)
    async with open_world(database_url, {"till": build_stores()["till"]}, **TILL_ONLY) as world:
        assert world.gateway.removed_channels == frozenset()


async def test_a_channel_is_not_forgotten_any_further_once_a_process_serves_it(database_url: str) -> None:
    """A process is started with a configuration that has the channel, between two slices of the forgetting."""
    stores = {"till": build_stores()["till"], OLD: build_web()}
    async with open_world(database_url, stores, **build_tables(OLD)) as world:
        before = await world.client.fetch_data(SHOWN, ADMIN)
    async with open_world(database_url, {"till": stores["till"]}, **TILL_ONLY) as world:
        database, clock = world.gateway.database, world.clock
        heartbeat = Heartbeat(database, "other", ["till", OLD], clock)
        purge = channel_purge.purge_slice

        def purge_and_start(conn: Connection, channel: str, most: int) -> int:
            leases.acquire_lease(conn, leases.format_process("other", ["till", OLD]), "other", clock(), LIFETIME)
            return purge(conn, channel, 1)

        with patch.object(channel_purge, "purge_slice", purge_and_start), pytest.raises(ChannelServedError):
            await forget_old(world)
        assert OLD in await database.read(channel_health.find_keys)
        with pytest.raises(ChannelServedError, match=f"a gateway process still reads {OLD}"):
            await forget_old(world)
        await heartbeat.send()
        await heartbeat.stop()
    async with open_world(database_url, stores, **build_tables(OLD)) as world:  # all of it is read again
        after = await world.client.fetch_data(SHOWN, ADMIN)
        assert [node["title"] for node in after["products"]["nodes"]] == [
            node["title"] for node in before["products"]["nodes"]
        ]


async def test_the_first_heartbeat_of_a_process_restores_a_channel_that_was_forgotten_since_it_opened(
    database_url: str,
) -> None:
    stores = {"till": build_stores()["till"], OLD: build_web()}
    async with (
        open_world(database_url, stores, **build_tables(OLD)) as serving,
        open_world(database_url, {"till": stores["till"]}, **TILL_ONLY) as world,
    ):
        await forget_old(world)
        assert OLD not in await world.gateway.database.read(channel_health.find_keys)
        await serving.gateway.heartbeat.send()
        assert OLD in await world.gateway.database.read(channel_health.find_keys)
        with pytest.raises(ChannelServedError):
            await forget_old(world)


def list_actions(conn: Connection) -> list[str]:
    return list(conn.scalars(sa.select(tables.audit_entries.c.action)))


async def test_a_forgotten_channel_can_be_configured_again_and_its_variants_keep_their_ids(database_url: str) -> None:
    web = build_web()
    nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on ProductVariant { sku } } }"
    async with open_world(database_url, {"till": build_stores()["till"], OLD: web}, **build_tables(OLD)) as world:
        before = await world.client.fetch_data(SHOWN, ADMIN)
        variants = [node["variant"]["id"] for node in before["listings"]["nodes"]]
        skus = await world.client.fetch_data(nodes, ADMIN, ids=variants)
    async with open_world(database_url, {"till": build_stores()["till"]}, **TILL_ONLY) as world:
        await forget_old(world)
    async with open_world(database_url, {"till": build_stores()["till"], OLD: web}, **build_tables(OLD)) as world:
        assert await world.client.fetch_data(nodes, ADMIN, ids=variants) == skus
        after = await world.client.fetch_data(SHOWN, ADMIN)
        assert len(after["listings"]["nodes"]) == len(before["listings"]["nodes"])
        assert after["orders"] == before["orders"] and after["customers"] == before["customers"]


async def test_a_channel_is_renamed_only_while_no_process_runs_and_to_a_key_without_data(database_url: str) -> None:
    web = build_web()
    async with open_world(database_url, {"till": build_stores()["till"], OLD: web}, **build_tables(OLD)) as world:
        database, now = world.gateway.database, world.clock
        await world.gateway.heartbeat.send()
        running = await database.write(channel_data.find_rename_problem, OLD, NEW, now())
        assert running is not None and "a gateway process runs" in running
        assert await database.read(leases.is_served, OLD, now())
        assert not await database.read(leases.is_served, NEW, now())
        await world.gateway.heartbeat.stop()
        used = await database.write(channel_data.find_rename_problem, OLD, "till", now())
        assert used is not None and used.startswith("till has data already, in ") and "listings" in used
        unknown = await database.write(channel_data.find_rename_problem, "nowhere", NEW, now())
        assert unknown == "the database knows no channel nowhere"
        assert await database.write(channel_data.find_rename_problem, OLD, NEW, now()) is None
        await world.gateway.heartbeat.send()
        world.clock.forward(minutes=2)  # it was killed
        assert await database.write(channel_data.find_rename_problem, OLD, NEW, now()) is None
