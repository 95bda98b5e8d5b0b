"""Manual decisions about listings (rule I1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from tests.graphql.mutation_documents import list_user_error_codes, run_mutation
from tests.graphql.world import ADMIN, World, build_global_id, open_small_world, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.writes, pytest.mark.any_database]

LISTINGS = """{ productVariants(first: 100) { nodes { id
  listings { id externalId matchedBy unitsPerListing channel { key } } } } }"""
REVIEWS = """{ matchReviews { nodes { id reason createdAt listing { externalId }
  candidates { id sku listings { externalId } } } } }"""
GTINS = ("04006381333931", "05000112637922")


@pytest.fixture
async def doubtful(database_url: str) -> AsyncIterator[World]:
    """A gateway where one SKU stands for two GTINs, and the listing of a third channel with the SKU has none."""
    till, web, app = MemoryStore(), MemoryStore(), MemoryStore()
    till.put("products", record_builders.build_product("t1", sku="X", gtin=GTINS[0], title="One"))
    app.put("products", record_builders.build_product("w2", sku="X", gtin=GTINS[1], title="Two"))
    web.put("products", record_builders.build_product("w3", sku="X", title="Which"))
    async with open_world(database_url, {"till": till, "web": web, "app": app}) as opened_world:
        yield opened_world


async def fetch_listings(world: World) -> dict[str, dict[str, Any]]:
    """Fetch each listing with its variant, by `channel:id`."""
    nodes = (await world.client.fetch_data(LISTINGS, ADMIN))["productVariants"]["nodes"]
    return {
        f"{one['channel']['key']}:{one['externalId']}": {**one, "variant": node["id"]}
        for node in nodes
        for one in node["listings"]
    }


async def group_by_variant(world: World) -> set[frozenset[str]]:
    """Group the listings by variant."""
    groups: dict[str, set[str]] = {}
    for source, one in (await fetch_listings(world)).items():
        groups.setdefault(one["variant"], set()).add(source)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


async def link(world: World, source: str, to: str, key: str = "k1", **more: Any) -> dict[str, Any]:
    known = await fetch_listings(world)
    given = {"listingId": known[source]["id"], "variantId": known[to]["variant"]}
    return await run_mutation(world, "listingLink", key=key, **given, **more)


async def unlink(world: World, source: str, key: str = "k2") -> dict[str, Any]:
    return await run_mutation(world, "listingUnlink", key=key, listingId=(await fetch_listings(world))[source]["id"])


async def sync(world: World, channel: str) -> None:
    world.clock.forward(days=1)
    await world.gateway.request_sync(channel, sweep=True)
    await world.gateway.run_due()


# ------------------------------------------------------------------------------------------------ links


async def test_a_listing_that_is_linked_is_the_variant_and_stays_it(world: World) -> None:
    assert await group_by_variant(world) == {
        frozenset({"till:t-mug", "web:w-mug"}),
        frozenset({"till:t-tee", "web:w-red"}),
    }
    payload = await link(world, "web:w-blue", "till:t-lamp")
    assert (list_user_error_codes(payload), payload["listing"]["matchedBy"]) == ([], "MANUAL")
    assert payload["listing"]["variant"]["id"] == (await fetch_listings(world))["till:t-lamp"]["variant"]
    assert frozenset({"web:w-blue", "till:t-lamp"}) in await group_by_variant(world)
    world.stores["web"].change("products", "w-tee", brand="Another")
    await sync(world, "web")
    assert frozenset({"web:w-blue", "till:t-lamp"}) in await group_by_variant(world)


async def test_a_listing_that_is_unlinked_stands_alone_whatever_its_codes(world: World) -> None:
    payload = await unlink(world, "web:w-mug")
    assert (list_user_error_codes(payload), payload["listing"]["matchedBy"]) == ([], None)
    assert await group_by_variant(world) == {frozenset({"till:t-tee", "web:w-red"})}
    await link(world, "web:w-mug", "till:t-mug", key="k3")
    assert frozenset({"till:t-mug", "web:w-mug"}) in await group_by_variant(world)


async def test_the_units_that_a_person_says_stand_whatever_the_channel_says_later(world: World) -> None:
    await link(world, "web:w-mug", "till:t-mug", unitsPerListing=2)
    assert (await fetch_listings(world))["web:w-mug"]["unitsPerListing"] == 2
    row = world.stores["web"].rows("products")["w-mug"]
    world.stores["web"].put("products", row | {"variants": [row["variants"][0] | {"units": 3, "price": "6.00"}]})
    await sync(world, "web")
    assert (await fetch_listings(world))["web:w-mug"]["unitsPerListing"] == 2
    await link(world, "web:w-mug", "till:t-mug", key="k3")
    assert (await fetch_listings(world))["web:w-mug"]["unitsPerListing"] == 2, "left out: unchanged"


async def test_a_link_moves_no_stock_and_a_shared_listing_sells_what_its_variant_has(world: World) -> None:
    await link(world, "web:w-blue", "till:t-mug")
    query = '{ productVariants(filter: {skus: ["MUG"]}) { nodes { stock(channelKey: "web") { available } } } }'
    (node,) = (await world.client.fetch_data(query, ADMIN))["productVariants"]["nodes"]
    assert node["stock"]["available"] == 47, "40 in London, 7 in the depot"


@pytest.mark.parametrize("units", [0, -1, 2**31])
async def test_units_that_cannot_be_are_bad_input(world: World, units: int) -> None:
    known = await fetch_listings(world)
    given = {"listingId": known["web:w-mug"]["id"], "variantId": known["till:t-lamp"]["variant"]}
    query = """mutation ($input: ListingLinkInput!) { listingLink(input: $input) { listing { id } } }"""
    answer = await world.client.ask(query, ADMIN, input={**given, "unitsPerListing": units, "idempotencyKey": "k"})
    assert answer.codes == ["BAD_USER_INPUT"]


async def test_a_listing_cannot_be_linked_with_itself_alone(world: World) -> None:
    payload = await link(world, "till:t-lamp", "till:t-lamp")
    assert list_user_error_codes(payload) == ["INVALID"]
    assert payload["listing"]["id"] == (await fetch_listings(world))["till:t-lamp"]["id"], "the current object"


async def test_things_that_are_counted_in_different_units_are_not_one(database_url: str) -> None:
    till, web = MemoryStore(), MemoryStore()
    till.put("products", record_builders.build_product("t1", title="Tea"))
    web.put("products", record_builders.build_product("w1", title="Tea"))
    async with open_world(database_url, {"till": till, "web": web}) as world:
        grams = tables.listings.update().where(tables.listings.c.channel == "till").values(unit_of_measure="g")
        await world.gateway.database.write(lambda conn: conn.execute(grams))
        assert list_user_error_codes(await link(world, "web:w1", "till:t1")) == ["INVALID"]


async def test_what_others_were_linked_with_by_hand_is_not_unlinked_before_them(world: World) -> None:
    await link(world, "web:w-blue", "till:t-lamp")
    payload = await unlink(world, "till:t-lamp")
    assert list_user_error_codes(payload) == ["NOT_ALLOWED_IN_STATE"]
    assert payload["userErrors"][0]["channel"] == {"key": "web"}
    assert list_user_error_codes(await unlink(world, "web:w-blue", key="k3")) == []
    assert list_user_error_codes(await unlink(world, "till:t-lamp", key="k4")) == []


async def test_a_listing_that_the_channel_has_taken_away_is_not_found(world: World) -> None:
    lamp = (await fetch_listings(world))["till:t-lamp"]
    world.stores["till"].remove("products", "t-lamp")
    await sync(world, "till")
    await sync(world, "till")
    payload = await run_mutation(world, "listingUnlink", listingId=lamp["id"])
    assert (list_user_error_codes(payload), payload["listing"]) == (["NOT_FOUND"], None)


async def test_a_variant_that_was_merged_meanwhile_is_found_by_its_old_id(world: World) -> None:
    known = await fetch_listings(world)
    await link(world, "web:w-blue", "till:t-lamp")
    given = {"listingId": known["till:t-card"]["id"], "variantId": known["web:w-blue"]["variant"]}
    assert list_user_error_codes(await run_mutation(world, "listingLink", key="k3", **given)) == []
    assert frozenset({"till:t-card", "web:w-blue", "till:t-lamp"}) in await group_by_variant(world)


async def test_two_concurrent_links_both_take_effect(database_url: str) -> None:
    async with open_small_world(database_url) as world, open_small_world(database_url) as other:
        known = await fetch_listings(world)
        requests = [
            run_mutation(
                some, "listingLink", key=key, listingId=known[source]["id"], variantId=known["till:t-lamp"]["variant"]
            )
            for some, key, source in (
                (world, "a", "web:w-blue"),
                (other, "b", "web:w-mug"),
                (world, "c", "till:t-card"),
            )
        ]
        assert [list_user_error_codes(payload) for payload in await asyncio.gather(*requests)] == [[]] * 3
        assert frozenset({"web:w-blue", "web:w-mug", "till:t-card", "till:t-lamp"}) in await group_by_variant(world)


# ------------------------------------------------------------------------------------------------ reviews


async def test_what_could_not_be_decided_waits_with_its_candidates(doubtful: World) -> None:
    review = await open_review(doubtful)
    assert "several GTINs" in review["reason"]
    assert {one["listings"][0]["externalId"] for one in review["candidates"]} == {"t1", "w2"}
    again = "query ($id: ID!) { node(id: $id) { id ... on MatchReview { reason } } }"
    assert (await doubtful.client.fetch_data(again, ADMIN, id=review["id"]))["node"]["id"] == review["id"]
    assert (await doubtful.client.ask(again, "clerk-secret", id=review["id"])).codes == ["FORBIDDEN"]
    assert (await doubtful.client.ask(REVIEWS, "clerk-secret")).codes == ["FORBIDDEN"]


async def fetch_reviews(world: World) -> dict[str, dict[str, Any]]:
    """Fetch the open match reviews, by external id of the listing."""
    nodes = (await world.client.fetch_data(REVIEWS, ADMIN))["matchReviews"]["nodes"]
    return {node["listing"]["externalId"]: node for node in nodes}


async def open_review(world: World) -> dict[str, Any]:
    return (await fetch_reviews(world))["w3"]


async def test_a_review_is_decided_for_a_candidate(doubtful: World) -> None:
    review = await open_review(doubtful)
    variant = (await fetch_listings(doubtful))["till:t1"]["variant"]
    payload = await run_mutation(doubtful, "matchReviewDecide", reviewId=review["id"], variantId=variant)
    assert (list_user_error_codes(payload), payload["review"], payload["listing"]["matchedBy"]) == ([], None, "MANUAL")
    assert await group_by_variant(doubtful) == {frozenset({"till:t1", "web:w3"})}
    assert "w3" not in await fetch_reviews(doubtful)
    assert await run_mutation(doubtful, "matchReviewDecide", reviewId=review["id"], variantId=variant) == payload
    late = await run_mutation(doubtful, "matchReviewDecide", key="k2", reviewId=review["id"], variantId=None)
    assert list_user_error_codes(late) == ["NOT_FOUND"]


async def test_a_review_is_decided_against_all_candidates_and_does_not_come_back(doubtful: World) -> None:
    review = await open_review(doubtful)
    payload = await run_mutation(doubtful, "matchReviewDecide", reviewId=review["id"], variantId=None)
    assert (list_user_error_codes(payload), payload["listing"]["matchedBy"]) == ([], None)
    doubtful.stores["web"].change("products", "w3", brand="New")
    await sync(doubtful, "web")
    assert await group_by_variant(doubtful) == set()
    assert "w3" not in await fetch_reviews(doubtful)


async def test_another_thing_under_an_old_id_is_reviewed_until_a_person_has_looked(world: World) -> None:
    mug = record_builders.build_product("t-mug", sku="MUG", gtin=GTINS[1], title="Another mug")
    world.stores["till"].put("products", mug)
    await sync(world, "till")
    review = (await fetch_reviews(world))["t-mug"]
    assert (review["reason"], review["candidates"]) == ("another thing stands under the same id since", [])
    assert (
        list_user_error_codes(await run_mutation(world, "matchReviewDecide", reviewId=review["id"], variantId=None))
        == []
    )
    assert "t-mug" not in await fetch_reviews(world)


async def test_a_refused_decision_leaves_the_review_open(doubtful: World) -> None:
    review = await open_review(doubtful)
    unknown = build_global_id("ProductVariant", "0" * 32)
    payload = await run_mutation(doubtful, "matchReviewDecide", reviewId=review["id"], variantId=unknown)
    assert payload["userErrors"][0]["field"] == ["input", "variantId"]
    assert (payload["review"]["id"], list_user_error_codes(payload)) == (review["id"], ["NOT_FOUND"])
    assert (await open_review(doubtful))["id"] == review["id"]


async def test_a_decision_must_be_given_if_as_null(doubtful: World) -> None:
    review = await open_review(doubtful)
    query = "mutation ($input: MatchReviewDecideInput!) { matchReviewDecide(input: $input) { review { id } } }"
    given = {"reviewId": review["id"], "idempotencyKey": "k"}
    assert (await doubtful.client.ask(query, ADMIN, input=given)).codes == ["BAD_USER_INPUT"]
