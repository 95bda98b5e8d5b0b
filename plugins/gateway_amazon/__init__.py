"""Amazon, as a seller: listings, both kinds of stock, orders and shipments over the Selling Partner API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gateway.sdk import Budget, Channel, ChannelKind, ChannelType, Context, Place, Registry, Traits, hookimpl
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.writes import AnyWrite
from gateway_amazon.config import AmazonConfig
from gateway_amazon.fba import FbaStockFeed
from gateway_amazon.listings import ListingFeed, MerchantStockFeed
from gateway_amazon.orders import OrderFeed
from gateway_amazon.packs import Packs
from gateway_amazon.partner import OPERATIONS, SellingPartner
from gateway_amazon.search import ListingSearch
from gateway_amazon.shapes import FBA_PLACE
from gateway_amazon.shipping import Shipping
from gateway_amazon.stocking import SHOWN_WITHIN, Setting


def traits(config: AmazonConfig) -> Traits:
    """Amazon shows changes late, whoever made them. An order appears once it is two minutes old, by the next pass."""
    return Traits(
        time_zone=config.time_zone,
        currency=config.currency,
        prices_include_tax=config.prices_include_tax,
        settle=SHOWN_WITHIN,
        order_latency=timedelta(minutes=15),
        lookup_settle=timedelta(minutes=5),
        max_processing=SHOWN_WITHIN,
    )


def budgets(_config: AmazonConfig) -> Mapping[str, Budget]:
    """Every operation has its own."""
    return {operation.name: operation.budget for operation in OPERATIONS}


def open_channel(config: AmazonConfig, context: Context) -> Channel:
    """The account, for what its configuration allows."""
    partner = SellingPartner(config, context)
    search = ListingSearch(config, partner)
    packs = Packs(config, search)
    feeds: list[AnyFeed] = [
        ListingFeed(config, context, search, packs),
        MerchantStockFeed(config, context, search, packs),
        OrderFeed(config, context, partner),
    ]
    if config.fba:
        feeds.append(FbaStockFeed(config, partner, packs))

    async def places() -> list[Place]:
        fba = [Place(FBA_PLACE, "Fulfillment by Amazon")] if config.fba else []
        return [Place(config.merchant_place, "The merchant's own"), *fba]

    writes: dict[str, AnyWrite] = {
        "set_stock": Setting(config, context, partner, search),
        "ship_orders": Shipping(config, context, partner),
    }
    return Channel(
        feeds=[feed for feed in feeds if feed.name in config.feeds],
        writes=[write for name, write in writes.items() if name in config.writes],
        places=places,
    )


CHANNEL = ChannelType(
    name="amazon",
    version="1.1",
    kind=ChannelKind.MARKETPLACE,
    config=AmazonConfig,
    traits=traits,
    open=open_channel,
    budgets=budgets,
    sandbox="gateway_amazon.sandbox:start",
)


@hookimpl
def gateway_register(registry: Registry) -> None:
    """See `gateway.sdk.channel.Hooks`."""
    registry.channel(CHANNEL)
