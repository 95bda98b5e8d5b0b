"""Resolvers of the fields that are not simply values of a node."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo, get_directive_values, get_named_type

from gateway_shopify_sandbox import (
    fulfillment_orders,
    inventory_mutations,
    order_create,
    order_edits,
    orders,
    product_options,
    refunds,
)
from gateway_shopify_sandbox.customers import customer_consents, customer_erasure
from gateway_shopify_sandbox.node_ids import find_any_node, find_node
from gateway_shopify_sandbox.pagination import MAX_PAGE_SIZE, build_page, build_sort_key
from gateway_shopify_sandbox.scalars import is_web_url
from gateway_shopify_sandbox.state import Node, Shop, build_gid, parse_number
from gateway_shopify_sandbox.user_errors import build_user_error

Answer = dict[str, Any]
_FILTER = re.compile(r"(id):>([0-9]{1,19})|(updated_at):>='([^']+)'")


def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """Resolve any field: by a resolver, as a page of a list, or from the node."""
    special = FIELD_RESOLVERS.get(f"{info.parent_type.name}.{info.field_name}")
    if (keyed := IDEMPOTENT_MUTATIONS.get(info.field_name)) is not None and info.parent_type.name == "Mutation":
        return keyed(info.root_value, get_idempotency_key(info), **arguments)
    value = source.get(info.field_name) if special is None else special(info.root_value, source, **arguments)
    if not get_named_type(info.return_type).name.endswith("Connection"):
        return value
    return build_page(value or [], arguments)


def get_idempotency_key(info: GraphQLResolveInfo[Any]) -> str:
    """Return the idempotency key that some mutations require."""
    directive = next(entry for entry in info.schema.directives if entry.name == "idempotent")
    arguments = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    if not arguments or not arguments["key"].strip():
        raise GraphQLError("The @idempotent directive is required for this mutation but was not provided.")
    return str(arguments["key"])


def _make_list_resolver(kind: str) -> Callable[..., Sequence[Node]]:
    def list_matching(shop: Shop, source: Any, **arguments: Any) -> Sequence[Node]:
        after, since = _parse_search(arguments.get("query"))
        nodes = shop.list_nodes(kind, after)
        if since:
            date = since[:10] if kind == "Customer" else since  # the search for customers has a resolution of one day
            nodes = [node for node in nodes if node["updatedAt"] >= date]
        if arguments.get("sortKey") == "UPDATED_AT":
            nodes = sorted(nodes, key=lambda node: build_sort_key(node, "UPDATED_AT"))
        return nodes[::-1] if arguments.get("reverse") else nodes

    return list_matching


def _parse_search(query: str | None) -> tuple[int, str]:
    """Parse a search: the ID after which it begins, and its date."""
    if not query:
        return 0, ""
    match = _FILTER.fullmatch(query)
    if match is None:
        raise GraphQLError(f"the sandbox does not support the search {query}")
    return int(match[2] or 0), match[4] or ""


def _list_locations(shop: Shop, source: Any, **arguments: Any) -> Sequence[Node]:
    return [location for location in shop.list_nodes("Location", 0) if location["isActive"]]


def _list_item_levels(shop: Shop, item: Node, **arguments: Any) -> Sequence[Node]:
    levels = shop.levels.get(parse_number(item["id"]), {}).values()
    return [level for level in levels if level["location"]["isActive"]]


def _list_location_levels(shop: Shop, location: Node, query: str | None = None, **arguments: Any) -> Sequence[Node]:
    _, since = _parse_search(query)
    key = parse_number(location["id"])
    levels_here = [levels[key] for levels in shop.levels.values() if key in levels and location["isActive"]]
    return [level for level in levels_here if level["updatedAt"] >= since]


def _list_quantities(shop: Shop, level: Node, names: Sequence[str]) -> list[Answer]:
    if unknown := [name for name in names if name not in inventory_mutations.QUANTITY_NAMES]:
        raise GraphQLError(f"Invalid quantity name: {unknown[0][:40]}")
    return [{"name": name, "quantity": level["counts"].get(name, 0)} for name in names]


def _get_merge_status(shop: Shop, source: Any, jobId: str) -> Answer | None:
    merged_into = shop.merges.get(jobId)
    return (
        None
        if merged_into is None
        else {"status": "COMPLETED", "resultingCustomerId": build_gid("Customer", merged_into)}
    )


def _create_subscription(shop: Shop, source: Any, topic: str, webhookSubscription: Mapping[str, str]) -> Answer:
    uri = webhookSubscription.get("uri") or ""
    existing = [(node["topic"], node["uri"]) for node in shop.list_nodes("WebhookSubscription")]
    if not is_web_url(uri) or (topic, uri) in existing:
        problem = "for this topic has already been taken" if is_web_url(uri) else "is not a URL"
        error = build_user_error(f"Address {problem}", "webhookSubscription", "uri")
        return {"webhookSubscription": None, "userErrors": [error]}
    return {"webhookSubscription": shop.add("WebhookSubscription", topic=topic, uri=uri), "userErrors": []}


def _list_nodes(shop: Shop, source: Any, ids: Sequence[str]) -> list[Node | None]:
    if len(ids) > MAX_PAGE_SIZE:
        raise GraphQLError(
            f"The input array size of {len(ids)} is greater than the maximum allowed of {MAX_PAGE_SIZE}."
        )
    return [find_any_node(shop, id) for id in ids]


def _find_order(shop: Shop, source: Any, identifier: Mapping[str, Any]) -> Node | None:
    if "id" in identifier:
        return find_node(shop, "Order", identifier["id"])
    return order_create.find_order(shop, identifier["customId"])


def _get_pricing(shop: Shop, variant: Node, context: Mapping[str, Any]) -> Answer:
    """Return the prices of the market that a country belongs to; by default those of the shop."""
    own = (variant["price"], variant["compareAtPrice"], shop.currency)
    price, before, currency = variant["marketPrices"].get(context.get("country"), own)
    return {
        "price": {"amount": price, "currencyCode": currency},
        "compareAtPrice": None if before is None else {"amount": before, "currencyCode": currency},
    }


def _get_shop(shop: Shop, source: Any) -> Answer:
    return {"id": build_gid("Shop", 1), "currencyCode": shop.currency, "taxesIncluded": shop.taxes_included}


FIELD_RESOLVERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "QueryRoot.shop": _get_shop,
        "QueryRoot.node": lambda shop, source, id: find_any_node(shop, id),
        "QueryRoot.nodes": _list_nodes,
        "QueryRoot.customer": lambda shop, source, id: find_node(shop, "Customer", id),
        "QueryRoot.products": _make_list_resolver("Product"),
        "QueryRoot.collections": _make_list_resolver("Collection"),
        "QueryRoot.inventoryItems": _make_list_resolver("InventoryItem"),
        "QueryRoot.customers": _make_list_resolver("Customer"),
        "QueryRoot.orders": _make_list_resolver("Order"),
        "QueryRoot.locations": _list_locations,
        "QueryRoot.webhookSubscriptions": _make_list_resolver("WebhookSubscription"),
        "QueryRoot.customerMergeJobStatus": _get_merge_status,
        "Product.metafield": lambda shop, product, key, namespace=None: product["metafields"].get((namespace, key)),
        "Customer.metafield": lambda shop, customer, key, namespace=None: customer["metafields"].get((namespace, key)),
        "ProductVariant.contextualPricing": _get_pricing,
        "ProductVariant.metafield": lambda shop, variant, key, namespace=None: variant["metafields"].get(
            (namespace, key)
        ),
        "Product.translations": lambda shop, product, locale: product["translations"].get(locale, []),
        "Product.options": product_options.list_options,
        "ProductOption.translations": product_options.list_translations,
        "ProductOptionValue.translations": product_options.list_translations,
        "MediaImage.image": lambda shop, medium: medium["preview"]["image"],
        "Collection.translations": lambda shop, collection, locale: collection["translations"].get(locale, []),
        "InventoryItem.inventoryLevels": _list_item_levels,
        "Location.inventoryLevels": _list_location_levels,
        "InventoryLevel.quantities": _list_quantities,
        "QueryRoot.order": lambda shop, source, id: find_node(shop, "Order", id),
        "QueryRoot.orderByIdentifier": _find_order,
        "QueryRoot.job": lambda shop, source, id: find_node(shop, "Job", id),
        "Order.metafield": lambda shop, order, key, namespace=None: order["metafields"].get(
            (namespace or order_create.APP_NAMESPACE, key)
        ),
        "Mutation.webhookSubscriptionCreate": _create_subscription,
        "Mutation.metafieldDefinitionCreate": lambda shop, source, definition: order_create.define_metafield(
            shop, definition
        ),
        "Mutation.orderCreate": lambda shop, source, order, options=None: order_create.create_order_from_input(
            shop, order, options or {}
        ),
        "Mutation.orderCancel": lambda shop, source, orderId, restock, **_: fulfillment_orders.start_cancellation(
            shop, orderId, restock
        ),
        "Mutation.customerEmailMarketingConsentUpdate": lambda shop, source, input: customer_consents.set_email_consent(
            shop, input
        ),
        "Mutation.customerSmsMarketingConsentUpdate": lambda shop, source, input: customer_consents.set_sms_consent(
            shop, input
        ),
        "Mutation.customerRequestDataErasure": lambda shop, source, customerId: customer_erasure.request_erasure(
            shop, customerId
        ),
        "Mutation.fulfillmentOrderMove": lambda shop, source, **given: fulfillment_orders.move_items(shop, **given),
        "Mutation.fulfillmentCreate": lambda shop, source, fulfillment: fulfillment_orders.create_fulfillment(
            shop, fulfillment
        ),
        "Mutation.orderEditBegin": lambda shop, source, id: order_edits.begin_edit(shop, id),
        "Mutation.orderEditSetQuantity": lambda shop, source, **given: order_edits.set_quantity(shop, **given),
        "Mutation.orderEditAddVariant": lambda shop, source, **given: order_edits.add_variant(shop, **given),
        "Mutation.orderEditCommit": lambda shop, source, id, **_: order_edits.commit_edit(shop, id),
        "LineItem.currentQuantity": lambda shop, line: line["quantity"] - line["removed"] - line["refunded"],
        "LineItem.nonFulfillableQuantity": lambda shop, line: line["removed"],
        "LineItem.unfulfilledQuantity": lambda shop, line: orders.count_unshipped(line),
        "Order.currentSubtotalPriceSet": lambda shop, order: shop.build_money(orders.compute_current_subtotal(order)),
        "Order.currentTotalTaxSet": lambda shop, order: shop.build_money(orders.compute_current_tax(shop, order)),
        "Order.currentTotalPriceSet": lambda shop, order: shop.build_money(orders.compute_current_total(shop, order)),
    }
)

IDEMPOTENT_MUTATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "inventoryAdjustQuantities": inventory_mutations.adjust_quantities,
        "inventorySetQuantities": inventory_mutations.set_quantities,
        "refundCreate": refunds.create_refund,
    }
)
"""Mutations that require an idempotency key."""
