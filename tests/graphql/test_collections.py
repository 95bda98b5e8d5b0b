"""Collections: those of channels with the products that a channel lists, and those that are filters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.world import ADMIN, World, build_global_id, open_world

pytestmark = pytest.mark.anyio

SMART = {
    "sale": {
        "titles": {"en": "Sale", "de": "Ausverkauf"},
        "descriptions": {"en": "<p onclick='x()'>All that is <b>reduced</b><script>alert(1)</script></p>"},
        "image": "https://shop.example/sale.png",
        "filter": {"on_sale": True},
        "sort": {"key": "DISCOUNT", "direction": "DESC"},
    },
    "acme": {"titles": {"en": "By Acme"}, "handle": "acme-goods", "filter": {"brands": ["Acme"]}},
}


def build_stores() -> dict[str, MemoryStore]:
    """Build a web store with collections, and a till that sells some of its products."""
    web, till = MemoryStore(), MemoryStore()
    for number, title in enumerate("ABCDEF"):
        brand = "Acme" if title in "ACE" else "Other"
        web.put("products", record_builders.build_product(f"w{title}", sku=title, title=title, brand=brand))
        if number % 2 == 0:
            reduced = record_builders.build_variant(
                f"t{title}", sku=title, price="5.00", compare_at_price=f"{6 + number}.00"
            )
            till.put("products", {"id": f"t{title}", "title": title, "variants": [reduced]})
    web.put(
        "collections",
        record_builders.build_collection(
            "c1",
            ["wD", "wB", "wA", "gone"],
            title="Summer",
            handle="summer",
            locale="en",
            description_html="<p>Warm days</p><script>alert(1)</script>",
            translations=[{"locale": "de", "title": "Sommer"}],
            image="https://shop.example/summer.png",
        ),
    )
    web.put("collections", record_builders.build_collection("c2", ["wF", "wA"], title="Winter"))
    till.put("collections", record_builders.build_collection("c1", ["tE", "tC"], title="Counter", handle="summer"))
    return {"web": web, "till": till}


@pytest.fixture
async def own_world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), collections=SMART, stock={"default_channel": "web"}) as world:
        yield world


LISTED = """query ($handle: String!, $channel: String, $in: String, $first: Int, $after: String, $last: Int,
    $before: String, $search: String, $filter: ProductFilter, $sort: ProductSort) {
  collection(handle: $handle, channelKey: $channel) {
    id handle kind channel { key }
    products(first: $first, after: $after, last: $last, before: $before, channelKey: $in, search: $search,
        filter: $filter, sort: $sort) {
      totalCount nodes { title } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      facets(keys: ["brand"]) { values { value count } } sources { channel { key } } } } }"""


async def list_titles(world: World, handle: str, **variables: Any) -> str:
    found = (await world.client.fetch_data(LISTED, handle=handle, **variables))["collection"]
    return "".join(node["title"] for node in found["products"]["nodes"])


async def sync(world: World, *channels: str) -> None:
    world.clock.forward(minutes=10)
    for channel in channels or ("web",):
        await world.gateway.request_sync(channel, sweep=True)
    await world.gateway.run_due()


async def test_a_collection_lists_its_products_in_the_order_of_its_channel(own_world: World) -> None:
    found = (await own_world.client.fetch_data(LISTED, handle="summer"))["collection"]
    assert (found["handle"], found["kind"], found["channel"]["key"]) == ("summer", "MANUAL", "web")
    products = found["products"]
    assert [node["title"] for node in products["nodes"]] == ["D", "B", "A"]
    assert products["totalCount"] == 3
    assert products["facets"][0]["values"] == [{"value": "Other", "count": 2}, {"value": "Acme", "count": 1}]
    backward = {"key": "POSITION", "direction": "DESC"}
    assert await list_titles(own_world, "summer", sort=backward) == "ABD"


async def test_collections_of_two_channels_with_one_handle_are_two(own_world: World) -> None:
    assert await list_titles(own_world, "summer", channel="till") == "EC"
    ids = {
        (await own_world.client.fetch_data(LISTED, handle="summer", channel=key))["collection"]["id"]
        for key in ("web", "till")
    }
    assert len(ids) == 2


async def test_the_list_takes_what_the_list_of_all_products_takes(own_world: World) -> None:
    assert await list_titles(own_world, "summer", filter={"brands": ["Other"]}) == "DB"
    assert await list_titles(own_world, "summer", sort={"key": "TITLE", "direction": "ASC"}) == "ABD"
    assert await list_titles(own_world, "summer", search="b") == "B"
    assert await list_titles(own_world, "summer", **{"in": "till"}) == "A"
    prices = {"key": "PRICE", "direction": "ASC"}
    assert await list_titles(own_world, "summer", sort=prices, **{"in": "web"}) == await list_titles(
        own_world, "summer", sort=prices, filter={"channelKeys": ["web"]}, **{"in": "web"}
    )


async def test_pages_go_on_in_both_directions(own_world: World) -> None:
    titles, after = "", None
    for _ in range(3):
        found = await own_world.client.fetch_data(LISTED, handle="summer", first=1, after=after)
        page = found["collection"]["products"]
        titles, after = titles + page["nodes"][0]["title"], page["pageInfo"]["endCursor"]
    assert (titles, page["pageInfo"]["hasNextPage"]) == ("DBA", False)
    assert await list_titles(own_world, "summer", last=2, before=after) == "DB"


async def test_a_member_that_comes_or_returns_later_is_at_its_place(own_world: World) -> None:
    web = own_world.stores["web"]
    web.put("products", record_builders.build_product("gone", sku="G", title="G"))
    await sync(own_world)
    assert await list_titles(own_world, "summer") == "DBAG"
    web.remove("products", "wB")
    await sync(own_world)
    assert await list_titles(own_world, "summer") == "DAG"
    web.put("products", record_builders.build_product("wB", sku="B", title="B"))
    await sync(own_world)
    assert await list_titles(own_world, "summer") == "DBAG"


async def test_the_list_follows_its_channel(own_world: World) -> None:
    before = (await own_world.client.fetch_data('{ collection(handle: "summer") { id updatedAt } }'))["collection"]
    own_world.stores["web"].change("collections", "c1", products=["wC", "wA", "wD"], title="High summer")
    await sync(own_world)
    assert await list_titles(own_world, "summer") == "CAD"
    query = '{ collection(handle: "summer") { id updatedAt content { title } } }'
    after = (await own_world.client.fetch_data(query))["collection"]
    assert after["id"] == before["id"] and after["updatedAt"] > before["updatedAt"]
    assert after["content"]["title"] == "High summer"


async def test_texts_are_in_the_language_asked_for_and_sanitized(own_world: World) -> None:
    query = """query ($locale: Locale) { collection(handle: "summer") {
      content(locale: $locale) { locale title descriptionHtml seo { title } } image { url } } }"""
    own, german, other = [
        (await own_world.client.fetch_data(query, locale=locale))["collection"] for locale in (None, "de-AT", "fr")
    ]
    html = "<p>Warm days</p>"
    assert own["content"] == {"locale": "en", "title": "Summer", "descriptionHtml": html, "seo": {"title": "Summer"}}
    assert (german["content"]["locale"], german["content"]["title"]) == ("de", "Sommer")
    assert german["content"]["descriptionHtml"] == html, "what the translation lacks is as in the own language"
    assert other["content"] == own["content"]
    assert own["image"] == {"url": "https://shop.example/summer.png"}


async def test_former_handles_stay_valid(own_world: World) -> None:
    own_world.stores["web"].change("collections", "c1", handle="high-summer")
    await sync(own_world)
    for handle in ("summer", "high-summer"):
        found = (await own_world.client.fetch_data(LISTED, handle=handle))["collection"]
        assert found["handle"] == "high-summer"
    own_world.stores["web"].put("collections", record_builders.build_collection("c9", ["wC"], handle="summer"))
    await sync(own_world)
    assert await list_titles(own_world, "summer") == "C", "a present handle comes before a former one"


async def test_of_two_collections_with_one_handle_the_first_has_it(own_world: World) -> None:
    web = own_world.stores["web"]
    web.put("collections", record_builders.build_collection("c0", ["wC"], title="Other summer", handle="summer"))
    await sync(own_world)
    assert await list_titles(own_world, "summer") == "C"
    query = '{ collections(channelKey: "web") { nodes { handle content { title } } } }'
    nodes = (await own_world.client.fetch_data(query))["collections"]["nodes"]
    handles = {node["content"]["title"]: node["handle"] for node in nodes}
    assert handles["Other summer"] == "summer" and handles["Summer"].startswith("summer-")
    assert await list_titles(own_world, handles["Summer"]) == "DBA"
    web.remove("collections", "c0")
    await sync(own_world)
    assert await list_titles(own_world, "summer") == "DBA"
    assert await list_titles(own_world, handles["Summer"]) == "DBA"


async def test_a_collection_that_is_gone_is_found_nowhere(own_world: World) -> None:
    found = (await own_world.client.fetch_data(LISTED, handle="summer"))["collection"]
    own_world.stores["web"].remove("collections", "c1")
    await sync(own_world)
    query = """query ($id: ID!) { node(id: $id) { id } collection(handle: "summer") { id }
      products(filter: {collectionIds: [$id]}) { nodes { title } }
      d: products(search: "d") { nodes { collections { nodes { id } } } } }"""
    seen = await own_world.client.fetch_data(query, id=found["id"])
    assert seen == {
        "node": None,
        "collection": None,
        "products": {"nodes": []},
        "d": {"nodes": [{"collections": {"nodes": []}}]},
    }
    own_world.stores["web"].put("collections", record_builders.build_collection("c1", ["wC"], handle="summer"))
    await sync(own_world)
    again = (await own_world.client.fetch_data(LISTED, handle="summer"))["collection"]
    assert again["id"] != found["id"], "what stands under a deleted ID is another collection"
    assert again["products"]["totalCount"] == 1


async def test_a_database_built_anew_has_the_same_ids(own_world: World, tmp_path: Any) -> None:
    query = "{ collections { nodes { id } } }"
    async with open_world(f"sqlite:///{tmp_path / 'other.db'}", build_stores(), collections=SMART) as other:
        assert await own_world.client.fetch_data(query) == await other.client.fetch_data(query)


async def test_all_collections_are_listed_by_title_those_of_the_configuration_among_them(own_world: World) -> None:
    query = """query ($channel: String, $search: String, $first: Int, $after: String, $last: Int, $before: String) {
      collections(channelKey: $channel, search: $search, first: $first, after: $after, last: $last, before: $before) {
        totalCount nodes { kind content { title } } pageInfo { endCursor startCursor } } }"""

    async def list_all(**variables: Any) -> list[str]:
        found = (await own_world.client.fetch_data(query, **variables))["collections"]
        return [node["content"]["title"] for node in found["nodes"]]

    assert await list_all() == ["By Acme", "Counter", "Sale", "Summer", "Winter"]
    assert await list_all(channel="web") == ["By Acme", "Sale", "Summer", "Winter"]
    assert await list_all(search="umm") == ["Summer"]
    assert await list_all(search="ausver") == ["Sale"]
    titles, after = [], None
    for _ in range(5):
        page = (await own_world.client.fetch_data(query, first=1, after=after))["collections"]
        titles += [node["content"]["title"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert titles == await list_all()
    assert await list_all(last=2, before=after) == ["Sale", "Summer"]


async def test_a_product_names_its_collections(own_world: World) -> None:
    query = """query ($channel: String) { products(first: 1) { nodes {
      title collections(channelKey: $channel) { totalCount nodes { content { title } } } } } }"""
    for channel, titles in ((None, ["Summer", "Winter"]), ("web", ["Summer", "Winter"]), ("till", [])):
        (product,) = (await own_world.client.fetch_data(query, channel=channel))["products"]["nodes"]
        assert [node["content"]["title"] for node in product["collections"]["nodes"]] == titles
        assert product["collections"]["totalCount"] == len(titles)


async def test_products_are_filtered_by_collections(own_world: World) -> None:
    ids = {
        node["content"]["title"]: node["id"]
        for node in (await own_world.client.fetch_data("{ collections { nodes { id content { title } } } }"))[
            "collections"
        ]["nodes"]
    }
    query = """query ($ids: [ID!]!, $channel: String) {
      products(channelKey: $channel, filter: {collectionIds: $ids}) { totalCount nodes { title } } }"""

    async def list_in(*names: str, **variables: Any) -> str:
        found = await own_world.client.fetch_data(query, ids=[ids[name] for name in names], **variables)
        assert found["products"]["totalCount"] == len(found["products"]["nodes"])
        return "".join(node["title"] for node in found["products"]["nodes"])

    assert await list_in("Summer") == "ABD"
    assert await list_in("Summer", "Winter") == "ABDF"
    assert await list_in("By Acme") == "ACE"
    assert await list_in("By Acme", "Winter") == "ACEF"
    assert await list_in("Sale", channel="till") == "ACE"
    unknown = [build_global_id("Collection", "0" * 32), build_global_id("Collection", "nothing")]
    assert (await own_world.client.fetch_data(query, ids=unknown))["products"]["nodes"] == []


# ------------------------------------------------------------------------------------------------ of the configuration


async def test_a_filter_of_the_configuration_is_a_collection_of_every_channel(own_world: World) -> None:
    assert await list_titles(own_world, "sale", channel="till", **{"in": "till"}) == "ECA", "by the largest reduction"
    assert await list_titles(own_world, "sale", **{"in": "web"}) == ""
    found = (await own_world.client.fetch_data(LISTED, handle="sale"))["collection"]
    assert (found["kind"], found["channel"], found["id"]) == ("SMART", None, build_global_id("Collection", "sale"))
    query = """{ collection(handle: "sale") { content(locale: "de") { title descriptionHtml } image { url } } }"""
    shown = (await own_world.client.fetch_data(query))["collection"]
    assert shown["content"] == {"title": "Ausverkauf", "descriptionHtml": "<p>All that is <b>reduced</b></p>"}


async def test_its_products_are_filtered_sorted_searched_and_counted_as_others(own_world: World) -> None:
    found = (await own_world.client.fetch_data(LISTED, handle="acme-goods"))["collection"]["products"]
    assert ([node["title"] for node in found["nodes"]], found["totalCount"]) == (["A", "C", "E"], 3)
    assert found["facets"][0]["values"] == [{"value": "Acme", "count": 3}]
    assert await list_titles(own_world, "acme-goods", search="c") == "C"
    assert await list_titles(own_world, "acme-goods", filter={"brands": ["Other"]}) == ""
    reverse = {"key": "POSITION", "direction": "DESC"}
    assert await list_titles(own_world, "acme-goods", sort=reverse) == "ECA"
    selected = {"facets": [{"key": "brand", "values": ["Acme"]}]}
    within = await own_world.client.fetch_data(LISTED, handle="acme-goods", filter=selected)
    assert within["collection"]["products"]["totalCount"] == 3
    titles, after = "", None
    for _ in range(3):
        page = (await own_world.client.fetch_data(LISTED, handle="acme-goods", first=1, after=after))["collection"]
        titles += page["products"]["nodes"][0]["title"]
        after = page["products"]["pageInfo"]["endCursor"]
    assert titles == "ACE"


async def test_a_changed_filter_is_a_change_of_the_collection(database_url: str) -> None:
    query = '{ node(id: "%s") { ... on Collection { updatedAt } } }' % build_global_id("Collection", "acme")  # noqa: UP031
    seen = []
    for brands in (["Acme"], ["Acme"], ["Acme", "Other"]):
        changed = {**SMART, "acme": {**SMART["acme"], "filter": {"brands": brands}}}
        async with open_world(database_url, build_stores(), collections=changed) as world:
            seen.append((await world.client.fetch_data(query))["node"]["updatedAt"])
    assert seen[0] == seen[1]


# ------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ products(sort: {key: POSITION}) { nodes { id } } }", "BAD_USER_INPUT"),
        ('{ products(filter: {collectionIds: ["nothing"]}) { nodes { id } } }', "BAD_USER_INPUT"),
        ('{ collection(handle: "summer", channelKey: "nowhere") { id } }', "BAD_USER_INPUT"),
        ('{ collection(handle: "summer") { products(sort: {key: PRICE}) { nodes { id } } } }', "BAD_USER_INPUT"),
        ('{ collection(handle: "summer") { products(first: 0) { nodes { id } } } }', "BAD_USER_INPUT"),
        ('{ collection(handle: "summer") { products(after: "x") { nodes { id } } } }', "BAD_USER_INPUT"),
    ],
)
async def test_bad_input_is_named(own_world: World, query: str, code: str) -> None:
    assert (await own_world.client.ask(query)).codes == [code]


async def test_a_filter_has_at_most_fifty_collections(own_world: World) -> None:
    query = "query ($ids: [ID!]!) { products(filter: {collectionIds: $ids}) { nodes { id } } }"
    id_ = build_global_id("Collection", "0" * 32)
    assert (await own_world.client.ask(query, ids=[id_] * 50)).codes == []
    assert (await own_world.client.ask(query, ids=[id_] * 51)).codes != []
    category = build_global_id("Category", "0" * 32)
    assert (await own_world.client.ask(query, ids=[category])).codes == ["BAD_USER_INPUT"]


async def test_unknown_handles_and_ids_are_null(own_world: World) -> None:
    ids = [build_global_id("Collection", "0" * 32), build_global_id("Collection", "nothing")]
    query = 'query ($ids: [ID!]!) { collection(handle: "nothing") { id } nodes(ids: $ids) { id } }'
    assert await own_world.client.fetch_data(query, ids=ids) == {"collection": None, "nodes": [None, None]}


# ------------------------------------------------------------------------------------------------ changes and caches


async def test_changed_collections_are_in_the_change_feed(own_world: World) -> None:
    query = """query ($after: String) { changes(types: [COLLECTION], after: $after) {
      nodes { kind nodeId node { id } } pageInfo { endCursor } } }"""
    start = (await own_world.client.fetch_data(query))["changes"]["pageInfo"]["endCursor"]
    found = (await own_world.client.fetch_data(LISTED, handle="summer"))["collection"]
    own_world.stores["web"].change("collections", "c1", products=["wA"])
    own_world.stores["web"].remove("collections", "c2")
    await sync(own_world)
    nodes = (await own_world.client.fetch_data(query, after=start))["changes"]["nodes"]
    assert sorted(node["kind"] for node in nodes) == ["DELETED", "UPSERTED"]
    assert found["id"] in {node["nodeId"] for node in nodes}


async def test_what_a_cached_response_shows_of_collections_is_current(own_world: World) -> None:
    queries = (
        "{ products(first: 10) { nodes { title collections { nodes { content { title } } } } } }",
        "{ products(first: 10) { nodes { title collections(first: 2) { nodes { products { totalCount } } } } } }",
        '{ collection(handle: "summer") { products { nodes { title } totalCount } } }',
        '{ searchSuggestions(search: "sum") { collections { content { title } } } }',
    )
    for _ in range(3):  # executed, compiled and cached
        for query in queries:
            await own_world.client.fetch_data(query)
    before = [await own_world.client.fetch_data(query) for query in queries]
    own_world.stores["web"].change("collections", "c1", products=["wB", "wC"], title="Sum of all")
    await sync(own_world)
    after = [await own_world.client.fetch_data(query) for query in queries]
    assert all(one != other for one, other in zip(before, after, strict=True))
    own_world.gateway.responses.clear()
    own_world.gateway.rendered.is_enabled = False
    assert after == [await own_world.client.fetch_data(query) for query in queries]
    own_world.stores["web"].remove("products", "wB")
    await sync(own_world)
    own_world.gateway.rendered.is_enabled = True
    assert (await own_world.client.fetch_data(queries[2]))["collection"]["products"]["totalCount"] == 1


async def test_suggestions_have_collections(own_world: World) -> None:
    query = """query ($search: String!, $channel: String) {
      searchSuggestions(search: $search, channelKey: $channel) { collections { handle } } }"""
    for search, channel, handles in (
        ("sum", None, ["summer"]),
        ("su", "till", []),
        ("count", "till", ["summer"]),
        ("ausv", None, ["sale"]),
        ("acme by", None, ["acme-goods"]),
    ):
        found = await own_world.client.fetch_data(query, search=search, channel=channel)
        assert [one["handle"] for one in found["searchSuggestions"]["collections"]] == handles, search


async def test_the_channel_reports_its_capability_and_its_sync(own_world: World) -> None:
    query = '{ channel(key: "web") { capabilities sync { resource records rejected } } }'
    channel = (await own_world.client.fetch_data(query, ADMIN))["channel"]
    assert "PULL_COLLECTIONS" in channel["capabilities"]
    assert {"resource": "COLLECTIONS", "records": 2, "rejected": 0} in channel["sync"]
