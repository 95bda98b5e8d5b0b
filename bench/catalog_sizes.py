"""How requests slow down as the catalog grows: the same requests over catalogs of several sizes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from statistics import median
from typing import Any

from bench.asgi_gateway import Client
from bench.cost_cases import Ids
from bench.cost_mutations import Seller
from bench.cost_world import open_cost_gateway
from bench.databases import create_databases
from bench.operation_costs import collect_samples
from bench.timing import time_runs

_SUGGESTED = "{ queries { text matched { start end } } products { id handle title } categories { title } }"
LISTS: Mapping[str, str] = {
    "products by title": 'products(first: 24, channelKey: "web") { nodes { title priceRange { min { amount } } } }',
    "products by price": 'products(first: 24, channelKey: "web", sort: {key: PRICE}) { nodes { title } }',
    "products last updated": "products(first: 24, sort: {key: UPDATED_AT, direction: DESC}) { nodes { title } }",
    "products of a category": 'products(first: 24, filter: {categoryIds: ["$CATEGORY"]}) { nodes { title } }',
    "suggestions": f'searchSuggestions(search: "te") {_SUGGESTED}',
    "suggestions, two words": f'searchSuggestions(search: "paper te") {_SUGGESTED}',
    "product": 'product(by: {id: "$PRODUCT"}) { title variants { nodes { sku price { amount } } } }',
    "variants by SKU": 'productVariants(filter: {skus: ["SKU-17S"]}) { nodes { sku } }',
    "variants last updated": "productVariants(first: 24) { nodes { sku } }",
    "listings": "listings(first: 24) { nodes { id } }",
    "stock levels": 'stockLevels(locationKey: "shop", first: 24) { nodes { onHand } }',
    "stock of variants": "stocks(variantIds: [$VARIANTS]) { available }",
    "orders, latest": "orders(first: 24) { nodes { number total { amount } } }",
    "orders of a customer": 'orders(first: 24, filter: {customerId: "$CUSTOMER"}) { nodes { number } }',
    "orders of a search": 'orders(first: 24, search: "customer") { nodes { number } }',
    "customers": "customers(first: 24) { nodes { id displayName } }",
    "customers by e-mail": 'customers(filter: {email: "c17@example.com"}) { nodes { id } }',
    "changes": "changes(types: [PRODUCT]) { nodes { nodeId } }",
}
_TITLES = "{ nodes { title } }"
_FACETS = "{ facets { key values { value count } } }"
FILTERS: Mapping[str, str] = {
    "available for sale": f'products(channelKey: "web", filter: {{availableForSale: true}}, first: 24) {_TITLES}',
    "not available for sale": f'products(channelKey: "web", filter: {{availableForSale: false}}, first: 24) {_TITLES}',
    "available at a location": f'products(filter: {{availableAtLocationKey: "outlet"}}, first: 24) {_TITLES}',
    "levels below 5": 'stockLevels(locationKey: "outlet", filter: {belowAvailable: 5}, first: 24) { nodes { onHand } }',
    "products of a search": 'products(first: 24, search: "teapot paper") { nodes { title } }',
    "search with a wrong letter": 'products(first: 24, search: "teaopt paper") { nodes { title } }',
    "count of products": 'products(channelKey: "web") { totalCount }',
    "count available for sale": 'products(channelKey: "web", filter: {availableForSale: true}) { totalCount }',
    "count of orders": "orders { totalCount }",
    "facets": f'products(channelKey: "web") {_FACETS}',
    "facets of a search": f'products(channelKey: "web", search: "teapot") {_FACETS}',
    "facets of a category": f'products(channelKey: "web", filter: {{categoryIds: ["$CATEGORY"]}}) {_FACETS}',
}

CPU = " CPU"
"""How the names of CPU times end."""


async def measure(*, dialect: str, variants: int, times: int, seed: int) -> dict[str, float]:
    """Measure every request over a catalog with this many variants: `NAME`, the median in milliseconds, and `NAME CPU`,
    CPU milliseconds of this process.
    """
    found: dict[str, float] = {}
    async with create_databases(dialect) as (url, _), open_cost_gateway(url, variants // 2, seed) as gateway:
        client = Client(gateway)
        ids, seller = await collect_samples(client)
        for name, text in {**LISTS, **FILTERS}.items():
            request = partial(client.query, f"{{ {fill_in(text, ids)} }}")
            found[name], found[name + CPU] = await _measure_request(request, times)
        found |= await _measure_sale(seller, times)
    return found


def fill_in(text: str, ids: Ids) -> str:
    values = {"$PRODUCT": ids.product, "$CUSTOMER": ids.customer, "$CATEGORY": ids.category}
    values["$VARIANTS"] = ", ".join(f'"{id_}"' for id_ in ids.variants[:24])
    for key, value in values.items():
        text = text.replace(key, value)
    return text


async def _measure_request(request: Callable[[], Awaitable[Any]], times: int) -> tuple[float, float]:
    """Measure the median and the CPU time of this process, in milliseconds."""
    await request()
    begun = time.process_time()
    seconds = await time_runs(request, times)
    return median(seconds) * 1000, (time.process_time() - begun) * 1000 / times


async def _measure_sale(seller: Seller, times: int) -> dict[str, float]:
    """Measure a cart of three lines, its options, and its order."""
    inputs = [await seller.build_order(3) for _ in range(times + 1)]
    submit = partial(_submit_next, seller, iter(inputs))
    found: dict[str, float] = {}
    for name, request in {"cartCreate": partial(seller.create_cart, 3), "orderPlace": submit}.items():
        found[name], found[name + CPU] = await _measure_request(request, times)
    return found


async def _submit_next(seller: Seller, inputs: Any) -> None:
    await seller.run("orderPlace", "order { id }", **next(inputs))
