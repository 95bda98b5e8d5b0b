"""Statements of pages are built once, unless a client has sent long values: those would stay in memory."""

from __future__ import annotations

from gateway.storage.reads import product_search
from gateway.storage.reads.catalog import Visibility
from gateway.storage.reads.product_search import ProductQuery, search_products

ALL = Visibility(everything=False)


def test_the_same_query_has_the_same_statement() -> None:
    assert search_products(ProductQuery(visibility=ALL)) is search_products(ProductQuery(visibility=ALL))


def test_a_query_of_other_visibility_has_another() -> None:
    limited = Visibility(everything=False, channels=("web",))
    assert search_products(ProductQuery(visibility=ALL)) is not search_products(ProductQuery(visibility=limited))


def test_a_long_value_is_not_cached() -> None:
    before = product_search._search_products_once.cache_info().currsize
    search_products(ProductQuery(visibility=ALL, brands=("x" * 190_000,)))
    search_products(ProductQuery(visibility=ALL, facets=(("brand", ("x" * 190_000,)),)))
    assert product_search._search_products_once.cache_info().currsize == before
