"""Nothing is sold from a location while it is not known who counts it, and nothing is posted there (rule G2)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from gateway.commerce.push import allocation, drift
from gateway.commerce.push.followers import list_followed_locations
from gateway.model.locations import UnknownAuthorityError
from gateway.runtime.topology_loading import build_accepted_topology
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.database import Connection
from gateway.storage.writes import location_authorities, pushes, stock_counters
from gateway.storage.writes.pushes import FollowerOffer
from gateway.sync import stock_maintenance
from gateway.sync.consistency_check import check_consistency
from tests.graphql.shopper import LOCATIONS, TABLES, Shopper
from tests.graphql.test_location_authorities import accept_london, build_counted_twice
from tests.graphql.world import STAFF, World, open_world
from tests.graphql.writable_channels import WRITES, read_on_hand, select_variant_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

APP = {"config": {"writes": ["set"]}, "sells_to": "anyone"}
LONDON: Mapping[str, Any] = {**LOCATIONS["london"], "channels": {"till": "L", "web": "l-web", "app": "a-london"}}
LEFT = {key: id_ for key, id_ in LONDON["channels"].items() if key != "till"}

COUNTED_BY_TILL: Mapping[str, Any] = {
    **TABLES,
    "channels": {**WRITES, "app": APP},
    "locations": {"london": LONDON},
}
TILL_IS_GONE: Mapping[str, Any] = {
    "channels": {"web": WRITES["web"], "app": APP},
    "locations": {"london": {**LONDON, "authority": "web", "channels": LEFT}},
    "catalogue": {"priority": ["web"]},
    "stock": {"default_channel": "web"},
    "selling": TABLES["selling"],
    "tokens": {"staff": {"token": STAFF, "scopes": ["stock:read", "stock:write"]}},
}


def build_stores_and_app() -> dict[str, MemoryStore]:
    """Build a till and a web store that both count mugs in London, and an app that sells them there."""
    stores = build_counted_twice()
    card = record_builders.build_variant("w-card", sku="CARD", price="2.00", tracked=False)
    stores["web"].put("products", {"id": "w-card", "title": "Gift card", "variants": [card]})
    app = MemoryStore()
    app.put("products", record_builders.build_product("a-mug", sku="MUG", gtin="4006381333931", price="5.00"))
    app.put("stock", record_builders.build_stock("a-mug", "a-london", 9))
    return {**stores, "app": app}


@contextlib.asynccontextmanager
async def open_without_till(url: str, stores: Mapping[str, MemoryStore]) -> AsyncIterator[World]:
    """Open a gateway that the till was removed from, after it had counted London."""
    async with open_world(url, stores, **COUNTED_BY_TILL):
        pass
    left = {key: store for key, store in stores.items() if key != "till"}
    async with open_world(url, left, **TILL_IS_GONE) as world:
        assert world.gateway.locations["london"].authority is None
        yield world


def list_outbox(conn: Connection) -> list[tuple[str, str]]:
    """List the commands that were enqueued: their channel and operation."""
    rows = conn.execute(sa.select(tables.outbox.c.channel, tables.outbox.c.operation).order_by(tables.outbox.c.id))
    return [(row.channel, row.operation) for row in rows]


async def test_a_sale_waits_and_is_posted_to_the_authority_that_is_accepted(database_url: str) -> None:
    stores = build_stores_and_app()
    line = record_builders.build_line("1", "a-mug", 2, "5.00", sku="MUG")
    async with open_without_till(database_url, stores) as world:
        stores["app"].put("orders", record_builders.build_order("a1", [line], place="a-london"))
        world.clock.forward(minutes=5)
        await world.gateway.run_due()
        assert await world.gateway.database.read(list_outbox) == []
        assert read_on_hand(stores["web"], "w-mug", "l-web") == 9
        await accept_london(world)
    left = {key: store for key, store in stores.items() if key != "till"}
    async with open_world(database_url, left, **TILL_IS_GONE) as world:
        await world.gateway.run_due()
        assert read_on_hand(stores["web"], "w-mug", "l-web") == 7


async def test_a_sale_of_the_configured_authority_is_posted_to_the_former_one_if_that_returns(
    database_url: str,
) -> None:
    stores = build_stores_and_app()
    line = record_builders.build_line("1", "w-mug", 2, "5.00", sku="MUG")
    async with open_without_till(database_url, stores) as world:
        stores["web"].put("orders", record_builders.build_order("w1", [line], place="l-web"))
        world.clock.forward(minutes=5)
        await world.gateway.run_due()
    async with open_world(database_url, stores, **COUNTED_BY_TILL) as world:
        await world.gateway.run_due()
        assert read_on_hand(stores["till"], "t-mug", "L") == 38


async def test_sales_that_wait_for_an_operator_keep_no_others_from_being_placed(database_url: str) -> None:
    stores = build_stores_and_app()
    annex = {**LONDON, "name": "Annex", "authority": "web", "channels": {"web": "l-annex", "app": "a-annex"}}
    mug = record_builders.build_line("1", "a-mug", 1, "5.00", sku="MUG")
    lamp = record_builders.build_line("1", "a-lamp", 1, "5.00", sku="LAMP-2")
    async with open_world(database_url, stores, **COUNTED_BY_TILL):
        pass
    left = {key: store for key, store in stores.items() if key != "till"}
    tables = {**TILL_IS_GONE, "locations": {**TILL_IS_GONE["locations"], "annex": annex}}
    with patch.object(stock_maintenance, "BATCH_SIZE", 1):
        async with open_world(database_url, left, **tables) as world:
            for number in range(3):
                stores["app"].put("orders", record_builders.build_order(f"a{number}", [mug], place="a-london"))
            stores["app"].put("orders", record_builders.build_order("a9", [lamp], place="a-annex"))
            world.clock.forward(minutes=5)
            await world.gateway.run_due()
            for channel in ("web", "app"):
                stores[channel].put("products", record_builders.build_product(f"{channel[0]}-lamp", sku="LAMP-2"))
            stores["web"].put("stock", record_builders.build_stock("w-lamp", "l-annex", 4))
            world.clock.forward(minutes=5)
            for _ in range(6):
                await world.gateway.run_due()
            assert read_on_hand(stores["web"], "w-lamp", "l-annex") == 3


async def test_goods_that_the_configured_authority_does_not_track_are_not_sold(database_url: str) -> None:
    async with open_without_till(database_url, build_stores_and_app()) as world:
        shopper = Shopper(world)
        card = await select_variant_id(world, "CARD")
        document = """{ products(search: "Gift") { nodes { availableForSale
            variants { nodes { stock { status levels { nodes { onHand } } } } } } } }"""
        ((product,),) = [(await world.client.fetch_data(document, STAFF))["products"]["nodes"]]
        assert not product["availableForSale"]
        (variant,) = product["variants"]["nodes"]
        assert variant["stock"] == {"status": "UNKNOWN", "levels": {"nodes": [{"onHand": None}]}}
        await shopper.ask("cartCreate", channelKey="web", lines=[{"variantId": card, "quantity": 1}])
        assert [option for option in await shopper.list_options() if not option["uncovered"]] == []
        line = {"variantId": card, "locationKey": "london", "quantity": 1}
        (error,) = (await shopper.ask("stockReserve", by=STAFF, lines=[line], holdSeconds=60))["userErrors"]
        assert error["code"] == "OUT_OF_STOCK"


async def test_counts_are_not_corrected_where_no_channel_counts(database_url: str) -> None:
    stores = build_stores_and_app()
    async with open_without_till(database_url, stores) as world:
        mug = await select_variant_id(world, "MUG")
        wanted = {"variantId": mug, "locationKey": "london", "expectedOnHand": 9, "onHand": 3, "reason": "DAMAGE"}
        (error,) = (await Shopper(world).ask("stockAdjust", by=STAFF, **wanted))["userErrors"]
        assert error["message"] == "No channel counts this location until an operator accepts its new authority."
        await world.gateway.run_due()
        assert read_on_hand(stores["web"], "w-mug", "l-web") == 9


async def test_pushes_holds_and_the_doctor_use_no_counts_of_an_unknown_authority(database_url: str) -> None:
    async with open_without_till(database_url, build_stores_and_app()) as world:
        gateway = world.gateway
        topology, location = gateway.rules.topology, gateway.locations["london"]
        assert [found.key for found, _ in list_followed_locations("app", topology)] == ["london"]
        assert await gateway.database.read(find_follower_state, world) == {}
        findings = await check_consistency(gateway.database, gateway.channel_syncs.values(), topology)
        assert (findings.differences, findings.in_flight, findings.shortages) == ([], [], [])
        assert findings.compared["web"] == {"levels": 0}
        with pytest.raises(UnknownAuthorityError):
            location.require_authority()
        accepted = build_accepted_topology(topology, gateway.settings, "london").locations["london"]
        assert accepted.is_counted_by("web") and accepted.pending_authority is None


def find_follower_state(conn: Connection, world: World) -> Mapping[str, Any]:
    """Find what pushes to the app would use: counters, allocations and drift counters of its offers."""
    location = world.gateway.locations["london"]
    offers: Mapping[str, FollowerOffer] = pushes.find_follower_offers(conn, "app", "a-london")
    variants = {offer.variant_id for offer in offers.values()}
    assert variants
    assert all(drift.find_counter(conn, offer, location) is None for offer in offers.values())
    assert allocation.load_allocations(conn, "app", location, variants) == {}
    return stock_counters.find_counters(conn, location.authority, variants)


def test_the_authority_that_waits_is_read_only_to_build_the_topology_and_to_list_variants() -> None:
    """`Location.authority` is None while it is not known, so that types prove the rule. Nothing goes around that."""
    root = Path(location_authorities.__file__).parents[2]
    readers = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "pending_authority" in path.read_text(encoding="utf-8")
    }
    assert readers == {"model/locations.py", "runtime/topology_loading.py", "storage/reads/stock_levels.py"}
