"""Reviews: what customers have written in channels."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.model.ids import GlobalId, derive_id
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.tables import product_reviews
from tests.gateways import stop_caches
from tests.graphql.test_media import list_warnings
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import ADMIN, World, open_world

pytestmark = pytest.mark.anyio

CHANNELS: Mapping[str, Any] = {
    key: {"config": {"feeds": ["products", "stock", "customers", "orders", "reviews"]}} for key in ("web", "till")
}
REVIEWS = """query ($first: Int, $after: String, $last: Int, $before: String, $channel: String, $least: Int,
  $sort: ReviewSort) { products(first: 1, search: "lamp") { nodes { id title reviews(
    first: $first, after: $after, last: $last, before: $before, channelKey: $channel, minRating: $least, sort: $sort
  ) { totalCount pageInfo { hasNextPage endCursor startCursor } nodes { id rating title body author verifiedPurchase
    locale reply writtenAt channel { key } product { title } variant { sku } } } } } }"""


def build_written(id: str, day: int, rating: int, **fields: Any) -> dict[str, Any]:
    return record_builders.build_review(id, "1", rating, written_at=f"2026-01-{day:02}T12:00:00+00:00", **fields)


def build_stores() -> dict[str, MemoryStore]:
    """Build a lamp in two channels, with reviews in both; the till's product has another ID."""
    web, till = MemoryStore(), MemoryStore()
    lamp = {"sku": "LAMP", "price": "9.00", "currency": "GBP"}
    red = {"id": "2", "title": "Lamp, red", "sku": "LAMP-R"}
    parts = record_builders.build_product("1", title="Lamp", **lamp)["variants"]
    web.put("products", {**record_builders.build_product("1", title="Lamp"), "variants": [*parts, red]})
    till.put("products", record_builders.build_product("7", title="Lamp", **lamp))
    web.put("reviews", build_written("a", 1, 5, title="<b>Good</b>", author="Ada B.", verified=True, locale="en_gb"))
    web.put("reviews", build_written("b", 3, 2, body="Too dim", reply="Try 60 W", variant="1"))
    till.put("reviews", {**build_written("a", 2, 4), "product": "7"})
    web.put("reviews", {**build_written("c", 4, 3), "product": "unknown"})
    return {"web": web, "till": till}


@pytest.fixture
async def own_world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), channels=CHANNELS) as world:
        yield world


async def fetch_reviews(world: World, **variables: Any) -> Any:
    """Fetch the reviews of the lamp thrice, so that the reference executor and the compiled function answer."""
    answers = [(await world.client.fetch_data(REVIEWS, **variables))["products"]["nodes"][0] for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    return answers[0]["reviews"]


async def list_reviews(world: World, **variables: Any) -> list[tuple[str, int]]:
    return [(one["channel"]["key"], one["rating"]) for one in (await fetch_reviews(world, **variables))["nodes"]]


@pytest.mark.any_database
async def test_the_reviews_of_all_channels_are_shown_with_the_newest_first(own_world: World) -> None:
    page = await fetch_reviews(own_world)
    dim, till, good = page["nodes"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, False)
    assert (good["title"], good["author"], good["verifiedPurchase"]) == ("<b>Good</b>", "Ada B.", True), "plain text"
    assert (good["locale"], good["variant"], good["product"]) == ("en-GB", None, {"title": "Lamp"})
    assert (dim["body"], dim["reply"], dim["variant"]) == ("Too dim", "Try 60 W", {"sku": "LAMP"})
    assert (till["channel"], till["author"], till["writtenAt"]) == ({"key": "till"}, None, "2026-01-02T12:00:00Z")


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"channel": "web"}, [("web", 2), ("web", 5)]),
        ({"least": 3}, [("till", 4), ("web", 5)]),
        ({"sort": {"key": "RATING"}}, [("web", 5), ("till", 4), ("web", 2)]),
        ({"sort": {"key": "RATING", "direction": "ASC"}}, [("web", 2), ("till", 4), ("web", 5)]),
        ({"sort": {"key": "WRITTEN_AT", "direction": "ASC"}, "least": 4}, [("web", 5), ("till", 4)]),
    ],
)
async def test_reviews_are_filtered_and_sorted(
    own_world: World, variables: dict[str, Any], expected: list[tuple[str, int]]
) -> None:
    assert await list_reviews(own_world, **variables) == expected


@pytest.mark.any_database
async def test_pages_in_both_directions_show_every_review_once(own_world: World) -> None:
    for sort in ({"key": "RATING"}, {"key": "WRITTEN_AT", "direction": "ASC"}):
        whole = await list_reviews(own_world, sort=sort)
        first = await fetch_reviews(own_world, sort=sort, first=2)
        rest = await list_reviews(own_world, sort=sort, first=2, after=first["pageInfo"]["endCursor"])
        assert [(one["channel"]["key"], one["rating"]) for one in first["nodes"]] + rest == whole
        last = await fetch_reviews(own_world, sort=sort, last=1)
        before = await list_reviews(own_world, sort=sort, last=2, before=last["pageInfo"]["startCursor"])
        assert before == whole[:2]


@pytest.mark.any_database
async def test_a_new_changed_or_withdrawn_review_is_shown_at_once_and_nothing_of_it_stays(own_world: World) -> None:
    assert len((await fetch_reviews(own_world))["nodes"]) == 3
    web = own_world.stores["web"]
    web.put("reviews", build_written("d", 9, 1))
    web.change("reviews", "b", rating=3, body="Brighter now")
    web.remove("reviews", "a")
    own_world.clock.forward(days=2)
    await own_world.gateway.run_due()
    page = await fetch_reviews(own_world)
    assert [(one["rating"], one["body"]) for one in page["nodes"]] == [(1, None), (3, "Brighter now"), (4, None)]
    rows = await own_world.gateway.database.read(lambda conn: conn.execute(product_reviews.select()).all())
    (gone,) = (row for row in rows if row.gone)
    assert (gone.title, gone.author, gone.body, gone.reply) == (None, None, None, None)


@pytest.mark.any_database
async def test_a_review_that_comes_before_its_product_is_shown_with_it(own_world: World) -> None:
    own_world.stores["web"].put("products", record_builders.build_product("unknown", title="Lamp shade", sku="SHADE"))
    own_world.clock.forward(hours=1)
    await own_world.gateway.run_due()
    query = '{ products(search: "shade") { nodes { reviews(first: 5) { nodes { rating product { title } } } } } }'
    (shade,) = (await own_world.client.fetch_data(query))["products"]["nodes"]
    assert shade["reviews"]["nodes"] == [{"rating": 3, "product": {"title": "Lamp shade"}}]


@pytest.mark.any_database
async def test_reviews_of_hidden_channels_are_hidden(database_url: str) -> None:
    access = {"anonymous": {"channels": ["web"]}}
    async with open_world(database_url, build_stores(), channels=CHANNELS, access=access) as world:
        page = await fetch_reviews(world)
        assert [one["channel"]["key"] for one in page["nodes"]] == ["web", "web"]
        assert page["totalCount"] == 2
        (lamp,) = (await world.client.fetch_data(REVIEWS, ADMIN))["products"]["nodes"]
        hidden = next(one["id"] for one in lamp["reviews"]["nodes"] if one["channel"]["key"] == "till")
        query = "query ($id: ID!) { node(id: $id) { ... on Review { rating } } }"
        assert await world.client.fetch_data(query, id=hidden) == {"node": None}
        assert await world.client.fetch_data(query, ADMIN, id=hidden) == {"node": {"rating": 4}}
        assert (await world.client.ask(REVIEWS, channel="till")).codes == ["BAD_USER_INPUT"]


async def test_reviews_of_a_draft_cannot_be_read_by_their_ids_either(own_world: World) -> None:
    query = "query ($id: ID!) { node(id: $id) { ... on Review { rating } } }"
    id_ = str(GlobalId("Review", (derive_id("Review", "web", "c", 1),)))
    draft = record_builders.build_product("unknown", title="Draft", sku="DRAFT", status="DRAFT")
    own_world.stores["web"].put("products", draft)
    own_world.clock.forward(hours=1)
    await own_world.gateway.run_due()
    assert await own_world.client.fetch_data(query, id=id_) == {"node": None}
    assert await own_world.client.fetch_data(query, ADMIN, id=id_) == {"node": {"rating": 3}}


@pytest.mark.any_database
async def test_a_database_that_is_built_anew_has_the_same_ids(own_world: World) -> None:
    rows = await own_world.gateway.database.read(lambda conn: conn.execute(product_reviews.select()).all())
    assert {row.id for row in rows} == {derive_id("Review", row.channel, row.external_id, 1) for row in rows}
    assert len({row.id for row in rows}) == 4, "the two with the ID a are different reviews"


async def test_reviews_of_a_page_of_products_take_a_constant_number_of_statements(own_world: World) -> None:
    stop_caches(own_world.gateway)
    for number in range(10, 30):
        product = record_builders.build_product(str(number), title=f"Chair {number}", sku=f"C{number}")
        own_world.stores["web"].put("products", product)
        for part in range(3):
            review = record_builders.build_review(f"{number}-{part}", str(number), variant=str(number))
            own_world.stores["web"].put("reviews", review)
    own_world.clock.forward(hours=1)
    await own_world.gateway.run_due()
    query = REVIEWS.replace('(first: 1, search: "lamp")', '(first: $count, search: "chair")')
    query = query.replace("($first: Int,", "($count: Int, $first: Int,")
    counts = []
    for count in (1, 20):
        await own_world.client.fetch_data(query, count=count)
        with capture_statements() as seen:
            found = (await own_world.client.fetch_data(query, count=count))["products"]["nodes"]
        assert len(found) == count and all(one["reviews"]["totalCount"] == 3 for one in found)
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("least", [0, 6, -1])
async def test_a_rating_that_there_is_not_is_an_error_of_the_client(own_world: World, least: int) -> None:
    assert (await own_world.client.ask(REVIEWS, least=least)).codes == ["BAD_USER_INPUT"]


async def test_a_wrong_review_is_rejected_and_a_wrong_text_is_dropped(database_url: str) -> None:
    stores = build_stores()
    stores["web"].put("reviews", build_written("x", 5, 6))
    stores["web"].put("reviews", build_written("y", 6, 5, author="\x00", locale="not a locale", title="Fine"))
    async with open_world(database_url, stores, channels=CHANNELS) as world:
        page = await fetch_reviews(world)
        assert (page["nodes"][0]["title"], page["nodes"][0]["author"], page["nodes"][0]["locale"]) == (
            "Fine",
            None,
            None,
        )
        assert page["totalCount"] == 4
        assert sorted(await list_warnings(world)) == [("author", "WARNING"), ("rating", "ERROR")]


async def test_the_capability_and_the_resource_name_reviews(own_world: World) -> None:
    query = '{ channel(key: "web") { capabilities sync { resource } } }'
    channel = (await own_world.client.fetch_data(query, ADMIN))["channel"]
    assert "PULL_REVIEWS" in channel["capabilities"]
    assert "REVIEWS" in {one["resource"] for one in channel["sync"]}
