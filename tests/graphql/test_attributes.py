"""Attributes that the configuration declares: their values, facets, ranges and swatches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.settings.loading import load_text
from gateway.settings.problems import SettingsError
from gateway.storage.reads import facets
from gateway.storage.tables import product_attributes
from tests.gateways import stop_caches
from tests.graphql.test_media import list_warnings, show_product
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import World, open_world

pytestmark = pytest.mark.anyio

DECLARED: Mapping[str, Any] = {
    "material": {
        "labels": {"en": "Material", "de": "Werkstoff"},
        "list": True,
        "facet": True,
        "sources": {"web": "custom.material", "till": "MATERIAL"},
        "values": {"oak": {"labels": {"en": "Oak", "de": "Eiche"}, "color": "#b08d57"}, "ash": {}},
    },
    "length": {
        "type": "MEASURE",
        "unit": "cm",
        "facet": True,
        "range": True,
        "sources": {"web": "length", "till": "len"},
    },
    "tint": {"type": "COLOR", "facet": True, "sources": {"web": "tint"}},
    "organic": {"type": "BOOLEAN", "sources": {"web": "organic"}},
    "released": {"type": "DATE", "sources": {"web": "released"}},
    "deposit": {"type": "MONEY", "sources": {"web": "deposit"}},
    "rating": {"type": "NUMBER", "range": True, "sources": {"web": "rating"}},
    "manual": {"type": "URL", "sources": {"web": "manual"}},
    "label": {"type": "IMAGE", "sources": {"web": "label"}},
    "care": {"type": "HTML", "sources": {"web": "care"}},
}
TABLE = {
    "custom.material": ["oak", " ash ", "oak"],
    "length": ["1.2 m"],
    "tint": ["#1E90FF"],
    "organic": ["Yes"],
    "released": ["2026-03-01T00:00:00Z"],
    "deposit": ["12.5 EUR"],
    "rating": ["4.50"],
    "manual": ["https://a.example/m.pdf"],
    "label": ["https://a.example/l.png"],
    "care": ["<p onclick=x>Oil</p>"],
    "secret.cost": ["3.10"],
}
VALUES = """value label(locale: $locale) number boolean date money { amount currencyCode }
  swatch { color image { url } } image { url sized(maxWidth: 80) }"""
ATTRIBUTES = """query ($locale: Locale, $keys: [String!]) { products(first: 1) { nodes {
  attributes(keys: $keys) { key label(locale: $locale) type unit values { VALUES } }
  variants(first: 5) { nodes { attributes { key values { value } } } } } } }""".replace("VALUES", VALUES)


def put_product(store: MemoryStore, id: str, attributes: Mapping[str, Any], **more: Any) -> None:
    store.put("products", record_builders.build_product(id, attributes=attributes, **more))


def build_stores() -> dict[str, MemoryStore]:
    web, till = MemoryStore(), MemoryStore()
    put_product(web, "1", TABLE, title="A table")
    put_product(web, "2", {"custom.material": ["oak"], "length": ["60"]}, title="B stool")
    put_product(till, "3", {"MATERIAL": ["beech"], "len": ["31 in"]}, title="C shelf")
    put_product(till, "4", {}, title="D lamp")
    return {"web": web, "till": till}


@pytest.fixture
async def own_world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), attributes=DECLARED) as world:
        world.gateway.responses.is_enabled = False
        yield world


@pytest.mark.any_database
async def test_values_are_typed_and_what_is_not_declared_does_not_leak(own_world: World) -> None:
    product = await show_product(own_world, ATTRIBUTES, locale="de-AT")
    shown = {one["key"]: one for one in product["attributes"]}
    assert list(shown) == list(DECLARED)
    material, length = shown["material"], shown["length"]
    assert (material["label"], material["type"]) == ("Werkstoff", "TEXT")
    assert [(one["value"], one["label"]) for one in material["values"]] == [("oak", "Eiche"), ("ash", "ash")]
    assert material["values"][0]["swatch"] == {"color": "#b08d57", "image": None}
    assert (length["unit"], length["values"][0]["value"], length["values"][0]["number"]) == ("cm", "120", "120")
    assert shown["tint"]["values"][0]["swatch"]["color"] == "#1e90ff"
    assert shown["organic"]["values"][0]["boolean"] is True
    assert shown["released"]["values"][0]["date"] == "2026-03-01"
    assert shown["deposit"]["values"][0]["money"] == {"amount": "12.50", "currencyCode": "EUR"}
    assert shown["rating"]["values"][0]["number"] == "4.5"
    assert shown["manual"]["values"][0]["value"] == "https://a.example/m.pdf"
    assert shown["label"]["values"][0]["image"] == {"url": TABLE["label"][0], "sized": TABLE["label"][0]}
    assert shown["care"]["values"][0]["value"] == "<p>Oil</p>"
    assert "3.10" not in str(product)


@pytest.mark.any_database
async def test_only_the_requested_attributes_are_returned_and_unknown_keys_are_ignored(own_world: World) -> None:
    product = await show_product(own_world, ATTRIBUTES, keys=["rating", "nothing", "length"])
    assert [one["key"] for one in product["attributes"]] == ["length", "rating"]


FIND = """query ($filter: ProductFilter) { products(filter: $filter) { totalCount nodes { title } } }"""


async def list_titles(world: World, **filters: Any) -> list[str]:
    for _ in range(2):
        found = (await world.client.fetch_data(FIND, filter=filters))["products"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["title"][0] for node in found["nodes"]]


def build_facet(key: str, *values: str) -> dict[str, Any]:
    return {"key": key, "values": list(values)}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"facets": [build_facet("material", "oak")]}, "AB"),
        ({"facets": [build_facet("material", "ash", "beech")]}, "AC"),
        ({"facets": [build_facet("material", "oak"), build_facet("length", "60")]}, "B"),
        ({"facets": [build_facet("tint", "#1e90ff")]}, "A"),
        ({"attributeRanges": [{"key": "length", "min": "60", "max": "100"}]}, "BC"),
        ({"attributeRanges": [{"key": "length", "max": "78.74"}]}, "BC"),
        ({"attributeRanges": [{"key": "length", "max": "78.739999"}]}, "B"),
        ({"attributeRanges": [{"key": "length", "min": "9999999999999999"}]}, ""),
        ({"attributeRanges": [{"key": "length", "min": "1"}, {"key": "rating", "min": "4"}]}, "A"),
    ],
)
async def test_products_are_filtered_by_values_and_ranges(
    own_world: World, filters: dict[str, Any], expected: str
) -> None:
    assert await list_titles(own_world, **filters) == list(expected)


@pytest.mark.any_database
@pytest.mark.parametrize(
    "filters",
    [
        {"facets": [build_facet("organic", "true")]},
        {"facets": [build_facet("nothing", "x")]},
        {"attributeRanges": [{"key": "material", "min": "1"}]},
        {"attributeRanges": [{"key": "nothing", "min": "1"}]},
        {"attributeRanges": [{"key": "length"}]},
        {"attributeRanges": [{"key": "length", "min": "1"}] * 11},
    ],
)
async def test_a_filter_by_what_is_not_declared_for_it_is_an_error_of_the_client(
    own_world: World, filters: dict[str, Any]
) -> None:
    assert (await own_world.client.ask(FIND, filter=filters)).codes == ["BAD_USER_INPUT"]


FACETS = """query ($keys: [String!], $filter: ProductFilter) { products(filter: $filter) { facets(keys: $keys) {
  key label title(locale: "de") values { value label title(locale: "de") count selected swatch { color } } } } }"""


async def test_facets_count_values_with_labels_and_swatches(own_world: World) -> None:
    for _ in range(3):
        data = await own_world.client.fetch_data(FACETS, keys=["material", "length", "brand"])
    material, length = data["products"]["facets"]
    assert (material["key"], material["label"], material["title"]) == ("material", "Material", "Werkstoff")
    assert [(one["value"], one["label"], one["title"], one["count"]) for one in material["values"]] == [
        ("oak", "Oak", "Eiche", 2),
        ("ash", "ash", "ash", 1),
        ("beech", "beech", "beech", 1),
    ]
    assert [one["swatch"] for one in material["values"]] == [{"color": "#b08d57"}, None, None]
    assert (length["key"], [one["value"] for one in length["values"]]) == ("length", ["120", "60", "78.74"])


async def test_all_facets_contain_the_attributes_and_a_selection_counts_the_alternatives(own_world: World) -> None:
    given = {"facets": [build_facet("material", "ash")]}
    facets = (await own_world.client.fetch_data(FACETS, filter=given))["products"]["facets"]
    counts = {one["key"]: {it["value"]: it["count"] for it in one["values"]} for one in facets}
    assert counts == {"material": {"oak": 2, "ash": 1, "beech": 1}, "length": {"120": 1}, "tint": {"#1e90ff": 1}}


async def test_a_facet_that_is_not_declared_is_an_error_of_the_client(own_world: World) -> None:
    for key in ("rating", "nothing"):
        assert (await own_world.client.ask(FACETS, keys=[key])).codes == ["BAD_USER_INPUT"]


@pytest.mark.any_database
async def test_definitions_are_listed_in_the_order_of_the_configuration(own_world: World) -> None:
    query = """query ($facet: Boolean) { attributeDefinitions(facet: $facet) {
      key label(locale: "de") type unit list facet range } }"""
    everything = (await own_world.client.fetch_data(query))["attributeDefinitions"]
    facets = (await own_world.client.fetch_data(query, facet=True))["attributeDefinitions"]
    assert [one["key"] for one in everything] == list(DECLARED)
    assert [one["key"] for one in facets] == ["material", "length", "tint"]
    assert facets[1] == {
        "key": "length",
        "label": "length",
        "type": "MEASURE",
        "unit": "cm",
        "list": False,
        "facet": True,
        "range": True,
    }


async def test_variants_have_their_own_values_and_products_are_found_by_them(database_url: str) -> None:
    web = MemoryStore()
    sizes = [
        record_builders.build_variant(f"1-{n}", options={"N": str(n)}, attributes={"length": [f"{n}"]}) for n in (5, 7)
    ]
    web.put("products", {"id": "1", "title": "A", "variants": sizes, "attributes": {"custom.material": ["oak"]}})
    async with open_world(database_url, {"web": web, "till": MemoryStore()}, attributes=DECLARED) as world:
        product = await show_product(world, ATTRIBUTES)
        assert [one["key"] for one in product["attributes"]] == ["material"]
        assert [node["attributes"][0]["values"][0]["value"] for node in product["variants"]["nodes"]] == ["5", "7"]
        assert await list_titles(world, facets=[build_facet("length", "7")]) == ["A"]
        sizes[1]["attributes"] = {"length": ["8"]}
        web.change("products", "1", variants=sizes)
        world.clock.forward(hours=1)
        await world.gateway.run_due()
        assert await list_titles(world, facets=[build_facet("length", "7")]) == []
        assert await list_titles(world, facets=[build_facet("length", "8")]) == ["A"]


@pytest.mark.any_database
async def test_the_preferred_channel_decides_and_others_complete(database_url: str) -> None:
    web, till = MemoryStore(), MemoryStore()
    put_product(web, "1", {"custom.material": ["oak"]}, sku="A", title="A")
    put_product(till, "1", {"MATERIAL": ["beech"], "len": ["50"]}, sku="A", title="A")
    async with open_world(database_url, {"web": web, "till": till}, attributes=DECLARED) as world:
        product = await show_product(world, ATTRIBUTES)
    assert {one["key"]: one["values"][0]["value"] for one in product["attributes"]} == {
        "material": "oak",
        "length": "50",
    }


@pytest.mark.any_database
async def test_a_changed_declaration_reads_the_products_again(database_url: str) -> None:
    stores = build_stores()
    declared = {"material": {"sources": {"web": "custom.material"}}}
    query = "{ products(first: 2) { nodes { attributes { key values { value } } } } }"
    answers = []
    for attributes in ({}, declared, {**declared, "rating": {"type": "NUMBER", "sources": {"web": "rating"}}}, {}):
        async with open_world(database_url, stores, attributes=attributes) as world:
            world.clock.forward(hours=1)
            await world.gateway.run_due()
            (first, _) = (await world.client.fetch_data(query))["products"]["nodes"]
            answers.append([one["key"] for one in first["attributes"]])
    assert answers == [[], ["material"], ["material", "rating"], []]


async def test_a_facet_that_is_declared_later_is_filled_and_a_type_that_changes_drops_the_old_values(
    database_url: str,
) -> None:
    web, till = MemoryStore(), MemoryStore()
    put_product(web, "1", {"size": ["5"]}, title="A")
    put_product(till, "1", {"size": ["large"]}, title="B")
    sources = {"web": "size", "till": "size"}
    counts = []
    for declared in ({}, {"facet": True}, {"facet": True, "type": "NUMBER"}):
        async with open_world(
            database_url, {"web": web, "till": till}, attributes={"a": {"sources": sources, **declared}}
        ) as world:
            world.clock.forward(hours=1)
            await world.gateway.run_due()
            found = (await world.client.fetch_data(FACETS, keys=["a"] if declared else ["brand"]))["products"]["facets"]
            counts.append([(it["value"], it["count"]) for one in found for it in one["values"]])
    assert counts == [[], [("5", 1), ("large", 1)], [("5", 1)]]


async def test_many_values_of_one_attribute_leave_those_of_another(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "MAX_GROUPS", 3)
    web = MemoryStore()
    for n in range(8):
        put_product(web, str(n), {"custom.material": [f"m{n % 4}", f"x{n % 2}"], "tint": ["#000000"][: n == 7]})
    async with open_world(database_url, {"web": web, "till": MemoryStore()}, attributes=DECLARED) as world:
        found = (await world.client.fetch_data(FACETS, keys=None))["products"]["facets"]
    values = {one["key"]: [it["value"] for it in one["values"]] for one in found}
    assert values == {"material": ["x0", "x1", "m0"], "tint": ["#000000"]}


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"length": ["far"]}, "attributes.length"),
        ({"length": ["5 kg"]}, "attributes.length"),
        ({"length": ["1e500"]}, "attributes.length"),
        ({"rating": ["1e99999999"]}, "attributes.rating"),
        ({"deposit": ["1e99999999 EUR"]}, "amount"),
        ({"length": ["1e12 ft"]}, "attributes.length"),
        ({"organic": ["maybe"]}, "attributes.organic"),
        ({"released": ["yesterday"]}, "attributes.released"),
        ({"deposit": ["12.505 EUR"]}, "amount"),
        ({"deposit": ["12"]}, "currency"),
        ({"manual": ["javascript:alert(1)"]}, "url"),
        ({"label": ["data:image/png;base64,x"]}, "url"),
        ({"tint": ["red; background: url(x)"]}, "attributes.tint"),
        ({"rating": ["1", "2"]}, "attributes.rating"),
        ({"custom.material": ["x" * 1_000_000]}, "attributes"),
        ({"custom.material": ["x" * 3_000]}, "attributes.material"),
        ({"custom.material": [f"v{n}" for n in range(60)]}, "attributes.material"),
        ({"care": ["<b>" * 6000]}, "attributes.care"),
        ({"custom.material": 7}, None),
        ({"custom.material": "oak"}, "attributes"),
    ],
)
async def test_a_wrong_value_is_dropped_with_a_warning_and_the_product_stays(
    database_url: str, attributes: dict[str, Any], field: str | None
) -> None:
    web = MemoryStore()
    put_product(web, "1", attributes, title="A")
    put_product(web, "2", {"custom.material": ["oak"]}, title="B")
    async with open_world(database_url, {"web": web, "till": MemoryStore()}, attributes=DECLARED) as world:
        assert await list_titles(world, facets=[build_facet("material", "oak")]) == ["B"]
        titles = await list_titles(world)
        warnings = await list_warnings(world)
    if field is None:
        assert [severity for _, severity in warnings] == ["ERROR"]
    else:
        assert titles == ["A", "B"]
        assert [severity for _, severity in warnings] == ["WARNING"]


async def test_a_removed_product_leaves_no_values(own_world: World) -> None:
    own_world.stores["web"].change("products", "2", attributes={})
    own_world.clock.forward(hours=1)
    await own_world.gateway.run_due()
    rows = await own_world.gateway.database.read(lambda conn: conn.execute(product_attributes.select()).all())
    assert sorted({row.value for row in rows if row.key == "length"}) == ["120", "78.74"]


async def test_a_list_with_attributes_takes_a_constant_number_of_statements(database_url: str) -> None:
    web = MemoryStore()
    for n in range(24):
        put_product(web, str(n), TABLE)
    query = "query ($n: Int) { products(first: $n) { nodes { attributes { key values { label } } } } }"
    counts = []
    async with open_world(database_url, {"web": web, "till": MemoryStore()}, attributes=DECLARED) as world:
        stop_caches(world.gateway)
        for size in (1, 24, 24):
            with capture_statements() as seen:
                await world.client.fetch_data(query, n=size)
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
    assert len(set(counts)) == 1, counts


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("[attributes.price]\nsources = {}", "price is the key of another facet"),
        ('[attributes.a]\nsources = { nowhere = "x" }', "there is no channel nowhere"),
        ('[attributes.a]\ntype = "MEASURE"\nsources = {}', "unit: expected for the type MEASURE"),
        ('[attributes.a]\nunit = "cm"\nsources = {}', "unit: expected for the type MEASURE"),
        ("[attributes.a]\nrange = true\nsources = {}", "range: expected the type NUMBER or MEASURE"),
        ('[attributes.a]\ntype = "HTML"\nfacet = true\nsources = {}', "facet: expected another type than HTML"),
        ('[attributes.a]\ntype = "NUMBER"\nsources = {}\n[attributes.a.values."1.0"]', "values.1.0: expected 1"),
        ('[attributes.a]\nsources = {}\n[attributes.a.values.x]\nimage = "javascript:x"', "is not a URL"),
        ('[attributes.a]\nsources = {}\nlabels = { "no locale" = "x" }', "expected a language tag"),
    ],
)
def test_a_wrong_declaration_is_a_problem_of_the_configuration(table: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        load_text(f'[channels.web]\nplugin = "memory"\n{table}\n')
