"""Operations whose cost is compared with the CPU time they take: root fields, counts, facets, filters and sort keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FIELD_PREFIX = "field "
"""Of the names of fields that the walk over the schema finds."""

ORDINARY = "an ordinary page: 24 products with prices"


@dataclass(frozen=True, slots=True)
class Case:
    """A root field with its arguments and selection. `times`: how often one operation repeats it, by aliases."""

    name: str
    text: str
    times: int = 10


@dataclass(frozen=True, slots=True)
class Ids:
    """Global ids of objects of each type."""

    product: str
    variants: tuple[str, ...]
    category: str
    customer: str
    order: str
    cart_token: str
    option_token: str


def list_cases(ids: Ids) -> Iterator[Case]:
    """List the cases. The first one is the ordinary page."""
    yield Case(ORDINARY, "products(first: 24) { nodes { title priceRange { min { amount } } } }", times=1)
    yield from _list_root_fields(ids)
    for filter_ in PRODUCT_FILTERS:
        yield from _list_filtered_products(f"filter: {{{filter_.format(category=ids.category)}}}")
    for words in ("teapot", "paper red", "SKU-17S", "n"):
        yield from _list_filtered_products(f'search: "{words}"')
    yield from _list_other_filters(ids)
    for root, keys in SORT_KEYS.items():
        for key in keys:
            channel = 'channelKey: "web", ' if root == "products" else ""
            text = f"{root}({channel}sort: {{key: {key}, direction: DESC}}) {{ nodes {{ id }} }}"
            yield Case(f"{root}(sort: {key})", text)
    for root, words in (("orders", "customer"), ("orders", "o17"), ("customers", "customer"), ("customers", "c17")):
        text = f'{root}(search: "{words}") {{ totalCount nodes {{ id }} }}'
        yield Case(f'{root}(search: "{words}")', text)


def _list_filtered_products(argument: str) -> Iterator[Case]:
    """List what can be asked of the products of a filter or a search."""
    for selection in ("nodes { title }", "totalCount", "facets { key values { value } }"):
        text = f'products(channelKey: "web", {argument}) {{ {selection} }}'
        yield Case(f"products({argument}) {{ {selection.split()[0]} }}", text, times=4)


def _list_other_filters(ids: Ids) -> Iterator[Case]:
    for name, filters in OTHER_FILTERS.items():
        root, _, selection = name.partition(" ")
        for filter_ in filters:
            text = filter_.format(customer=ids.customer)
            arguments = f'locationKey: "shop", filter: {{{text}}}' if root == "stockLevels" else f"filter: {{{text}}}"
            yield Case(f"{root}(filter: {{{text}}})", f"{root}({arguments}) {{ totalCount nodes {{ {selection} }} }}")


SORT_KEYS = {
    "products": ("TITLE", "PRICE", "CREATED_AT", "UPDATED_AT"),
    "orders": ("PLACED_AT", "UPDATED_AT"),
    "customers": ("NAME", "CREATED_AT", "UPDATED_AT", "LAST_ORDER_AT", "LIFETIME_VALUE"),
}


def _list_root_fields(ids: Ids) -> Iterator[Case]:
    values = {
        "$PRODUCT": ids.product,
        "$CUSTOMER": ids.customer,
        "$ORDER": ids.order,
        "$CART": ids.cart_token,
        "$OPTION": ids.option_token,
        "$VARIANTS": ", ".join(f'"{id_}"' for id_ in ids.variants),
    }
    for name in ROOT_FIELDS:
        text = name
        for key, value in values.items():
            text = text.replace(key, value)
        yield Case(name, text)


ROOT_FIELDS = (
    'node(id: "$PRODUCT") { id }',
    "nodes(ids: [$VARIANTS]) { id }",
    "viewer { kind channels { key } locations { key } }",
    "channels { key name }",
    'channel(key: "web") { key }',
    'location(key: "shop") { key }',
    "locations { totalCount nodes { key } }",
    "categories { totalCount nodes { title } }",
    'product(by: {id: "$PRODUCT"}) { title }',
    "products { totalCount }",
    'products(channelKey: "web") { totalCount }',
    "products { facets { key values { value count } } }",
    'products { facets(keys: ["brand"]) { key values { value count } } }',
    "products(first: 100) { nodes { availableForSale } }",
    "productVariants { totalCount nodes { sku } }",
    "stocks(variantIds: [$VARIANTS]) { available }",
    'stockLevels(locationKey: "shop") { totalCount nodes { onHand } }',
    "customers { totalCount nodes { id } }",
    'customer(id: "$CUSTOMER") { displayName }',
    "orders { totalCount nodes { number } }",
    'order(by: {id: "$ORDER"}) { number }',
    'fulfillments(locationKey: "shop") { totalCount nodes { id } }',
    'cart(token: "$CART") { lines { quantity } }',
    'cart(token: "$CART") { lines { quantity maxQuantity stockStatus } }',
    'fulfillmentOptions(cartToken: "$CART") { label }',
    'orderPreview(input: {cartToken: "$CART", fulfillmentOptionToken: "$OPTION"}) { total { amount } }',
    "syncRejects { totalCount nodes { id } }",
    "listings { totalCount nodes { id } }",
    "changes(types: [PRODUCT]) { nodes { nodeId } }",
    "outboxEntries { totalCount nodes { id } }",
    "matchReviews { totalCount nodes { id } }",
)


PRODUCT_FILTERS = (
    "availableForSale: true",
    "availableForSale: false",
    'availableAtLocationKey: "outlet"',
    'brands: ["red", "blue"]',
    'tags: ["paper"]',
    'categoryIds: ["{category}"]',
    'channelKeys: ["web"]',
    "statuses: [ACTIVE]",
    'facets: [{{key: "option.Size", values: ["S"]}}]',
    'price: {{min: "10", max: "30", currencyCode: GBP}}',
    'updatedSince: "2020-01-01T00:00:00Z"',
)
OTHER_FILTERS = {
    "productVariants sku": ('skus: ["SKU-17S"]', 'gtins: ["4006381333931"]', 'updatedSince: "2020-01-01T00:00:00Z"'),
    "stockLevels onHand": ("belowAvailable: 5", 'skus: ["SKU-17S"]', 'changedSince: "2020-01-01T00:00:00Z"'),
    "customers id": (
        'channelKeys: ["till"]',
        'tags: ["x"]',
        'email: "c17@example.com"',
        'phone: "123"',
        'loyaltyNumber: "1"',
        'updatedSince: "2020-01-01T00:00:00Z"',
    ),
    "orders id": (
        'channelKeys: ["till"]',
        "statuses: [OPEN]",
        "fulfillmentStatuses: [UNFULFILLED]",
        "paymentStatuses: [PAID]",
        'placedSince: "2020-01-01T00:00:00Z"',
        'placedBefore: "2040-01-01T00:00:00Z"',
        'updatedSince: "2020-01-01T00:00:00Z"',
        'customerId: "{customer}"',
        'locationKey: "shop"',
        'skus: ["SKU-17S"]',
    ),
    "listings id": (
        "statuses: [ACTIVE]",
        "pushStates: [IN_SYNC]",
        "unmatched: true",
        "unmatched: false",
        'updatedSince: "2020-01-01T00:00:00Z"',
    ),
}
