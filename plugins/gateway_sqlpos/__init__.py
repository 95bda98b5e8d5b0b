"""Points of sale with a SQL database: Openbravo POS and its derivatives, and others by configuration."""

from __future__ import annotations

from datetime import timedelta

from gateway.sdk import Channel, ChannelKind, ChannelType, Context, Place, Registry, Traits, hookimpl
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.writes import AnyWrite
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.configured_rows import check_configured_rows
from gateway_sqlpos.customers.customer_feed import CustomerFeed
from gateway_sqlpos.customers.customer_references import check_references
from gateway_sqlpos.customers.erasure_writes import CustomerErasure
from gateway_sqlpos.customers.loyalty_writes import LoyaltyWrite
from gateway_sqlpos.database import open_database
from gateway_sqlpos.order_feed import ReceiptFeed
from gateway_sqlpos.order_writes import OrderPlacement
from gateway_sqlpos.products.product_feed import ProductFeed
from gateway_sqlpos.review_feed import ReviewFeed
from gateway_sqlpos.stock_feed import StockFeed, list_locations
from gateway_sqlpos.stock_writes import StockAdjustment
from gateway_sqlpos.till import Till


def derive_traits(config: SqlPosConfig) -> Traits:
    """Declare the delays of a till: a database shows writes at once."""
    return Traits(
        time_zone=config.time_zone,
        currency=config.currency,
        prices_include_tax=config.prices_include_tax,
        read_your_writes=True,
        late_window=config.late_window,
        clock_within=timedelta(minutes=5),
    )


def open_channel(config: SqlPosConfig, context: Context) -> Channel:
    """Open the database of a till, with all feeds and the writes that its configuration allows."""
    layout = config.layout
    database = open_database(config.url.get_secret_value(), config.time_zone)
    check_references(context.references, layout.customers)
    till = Till(config, database, lambda session: check_configured_rows(session, config), context.references)
    feeds: list[AnyFeed] = [ProductFeed(config, till, context.attributes), StockFeed(config, till, context)]
    if layout.customers.table is not None:
        feeds.append(CustomerFeed(config, till))
    if layout.receipts.table is not None:
        feeds.append(ReceiptFeed(config, till, context))
    if layout.reviews.table is not None:
        feeds.append(ReviewFeed(config, till))

    async def list_till_locations() -> list[Place]:
        return await till.read(list_locations)

    return Channel(
        feeds=feeds, writes=build_writes(config, till, context), places=list_till_locations, close=till.close
    )


def build_writes(config: SqlPosConfig, till: Till, context: Context) -> list[AnyWrite]:
    """Build the writes that the configuration allows."""
    writes: list[AnyWrite] = []
    if config.diary is not None:
        writes.append(StockAdjustment(config, till, context))
    if config.receipts:
        writes.append(OrderPlacement(config, till, context))
    if config.loyalty:
        writes.append(LoyaltyWrite(config, till))
    if config.erase_customers:
        writes.append(CustomerErasure(config, till))
    return writes


CHANNEL = ChannelType(
    name="sqlpos",
    version="1.5",
    kind=ChannelKind.POS,
    config=SqlPosConfig,
    traits=derive_traits,
    open=open_channel,
    sandbox="gateway_sqlpos_sandbox:start",
    references=True,
)


@hookimpl
def gateway_register(registry: Registry) -> None:
    """See `gateway.sdk.channel.Hooks`."""
    registry.channel(CHANNEL)
