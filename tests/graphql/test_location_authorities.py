"""A location whose authority is changed in the configuration is counted by the former one until that is accepted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from gateway.commerce import location_authorities
from gateway.model.actors import Actor, CallerKind
from gateway.model.audit import AuditEntry
from gateway.model.ids import generate_id
from gateway.runtime.topology_loading import build_accepted_topology
from gateway.storage import audit
from gateway.storage.database import Connection
from tests.graphql.shopper import LOCATIONS, TABLES, Shopper, build_stores
from tests.graphql.world import ADMIN, STAFF, World, build_global_id, open_world
from tests.graphql.writable_channels import WRITES, read_on_hand

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

LONDON = LOCATIONS["london"]
BY_WEB = {**TABLES, "locations": {**LOCATIONS, "london": {**LONDON, "authority": "web"}}}
"""London is counted by the web store, which knows it as l-web and has 9 mugs there."""

MOVED = {**TABLES, "locations": {**LOCATIONS, "london": {**LONDON, "channels": {"till": "L2", "web": "l-web"}}}}
"""The till knows London as L2."""

WITHOUT_TILL: Mapping[str, Any] = {
    "channels": {"web": WRITES["web"]},
    "locations": {"london": {**LONDON, "authority": "web", "channels": {"web": "l-web"}}},
    "catalogue": {"priority": ["web"]},
    "stock": {"default_channel": "web"},
    "selling": TABLES["selling"],
}

LEVELS = """{ products(search: "Mug") { nodes { variants { nodes { sku stock(channelKey: "web", locationKey: "london") {
    status available levels { nodes { onHand } } } } } } }
  locations { nodes { key authority { key } } } }"""


def build_counted_twice() -> dict[str, Any]:
    """Build a till that counts 40 mugs in London, and a web store that believes in 9."""
    stores = build_stores()
    stores["web"].put("stock", {"id": "w-mug@l-web", "item": "w-mug", "place": "l-web", "on_hand": 9})
    return stores


async def read_mugs(world: World) -> tuple[str, int | None]:
    """Read the status and the units of the mug in London, as the web store sells it."""
    found = await world.client.fetch_data(LEVELS, STAFF)
    (product,) = found["products"]["nodes"]
    stock = product["variants"]["nodes"][0]["stock"]
    return stock["status"], stock["available"]


async def find_mug(world: World) -> str:
    """Find the id of the mug, the variant that both channels list."""
    found = await world.client.fetch_data('{ products(search: "Mug") { nodes { variants { nodes { id } } } } }')
    return str(found["products"]["nodes"][0]["variants"]["nodes"][0]["id"])


async def accept_london(world: World) -> None:
    await accept_location(world, "london")


async def accept_location(world: World, key: str) -> None:
    gateway = world.gateway
    topology = build_accepted_topology(gateway.rules.topology, gateway.settings, key)
    change = gateway.topology_changes.authorities[key]
    await gateway.database.write(location_authorities.accept_authority, change, topology, world.clock())


AUDITED = """query ($filter: AuditFilter) { auditEntries(first: 9, filter: $filter) { nodes {
    action subjectId subject { ... on Location { key } ... on Channel { key } }
    channel { key } location { key } } } }"""


async def list_audited(world: World, **filter: Any) -> list[dict[str, Any]]:
    """List the audit entries about locations, latest first."""
    found = await world.client.fetch_data(AUDITED, ADMIN, filter={"locationKeys": ["london"], **filter})
    entries: list[dict[str, Any]] = found["auditEntries"]["nodes"]
    return entries


async def test_an_acceptance_is_audited_as_a_change_of_the_location(database_url: str) -> None:
    """Entries of an earlier version, which are about the channel, stay as they were."""
    stores, london = build_counted_twice(), build_global_id("Location", "london")
    async with open_world(database_url, stores, **TABLES):
        pass
    async with open_world(database_url, stores, **BY_WEB) as world:
        await world.gateway.database.write(insert_entry_about_channel, world.clock())
        world.clock.forward(minutes=1)
        await accept_london(world)
        accepted, earlier = await list_audited(world)
        assert accepted["subjectId"] == london
        assert (accepted["subject"], accepted["channel"]) == ({"key": "london"}, {"key": "web"})
        assert earlier["subjectId"] == build_global_id("Channel", "web")
        assert (earlier["subject"], earlier["location"]) == ({"key": "web"}, {"key": "london"})
        assert await list_audited(world, subjectId=london) == [accepted]


def insert_entry_about_channel(conn: Connection, now: datetime) -> None:
    """Insert an entry as an earlier version wrote it."""
    entry = AuditEntry(
        id=generate_id(now),
        occurred_at=now,
        actor=Actor(CallerKind.ADMIN),
        action="gateway locations accept",
        subject_type="Channel",
        subject_id="web",
        channel_key="web",
        location_key="london",
        refused=None,
        request_id=None,
    )
    audit.insert_entry(conn, entry, ())


@pytest.mark.parametrize("changed", [BY_WEB, MOVED])
async def test_the_former_authority_counts_until_the_change_is_accepted(
    database_url: str, changed: Mapping[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    stores = build_counted_twice()
    stores["till"].put("stock", {"id": "t-mug@L2", "item": "t-mug", "place": "L2", "on_hand": 9})
    async with open_world(database_url, stores, **TABLES) as world:
        assert await read_mugs(world) == ("IN_STOCK", 40)
    async with open_world(database_url, stores, **changed) as world:
        assert await read_mugs(world) == ("IN_STOCK", 40)
        assert world.gateway.locations["london"].is_counted_by("till")
        with caplog.at_level(logging.WARNING):
            assert "the stock is still counted by till (L)" in caplog.text
        await accept_london(world)
        assert await read_mugs(world) == ("IN_STOCK", 40)
    async with open_world(database_url, stores, **changed) as world:
        assert await read_mugs(world) == ("IN_STOCK", 9)
        assert world.gateway.topology_changes.authorities == {}


async def test_sales_before_the_acceptance_are_posted_to_the_former_authority(database_url: str) -> None:
    stores = build_counted_twice()
    async with open_world(database_url, stores, **TABLES):
        pass
    async with open_world(database_url, stores, **BY_WEB) as world:
        shopper = Shopper(world)
        mug = await find_mug(world)
        await shopper.ask("cartCreate", channelKey="web", lines=[{"variantId": mug, "quantity": 2}])
        placed = await shopper.buy(await shopper.find_option("PICKUP", "london"))
        assert placed["userErrors"] == []
        await world.gateway.run_due()
        assert read_on_hand(stores["till"], "t-mug", "L") == 38
        assert read_on_hand(stores["web"], "w-mug", "l-web") == 9


async def test_stock_is_unknown_while_the_former_authority_is_gone(database_url: str) -> None:
    stores = build_counted_twice()
    async with open_world(database_url, stores, **TABLES):
        pass
    tokens = {"staff": {"token": STAFF, "scopes": ["stock:read", "stock:write"]}}
    left = {"web": stores["web"]}
    async with open_world(database_url, left, **WITHOUT_TILL, tokens=tokens) as world:
        assert await read_mugs(world) == ("UNKNOWN", None)
        shopper = Shopper(world)
        mug = await find_mug(world)
        await shopper.ask("cartCreate", channelKey="web", lines=[{"variantId": mug, "quantity": 1}])
        assert [option for option in await shopper.list_options() if not option["uncovered"]] == []
        line = {"variantId": mug, "locationKey": "london", "quantity": 1}
        (error,) = (await shopper.ask("stockReserve", by=STAFF, lines=[line], holdSeconds=60))["userErrors"]
        assert error["code"] == "OUT_OF_STOCK"
        await accept_london(world)
    async with open_world(database_url, left, **WITHOUT_TILL, tokens=tokens) as world:
        assert await read_mugs(world) == ("IN_STOCK", 9)


async def test_a_new_location_needs_no_acceptance(database_url: str) -> None:
    stores = build_counted_twice()
    first = {**TABLES, "locations": {"depot": LOCATIONS["depot"]}}
    async with open_world(database_url, stores, **first):
        pass
    async with open_world(database_url, stores, **TABLES) as world:
        assert await read_mugs(world) == ("IN_STOCK", 40)
        assert world.gateway.topology_changes.describe() == []


def rename_london(**changes: Any) -> Mapping[str, Any]:
    """Build the configuration in which London has another key, and these values."""
    others = {key: location for key, location in LOCATIONS.items() if key != "london"}
    return {**TABLES, "locations": {"city": {**LONDON, **changes}, **others}}


def read_authority(world: World, location: str) -> str | None:
    authority = world.gateway.locations[location].authority
    return None if authority is None else authority.channel


async def test_a_new_key_keeps_the_authority_of_its_location_until_a_change_is_accepted(database_url: str) -> None:
    stores, changed = build_counted_twice(), rename_london(authority="web")
    async with open_world(database_url, stores, **TABLES):
        pass
    for _ in range(2):  # also at later starts
        async with open_world(database_url, stores, **changed) as world:
            assert read_authority(world, "city") == "till"
            (waiting,) = world.gateway.topology_changes.describe()
            assert waiting.startswith(
                "location city: the stock is still counted by till (L); `gateway locations accept"
            )
    async with open_world(database_url, stores, **changed) as world:
        assert read_authority(world, "city") == "till"
        await accept_location(world, "city")
    async with open_world(database_url, stores, **changed) as world:
        assert read_authority(world, "city") == "web"
        assert world.gateway.topology_changes.describe() == []


async def test_a_new_key_alone_needs_no_acceptance(database_url: str) -> None:
    stores = build_counted_twice()
    async with open_world(database_url, stores, **TABLES):
        pass
    async with open_world(database_url, stores, **rename_london()) as world:
        assert read_authority(world, "city") == "till"
        assert world.gateway.topology_changes.authorities == {}


async def test_a_new_key_without_the_former_authority_is_not_known_until_an_operator_decides(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be the removed location, or another one: to forget the former key says that it is another."""
    stores, changed = build_counted_twice(), rename_london(authority="web", channels={"web": "l-web"})
    async with open_world(database_url, stores, **TABLES):
        pass
    for _ in range(2):
        async with open_world(database_url, stores, **changed) as world:
            assert read_authority(world, "city") is None
            assert "the stock is not known: it may be london under another key, which till (L) counted" in caplog.text
    async with open_world(database_url, stores, **changed) as world:
        await world.gateway.database.write(location_authorities.forget_location, "london", world.clock())
    async with open_world(database_url, stores, **changed) as world:
        assert read_authority(world, "city") == "web"


async def test_a_new_key_without_the_former_authority_counts_when_it_is_accepted(database_url: str) -> None:
    stores, changed = build_counted_twice(), rename_london(authority="web", channels={"web": "l-web"})
    async with open_world(database_url, stores, **TABLES):
        pass
    async with open_world(database_url, stores, **changed) as world:
        await accept_location(world, "city")
    async with open_world(database_url, stores, **changed) as world:
        assert read_authority(world, "city") == "web"


async def test_another_location_that_replaces_a_removed_one_needs_no_acceptance(database_url: str) -> None:
    """The former authority knows it under another ID, or no channel has counted it before."""
    stores = build_counted_twice()
    async with open_world(database_url, stores, **TABLES):
        pass
    for channels in ({"till": "P"}, {"web": "new-web"}):
        (authority,) = channels
        changed = rename_london(authority=authority, channels=channels)
        async with open_world(database_url, stores, **changed) as world:
            assert world.gateway.topology_changes.authorities == {}
            await world.gateway.database.write(location_authorities.forget_location, "city", world.clock())


async def test_the_proof_without_the_rule_a_renamed_location_is_counted_by_another_channel(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = build_counted_twice()
    async with open_world(database_url, stores, **TABLES):
        pass
    monkeypatch.setattr(location_authorities, "_choose_first", lambda location, _: location.require_authority())
    async with open_world(database_url, stores, **rename_london(authority="web")) as world:
        assert read_authority(world, "city") == "web"


async def test_the_proof_without_the_rule_a_changed_line_counts_at_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = build_counted_twice()
    async with open_world(database_url, stores, **TABLES):
        pass
    monkeypatch.setattr(location_authorities, "find_changes", lambda *_: ())
    async with open_world(database_url, stores, **BY_WEB) as world:
        assert await read_mugs(world) == ("IN_STOCK", 9)


async def test_a_first_typing_error_is_corrected_without_an_acceptance(database_url: str) -> None:
    stores = build_counted_twice()
    wrong = {**TABLES, "locations": {**LOCATIONS, "london": {**LONDON, "channels": {"till": "1", "web": "l-web"}}}}
    async with open_world(database_url, stores, **wrong) as world:
        assert await read_mugs(world) == ("UNKNOWN", None)
    async with open_world(database_url, stores, **TABLES) as world:
        assert await read_mugs(world) == ("IN_STOCK", 40)
    async with open_world(database_url, stores, **BY_WEB) as world:
        assert await read_mugs(world) == ("IN_STOCK", 40)
