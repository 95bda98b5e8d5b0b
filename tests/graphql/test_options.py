"""How options and their values are shown: labels by language and swatches, of the configuration and of channels."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.attributes.definitions import select_shown_label
from gateway.model.content import list_fallbacks
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.settings.loading import load_text
from gateway.settings.problems import SettingsError
from tests.gateways import stop_caches
from tests.graphql.test_media import list_warnings, show_product
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import ADMIN, World, open_world

pytestmark = pytest.mark.anyio

RED, SMALL = "https://images.example.com/red.png", "https://images.example.com/small.png"
DECLARED: Mapping[str, Any] = {
    "attributes": {
        "color": {
            "labels": {"en": "Color", "fr": "Couleur"},
            "sources": {"web": "color"},
            "values": {"Blue": {"color": "#0000ff", "labels": {"de": "Blau"}}},
        }
    },
    "options": {
        "Color": {"attribute": "color", "values": {"Red": {"labels": {"de": "Rot"}, "color": "#f00"}}},
        "Fit": {"labels": {"en": "Cut"}},
    },
}
SHOW = """query ($locale: Locale) { products(first: 1) { nodes {
  options { name label(locale: $locale)
    optionValues { name label(locale: $locale) swatch { color image { url sized(maxWidth: 20) } } } }
  variants(first: 5) { nodes {
    selectedOptions { name label(locale: $locale) value valueLabel(locale: $locale) } } } } } }"""

CHANGES = """query ($after: String) { changes(first: 100, after: $after, types: [PRODUCT, PRODUCT_VARIANT]) {
  nodes { nodeId } pageInfo { endCursor } } }"""


def build_shirt(*variants: Mapping[str, Any]) -> dict[str, Any]:
    parts = [
        {"id": f"v{number}", "title": f"Shirt {number}", "price": "9.00", "currency": "GBP", **variant}
        for number, variant in enumerate(variants)
    ]
    return {**record_builders.build_product("1", title="Shirt"), "variants": parts}


def build_stores() -> dict[str, MemoryStore]:
    web = MemoryStore()
    texts = {
        "Color": {"labels": {"de_at": "Farbton"}, "value_labels": {"de": "Knallrot", "it": "Rosso"}, "image": RED},
        "Size": {"labels": {"de": "Größe"}, "value_labels": {"de": "Klein"}, "color": "#ABCDEF", "image": SMALL},
    }
    shirt = build_shirt(
        {"options": {"Color": "Red", "Size": "S"}, "option_texts": texts},
        {
            "options": {"Color": "Blue", "Size": "S"},
            "option_texts": {**texts, "Color": {"labels": {"de-AT": "Farbton"}}},
        },
    )
    web.put("products", shirt)
    return {"web": web, "till": MemoryStore()}


@pytest.fixture
async def own_world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **DECLARED) as world:
        yield world


def list_labels(product: Mapping[str, Any]) -> dict[str, Any]:
    """Map the label of each option to those of its values."""
    return {one["label"]: [value["label"] for value in one["optionValues"]] for one in product["options"]}


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("locale", "labels"),
    [
        ("de", {"Color": ["Rot", "Blau"], "Größe": ["Klein"]}),
        ("de-AT", {"Farbton": ["Rot", "Blau"], "Größe": ["Klein"]}),
        ("fr-CA", {"Couleur": ["Rot", "Blau"], "Size": ["S"]}),
        ("it", {"Color": ["Rosso", "Blau"], "Size": ["S"]}),
        (None, {"Color": ["Rot", "Blau"], "Size": ["S"]}),
    ],
)
async def test_labels_are_those_of_the_configuration_else_of_the_channel_and_names_stay(
    own_world: World, locale: str | None, labels: dict[str, Any]
) -> None:
    product = await show_product(own_world, SHOW, locale=locale)
    assert list_labels(product) == labels
    assert [one["name"] for one in product["options"]] == ["Color", "Size"]
    for variant in product["variants"]["nodes"]:
        for option in variant["selectedOptions"]:
            assert option["valueLabel"] in labels[option["label"]]
            assert option["name"] in ("Color", "Size") and option["value"] in ("Red", "Blue", "S")


@pytest.mark.any_database
async def test_swatches_are_those_of_the_configuration_else_of_the_channel(own_world: World) -> None:
    product = await show_product(own_world, SHOW)
    (red, blue), (small,) = ([value["swatch"] for value in one["optionValues"]] for one in product["options"])
    assert (red, blue) == ({"color": "#f00", "image": None}, {"color": "#0000ff", "image": None})
    assert small == {"color": "#abcdef", "image": {"url": SMALL, "sized": f"{SMALL}?width=20"}}


@pytest.mark.any_database
async def test_a_changed_label_or_swatch_is_shown_and_logged_and_a_removed_one_is_gone(own_world: World) -> None:
    await show_product(own_world, SHOW)
    cursor = (await own_world.client.fetch_data(CHANGES, ADMIN))["changes"]["pageInfo"]["endCursor"]
    small = {"Size": {"value_labels": {"de": "Winzig"}}}
    own_world.stores["web"].put(
        "products", build_shirt({"options": {"Size": "S"}, "option_texts": small}, {"options": {"Size": "L"}})
    )
    own_world.clock.forward(hours=1)
    await own_world.gateway.run_due()
    product = await show_product(own_world, SHOW, locale="de")
    assert list_labels(product) == {"Size": ["Winzig", "L"]}
    assert [value["swatch"] for value in product["options"][0]["optionValues"]] == [None, None]
    logged = (await own_world.client.fetch_data(CHANGES, ADMIN, after=cursor))["changes"]["nodes"]
    assert len(logged) == 3, "the product and both variants"


async def test_labels_and_swatches_take_no_statement(own_world: World) -> None:
    stop_caches(own_world.gateway)
    variants = "variants(first: 5) { nodes { selectedOptions { name } } }"
    bare = f"{{ products(first: 1) {{ nodes {{ options {{ name }} {variants} }} }} }}"
    counts = []
    for query in (bare, SHOW):
        await own_world.client.fetch_data(query)
        with capture_statements() as seen:
            await own_world.client.fetch_data(query)
        counts.append(len(seen))
    assert counts[0] == counts[1]


async def test_what_cannot_be_stored_is_dropped_with_a_warning_and_the_variant_is_sold(database_url: str) -> None:
    wrong = {"labels": {"de": "Farbe", "not a locale": "x"}, "value_labels": {"de": "\x00"}, "color": "red"}
    stores = build_stores()
    stores["web"].put("products", build_shirt({"options": {"Tone": "Red"}, "option_texts": {"Tone": wrong}}))
    async with open_world(database_url, stores) as world:
        product = await show_product(world, SHOW, locale="de")
        assert list_labels(product) == {"Farbe": ["Red"]}
        assert await list_warnings(world) == [("selectedOptions.labels", "WARNING")]
        reason = (await world.client.fetch_data("{ syncRejects { nodes { reason } } }", ADMIN))["syncRejects"]["nodes"][
            0
        ]
    assert all(part in reason["reason"] for part in ("is not a language tag", "valueLabels", "is not a color"))


@pytest.mark.any_database
async def test_facets_of_options_are_shown_as_the_configuration_declares(own_world: World) -> None:
    query = """query ($locale: Locale) { products { facets(keys: ["option.Color", "option.Size"]) {
      key label title(locale: $locale) values { value label title(locale: $locale) swatch { color } } } } }"""
    color, size = (await own_world.client.fetch_data(query, locale="fr"))["products"]["facets"]
    assert (color["label"], color["title"], size["title"]) == ("Color", "Couleur", "Size")
    assert {one["value"]: one["swatch"] and one["swatch"]["color"] for one in color["values"]} == {
        "Red": "#f00",
        "Blue": "#0000ff",
    }


@pytest.mark.any_database
async def test_translated_values_are_found_by_a_search(own_world: World) -> None:
    found = await own_world.client.fetch_data('{ products(search: "knallrot") { nodes { title } } }')
    assert found["products"]["nodes"] == [{"title": "Shirt"}]


LOCALES = st.sampled_from(["de", "de-CH", "fr", "it", "de-CH-1901"])
LABELS = st.dictionaries(LOCALES, st.text(min_size=1, max_size=5), max_size=3)


@given(LABELS, LABELS, st.none() | LOCALES)
def test_a_label_is_never_one_of_another_language_while_one_of_the_requested_exists(
    declared: dict[str, str], labels: dict[str, str], locale: str | None
) -> None:
    label = select_shown_label(declared, tuple(labels.items()), locale, "name")
    fallbacks = [] if locale is None else list_fallbacks(locale)
    fitting = [table[it] for it in fallbacks for table in (declared, labels) if it in table]
    assert label == next(iter([*fitting, *declared.values(), "name"]))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[options.Color]\nattribute = "tint"\n', "options.Color.attribute: there is no attribute tint"),
        ('[options.Color.values.Red]\ncolor = "red"\n', "options.Color.values.Red.color"),
        ('[options.Color]\nlabels = { english = "" }\n', "options.Color.labels"),
        ('[options.Color]\nname = "x"\n', "options.Color.name: unknown key"),
    ],
)
def test_a_wrong_declaration_is_named(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_text(text)
    assert problem in str(caught.value)
