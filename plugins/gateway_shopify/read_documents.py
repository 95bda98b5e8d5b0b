"""Documents of read operations, for Admin GraphQL API version 2026-10.

Each operation states its maximum cost by Shopify's rules: an object costs 1, a connection 2 plus its page size times
the cost of one entry. The client learns the shop's own value from the first response.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

VERSION = "2026-10"

MAX_PAGE_COST = 680
"""Maximum cost of a page. A query may cost 1,000, but waiting for a full bucket wastes the points that overflow."""

PAGE_INFO = "pageInfo { hasNextPage endCursor }"
MONEY = "{ shopMoney { amount currencyCode } }"

NAMESPACE, KEY = "$app:commerce_gateway", "reference"
"""The metafield with the gateway's reference of an order; its values are unique."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation. Its maximum cost is `cost`, plus `record_cost` for every requested record and `entry_cost` for
    every requested nested entry.
    """

    name: str
    text: str
    cost: float
    record_cost: float = 0
    entry_cost: float = 0
    writes: bool = False

    def estimate_cost(self, variables: Mapping[str, Any]) -> float:
        """Estimate the maximum cost, in points, before the shop reports the actual one."""
        count = variables.get("first") or len(variables.get("ids", ()))
        return self.cost + int(count) * (self.record_cost + self.entry_cost * int(variables.get("inside", 0)))


VARIANT = f"""
  __typename id title sku barcode price compareAtPrice updatedAt
  selectedOptions {{ name value }}
  inventoryItem {{ id tracked }}
  unitPriceMeasurement {{ quantityUnit quantityValue referenceUnit referenceValue }}
  media(first: 1) {{ nodes {{ id }} {PAGE_INFO} }}
"""
LEVEL = """
  id updatedAt
  location { id }
  quantities(names: ["available", "committed", "incoming"]) { name quantity }
"""
ADDRESS = "name company address1 address2 city province zip countryCodeV2 phone"
LINE = f"""
  id title sku quantity currentQuantity nonFulfillableQuantity
  variant {{ id }}
  originalUnitPriceSet {MONEY}
  discountedTotalSet(withCodeDiscounts: true) {MONEY}
"""
FULFILLED_ITEM = "quantity lineItem { id }"
REFUNDED_ITEM = "quantity restockType lineItem { id } location { id }"
RETURNED_ITEM = """
  __typename id processedQuantity
  ... on ReturnLineItem { fulfillmentLineItem { id lineItem { id } } }
"""
FULFILLMENT_ORDER_ITEM = "id totalQuantity remainingQuantity lineItem { id }"
FULFILLMENT_ORDER = f"""
  __typename id status
  assignedLocation {{ location {{ id }} }}
  lineItems(first: 5) {{ nodes {{ {FULFILLMENT_ORDER_ITEM} }} {PAGE_INFO} }}
"""
RETURN = f"""
  __typename id status
  returnLineItems(first: 5) {{ nodes {{ {RETURNED_ITEM} }} {PAGE_INFO} }}
"""

IMAGE = "url altText width height"
MEDIUM = f"""
  __typename id alt mediaContentType
  preview {{ image {{ {IMAGE} }} }}
  ... on Video {{ sources {{ url mimeType width height }} }}
  ... on ExternalVideo {{ embedUrl }}
  ... on Model3d {{ sources {{ url mimeType }} }}
"""
MEDIA_COST = 5
"""Cost of a medium with its preview image and its files."""

TRANSLATIONS = "translations"
"""Prefix of the aliases of translations, before the position of their locale."""

METAFIELDS = "metafield"
"""Prefix of the aliases of metafields, before their position."""

OPTION_COST = 5
"""Cost of the options of a product, with their values and swatches."""

PRICING = "pricing"
"""Prefix of the aliases of prices in countries, before their position."""

PRICING_COST = 3
"""Cost of the price of a variant in a country."""

MAX_VARIANTS = 19
"""Maximum number of variants to request with each product."""

PRODUCT_COST = 9 + 4 * MEDIA_COST + OPTION_COST
"""Cost of a product without its variants and translations."""

OPTION_LOCALE_COST = 2
"""Cost of the translations of the options of a product and their values into a locale."""

VARIANT_COST = 7
"""Cost of a variant without its metafields."""


def _build_product(variant: str) -> str:
    """Build the fields of a product, with these of its variants."""
    return f"""
  __typename id title handle description descriptionHtml vendor productType tags status createdAt updatedAt
  onlineStoreUrl
  hasOnlyDefaultVariant
  seo {{ title description }}
  category {{ fullName }}
  rating: metafield(namespace: "reviews", key: "rating") {{ value }}
  ratingCount: metafield(namespace: "reviews", key: "rating_count") {{ value }}
  media(first: 4) {{ nodes {{ {MEDIUM} }} {PAGE_INFO} }}
  variants(first: $inside) {{ nodes {{ {variant} }} {PAGE_INFO} }}
"""


PRODUCT = _build_product(VARIANT)

COLLECTION_COST = 5
"""Cost of a collection without its products and translations."""

COLLECTION = f"""
  __typename id title handle description descriptionHtml updatedAt
  image {{ {IMAGE} }}
  seo {{ title description }}
  products(first: $inside) {{ nodes {{ id }} {PAGE_INFO} }}
"""
ITEM = f"""
  __typename id
  inventoryLevels(first: $inside) {{ nodes {{ {LEVEL} }} {PAGE_INFO} }}
"""
CUSTOMER = f"""
  __typename id displayName firstName lastName tags verifiedEmail createdAt updatedAt
  defaultEmailAddress {{ emailAddress marketingState marketingUpdatedAt }}
  defaultPhoneNumber {{ phoneNumber smsMarketingConsent {{ state updatedAt }} }}
  addressesV2(first: 5) {{ nodes {{ {ADDRESS} }} {PAGE_INFO} }}
"""
ORDER = f"""
  __typename id name processedAt updatedAt cancelledAt closed test email phone taxesIncluded sourceIdentifier
  displayFinancialStatus displayFulfillmentStatus returnStatus
  customer {{ id }}
  metafield(namespace: "{NAMESPACE}", key: "{KEY}") {{ value }}
  retailLocation {{ id }}
  shippingAddress {{ {ADDRESS} }}
  billingAddress {{ {ADDRESS} }}
  subtotalPriceSet {MONEY}
  totalDiscountsSet {MONEY}
  totalTaxSet {MONEY}
  totalShippingPriceSet {MONEY}
  shippingLine {{ discountedPriceSet {MONEY} }}
  totalTipReceivedSet {MONEY}
  dutiesIncluded
  originalTotalDutiesSet {MONEY}
  additionalFees {{ name price {MONEY} }}
  totalCashRoundingAdjustment {{ paymentSet {MONEY} }}
  totalPriceSet {MONEY}
  totalReceivedSet {MONEY}
  totalRefundedSet {MONEY}
  currentSubtotalPriceSet {MONEY}
  currentTotalDiscountsSet {MONEY}
  currentTotalTaxSet {MONEY}
  taxLines {{ title rate priceSet {MONEY} }}
  lineItems(first: 10) {{ nodes {{ {LINE} }} {PAGE_INFO} }}
  fulfillmentOrders(first: 2) {{ nodes {{ {FULFILLMENT_ORDER} }} {PAGE_INFO} }}
  fulfillments {{
    __typename id status location {{ id }}
    fulfillmentLineItems(first: 10) {{ nodes {{ {FULFILLED_ITEM} }} {PAGE_INFO} }}
  }}
  refunds {{
    __typename id return {{ id }}
    refundLineItems(first: 5) {{ nodes {{ {REFUNDED_ITEM} }} {PAGE_INFO} }}
  }}
  returns(first: 2) {{ nodes {{ {RETURN} }} {PAGE_INFO} }}
"""


@dataclass(frozen=True, slots=True)
class NestedConnection:
    """A nested connection that may have more than one page."""

    type: str
    field: str
    operation: Operation


def _build_nested(type: str, field: str, fields: str, size: int, each: float) -> NestedConnection:
    name = f"{type}{field[0].upper()}{field[1:]}"
    text = f"""query {name}($id: ID!, $after: String) {{
  node(id: $id) {{
    __typename
    ... on {type} {{ id {field}(first: {size}, after: $after) {{ nodes {{ {fields} }} {PAGE_INFO} }} }}
  }}
}}"""
    return NestedConnection(type, field, Operation(name, text, 4 + size * each))


@dataclass(frozen=True, slots=True)
class ConnectionQueries:
    """Queries of a connection that a feed reads.

    Attributes:
        nested_field: Nested connection whose number of entries is variable.
        max_entries: Maximum number of nested entries.
        nested: Nested connections with other fields than `NESTED_CONNECTIONS` has.
    """

    type: str
    field: str
    listing: Operation
    by_id: Operation
    newest: Operation | None = None
    nested_field: str = ""
    max_entries: int = 0
    nested: Mapping[tuple[str, str], NestedConnection] = dataclasses.field(default_factory=lambda: MappingProxyType({}))

    def estimate_record_cost(self, entries: int) -> float:
        """Estimate the maximum cost of a record with this number of nested entries."""
        return self.listing.record_cost + self.listing.entry_cost * entries

    def count_records(self, entries: int) -> int:
        """Return the number of such records that fit on a page."""
        return int((MAX_PAGE_COST - self.listing.cost) // self.estimate_record_cost(entries))


LISTING_COST = 4
"""Cost of a page without its records."""


def _build_queries(
    type: str,
    plural: str,
    fields: str,
    each: float,
    *,
    inside: tuple[str, int, float] = ("", 0, 0),
    sorted: bool = True,
) -> ConnectionQueries:
    key = f"{type}SortKeys"
    name, entries, entry = inside
    width = ", $inside: Int!" if name else ""
    sort, sorting = (f", $sort: {key}!", ", sortKey: $sort") if sorted else ("", "")
    listing = f"""query {type}Page($first: Int!, $after: String, $query: String{sort}{width}) {{
  shop {{ currencyCode taxesIncluded }}
  {plural}(first: $first, after: $after, query: $query{sorting}) {{ nodes {{ {fields} }} {PAGE_INFO} }}
}}"""
    by_id = f"""query {type}ById($ids: [ID!]!{width}) {{
  shop {{ currencyCode taxesIncluded }}
  nodes(ids: $ids) {{ __typename id ... on {type} {{ {fields} }} }}
}}"""
    newest = f"""query {type}Newest {{
  {plural}(first: 1, sortKey: UPDATED_AT, reverse: true) {{ nodes {{ id updatedAt }} }}
}}"""
    return ConnectionQueries(
        type,
        plural,
        Operation(f"{type}Page", listing, LISTING_COST, each, entry),
        Operation(f"{type}ById", by_id, 2, each, entry),
        Operation(f"{type}Newest", newest, 3) if sorted else None,
        name,
        entries,
    )


def build_product_queries(
    locales: Sequence[str] = (),
    metafields: Sequence[str] = (),
    variant_metafields: Sequence[str] = (),
    countries: Sequence[str] = (),
) -> ConnectionQueries:
    """Build the queries of products, with their translations into these locales, these metafields of products and of
    variants, each as ``namespace.key``, and the prices of variants in these countries.
    """
    translations = _select_translations(locales)
    cost = PRODUCT_COST + (1 + OPTION_LOCALE_COST) * len(locales) + len(metafields)
    options = f"""  options {{
    name optionValues {{ name swatch {{ color image {{ image {{ {IMAGE} }} }} }}
{translations}    }}
{translations}  }}
"""
    variant = VARIANT + _build_metafields(variant_metafields) + _build_pricing(countries)
    shown = _build_product(variant) + options + translations + _build_metafields(metafields)
    entry = VARIANT_COST + len(variant_metafields) + PRICING_COST * len(countries)
    entries = max(1, min(MAX_VARIANTS, (MAX_PAGE_COST - LISTING_COST - cost) // entry))
    queries = _build_queries("Product", "products", shown, cost, inside=("variants", entries, entry))
    variants = _build_nested("Product", "variants", variant, 100 * VARIANT_COST // entry, entry)
    return replace(queries, nested={("Product", "variants"): variants})


def _build_pricing(countries: Sequence[str]) -> str:
    return "".join(
        f"  {PRICING}{number}: contextualPricing(context: {{country: {country}}}) "
        "{ price { amount currencyCode } compareAtPrice { amount currencyCode } }\n"
        for number, country in enumerate(countries)
    )


def _build_metafields(names: Sequence[str]) -> str:
    return "".join(
        f'  {METAFIELDS}{number}: metafield(namespace: "{namespace}", key: "{key}") {{ type value }}\n'
        for number, (namespace, _, key) in enumerate(name.rpartition(".") for name in names)
    )


def build_collection_queries(locales: Sequence[str] = ()) -> ConnectionQueries:
    """Build the queries of collections, with their translations into these locales."""
    cost = COLLECTION_COST + len(locales)
    selection = COLLECTION + _select_translations(locales)
    return _build_queries("Collection", "collections", selection, cost, inside=("products", 100, 1))


def build_customer_queries(metafields: Sequence[str] = ()) -> ConnectionQueries:
    """Build the queries of customers, with these metafields, each as ``namespace.key``."""
    return _build_queries("Customer", "customers", CUSTOMER + _build_metafields(metafields), 11 + len(metafields))


def _select_translations(locales: Sequence[str]) -> str:
    return "".join(
        f'  {TRANSLATIONS}{number}: translations(locale: "{locale}") {{ key value }}\n'
        for number, locale in enumerate(locales)
    )


PRODUCTS = build_product_queries()
COLLECTIONS = build_collection_queries()
ITEMS = _build_queries("InventoryItem", "inventoryItems", ITEM, 3, inside=("inventoryLevels", 10, 5), sorted=False)
CUSTOMERS = build_customer_queries()
ORDERS = _build_queries("Order", "orders", ORDER, 217)


NESTED_CONNECTIONS: Mapping[tuple[str, str], NestedConnection] = MappingProxyType(
    {
        (nested.type, nested.field): nested
        for nested in (
            *PRODUCTS.nested.values(),
            _build_nested("Product", "media", MEDIUM, 150, MEDIA_COST),
            _build_nested("ProductVariant", "media", "id", 250, 1),
            _build_nested("Collection", "products", "id", 250, 1),
            _build_nested("InventoryItem", "inventoryLevels", LEVEL, 100, 5),
            _build_nested("Customer", "addressesV2", ADDRESS, 250, 1),
            _build_nested("Order", "lineItems", LINE, 100, 6),
            _build_nested("Order", "returns", RETURN, 20, 18),
            _build_nested("Order", "fulfillmentOrders", FULFILLMENT_ORDER, 20, 15),
            _build_nested("FulfillmentOrder", "lineItems", FULFILLMENT_ORDER_ITEM, 250, 2),
            _build_nested("Fulfillment", "fulfillmentLineItems", FULFILLED_ITEM, 250, 2),
            _build_nested("Refund", "refundLineItems", REFUNDED_ITEM, 250, 3),
            _build_nested("Return", "returnLineItems", RETURNED_ITEM, 250, 3),
        )
    }
)

CHANGED_LEVELS = Operation(
    "InventoryMoved",
    f"""query InventoryMoved($id: ID!, $after: String, $query: String) {{
  node(id: $id) {{
    __typename
    ... on Location {{
      id inventoryLevels(first: 60, after: $after, query: $query) {{ nodes {{ item {{ id }} {LEVEL} }} {PAGE_INFO} }}
    }}
  }}
}}""",
    363,
)
LOCATIONS = Operation(
    "Locations",
    f"query Locations($after: String) {{ locations(first: 250, after: $after) {{ nodes {{ id name }} {PAGE_INFO} }} }}",
    252,
)
MERGE = Operation(
    "CustomerMerge",
    """query CustomerMerge($job: ID!, $kept: ID!) {
  customerMergeJobStatus(jobId: $job) { status resultingCustomerId }
  customer(id: $kept) { id updatedAt }
}""",
    2,
)
SUBSCRIPTIONS = Operation(
    "Subscriptions",
    f"""query Subscriptions($after: String) {{
  webhookSubscriptions(first: 100, after: $after) {{ nodes {{ id topic uri }} {PAGE_INFO} }}
}}""",
    102,
)
SUBSCRIBE = Operation(
    "Subscribe",
    """mutation Subscribe($topic: WebhookSubscriptionTopic!, $to: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $to) {
    webhookSubscription { id }
    userErrors { field message }
  }
}""",
    13,
    writes=True,
)


def list_read_operations() -> list[Operation]:
    """List all operations that read a shop, and those of webhook subscriptions."""
    kinds = (PRODUCTS, ITEMS, COLLECTIONS, CUSTOMERS, ORDERS)
    listed = [op for kind in kinds for op in (kind.listing, kind.by_id, kind.newest) if op is not None]
    return [
        *listed,
        *(nested.operation for nested in NESTED_CONNECTIONS.values()),
        CHANGED_LEVELS,
        LOCATIONS,
        MERGE,
        SUBSCRIPTIONS,
        SUBSCRIBE,
    ]
