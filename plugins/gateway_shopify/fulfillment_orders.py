"""Fulfillment orders of an order: units to be shipped by location, and shipped units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.sdk import ContractError, InvalidValueError, json_access
from gateway_shopify import graphql_values
from gateway_shopify.client import ShopifyClient
from gateway_shopify.graphql_values import Node
from gateway_shopify.nested_pagination import complete_node
from gateway_shopify.write_documents import ORDER_BY_ID

TERMINAL_STATUSES = ("CANCELLED", "CLOSED", "INCOMPLETE")
"""Statuses of fulfillment orders from which no more units are shipped."""


@dataclass(frozen=True, slots=True)
class FulfillmentItem:
    """Unshipped units of a variant: a line of a fulfillment order."""

    id: str
    variant: str
    units: int

    def build_input(self, units: int) -> dict[str, Any]:
        """Build the input for some of the units."""
        return {"id": self.id, "quantity": units}


@dataclass(frozen=True, slots=True)
class FulfillmentOrder:
    """An open fulfillment order: units to be shipped from one location."""

    id: str
    location: str | None
    items: Sequence[FulfillmentItem]


@dataclass(frozen=True, slots=True)
class OrderFulfillment:
    """The fulfillment state of an order.

    Attributes:
        is_routed: Whether the shop has assigned fulfillment orders.
        fulfillment_orders: Open fulfillment orders.
        shipped: Shipped units by fulfillment and variant.
    """

    id: str
    canceled: bool
    is_routed: bool
    fulfillment_orders: Sequence[FulfillmentOrder]
    shipped: Mapping[str, Counter[str]]


async def load_order(client: ShopifyClient, node: Any) -> OrderFulfillment:
    """Load the order of a node, with all its nested connections."""
    complete = await complete_node(client, node)
    try:
        return _map_order(complete)
    except InvalidValueError as error:
        raise ContractError(f"the shop returned an invalid order ({error})") from error


async def fetch_order(client: ShopifyClient, id: str) -> OrderFulfillment | None:
    """Return the order with this ID; None if it does not exist."""
    data = await client.call(ORDER_BY_ID, id=graphql_values.build_gid("Order", id))
    return None if data.get("order") is None else await load_order(client, data["order"])


def _map_order(node: Node) -> OrderFulfillment:
    variants = {
        graphql_values.get_id(line, "LineItem"): _get_variant(line)
        for line in graphql_values.get_nodes(node, "lineItems")
    }
    entries = graphql_values.get_nodes(node, "fulfillmentOrders")
    return OrderFulfillment(
        id=graphql_values.get_id(node, "Order"),
        canceled=node.get("cancelledAt") is not None,
        is_routed=bool(entries),
        fulfillment_orders=[
            _map_fulfillment_order(entry, variants)
            for entry in entries
            if json_access.get_text(entry, "status") not in TERMINAL_STATUSES
        ],
        shipped={
            json_access.get_text(entry, "id"): _count_shipped(entry, variants)
            for entry in json_access.get_objects(node, "fulfillments")
            if json_access.get_text(entry, "status") == "SUCCESS"
        },
    )


def _get_variant(line: Node) -> str:
    variant = json_access.get_optional_object(line, "variant")
    return "" if variant is None else graphql_values.get_id(variant, "ProductVariant")


def _get_line(item: Node) -> str:
    return graphql_values.get_id(json_access.get_object(item, "lineItem"), "LineItem")


def _map_fulfillment_order(node: Node, variants: Mapping[str, str]) -> FulfillmentOrder:
    assigned = json_access.get_optional_object(node, "assignedLocation", "location")
    items = [
        FulfillmentItem(
            json_access.get_text(item, "id"),
            variants.get(_get_line(item), ""),
            json_access.get_whole(item, "remainingQuantity"),
        )
        for item in graphql_values.get_nodes(node, "lineItems")
    ]
    location = None if assigned is None else graphql_values.get_id(assigned, "Location")
    return FulfillmentOrder(json_access.get_text(node, "id"), location, [item for item in items if item.units > 0])


def _count_shipped(fulfillment: Node, variants: Mapping[str, str]) -> Counter[str]:
    units: Counter[str] = Counter()
    for item in graphql_values.get_nodes(fulfillment, "fulfillmentLineItems"):
        units[variants.get(_get_line(item), "")] += (
            0 if item.get("quantity") is None else json_access.get_whole(item, "quantity")
        )
    return units
