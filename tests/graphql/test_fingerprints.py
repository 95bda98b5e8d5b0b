"""Fingerprints of lists: cursors of earlier versions stay valid."""

from __future__ import annotations

import pytest

from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.enums import ProductSortKey
from gateway.graphql.inputs import ProductFilter, ProductSort, ProductVariantFilter


def test_a_filter_that_uses_no_later_field_has_the_fingerprint_of_the_first_release() -> None:
    filtered, sort = ProductFilter(brands=["Acme"]), ProductSort(key=ProductSortKey.PRICE)
    assert compute_fingerprint("products", "web", None, filtered, sort) == "53c08f0c2d614334fa"
    assert compute_fingerprint("variants", None, ProductVariantFilter(skus=["A"])) == "77c91009d0fbcb41df"


@pytest.mark.parametrize("later", [{"on_sale": True}, {"on_sale": False}, {"attribute_ranges": []}])
def test_lists_that_differ_in_a_later_field_have_different_fingerprints(later: dict[str, object]) -> None:
    first = compute_fingerprint("products", ProductFilter(brands=["Acme"]))
    assert compute_fingerprint("products", ProductFilter(brands=["Acme"], **later)) != first  # type: ignore[arg-type]
