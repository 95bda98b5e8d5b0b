"""The change feed, as an app reads it that maintains a copy of the data."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import change_log
from gateway.storage.tables import products
from gateway.sync import scheduler
from tests.graphql.mutation_documents import run_mutation
from tests.graphql.world import ADMIN, STAFF, World, build_global_id, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ALL = ["PRODUCT", "PRODUCT_VARIANT", "LISTING", "STOCK", "CATEGORY", "LOCATION"]
CHANGES = """query ($types: [ChangeType!]!, $first: Int, $after: String, $channel: String) {
  changes(types: $types, first: $first, after: $after, channelKey: $channel) {
    edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor }
    nodes { nodeId kind replacedBy occurredAt node { __typename id
      ... on Product { title } ... on ProductVariant { sku } ... on Listing { title } ... on Stock { available } } }
  } }"""


async def page(world: World, *types: str, token: str | None = STAFF, **arguments: Any) -> Any:
    return (await world.client.fetch_data(CHANGES, token, types=list(types or ALL), **arguments))["changes"]


async def get_cursor(world: World, *types: str, **arguments: Any) -> str:
    """Return the cursor from which an app continues."""
    start = await page(world, *types, **arguments)
    assert (start["nodes"], start["pageInfo"]["hasNextPage"]) == ([], False)
    return str(start["pageInfo"]["endCursor"])


async def list_remaining(world: World, *types: str, after: str, **arguments: Any) -> list[Any]:
    """List all changes after the cursor, page by page."""
    found: list[Any] = []
    while True:
        some = await page(world, *types, after=after, **arguments)
        found += some["nodes"]
        after = some["pageInfo"]["endCursor"]
        if not some["pageInfo"]["hasNextPage"]:
            return found


async def sync(world: World, channel: str = "till", **how: bool) -> None:
    await world.gateway.request_sync(channel, **how)
    await world.gateway.run_due()


async def find_ids(world: World, sku: str) -> tuple[str, str]:
    query = "query ($skus: [String!]) { productVariants(filter: {skus: $skus}) { nodes { id product { id } } } }"
    (node,) = (await world.client.fetch_data(query, STAFF, skus=[sku]))["productVariants"]["nodes"]
    return node["id"], node["product"]["id"]


@pytest.mark.writes
async def test_without_a_cursor_nothing_is_listed_but_where_to_go_on_from(world: World) -> None:
    cursor = await get_cursor(world)
    assert await list_remaining(world, after=cursor) == []
    world.stores["till"].put("products", record_builders.build_product("new", title="New", category=["Fresh"]))
    await sync(world)
    found = await list_remaining(world, after=cursor)
    assert sorted(one["node"]["__typename"] for one in found) == ["Category", "Listing", "Product", "ProductVariant"]
    assert {one["kind"] for one in found} == {"UPSERTED"}
    assert all(one["nodeId"] == one["node"]["id"] for one in found)


@pytest.mark.writes
async def test_a_count_that_changed_is_the_stock_of_its_variants_in_the_callers_channel(world: World) -> None:
    cursor = await get_cursor(world, "STOCK")
    elsewhere = await get_cursor(world, "STOCK", channel="web")
    world.stores["till"].change("stock", "t-mug@L", on_hand=7)
    world.stores["till"].change("stock", "half@L", on_hand=3)
    await sync(world)
    variant, _ = await find_ids(world, "MUG")
    (stock,) = await list_remaining(world, "STOCK", after=cursor)
    assert (stock["kind"], stock["node"]["available"]) == ("UPSERTED", 8)
    query = "query ($id: ID!) { node(id: $id) { ... on ProductVariant { stock { id } } } }"
    assert (await world.client.fetch_data(query, STAFF, id=variant))["node"]["stock"]["id"] == stock["nodeId"]
    (there,) = await list_remaining(world, "STOCK", after=elsewhere, channel="web")
    assert (there["node"]["available"], there["nodeId"] != stock["nodeId"]) == (7, True)


@pytest.mark.writes
async def test_deletions_and_merges_are_in_the_change_feed(world: World) -> None:
    lamp, lamps = await find_ids(world, "LAMP")
    blue, _ = await find_ids(world, "TEE-B")
    cursor = await get_cursor(world)
    world.stores["till"].remove("products", "t-lamp")
    await sync(world, sweep=True)
    await sync(world, sweep=True)
    gone = {one["nodeId"]: (one["kind"], one["node"]) for one in await list_remaining(world, after=cursor)}
    assert (gone[lamp], gone[lamps]) == (("DELETED", None), ("DELETED", None))
    cursor, (card, _) = await get_cursor(world, "PRODUCT_VARIANT"), await find_ids(world, "CARD")
    query = "query ($id: ID!) { node(id: $id) { ... on ProductVariant { listings { id } } } }"
    listing = (await world.client.fetch_data(query, STAFF, id=blue))["node"]["listings"][0]["id"]
    await run_mutation(world, "listingLink", listingId=listing, variantId=card)
    await scheduler.stamp_log(world.gateway.write_throttle)
    found = await list_remaining(world, "PRODUCT_VARIANT", after=cursor)
    (merged,) = [one for one in found if one["kind"] == "MERGED"]
    assert {merged["nodeId"], merged["replacedBy"]} == {blue, card}
    assert merged["node"]["id"] == merged["replacedBy"]


async def test_a_page_ends_anywhere_and_the_next_goes_on_there(database_url: str) -> None:
    store = MemoryStore()
    for n in range(30):
        store.put("products", record_builders.build_product(f"p{n:02}", title=f"P{n:02}"))
    async with open_world(database_url, {"till": MemoryStore(), "web": store}) as world:
        cursor = await get_cursor(world, "PRODUCT", "LISTING")
        for n in range(30):
            row = store.rows("products")[f"p{n:02}"]
            store.put("products", row | {"title": f"Q{n:02}"})
        await sync(world, "web")
        whole = await list_remaining(world, "PRODUCT", "LISTING", after=cursor, first=100)
        assert len({one["nodeId"] for one in whole}) == 60
        for size in (1, 7, 30):
            assert [
                one["nodeId"] for one in await list_remaining(world, "PRODUCT", "LISTING", after=cursor, first=size)
            ] == [one["nodeId"] for one in whole]
        seven = await page(world, "PRODUCT", "LISTING", after=cursor, first=7)
        middle = await page(world, "PRODUCT", "LISTING", after=seven["edges"][2]["cursor"], first=4)
        assert [one["nodeId"] for one in middle["nodes"]] == [one["nodeId"] for one in seven["nodes"][3:]]


async def test_variants_that_share_an_item_change_together_and_are_not_torn_apart(database_url: str) -> None:
    store = MemoryStore()
    sizes = [
        record_builders.build_variant(f"v{n}", sku=f"V{n}", item="shared", options={"Size": str(n)}) for n in range(3)
    ]
    store.put("products", {"id": "p", "title": "P", "variants": sizes})
    store.put("stock", record_builders.build_stock("shared", "L", 1))
    store.put("stock", record_builders.build_stock("v9", "L", 1))
    async with open_world(database_url, {"till": store, "web": MemoryStore()}) as world:
        cursor = await get_cursor(world, "STOCK")
        store.change("stock", "shared@L", on_hand=2)
        await sync(world)
        some = await page(world, "STOCK", after=cursor, first=3)
        assert [one["node"]["available"] for one in some["nodes"]] == [2, 2, 2]
        assert await list_remaining(world, "STOCK", after=some["pageInfo"]["endCursor"]) == []


@pytest.mark.writes
async def test_only_changes_of_listed_products_are_returned_where_a_channel_is_named(world: World) -> None:
    cursors = {channel: await get_cursor(world, "PRODUCT", "LISTING", channel=channel) for channel in ("till", "web")}
    world.stores["web"].put("products", record_builders.build_product("only", title="Only here"))
    await sync(world, "web")
    found = {
        channel: [
            one["node"]["title"]
            for one in await list_remaining(world, "PRODUCT", "LISTING", after=after, channel=channel)
        ]
        for channel, after in cursors.items()
    }
    assert found == {"till": [], "web": ["Only here", "Only here"]}


@pytest.mark.writes
async def test_a_product_that_is_taken_off_sale_is_deleted_for_shoppers(world: World) -> None:
    cursor = await get_cursor(world, "PRODUCT")
    world.stores["till"].change("products", "t-lamp", title="A lamp")
    await sync(world)
    _, lamps = await find_ids(world, "LAMP")
    draft = products.update().where(products.c.title == "A lamp").values(status="DRAFT")
    await world.gateway.database.write(lambda conn: conn.execute(draft))
    for token, expected in ((STAFF, ("UPSERTED", lamps)), (None, ("DELETED", None))):
        (change,) = await list_remaining(world, "PRODUCT", after=cursor, token=token)
        assert (change["kind"], change["node"] and change["node"]["id"]) == expected


@pytest.mark.writes
async def test_a_cursor_whose_rest_is_forgotten_says_so(world: World) -> None:
    cursor = await get_cursor(world)
    world.stores["till"].change("products", "t-lamp", title="A lamp")
    await sync(world)
    world.clock.forward(days=30)
    await world.gateway.database.write(change_log.prune_log, world.clock(), world.clock())
    answer = await world.client.ask(CHANGES, types=ALL, after=cursor)
    assert (answer.codes, answer.body["data"]) == (["CURSOR_EXPIRED"], {"changes": None})
    assert await list_remaining(world, after=await get_cursor(world)) == []


@pytest.mark.writes
async def test_a_cursor_that_is_at_the_end_does_not_expire_when_all_behind_it_is_forgotten(world: World) -> None:
    cursor = await get_cursor(world)
    world.clock.forward(days=30)
    await world.gateway.database.write(change_log.prune_log, world.clock(), world.clock())
    assert await list_remaining(world, after=cursor) == []


async def test_cursors_of_other_types_channels_and_lists_and_forged_ones_are_bad_input(world: World) -> None:
    cursor = await get_cursor(world, "PRODUCT")
    query = "{ products(first: 1) { pageInfo { endCursor } } }"
    other = (await world.client.fetch_data(query))["products"]["pageInfo"]["endCursor"]
    wrong: tuple[dict[str, Any], ...] = (
        {"types": ["LISTING"], "after": cursor},
        {"types": ["PRODUCT"], "after": cursor, "channel": "web"},
        {"types": ["PRODUCT"], "after": other},
        {"types": ["PRODUCT"], "after": "x"},
        {"types": []},
        {"types": ["PRODUCT"], "channel": "nowhere"},
        {"types": ["PRODUCT"], "first": 0},
        {"types": ["PRODUCT"], "first": 101},
    )
    for arguments in wrong:
        assert (await world.client.ask(CHANGES, **arguments)).codes == ["BAD_USER_INPUT"], arguments


async def test_the_order_of_types_and_naming_one_twice_make_no_other_list(world: World) -> None:
    cursor = await get_cursor(world, "LISTING", "PRODUCT")
    assert await list_remaining(world, "PRODUCT", "LISTING", "PRODUCT", after=cursor) == []


# ------------------------------------------------------------------------------------------------ listings

LISTINGS = """query ($channel: String, $filter: ListingFilter, $first: Int, $after: String) {
  listings(channelKey: $channel, filter: $filter, first: $first, after: $after) { totalCount
    nodes { externalId channel { key } matchedBy } pageInfo { endCursor hasNextPage } } }"""


async def list_listings(world: World, **variables: Any) -> set[str]:
    found = (await world.client.fetch_data(LISTINGS, STAFF, **variables))["listings"]
    assert found["totalCount"] == len(found["nodes"])
    return {one["externalId"] for one in found["nodes"]}


async def test_listings_are_listed_by_channel_state_and_whether_something_connects_them(world: World) -> None:
    assert await list_listings(world) == {"t-mug", "t-tee", "t-lamp", "t-card", "w-red", "w-blue", "w-mug"}
    assert await list_listings(world, channel="web") == {"w-red", "w-blue", "w-mug"}
    assert await list_listings(world, filter={"unmatched": True}) == {"t-lamp", "t-card", "w-blue"}
    assert await list_listings(world, filter={"unmatched": False}, channel="till") == {"t-mug", "t-tee"}
    assert await list_listings(world, filter={"statuses": ["ARCHIVED"]}) == set()
    assert await list_listings(world, filter={"statuses": []}) == set()
    assert await list_listings(world, filter={}) == await list_listings(world, filter={"statuses": ["ACTIVE"]})


@pytest.mark.writes
async def test_a_listing_is_changed_when_it_says_otherwise_or_belongs_elsewhere_and_not_when_its_neighbor_is(
    world: World,
) -> None:
    async def list_updated() -> set[str]:
        instant = world.clock() - timedelta(minutes=1)
        return await list_listings(world, filter={"updatedSince": instant.isoformat()})

    assert await list_updated() == await list_listings(world)
    world.clock.forward(hours=1)
    red = record_builders.build_variant("w-red", sku="tee-r", price="9.00", title="Red", options={"Color": "Red"})
    blue = record_builders.build_variant("w-blue", sku="TEE-B", price="11.50", title="Blue", options={"Color": "Blue"})
    world.stores["web"].change("products", "w-tee", variants=[red, blue])
    await sync(world, "web")
    assert await list_updated() == {"w-red"}
    world.clock.forward(hours=1)
    lamp = record_builders.build_variant("t-lamp", sku="TEE-B", price="30.00", title="Lamp")
    world.stores["till"].change("products", "t-lamp", variants=[lamp])
    await sync(world)
    assert await list_updated() == {"t-lamp", "w-blue"}


async def test_listings_are_paged_and_need_their_scope(world: World) -> None:
    first = (await world.client.fetch_data(LISTINGS, STAFF, first=4))["listings"]
    after = first["pageInfo"]["endCursor"]
    second = (await world.client.fetch_data(LISTINGS, STAFF, first=4, after=after))["listings"]
    ids = [one["externalId"] for some in (first, second) for one in some["nodes"]]
    assert (len(ids), len(set(ids)), second["pageInfo"]["hasNextPage"]) == (7, 7, False)
    assert (await world.client.ask(LISTINGS)).codes == ["UNAUTHENTICATED"]
    for variables in ({"channel": "nowhere"}, {"after": "x"}, {"after": after, "channel": "web"}):
        assert (await world.client.ask(LISTINGS, ADMIN, **variables)).codes == ["BAD_USER_INPUT"]


async def test_the_id_of_a_match_review_that_is_none_is_null(world: World) -> None:
    query = "query ($id: ID!) { node(id: $id) { id } }"
    assert await world.client.fetch_data(query, ADMIN, id=build_global_id("MatchReview", "0" * 32)) == {"node": None}
