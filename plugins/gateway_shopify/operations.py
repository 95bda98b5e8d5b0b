"""Everything that is asked of Shopify's Admin GraphQL API, version 2026-10.

Each operation states what it costs at most, by Shopify's rules: an object 1, a connection 2 and its page times what one
entry costs. The client learns the shop's own figure from the first answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

VERSION = "2026-10"

PAGE_COST = 680
"""What a page costs at most. One question may cost 1,000, but who waits for a full bucket loses what flows over."""

PAGE_INFO = "pageInfo { hasNextPage endCursor }"
MONEY = "{ shopMoney { amount currencyCode } }"

NAMESPACE, KEY = "$app:commerce_gateway", "reference"
"""The metafield that holds what the gateway calls an order of its own: no two orders may have the same."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. It costs at most `cost` points, and for every record that is asked for `each`, and `entry` for
    every entry inside it that is asked for."""

    name: str
    text: str
    cost: float
    each: float = 0
    entry: float = 0
    writes: bool = False

    def points(self, variables: Mapping[str, Any]) -> float:
        """What it costs at most, before the shop has told."""
        count = variables.get("first") or len(variables.get("ids", ()))
        return self.cost + int(count) * (self.each + self.entry * int(variables.get("inside", 0)))


VARIANT = """
  id title sku barcode price compareAtPrice updatedAt
  selectedOptions { name value }
  inventoryItem { id tracked }
"""
LEVEL = """
  id updatedAt
  location { id }
  quantities(names: ["available", "committed", "incoming"]) { name quantity }
"""
ADDRESS = "name company address1 address2 city province zip countryCodeV2 phone"
LINE = f"""
  id title sku quantity
  variant {{ id }}
  originalUnitPriceSet {MONEY}
  discountedTotalSet(withCodeDiscounts: true) {MONEY}
"""
MOVED = "quantity lineItem { id }"
REFUNDED = "quantity restockType lineItem { id }"
RETURNED = """
  __typename id processedQuantity
  ... on ReturnLineItem { fulfillmentLineItem { id lineItem { id } } }
"""
ROUTED = "id totalQuantity remainingQuantity lineItem { id }"
ROUTE = f"""
  __typename id status
  assignedLocation {{ location {{ id }} }}
  lineItems(first: 5) {{ nodes {{ {ROUTED} }} {PAGE_INFO} }}
"""
RETURN = f"""
  __typename id status
  returnLineItems(first: 5) {{ nodes {{ {RETURNED} }} {PAGE_INFO} }}
"""

PRODUCT = f"""
  __typename id title description vendor productType tags status createdAt updatedAt onlineStoreUrl
  hasOnlyDefaultVariant
  category {{ fullName }}
  featuredMedia {{ preview {{ image {{ url altText width height }} }} }}
  variants(first: $inside) {{ nodes {{ {VARIANT} }} {PAGE_INFO} }}
"""
ITEM = f"""
  __typename id
  inventoryLevels(first: $inside) {{ nodes {{ {LEVEL} }} {PAGE_INFO} }}
"""
CUSTOMER = f"""
  __typename id displayName firstName lastName tags verifiedEmail createdAt updatedAt
  defaultEmailAddress {{ emailAddress }}
  defaultPhoneNumber {{ phoneNumber }}
  addressesV2(first: 5) {{ nodes {{ {ADDRESS} }} {PAGE_INFO} }}
"""
ORDER = f"""
  __typename id name processedAt updatedAt cancelledAt closed email phone taxesIncluded sourceIdentifier
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
  totalPriceSet {MONEY}
  totalRefundedSet {MONEY}
  taxLines {{ title rate priceSet {MONEY} }}
  lineItems(first: 10) {{ nodes {{ {LINE} }} {PAGE_INFO} }}
  fulfillmentOrders(first: 2) {{ nodes {{ {ROUTE} }} {PAGE_INFO} }}
  fulfillments {{
    __typename id status
    fulfillmentLineItems(first: 10) {{ nodes {{ {MOVED} }} {PAGE_INFO} }}
  }}
  refunds {{
    __typename id return {{ id }}
    refundLineItems(first: 5) {{ nodes {{ {REFUNDED} }} {PAGE_INFO} }}
  }}
  returns(first: 2) {{ nodes {{ {RETURN} }} {PAGE_INFO} }}
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a feed reads: a connection of the shop, and what is asked of each of its nodes.

    Attributes:
        inside: the connection in each node of which more or fewer entries can be asked for.
        entries: so many of them at most.
    """

    type: str
    plural: str
    listing: Operation
    by_id: Operation
    newest: Operation | None = None
    inside: str = ""
    entries: int = 0

    def each(self, entries: int) -> float:
        """What a record costs at most that is asked for with so many entries."""
        return self.listing.each + self.listing.entry * entries

    def records(self, entries: int) -> int:
        """How many such records a page has room for."""
        return int((PAGE_COST - self.listing.cost) // self.each(entries))


def _kind(
    type: str,
    plural: str,
    fields: str,
    each: float,
    *,
    inside: tuple[str, int, float] = ("", 0, 0),
    sorted: bool = True,
) -> Kind:
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
    return Kind(
        type,
        plural,
        Operation(f"{type}Page", listing, 4, each, entry),
        Operation(f"{type}ById", by_id, 2, each, entry),
        Operation(f"{type}Newest", newest, 3) if sorted else None,
        name,
        entries,
    )


PRODUCTS = _kind("Product", "products", PRODUCT, 7, inside=("variants", 20, 3))
ITEMS = _kind("InventoryItem", "inventoryItems", ITEM, 3, inside=("inventoryLevels", 10, 5), sorted=False)
CUSTOMERS = _kind("Customer", "customers", CUSTOMER, 10)
ORDERS = _kind("Order", "orders", ORDER, 190)


@dataclass(frozen=True, slots=True)
class Nested:
    """A connection inside a record that may have more than one page."""

    type: str
    field: str
    operation: Operation


def _nested(type: str, field: str, fields: str, size: int, each: float) -> Nested:
    name = f"{type}{field[0].upper()}{field[1:]}"
    text = f"""query {name}($id: ID!, $after: String) {{
  node(id: $id) {{
    __typename
    ... on {type} {{ id {field}(first: {size}, after: $after) {{ nodes {{ {fields} }} {PAGE_INFO} }} }}
  }}
}}"""
    return Nested(type, field, Operation(name, text, 4 + size * each))


NESTED: Mapping[tuple[str, str], Nested] = MappingProxyType(
    {
        (nested.type, nested.field): nested
        for nested in (
            _nested("Product", "variants", VARIANT, 250, 3),
            _nested("InventoryItem", "inventoryLevels", LEVEL, 100, 5),
            _nested("Customer", "addressesV2", ADDRESS, 250, 1),
            _nested("Order", "lineItems", LINE, 100, 6),
            _nested("Order", "returns", RETURN, 20, 18),
            _nested("Order", "fulfillmentOrders", ROUTE, 20, 15),
            _nested("FulfillmentOrder", "lineItems", ROUTED, 250, 2),
            _nested("Fulfillment", "fulfillmentLineItems", MOVED, 250, 2),
            _nested("Refund", "refundLineItems", REFUNDED, 250, 2),
            _nested("Return", "returnLineItems", RETURNED, 250, 3),
        )
    }
)

MOVED_LEVELS = Operation(
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
PLACES = Operation(
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


def reading_operations() -> list[Operation]:
    """Every operation by which a shop is read, and by which it is asked to tell."""
    kinds = (PRODUCTS, ITEMS, CUSTOMERS, ORDERS)
    listed = [op for kind in kinds for op in (kind.listing, kind.by_id, kind.newest) if op is not None]
    return [
        *listed,
        *(nested.operation for nested in NESTED.values()),
        MOVED_LEVELS,
        PLACES,
        MERGE,
        SUBSCRIPTIONS,
        SUBSCRIBE,
    ]
