"""Invalid variables, ids and cursors."""

from __future__ import annotations

import base64
from typing import Any

from tests.http.corpus.hostile import HostileRequest, build_query_request

PRODUCTS = "query ($v: Int) { products(first: $v) { totalCount } }"
NODE = "query ($v: ID!) { node(id: $v) { id } }"
NODES = "query ($v: [ID!]!) { nodes(ids: $v) { id } }"
AFTER = "query ($v: String) { products(after: $v) { nodes { id } } }"
SEARCH = "query ($v: String) { products(search: $v) { nodes { id } } }"
FILTER = "query ($v: ProductFilter) { products(filter: $v) { nodes { id } } }"
STOCKS = "query ($v: [ID!]!, $age: Int) { stocks(variantIds: $v, maxAgeSeconds: $age) { status } }"
NEAR = "query ($v: GeoPointInput) { locations(near: $v) { nodes { key } } }"
BY = "query ($v: ProductIdentifierInput!) { product(by: $v) { id } }"
CART = "query ($v: String!) { cart(token: $v) { id } }"


def encode_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def build_deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


NUMBERS = {
    "a negative number": -1,
    "zero": 0,
    "a large number": 2**31 - 1,
    "a larger number": 2**31,
    "a number beyond 64 bits": 2**70,
    "a fraction": 1.5,
    "a text": "10",
    "a truth": True,
    "a list": [1],
    "an object": {"a": 1},
    "something deep": build_deep(200),
}
IDS = {
    "an empty id": "",
    "a number as id": 4711,
    "an id that is no base 64": "####",
    "an id of no type": encode_base64("Nothing:1"),
    "an id without a part": encode_base64("Product"),
    "an id with many parts": encode_base64("Product:" + ":".join("a" * 500)),
    "an id with a NUL": encode_base64("Product:\0"),
    "an id with SQL": encode_base64("Product:' OR 1=1 --"),
    "an id of an enum": encode_base64("CartStatus:ACTIVE"),
    "an id of the schema": encode_base64("__Schema:1"),
    "an id in another alphabet": "ид",
    "an id that is very long": "a" * 100_000,
    "an id with a surrogate": "\ud800",
    "an id that is a list": ["a"],
}
TEXTS = {
    "nothing": "",
    "a NUL": "a\0b",
    "half a surrogate pair": "\ud800",
    "a very long word": "a" * 100_000,
    "many words": "a " * 40_000,
    "wildcards": "%_*?\\" * 100,
    "quotes": "\"'`" * 100,
    "operators of full-text search": 'NEAR(a, b) OR "a" AND -b * ^c :d',
    "combining marks": "e" + "\u0301" * 10_000,
    "right to left": "\u202e\u200f\u2066",
    "controls": "".join(map(chr, range(1, 32))),
    "a number": 7,
    "an object": {"toString": "a"},
}
FILTERS: dict[str, Any] = {
    "an unknown key": {"nothing": 1},
    "null everywhere": {"ids": None, "facets": None, "availableForSale": None},
    "a facet without a name": {"facets": [{"key": "", "values": [""]}]},
    "too many facets": {"facets": [{"key": f"option.{n}", "values": ["a"]} for n in range(2_000)]},
    "a facet twice": {"facets": [{"key": "brand", "values": ["a"]}] * 2},
    "a price that is none": {"price": {"min": {"amount": "NaN", "currencyCode": "GBP"}}},
    "a price beyond all numbers": {"price": {"min": {"amount": "1e999999", "currencyCode": "GBP"}}},
    "a currency that is none": {"price": {"min": {"amount": "1", "currencyCode": "???"}}},
    "a location that does not exist": {"availableAtLocationKey": "nowhere"},
    "a time that is none": {"updatedSince": "yesterday"},
    "a time beyond all time": {"updatedSince": "999999-01-01T00:00:00Z"},
    "a time without a zone": {"updatedSince": "2026-01-01T00:00:00"},
}
POINTS: dict[str, Any] = {
    "beyond the pole": {"latitude": 91, "longitude": 0},
    "around the world": {"latitude": 0, "longitude": 1e300},
    "half a point": {"latitude": 1},
    "texts": {"latitude": "1", "longitude": "1"},
}

REQUESTS: dict[str, HostileRequest] = {
    **{f"how many: {name}": build_query_request(PRODUCTS, v=value, fine=True) for name, value in NUMBERS.items()},
    **{f"id: {name}": build_query_request(NODE, v=value, fine=True) for name, value in IDS.items()},
    **{f"ids: {name}": build_query_request(NODES, v=[value, value], fine=True) for name, value in IDS.items()},
    **{f"cursor: {name}": build_query_request(AFTER, v=value, fine=True) for name, value in (IDS | TEXTS).items()},
    **{f"search: {name}": build_query_request(SEARCH, v=value, fine=True) for name, value in TEXTS.items()},
    **{f"filter: {name}": build_query_request(FILTER, v=value, fine=True) for name, value in FILTERS.items()},
    **{f"near: {name}": build_query_request(NEAR, v=value, fine=True) for name, value in POINTS.items()},
    **{f"cart: {name}": build_query_request(CART, v=value, fine=True) for name, value in TEXTS.items()},
    "too many ids": build_query_request(NODES, v=["a"] * 5_000),
    "too many variants": build_query_request(STOCKS, v=["a"] * 5_000),
    "an age below nothing": build_query_request(STOCKS, v=[], age=-1),
    "no way to name a product": build_query_request(BY, v={}),
    "two ways to name a product": build_query_request(BY, v={"id": "a", "handle": "b"}),
    "a way that is null": build_query_request(BY, v={"handle": None}),
    "a variable that is missing": build_query_request(NODE),
    "a variable that is null": build_query_request(NODE, v=None),
    "an undeclared variable": build_query_request(PRODUCTS, w=1, fine=True),
    "ten thousand variables": build_query_request("{ __typename }", fine=True, **{f"v{n}": n for n in range(10_000)}),
    "a variable with a name that is none": build_query_request(PRODUCTS, fine=True, **{"": 1, "\0": 2, "a b": 3}),
}
