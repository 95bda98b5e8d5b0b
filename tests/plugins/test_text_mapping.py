"""Texts, HTML and translations of the bundled plugins, from the sandbox to the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import Image, Swatch
from gateway_amazon.text_mapping import map_texts
from gateway_shopify.read_documents import build_product_queries
from gateway_shopify_sandbox.api import MAX_QUERY_COST, load_sandbox_schema
from tests.plugins import shopify
from tests.plugins.shopify_specs import load_introspection
from tests.plugins.test_shopify_contract import DESCRIBED, against_the_vendor, compute_cost, list_problems

pytestmark = pytest.mark.anyio

LOCALES = ("de", "pt-BR")


async def test_html_seo_texts_and_translations_of_a_product_arrive(tmp_path: Path) -> None:
    async with shopify.open_testbed(tmp_path, config={"translations": LOCALES}) as web:
        tea = web.sandbox.shop.get_variant("TEA-1")["product"]
        tea |= {"description": "Good tea", "descriptionHtml": "<p>Good <b>tea</b><script>x</script></p>"}
        tea["seo"] = {"title": "Buy tea", "description": None}
        tea["translations"] = {
            "de": [
                {"key": "title", "value": "Tee"},
                {"key": "body_html", "value": "<p>Guter <b>Tee</b></p>"},
                {"key": "meta_title", "value": "Tee kaufen"},
                {"key": "handle", "value": "tee"},
                {"key": "meta_description", "value": None},
            ]
        }
        record = (await web.read_records("products"))[web.find_product_id("TEA-1")]
    assert (record.description, record.description_html) == ("Good tea", "<p>Good <b>tea</b></p>")
    assert (record.seo_title, record.seo_description) == ("Buy tea", None)
    (german,) = record.translations
    assert (german.locale, german.title, german.html) == ("de", "Tee", "<p>Guter <b>Tee</b></p>")
    assert (german.description, german.seo_title) == ("Guter Tee", "Tee kaufen")


async def test_translations_and_swatches_of_options_arrive(tmp_path: Path) -> None:
    world = shopify.build_world(shopify.build_products(3, "Shirt"))
    async with shopify.open_testbed(tmp_path, world, config={"translations": LOCALES}) as web:
        node = web.sandbox.shop.get_variant("P00000")["product"]
        name, (first, second, _) = get_option(node)
        image: dict[str, Any] = {"url": "https://cdn.shopify.com/red.png", "altText": "Red", "width": 20, "height": 20}
        node["optionLabels"] = {name: {"de": "Farbe"}, first: {"de": "Eins", "pt-BR": "Um", "fr": "Un"}}
        medium = web.sandbox.shop.add("MediaImage", alt=None, mediaContentType="IMAGE", preview={"image": image})
        node["swatches"] = {first: {"color": "#1E90FF", "image": None}, second: {"color": None, "image": medium}}
        record = (await web.read_records("products"))[web.find_product_id("P00000")]
    options = [option for variant in record.variants for option in variant.selected_options]
    assert all((option.name, option.labels) == (name, (("de", "Farbe"),)) for option in options)
    assert [option.value_labels for option in options] == [(("de", "Eins"), ("pt-BR", "Um")), (), ()]
    red = Image(url=image["url"], alt_text="Red", width=20, height=20)
    assert [option.swatch for option in options] == [Swatch(color="#1e90ff"), Swatch(image=red), None]


def get_option(product: Any) -> tuple[str, list[str]]:
    """Return the option of a product in the sandbox, and its values."""
    chosen = [variant["selectedOptions"][0] for variant in product["variants"]]
    return chosen[0]["name"], [option["value"] for option in chosen]


def test_queries_with_translations_cost_what_was_estimated_and_are_understood_by_the_sandbox() -> None:
    queries = build_product_queries(LOCALES)
    for operation in (queries.listing, queries.by_id):
        assert list_problems(load_sandbox_schema(), operation.text) == []
        size = queries.count_records(queries.max_entries)
        variables = {"first": size, "ids": ["x"] * size, "inside": queries.max_entries}
        estimated = operation.estimate_cost(variables)
        assert estimated * 0.99 - 1 <= compute_cost(operation, variables) <= estimated <= MAX_QUERY_COST


@against_the_vendor
def test_queries_with_translations_are_understood_by_the_vendor() -> None:
    assert DESCRIBED is not None
    vendor = load_introspection(DESCRIBED)
    assert list_problems(vendor, build_product_queries(LOCALES).listing.text) == []


@pytest.mark.parametrize("locale", ["de_DE", 'de") { key } x: translations(locale: "fr', "", "deutsch"])
async def test_what_is_no_locale_of_a_shop_is_a_problem_of_the_configuration(tmp_path: Path, locale: str) -> None:
    async with shopify.open_testbed(tmp_path, config={"translations": [locale]}) as web:
        assert "translations" in str(web.gateway.channels["web"].failure)


# ------------------------------------------------------------------------------------------------ amazon


def build_texts(**attributes: list[tuple[str | None, Any]]) -> dict[str, Any]:
    filed = {
        name: [{"value": value, "language_tag": tag, "marketplace_id": "S"} for tag, value in values]
        for name, values in attributes.items()
    }
    return {"attributes": filed}


def test_texts_of_a_listing_are_separated_by_language() -> None:
    own, texts, warnings = map_texts(
        build_texts(
            item_name=[("en_GB", "Tea"), ("pl_PL", "Herbata")],
            product_description=[("en_GB", "<b>Good</b> tea")],
            bullet_point=[("en_GB", "Black & strong"), ("en_GB", "100 g")],
        ),
        "S",
    )
    assert (own, warnings) == ("en-GB", [])
    assert texts["en-GB"].html == ("<ul><li>Black &amp; strong</li><li>100 g</li></ul><div><b>Good</b> tea</div>")
    assert (texts["pl-PL"].title, texts["pl-PL"].html) == ("Herbata", None)


def test_texts_that_cannot_be_read_are_left_out_with_a_warning() -> None:
    own, texts, warnings = map_texts(
        build_texts(item_name=[(None, "Tea")], bullet_point=[("en_GB", 7), ("en_GB", "Strong")]), "S"
    )
    assert (own, list(texts)) == ("en-GB", ["en-GB"])
    assert [warning.field for warning in warnings] == ["item_name", "bullet_point"]
