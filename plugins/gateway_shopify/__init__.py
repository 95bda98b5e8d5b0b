"""Shopify stores, over the Admin GraphQL API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gateway.sdk import (
    Budget,
    Channel,
    ChannelKind,
    ChannelType,
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
from gateway_shopify.canceling import Canceling
from gateway_shopify.client import BUDGET, Client
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.customers import CustomerFeed, Merges
from gateway_shopify.feeds import Shop, ShopFeed
from gateway_shopify.operations import ORDERS, PRODUCTS
from gateway_shopify.orders import order_of
from gateway_shopify.places import places
from gateway_shopify.products import product_of
from gateway_shopify.selling import Placing
from gateway_shopify.shipping import Shipping
from gateway_shopify.stock import StockFeed
from gateway_shopify.stocking import Adjusting, Setting
from gateway_shopify.webhooks import ShopWebhooks

SETTLE = timedelta(minutes=1)
"""How long what was written may be missing from the stock that is read."""


def traits(config: ShopifyConfig) -> Traits:
    """Reads by id show what was written; searches may lag, and nobody says when an order is in the stock."""
    return Traits(
        time_zone=config.time_zone,
        currency=config.currency,
        prices_include_tax=config.prices_include_tax,
        settle=SETTLE,
        lookup_settle=timedelta(minutes=2),
    )


def budgets(config: ShopifyConfig) -> Mapping[str, Budget]:
    """The cost bucket, per app and shop. How big it is the shop says with every answer."""
    return {BUDGET: Budget(capacity=config.points, per_second=config.points_per_second)}


def open_channel(config: ShopifyConfig, context: Context) -> Channel:
    """The shop, for what its configuration allows."""
    shop = Shop(Client(config, context), config, context)
    merges = Merges()
    feeds: dict[str, AnyFeed] = {
        "products": ShopFeed(shop, ProductRecord, "products", PRODUCTS, product_of),
        "stock": StockFeed(shop),
        "customers": CustomerFeed(shop, merges),
        "orders": ShopFeed(shop, OrderRecord, "orders", ORDERS, order_of),
    }

    async def locations() -> list[Place]:
        return await places(shop.client)

    return Channel(
        feeds=[feed for name, feed in feeds.items() if name in config.feeds],
        writes=writes(shop),
        webhooks=ShopWebhooks(shop.client, config, merges) if config.webhook_secrets else None,
        places=locations,
    )


def writes(shop: Shop) -> list[AnyWrite]:
    """What may be changed in the shop."""
    known: dict[str, AnyWrite] = {
        "adjust_stock": Adjusting(shop.client),
        "set_stock": Setting(shop.client),
        "place_orders": Placing(shop.client, shop.context),
        "cancel_orders": Canceling(shop.client, shop.context),
        "ship_orders": Shipping(shop.client, shop.context),
    }
    return [write for name, write in known.items() if name in shop.config.writes]


CHANNEL = ChannelType(
    name="shopify",
    version="1.1",
    kind=ChannelKind.STOREFRONT,
    config=ShopifyConfig,
    traits=traits,
    budgets=budgets,
    open=open_channel,
    sandbox="gateway_shopify.sandbox:start",
)


@hookimpl
def gateway_register(registry: Registry) -> None:
    """See `gateway.sdk.channel.Hooks`."""
    registry.channel(CHANNEL)
