"""Attributes of the bundled plugins: metafields, attributes of a marketplace, columns of a till."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import ContractError, LiveFeed
from gateway.sdk.testing.stub_context import StubContext
from gateway_amazon.attribute_mapping import map_attributes
from gateway_shopify.products.metafield_mapping import map_metafields
from gateway_shopify.read_documents import build_product_queries
from gateway_shopify_sandbox.api import MAX_QUERY_COST, load_sandbox_schema
from gateway_sqlpos import open_channel
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos_sandbox.seed import derive_product_id
from tests.plugins import shopify
from tests.plugins.conftest import AT_WORK, MakeTill
from tests.plugins.shopify_specs import load_introspection
from tests.plugins.test_shopify_contract import DESCRIBED, against_the_vendor, compute_cost, list_problems

pytestmark = pytest.mark.anyio

NAMES = ["custom.length", "custom.material", "facts.organic"]


def build_node(*values: tuple[str, str] | None) -> dict[str, Any]:
    return {
        f"metafield{n}": None if value is None else {"type": value[0], "value": value[1]}
        for n, value in enumerate(values)
    }


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("single_line_text_field", "oak", ("oak",)),
        ("list.single_line_text_field", '["oak","ash"]', ("oak", "ash")),
        ("boolean", "true", ("true",)),
        ("list.number_decimal", "[1.50, 2]", ("1.50", "2")),
        ("dimension", '{"value":25.5,"unit":"cm"}', ("25.5 cm",)),
        ("list.weight", '[{"value":2,"unit":"kg"}]', ("2 kg",)),
        ("money", '{"amount":"5.99","currency_code":"CAD"}', ("5.99 CAD",)),
        ("date", "2026-01-31", ("2026-01-31",)),
        ("color", "#FFF123", ("#FFF123",)),
        ("product_reference", "gid://shopify/Product/12", ("12",)),
        ("list.product_reference", '["gid://shopify/Product/12","gid://shopify/Product/13"]', ("12", "13")),
    ],
)
def test_a_metafield_is_read_by_its_type(kind: str, value: str, expected: tuple[str, ...]) -> None:
    pairs, warnings = map_metafields(build_node((kind, value)), ["custom.x"])
    assert (pairs, warnings) == ([("custom.x", expected)], [])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("list.color", "{}"),
        ("money", "no JSON"),
        ("list.x", "[" * 100_000),
        ("product_reference", "gid://shopify/Page/1"),
    ],
)
def test_a_metafield_that_cannot_be_read_is_dropped_with_a_warning(kind: str, value: str) -> None:
    pairs, warnings = map_metafields(build_node((kind, value), None), ["custom.x", "custom.y"])
    assert pairs == [("custom.y", ())]
    assert [warning.field for warning in warnings] == ["attributes"]


async def test_declared_metafields_become_attributes(tmp_path: Path) -> None:
    attributes = {
        "material": {"list": True, "facet": True, "sources": {"web": "custom.material"}},
        "length": {"type": "MEASURE", "unit": "cm", "sources": {"web": "custom.length"}},
    }
    async with shopify.open_testbed(tmp_path, tables={"attributes": attributes}) as web:
        tea = web.sandbox.shop.get_variant("TEA-1")["product"]
        tea["metafields"] = {
            ("custom", "material"): {"type": "list.single_line_text_field", "value": '["tin","paper"]'},
            ("custom", "length"): {"type": "dimension", "value": '{"value":100,"unit":"mm"}'},
            ("custom", "cost"): {"type": "number_decimal", "value": "1.10"},
        }
        await web.gateway.run_due()
        stored = await web.gateway.database.read(
            lambda conn: conn.exec_driver_sql("SELECT attributes FROM products WHERE attributes IS NOT NULL").all()
        )
    assert [row[0] for row in stored] == ['{"material":["tin","paper"],"length":["10"]}']


async def test_metafields_of_variants_become_attributes_of_variants_on_every_page(tmp_path: Path) -> None:
    attributes = {key: {"sources": {"web": f"custom.{key}"}} for key in ("material", "note")}
    tables, config = {"attributes": attributes}, {"variant_metafields": ["custom.note"]}
    world = shopify.build_world(shopify.build_products(30, "Shirt"))
    async with shopify.open_testbed(tmp_path, world, config=config, tables=tables) as web:
        shirt = web.sandbox.shop.get_variant("P00000")["product"]
        shirt["metafields"] = {("custom", "material"): {"type": "single_line_text_field", "value": "linen"}}
        for number, variant in enumerate(shirt["variants"]):
            text = {"type": "single_line_text_field", "value": f"note {number}"}
            variant["metafields"] = {("custom", "note"): text, ("custom", "material"): text}
        record = (await web.read_records("products"))[web.find_product_id("P00000")]
        assert web.sandbox.behavior.operations.count("ProductVariants") >= 1
    assert record.attributes == {"custom.material": ("linen",)}
    assert [dict(variant.attributes) for variant in record.variants] == [
        {"custom.note": (f"note {number}",)} for number in range(30)
    ]


async def test_a_metafield_of_variants_that_is_not_declared_is_a_problem_of_the_channel(tmp_path: Path) -> None:
    async with shopify.open_testbed(tmp_path, config={"variant_metafields": ["custom.x"]}) as web:
        assert "custom.x is not declared in [attributes]" in str(web.gateway.channels["web"].failure)


@pytest.mark.parametrize("of_variants", [0, 1, 20])
def test_queries_with_metafields_cost_what_was_estimated(of_variants: int) -> None:
    queries = build_product_queries((), NAMES, [f"custom.v{number}" for number in range(of_variants)])
    (variants,) = queries.nested.values()
    assert list_problems(load_sandbox_schema(), variants.operation.text) == []
    assert compute_cost(variants.operation, {}) <= variants.operation.cost <= 710
    assert queries.count_records(queries.max_entries) >= 1
    assert list_problems(load_sandbox_schema(), queries.listing.text) == []
    size = queries.count_records(queries.max_entries)
    variables = {"first": size, "inside": queries.max_entries}
    estimated = queries.listing.estimate_cost(variables)
    assert estimated * 0.99 - 1 <= compute_cost(queries.listing, variables) <= estimated <= MAX_QUERY_COST


@against_the_vendor
def test_queries_with_metafields_are_understood_by_the_vendor() -> None:
    assert DESCRIBED is not None
    assert list_problems(load_introspection(DESCRIBED), build_product_queries((), NAMES).listing.text) == []


@pytest.mark.parametrize("name", ["material", 'custom.a") { x }', "custom.", "a b.c"])
async def test_what_is_no_name_of_a_metafield_is_a_problem_of_the_channel(tmp_path: Path, name: str) -> None:
    async with shopify.open_testbed(tmp_path, tables={"attributes": {"x": {"sources": {"web": name}}}}) as web:
        assert "is not the name of a metafield" in str(web.gateway.channels["web"].failure)


def test_attributes_of_a_listing_are_texts_with_their_units() -> None:
    item = {
        "attributes": {
            "material": [{"value": "Oak"}, {"value": "Ash", "marketplace_id": "other"}, {"value": "Beech"}],
            "item_length": [{"value": 1.2, "unit": "meters"}],
            "is_fragile": [{"value": True}],
            "dimensions": [{"length": {"value": 1}}],
        }
    }
    pairs, warnings = map_attributes(item, "S", ["material", "item_length", "is_fragile", "dimensions", "missing"])
    assert dict(pairs) == {
        "material": ("Oak", "Beech"),
        "item_length": ("1.2 meters",),
        "is_fragile": ("true",),
        "missing": (),
    }
    assert [warning.field for warning in warnings] == ["attributes"]


# ------------------------------------------------------------------------------------------------ till


async def read_products(open_till: MakeTill, *names: str) -> dict[str, Any]:
    """Read the products of a till with columns as attributes, by ID."""
    till = await open_till()
    context = StubContext("till", AT_WORK, frozenset(names))
    channel = open_channel(SqlPosConfig.model_validate(till.sandbox.config), context)
    feed = next(feed for feed in channel.feeds if feed.name == "products")
    assert isinstance(feed, LiveFeed)
    try:
        page = await feed.page(None, None)
        return {raw.id: feed.read(raw) for raw in page.items}
    finally:
        await channel.close()


async def test_declared_columns_of_a_till_become_attributes(open_till: MakeTill) -> None:
    records = await read_products(open_till, "REFERENCE", "pricebuy")
    tea = records[derive_product_id("TEA-1")]
    assert set(tea.attributes) == {"REFERENCE", "pricebuy"}
    assert tea.attributes["REFERENCE"] == ("TEA-1",)


async def test_a_column_that_a_till_does_not_have_is_named(open_till: MakeTill) -> None:
    with pytest.raises(ContractError, match="the till has no column nothing in"):
        await read_products(open_till, "nothing")
