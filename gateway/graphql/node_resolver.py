"""`node(id)`: selects the loader of a global ID, and checks the scopes of its type before it loads."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.execution.caller import Scopes
from gateway.execution.context import Batch, Context, raise_first
from gateway.execution.errors import BadUserInputError
from gateway.graphql.global_ids import build_id_error, parse_global_id
from gateway.graphql.loaders.access import load_api_tokens, load_audit_entries
from gateway.graphql.loaders.carts import load_cart_lines, load_carts
from gateway.graphql.loaders.catalog import load_categories, load_listings, load_products, load_variants
from gateway.graphql.loaders.channels import load_channels
from gateway.graphql.loaders.collections import load_collections
from gateway.graphql.loaders.customers.address_book import load_customer_addresses
from gateway.graphql.loaders.customers.data_requests import load_data_requests
from gateway.graphql.loaders.customers.decisions import load_customer_reviews, load_merges
from gateway.graphql.loaders.customers.loyalty import load_loyalty_entries
from gateway.graphql.loaders.customers.profiles import load_customers, load_identities
from gateway.graphql.loaders.customers.timeline import load_interactions
from gateway.graphql.loaders.documents import load_documents
from gateway.graphql.loaders.guarded import load_all_guarded, load_guarded
from gateway.graphql.loaders.locations import load_locations
from gateway.graphql.loaders.offers import ANY_CURRENCY, load_offer_nodes, load_product_offer_nodes
from gateway.graphql.loaders.operations import load_match_reviews, load_outbox_entries, load_rejects
from gateway.graphql.loaders.orders import (
    load_channel_orders,
    load_fulfillments,
    load_order_events,
    load_order_lines,
    load_orders,
    load_payments,
)
from gateway.graphql.loaders.reviews import load_reviews
from gateway.graphql.loaders.stock import ALL_LOCATIONS, StockKey, load_reservations, load_stock_levels, load_stocks
from gateway.graphql.scopes import (
    AUDIT_READ,
    CATALOG_ADMIN,
    CHANNELS_ADMIN,
    CUSTOMERS_READ,
    CUSTOMERS_READ_OR_SELF,
    DATA_REQUESTS,
    DOCUMENTS_ADMIN,
    ORDERS_READ,
    ORDERS_READ_OR_SELF,
    PERSONAL_DATA_OR_SELF,
    STOCK_READ,
    TOKENS_ADMIN,
)
from gateway.model.ids import GlobalId
from gateway.model.money import is_currency_code
from gateway.storage.reads.variant_offers import OfferKey

Key = Callable[[GlobalId], Any]


def _get_row_key(global_id: GlobalId) -> str | None:
    return global_id.key if len(global_id.parts) == 1 else None


def _get_level_key(global_id: GlobalId) -> tuple[str, ...] | None:
    return global_id.parts if len(global_id.parts) == 2 else None


def _get_document_key(global_id: GlobalId) -> str | None:
    return ":".join(global_id.parts) if len(global_id.parts) == 2 else None


def _get_interaction_key(global_id: GlobalId) -> str | None:
    return ":".join(global_id.parts) if len(global_id.parts) == 2 else None


def _get_address_key(global_id: GlobalId) -> str | None:
    return ":".join(global_id.parts) if len(global_id.parts) <= 2 else None


def _get_stock_key(global_id: GlobalId) -> StockKey | None:
    if len(global_id.parts) != 3:
        return None
    variant, channel, location = global_id.parts
    return StockKey(variant, channel, None if location == ALL_LOCATIONS else location)


def _get_offer_key(global_id: GlobalId) -> OfferKey | None:
    if len(global_id.parts) != 3:
        return None
    row, channel, currency = global_id.parts
    if currency == ANY_CURRENCY:
        return row, channel, None
    return (row, channel, currency) if is_currency_code(currency) else None


@dataclass(frozen=True, slots=True)
class NodeLoader:
    """How a node is loaded. `scopes`: those that its type requires."""

    batch: Batch
    get_key: Key
    scopes: Scopes = ()


NODE_LOADERS: Mapping[str, NodeLoader] = {
    "ApiToken": NodeLoader(load_api_tokens, _get_row_key, TOKENS_ADMIN),
    "AuditEntry": NodeLoader(load_audit_entries, _get_row_key, AUDIT_READ),
    "Document": NodeLoader(load_documents, _get_document_key, DOCUMENTS_ADMIN),
    "Product": NodeLoader(load_products, _get_row_key),
    "ProductVariant": NodeLoader(load_variants, _get_row_key),
    "Listing": NodeLoader(load_listings, _get_row_key),
    "Offer": NodeLoader(load_offer_nodes, _get_offer_key),
    "ProductOffer": NodeLoader(load_product_offer_nodes, _get_offer_key),
    "Category": NodeLoader(load_categories, _get_row_key),
    "Review": NodeLoader(load_reviews, _get_row_key),
    "Collection": NodeLoader(load_collections, _get_row_key),
    "Channel": NodeLoader(load_channels, _get_row_key),
    "Location": NodeLoader(load_locations, _get_row_key),
    "Stock": NodeLoader(load_stocks, _get_stock_key),
    "StockLevel": NodeLoader(load_stock_levels, _get_level_key, STOCK_READ),
    "Reservation": NodeLoader(load_reservations, _get_row_key),
    "Customer": NodeLoader(load_customers, _get_row_key, CUSTOMERS_READ_OR_SELF),
    "CustomerIdentity": NodeLoader(load_identities, _get_row_key, CUSTOMERS_READ),
    "CustomerMerge": NodeLoader(load_merges, _get_row_key, CUSTOMERS_READ),
    "CustomerReview": NodeLoader(load_customer_reviews, _get_row_key, CUSTOMERS_READ),
    "DataRequest": NodeLoader(load_data_requests, _get_row_key, DATA_REQUESTS),
    "CustomerAddress": NodeLoader(load_customer_addresses, _get_address_key, PERSONAL_DATA_OR_SELF),
    "Interaction": NodeLoader(load_interactions, _get_interaction_key, CUSTOMERS_READ_OR_SELF),
    "LoyaltyEntry": NodeLoader(load_loyalty_entries, _get_row_key),
    "Order": NodeLoader(load_orders, _get_row_key, ORDERS_READ_OR_SELF),
    "OrderLine": NodeLoader(load_order_lines, _get_row_key, ORDERS_READ_OR_SELF),
    "Cart": NodeLoader(load_carts, _get_row_key),
    "CartLine": NodeLoader(load_cart_lines, _get_level_key),
    "ChannelOrder": NodeLoader(load_channel_orders, _get_row_key, ORDERS_READ),
    "Fulfillment": NodeLoader(load_fulfillments, _get_row_key, ORDERS_READ_OR_SELF),
    "Payment": NodeLoader(load_payments, _get_row_key, ORDERS_READ_OR_SELF),
    "OrderEvent": NodeLoader(load_order_events, _get_row_key, ORDERS_READ_OR_SELF),
    "OutboxEntry": NodeLoader(load_outbox_entries, _get_row_key, CHANNELS_ADMIN),
    "SyncReject": NodeLoader(load_rejects, _get_row_key, CHANNELS_ADMIN),
    "MatchReview": NodeLoader(load_match_reviews, _get_row_key, CATALOG_ADMIN),
}


CACHEABLE_TYPES = frozenset(
    {
        "Product",
        "ProductVariant",
        "Listing",
        "Offer",
        "ProductOffer",
        "Category",
        "Review",
        "Channel",
        "Collection",
        "Location",
        "Stock",
    }
)
"""Types of nodes whose objects, and whether there are any, depend on nothing but logged changes and the scope class."""


async def load_node(context: Context, argument: str, text: str) -> Any:
    """Load the object with a global ID, or None. `argument`: where the ID comes from, for errors."""
    type_name, key = _parse_node_id(context, argument, text)
    loader = NODE_LOADERS[type_name]
    return await load_guarded(context, loader.batch, key, loader.scopes)


def _parse_node_id(context: Context, argument: str, text: str) -> tuple[str, Any]:
    """Return the name of the type and the key of a node.

    Raises:
        BadUserInputError: no node can have this ID.
    """
    global_id = parse_global_id(argument, text)
    loader = NODE_LOADERS.get(global_id.type)
    key = None if loader is None else loader.get_key(global_id)
    if key is None:
        raise build_id_error(argument, text)
    context.cache_policy.is_uncacheable |= global_id.type not in CACHEABLE_TYPES  # null may be for this caller only
    return global_id.type, key


async def load_node_by_id(context: Context, global_id: GlobalId) -> Any:
    """Load the object with a parsed global ID of one of the types of nodes, or None. Its type checks the scopes."""
    loader = NODE_LOADERS[global_id.type]
    return await context.load(loader.batch, loader.get_key(global_id))


async def load_nodes(context: Context, ids: Sequence[str]) -> Sequence[Any]:
    """Load the objects with global IDs, those of a type together; an object that cannot be loaded is its error."""
    found: list[Any] = [None] * len(ids)
    keys: dict[str, dict[int, Any]] = {}
    for number, id_ in enumerate(ids):
        try:
            type_name, key = _parse_node_id(context, f"ids.{number}", id_)
        except BadUserInputError as error:
            found[number] = error
        else:
            keys.setdefault(type_name, {})[number] = key
    loaded = await context.wait_for_all([*_load_types(context, keys)])
    for numbers, values in zip(keys.values(), raise_first(loaded), strict=True):
        for number, value in zip(numbers, values, strict=True):
            found[number] = value
    return found


def _load_types(context: Context, keys: Mapping[str, Mapping[int, Any]]) -> Iterator[Coroutine[Any, Any, list[Any]]]:
    """Load the objects of each type."""
    for type_name, some in keys.items():
        loader = NODE_LOADERS[type_name]
        yield load_all_guarded(context, loader.batch, [*some.values()], loader.scopes)
