"""Shopify stores, over the Admin GraphQL API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from gateway.sdk import (
    Budget,
    Channel,
    ChannelKind,
    ChannelType,
    CollectionRecord,
    Context,
    OrderRecord,
    Place,
    ProductRecord,
    Registry,
    Traits,
    hookimpl,
)
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.writes import AnyWrite
from gateway_shopify.cancel_writes import OrderCancellation
from gateway_shopify.client import COST_BUDGET, ShopifyClient
from gateway_shopify.collection_mapping import map_collection
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.customers.consent_writes import PURPOSES, ConsentUpdate
from gateway_shopify.customers.customer_accounts import CustomerAccounts
from gateway_shopify.customers.customer_mapping import CustomerFeed, CustomerMerges
from gateway_shopify.customers.erasure_writes import CustomerErasure
from gateway_shopify.feeds import ConnectionFeed, ShopContext
from gateway_shopify.locations import list_locations
from gateway_shopify.order_mapping import map_order
from gateway_shopify.order_writes import OrderPlacement
from gateway_shopify.products.media_mapping import resize_image
from gateway_shopify.products.metafield_mapping import list_metafields
from gateway_shopify.products.product_mapping import map_product
from gateway_shopify.read_documents import ORDERS, build_collection_queries, build_product_queries
from gateway_shopify.shipment_writes import ShipmentConfirmation
from gateway_shopify.stock_feed import StockFeed
from gateway_shopify.stock_writes import StockAdjustment, StockUpdate
from gateway_shopify.webhooks import ShopifyWebhooks

STOCK_SETTLE_TIME = timedelta(minutes=1)
"""Maximum delay until a write is visible in the stock that is read."""


def derive_traits(config: ShopifyConfig) -> Traits:
    """Declare the delays of Shopify: reads by ID show writes at once, searches lag, and stock follows orders with a
    delay.
    """
    return Traits(
        time_zone=config.time_zone,
        currency=config.currency,
        prices_include_tax=config.prices_include_tax,
        settle=STOCK_SETTLE_TIME,
        lookup_settle=timedelta(minutes=2),
        consents=frozenset(PURPOSES),
    )


def declare_budgets(config: ShopifyConfig) -> Mapping[str, Budget]:
    """Declare the cost bucket, per app and shop. Every response states its actual size."""
    return {COST_BUDGET: Budget(capacity=config.points, per_second=config.points_per_second)}


def open_channel(config: ShopifyConfig, context: Context) -> Channel:
    """Open a shop with the feeds and writes that its configuration allows."""
    shop = ShopContext(ShopifyClient(config, context), config, context)
    merges = CustomerMerges()
    metafields = list_metafields(context, config.variant_metafields)
    products = build_product_queries(config.translations, *metafields, config.countries)
    collections = build_collection_queries(config.translations)
    map_node = partial(map_product, metafields=metafields)
    feeds: dict[str, AnyFeed] = {
        "products": ConnectionFeed(shop, ProductRecord, "products", products, map_node),
        "stock": StockFeed(shop),
        "collections": ConnectionFeed(shop, CollectionRecord, "collections", collections, map_collection),
        "customers": CustomerFeed(shop, merges),
        "orders": ConnectionFeed(shop, OrderRecord, "orders", ORDERS, map_order),
    }

    url = config.customer_account_url
    accounts = None if url is None else CustomerAccounts(url, context)

    async def list_shop_locations() -> list[Place]:
        return await list_locations(shop.client)

    return Channel(
        feeds=[feed for name, feed in feeds.items() if name in config.feeds],
        writes=build_writes(shop),
        webhooks=ShopifyWebhooks(shop.client, config, merges) if config.webhook_secrets else None,
        places=list_shop_locations,
        verify_customer=None if accounts is None else accounts.verify_customer,
    )


def build_writes(shop: ShopContext) -> list[AnyWrite]:
    """Build the writes that the configuration allows."""
    writes: dict[str, AnyWrite] = {
        "adjust_stock": StockAdjustment(shop.client),
        "set_stock": StockUpdate(shop.client),
        "place_orders": OrderPlacement(shop.client, shop.context),
        "cancel_orders": OrderCancellation(shop.client, shop.context),
        "ship_orders": ShipmentConfirmation(shop.client, shop.context),
        "set_consents": ConsentUpdate(shop.client),
        "erase_customers": CustomerErasure(shop.client),
    }
    return [write for name, write in writes.items() if name in shop.config.writes]


CHANNEL = ChannelType(
    name="shopify",
    version="1.5",
    kind=ChannelKind.STOREFRONT,
    config=ShopifyConfig,
    traits=derive_traits,
    budgets=declare_budgets,
    open=open_channel,
    sandbox="gateway_shopify_sandbox:start",
    references=True,
    images=resize_image,
)


@hookimpl
def gateway_register(registry: Registry) -> None:
    """See `gateway.sdk.channel.Hooks`."""
    registry.channel(CHANNEL)
