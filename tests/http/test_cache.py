"""Caching of responses, and the low cost of a 304."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from graphql import GraphQLNamedType, GraphQLObjectType, get_named_type, is_leaf_type

from gateway.execution.caching import cache_lifetime
from gateway.execution.caching.cache_control import CachePolicy, DataKind, get_data_kinds
from gateway.execution.fields import Load, get_field_kind
from gateway.http.graphql import cache
from gateway.http.graphql.cache import CacheRequest, EntityTagCache
from gateway.http.responses import ResponseFormat
from tests.gateways import START
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import STAFF, World, get_schema
from tests.http.raw_client import GRAPHQL, JSON, get, post
from tests.http.test_persisted_documents import build_id_request, push

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


CATALOG = "{ products(first: 3) { nodes { title price: priceRange { min { amount } } } } }"
STOCK = "{ products(first: 3) { nodes { variants { nodes { stock { available } } } } } }"
PRIVATE = "private, no-store"


# ------------------------------------------------------------------------------------------------ max-age


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (CATALOG, "public, max-age=60"),
        ("{ channels { key } }", "public, max-age=60"),
        ("{ products { totalCount } }", "public, max-age=60"),
        ("{ products { nodes { variants { nodes { stock { status } } } } } }", "public, max-age=5"),
        ("{ products { nodes { availableForSale } } }", "public, max-age=5"),
        ("{ products { nodes { selectedOrFirstAvailableVariant { sku } } } }", "public, max-age=5"),
        ("{ products(filter: {availableForSale: true}) { nodes { title } } }", "public, max-age=5"),
        ('{ products { nodes { title } } product(by: {handle: "none"}) { title } }', "public, max-age=60"),
        ("{ viewer { kind } products { nodes { title } } }", PRIVATE),
        ("{ channels { health { status } } }", PRIVATE),
        ("{ orders { nodes { number } } }", PRIVATE),
        ("{ products { nodes { title } } orders { nodes { number } } }", PRIVATE),
        ("{ changes(types: [PRODUCT]) { pageInfo { endCursor } } products { nodes { title } } }", PRIVATE),
        ("{ __schema { queryType { name } } }", PRIVATE),
        ("{ __schema { queryType { name } } products { nodes { title } } }", PRIVATE),
        ("{ __typename }", PRIVATE),
        ("{ nothing }", PRIVATE),
        ("{", PRIVATE),
    ],
)
async def test_an_answer_is_kept_by_what_is_in_it(world: World, query: str, expected: str) -> None:
    response = await get(world.client.http, query)
    assert response.headers["cache-control"] == expected
    assert ("etag" in response.headers) == expected.startswith("public")


async def test_a_live_read_is_not_cached(world: World) -> None:
    (variant,) = (await world.client.fetch_data("{ productVariants(first: 1) { nodes { id } } }"))["productVariants"][
        "nodes"
    ]
    for arguments, expected in (("", "public, max-age=5"), (", maxAgeSeconds: 9", PRIVATE)):
        query = f'{{ stocks(variantIds: ["{variant["id"]}"]{arguments}) {{ status }} }}'
        assert (await get(world.client.http, query)).headers["cache-control"] == expected


async def test_a_post_and_an_authorized_response_are_not_cached(world: World) -> None:
    posted = await post(world.client.http, {"query": CATALOG})
    seen = await get(world.client.http, CATALOG, authorization=f"Bearer {STAFF}")
    for response in (posted, seen):
        assert response.status_code == 200
        assert (response.headers["cache-control"], "etag" in response.headers) == (PRIVATE, False)


@pytest.mark.parametrize(("query", "most"), [(CATALOG, 60), (STOCK, 5)])
async def test_nothing_is_kept_longer_than_it_is_fresh(world: World, query: str, most: int) -> None:
    first = await get(world.client.http, query)
    assert first.headers["cache-control"] == f"public, max-age={most}"
    left = min(
        world.gateway.live_reads.get_stale_after(key, data.value)
        for key in ("till", "web")
        for data in (DataKind.CATALOG, DataKind.STOCK)
    )
    world.clock.forward(seconds=left.total_seconds() - 3)
    assert (await get(world.client.http, query)).headers["cache-control"] == "public, max-age=3"
    world.clock.forward(seconds=3)
    assert (await get(world.client.http, query)).headers["cache-control"] == "public, max-age=0, must-revalidate"


async def test_the_proof_what_is_personal_would_be_kept_without_the_guard(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CachePolicy, "is_shared", property(lambda _: True))
    response = await get(world.client.http, "{ viewer { kind } products { nodes { title } } }")
    assert response.headers["cache-control"] == "public, max-age=60"


async def test_the_proof_what_is_stale_would_be_kept_without_the_guard(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ignore_staleness(*_: object) -> None:
        """Nothing becomes stale."""

    monkeypatch.setattr(cache_lifetime, "_find_stale_at", ignore_staleness)
    world.clock.forward(days=1)
    assert (await get(world.client.http, CATALOG)).headers["cache-control"] == "public, max-age=60"


# ------------------------------------------------------------------------------------------------ ETags


async def test_a_tag_is_another_one_for_every_media_type_and_encoding(world: World) -> None:
    query = "{ products { nodes { title description variants { nodes { id sku title listings { title url } } } } } }"
    tags = set()
    for accept in (JSON, GRAPHQL):
        for encoding in ("identity", "gzip", "zstd"):
            response = await get(world.client.http, query, accept=accept, accept_encoding=encoding)
            assert response.headers.get("content-encoding", "identity") == encoding
            assert {"Accept", "Accept-Encoding"} <= set(response.headers["vary"].split(", "))
            tags.add(response.headers["etag"])
    assert len(tags) == 6
    assert not any(tag.startswith("W/") for tag in tags)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
async def test_what_has_not_changed_is_not_sent_again(world: World, form: str) -> None:
    first = await get(world.client.http, CATALOG)
    again = await get(world.client.http, CATALOG, if_none_match=form.format(first.headers["etag"]))
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "vary", "cache-control"):
        assert again.headers[name] == first.headers[name]
    assert "content-type" not in again.headers


async def test_a_304_within_its_max_age_costs_no_statement(world: World) -> None:
    tag = (await get(world.client.http, CATALOG)).headers["etag"]
    world.clock.forward(seconds=20)
    with capture_statements() as seen:
        again = await get(world.client.http, CATALOG, if_none_match=tag)
    assert (again.status_code, again.headers["cache-control"]) == (304, "public, max-age=40")
    assert seen == []


async def test_a_304_of_a_pushed_document_costs_no_statement_either(world: World) -> None:
    await push(world, CATALOG)
    http, asked, headers = world.client.http, build_id_request(CATALOG), {"accept": GRAPHQL}
    tag = (await http.get("/graphql", params=asked, headers=headers)).headers["etag"]
    with capture_statements() as seen:
        again = await http.get("/graphql", params=asked, headers=headers | {"if-none-match": tag})
    assert (again.status_code, seen) == (304, [])


async def test_who_wants_it_looked_at_again_has_it_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.gateway.responses, "is_enabled", False)  # its check takes no statement on SQLite
    tag = (await get(world.client.http, CATALOG)).headers["etag"]
    with capture_statements() as seen:
        again = await get(world.client.http, CATALOG, if_none_match=tag, cache_control="max-age=0, no-cache")
    assert again.status_code == 304
    assert seen != []


async def test_after_its_max_age_it_is_looked_at_again(world: World) -> None:
    tag = (await get(world.client.http, CATALOG)).headers["etag"]
    world.clock.forward(seconds=60)
    with capture_statements() as seen:
        again = await get(world.client.http, CATALOG, if_none_match=tag)
    assert (again.status_code, again.headers["cache-control"]) == (304, "public, max-age=60")
    assert seen != []
    world.stores["web"].change("products", "w-mug", title="Mug, blue")
    await world.gateway.request_sync("web")
    await world.gateway.run_due()
    world.clock.forward(seconds=60)
    changed = await get(world.client.http, CATALOG, if_none_match=tag)
    assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)


async def test_another_caller_variable_or_form_is_no_304(world: World) -> None:
    query = "query ($n: Int) { products(first: $n) { nodes { title } } }"
    asked = {"query": query, "variables": '{"n": 1}'}
    http = world.client.http
    tag = (await http.get("/graphql", params=asked, headers={"accept": GRAPHQL})).headers["etag"]
    for change, headers in (
        ({"variables": '{"n": 2}'}, {}),
        ({}, {"accept": JSON}),
        ({}, {"authorization": f"Bearer {STAFF}"}),
    ):
        sent = {"accept": GRAPHQL, "if-none-match": tag, **headers}
        assert (await http.get("/graphql", params={**asked, **change}, headers=sent)).status_code == 200


def test_what_is_remembered_is_bounded_and_what_was_asked_last_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_CACHED_ETAGS", 3)
    remembered, soon = EntityTagCache(), START + timedelta(seconds=1)
    wanted = [CacheRequest(str(number), ResponseFormat(), '"tag"') for number in range(4)]
    for one in wanted:
        remembered.remember(one.key, '"tag"', soon)
        assert remembered.check_not_modified(wanted[0], START) is not None
    assert [remembered.check_not_modified(one, START) is not None for one in wanted] == [True, False, True, True]
    assert remembered.check_not_modified(wanted[0], soon) is None


# ------------------------------------------------------------------------------------------------ types

PUBLIC = {
    "AttributeDefinition": DataKind.CATALOG,
    "Category": DataKind.CATALOG,
    "Channel": DataKind.CATALOG,
    "Collection": DataKind.CATALOG,
    "Content": DataKind.CATALOG,
    "Listing": DataKind.CATALOG,
    "Location": DataKind.CATALOG,
    "Offer": DataKind.CATALOG,
    "Product": DataKind.CATALOG,
    "ProductConnection": DataKind.CATALOG,
    "ProductOffer": DataKind.CATALOG,
    "ProductOptionValue": DataKind.CATALOG,
    "ProductVariant": DataKind.CATALOG,
    "Review": DataKind.CATALOG,
    "SearchSuggestions": DataKind.CATALOG,
    "Stock": DataKind.STOCK,
    "StoreAvailability": DataKind.STOCK,
}
PARTS = {
    *("Address", "ChannelFault", "Facet", "FacetValue", "GeoPoint", "Image", "Money", "MoneyRange", "OpeningHours"),
    *(
        "Attribute",
        "AttributeValue",
        "Measure",
        "Media",
        "MediaSource",
        "OpeningDay",
        "OpeningPeriod",
        "ProductFieldSource",
        "QuerySuggestion",
        "Rating",
        "Seo",
        "ShopPolicy",
        "Swatch",
        "TextRange",
        "UnitPrice",
    ),
    *("PageInfo", "ProductOption", "Query", "SelectedOption", "Source"),
}


def test_public_caching_is_decided_type_by_type() -> None:
    own = {
        name: kind
        for name, named in get_schema().type_map.items()
        if isinstance(named, GraphQLObjectType)
        for (kind,) in [get_data_kinds(named, ())]
    }
    assert {name: kind for name, kind in own.items() if kind in (DataKind.CATALOG, DataKind.STOCK)} == PUBLIC
    connected = {name for name in own if name.endswith(("Connection", "Edge"))} - {*PUBLIC}
    assert {name for name, kind in own.items() if kind is DataKind.PART} == PARTS | connected


def test_a_field_that_follows_from_stock_is_kept_as_stock_is() -> None:
    """All fields of shared types that a loader resolves: a new field is added to one of these deliberately."""
    looked_up = {
        f"{name}.{field}": kind
        for name in PUBLIC
        for field, kind in _list_loaded_fields(get_schema().type_map[name])
        if PUBLIC[name] is not DataKind.STOCK
    }
    assert {field for field, kind in looked_up.items() if kind is DataKind.STOCK} == {
        "Offer.availableForSale",
        "Offer.stock",
        "Product.adjacentVariants",
        "Product.availableForSale",
        "Product.related",
        "Product.selectedOrFirstAvailableVariant",
        "ProductOffer.availableForSale",
        "ProductOptionValue.firstAvailableVariant",
    }
    leaves = {field for field, kind in looked_up.items() if kind is DataKind.CATALOG and _is_leaf(field)}
    assert leaves == {
        "Channel.currencies",
        "Channel.state",
        "Offer.observedAt",
        "ProductConnection.totalCount",
        "ProductConnection.totalCountPrecision",
        "ProductOptionValue.label",
        "ProductVariant.priceIncludesTax",
    }


def _list_loaded_fields(named: GraphQLNamedType) -> Iterator[tuple[str, DataKind]]:
    assert isinstance(named, GraphQLObjectType)
    for name, field in named.fields.items():
        if isinstance(get_field_kind(field), Load) and not field.extensions["strawberry-definition"].scopes:
            (kind,) = get_data_kinds(named, [name]) - get_data_kinds(named, ()) or get_data_kinds(named, ())
            yield name, kind


def _is_leaf(path: str) -> bool:
    name, _, field = path.partition(".")
    named = get_schema().type_map[name]
    return isinstance(named, GraphQLObjectType) and is_leaf_type(get_named_type(named.fields[field].type))
