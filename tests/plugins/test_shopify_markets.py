"""Prices of a shop's markets, in other currencies."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sdk import CurrencyPrice, Money, ProductRecord
from gateway_shopify.read_documents import MAX_PAGE_COST, build_product_queries
from gateway_shopify_sandbox.api import MAX_QUERY_COST, load_sandbox_schema
from tests.plugins import shopify
from tests.plugins.shopify_specs import load_introspection
from tests.plugins.test_shopify_contract import DESCRIBED, against_the_vendor, compute_cost, list_problems

pytestmark = pytest.mark.anyio

COUNTRIES = ("DE", "AT", "US", "GB")


async def read_tea(directory: Path, countries: tuple[str, ...]) -> ProductRecord:
    """Read a product with prices in Germany, Austria and the United States."""
    async with shopify.open_testbed(directory, config={"countries": countries}) as web:
        web.sandbox.shop.get_variant("TEA-1")["marketPrices"] = {
            "DE": ("4.95", "5.95", "EUR"),
            "AT": ("5.25", None, "EUR"),
            "US": ("6", None, "USD"),
        }
        record = (await web.read_records("products"))[web.find_product_id("TEA-1")]
    assert isinstance(record, ProductRecord)
    return record


async def test_each_currency_has_the_price_of_its_first_country_and_the_shop_keeps_its_own(tmp_path: Path) -> None:
    record = await read_tea(tmp_path, COUNTRIES)
    assert record.variants[0].prices == (
        CurrencyPrice(price=Money(495, "EUR"), compare_at_price=Money(595, "EUR")),
        CurrencyPrice(price=Money(600, "USD")),
    )
    assert record.variants[0].price == Money(306, "GBP")
    assert not record.warnings


async def test_without_countries_no_other_price_is_read(tmp_path: Path) -> None:
    assert (await read_tea(tmp_path, ())).variants[0].prices == ()


async def test_an_offer_in_another_currency_has_the_price_of_the_market(tmp_path: Path) -> None:
    async with shopify.open_testbed(tmp_path, config={"countries": ["DE"]}) as web:
        web.sandbox.shop.get_variant("TEA-1")["marketPrices"] = {"DE": ("4.95", "5.95", "EUR")}
        await web.gateway.run_due()
        stored = await web.gateway.database.read(
            lambda conn: conn.exec_driver_sql("SELECT prices FROM listings WHERE sku = 'TEA-1'").scalar()
        )
    assert stored is not None and stored.startswith('[["EUR",495,null,595,')


@given(st.integers(0, 5), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_a_page_has_room_for_a_product_whatever_is_configured(
    countries: int, locales: int, metafields: int, of_variants: int
) -> None:
    names = [f"custom.m{number}" for number in range(metafields + of_variants)]
    queries = build_product_queries(["de"] * locales, names[:metafields], names[metafields:], ["DE"] * countries)
    entries = queries.max_entries
    assert entries >= 1 and queries.count_records(entries) >= 1
    assert queries.listing.estimate_cost({"first": queries.count_records(entries), "inside": entries}) <= MAX_PAGE_COST
    (variants,) = queries.nested.values()
    assert variants.operation.cost <= MAX_QUERY_COST


def test_queries_with_countries_cost_what_was_estimated() -> None:
    queries = build_product_queries((), (), (), COUNTRIES)
    assert list_problems(load_sandbox_schema(), queries.listing.text) == []
    size = queries.count_records(queries.max_entries)
    variables = {"first": size, "inside": queries.max_entries}
    estimated = queries.listing.estimate_cost(variables)
    assert estimated * 0.99 - 1 <= compute_cost(queries.listing, variables) <= estimated <= MAX_QUERY_COST


@against_the_vendor
def test_queries_with_countries_are_understood_by_the_vendor() -> None:
    assert DESCRIBED is not None
    assert list_problems(load_introspection(DESCRIBED), build_product_queries((), (), (), ("DE",)).listing.text) == []


@pytest.mark.parametrize("country", ["de", "DEU", "D", "DE} x {"])
async def test_what_is_no_country_is_a_problem_of_the_configuration(tmp_path: Path, country: str) -> None:
    async with shopify.open_testbed(tmp_path, config={"countries": [country]}) as web:
        assert "countries" in str(web.gateway.channels["web"].failure)
