"""Amazon seller accounts: listings, merchant and FBA stock, orders and shipments over the Selling Partner API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gateway.sdk import Budget, Channel, ChannelKind, ChannelType, Context, Place, Registry, Traits, hookimpl
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.writes import AnyWrite
from gateway_amazon.client import OPERATIONS, AmazonClient
from gateway_amazon.config import AmazonConfig
from gateway_amazon.fba_feed import FbaStockFeed
from gateway_amazon.image_mapping import resize_image
from gateway_amazon.json_values import FBA_LOCATION
from gateway_amazon.listing_feeds import ListingFeed, MerchantStockFeed
from gateway_amazon.listing_search import ListingSearch
from gateway_amazon.marketplaces import RELAY_DOMAINS
from gateway_amazon.order_feed import OrderFeed
from gateway_amazon.pack_sizes import PackSizes
from gateway_amazon.shipment_writes import ShipmentConfirmation
from gateway_amazon.stock_writes import MAX_VISIBILITY_DELAY, StockUpdate


def derive_traits(config: AmazonConfig) -> Traits:
    """Declare the delays of Amazon: any change becomes visible up to 15 minutes later. An order appears once it is two
    minutes old, with the next pass.
    """
    return Traits(
        time_zone=config.time_zone,
        currency=config.currency,
        prices_include_tax=config.prices_include_tax,
        settle=MAX_VISIBILITY_DELAY,
        order_latency=timedelta(minutes=15),
        lookup_settle=timedelta(minutes=5),
        max_processing=MAX_VISIBILITY_DELAY,
        lent_for=timedelta(days=30),
        relay_domains=RELAY_DOMAINS,
    )


def declare_budgets(_config: AmazonConfig) -> Mapping[str, Budget]:
    """Declare one rate budget for each operation."""
    return {operation.name: operation.budget for operation in OPERATIONS}


def open_channel(config: AmazonConfig, context: Context) -> Channel:
    """Open a seller account with the feeds and writes that its configuration allows."""
    client = AmazonClient(config, context)
    search = ListingSearch(config, client)
    pack_sizes = PackSizes(config, search)
    feeds: list[AnyFeed] = [
        ListingFeed(config, context, search, pack_sizes),
        MerchantStockFeed(config, context, search, pack_sizes),
        OrderFeed(config, context, client),
    ]
    if config.fba:
        feeds.append(FbaStockFeed(config, client, pack_sizes))

    async def list_locations() -> list[Place]:
        fba = [Place(FBA_LOCATION, "Fulfillment by Amazon")] if config.fba else []
        return [Place(config.merchant_place, "The merchant's own"), *fba]

    writes: dict[str, AnyWrite] = {
        "set_stock": StockUpdate(config, context, client, search),
        "ship_orders": ShipmentConfirmation(config, context, client),
    }
    return Channel(
        feeds=[feed for feed in feeds if feed.name in config.feeds],
        writes=[write for name, write in writes.items() if name in config.writes],
        places=list_locations,
    )


CHANNEL = ChannelType(
    name="amazon",
    version="1.3",
    kind=ChannelKind.MARKETPLACE,
    config=AmazonConfig,
    traits=derive_traits,
    open=open_channel,
    budgets=declare_budgets,
    sandbox="gateway_amazon_sandbox:start",
    images=resize_image,
)


@hookimpl
def gateway_register(registry: Registry) -> None:
    """See `gateway.sdk.channel.Hooks`."""
    registry.channel(CHANNEL)
