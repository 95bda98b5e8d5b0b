"""Tills that are a SQL database: Openbravo POS and its heirs, and others by configuration."""

from __future__ import annotations

from gateway.sdk import Channel, ChannelKind, ChannelType, Context, Place, Registry, Traits, hookimpl
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.writes import AnyWrite
from gateway_sqlpos.catalog import ProductFeed
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.customers import CustomerFeed
from gateway_sqlpos.ledger import Ledger
from gateway_sqlpos.receipts import ReceiptFeed
from gateway_sqlpos.selling import OrderWrite
from gateway_sqlpos.stock import StockFeed, places
from gateway_sqlpos.stocking import StockWrite
from gateway_sqlpos.till import Till, open_till


def traits(config: SqlPosConfig) -> Traits:
    """A database shows what was written to it at once."""
    return Traits(
        time_zone=config.time_zone,
        currency=config.currency,
        prices_include_tax=config.prices_include_tax,
        read_your_writes=True,
        late_window=config.late_window,
    )


def open_channel(config: SqlPosConfig, context: Context) -> Channel:
    """The till: all of it for reading, and what may be written to."""
    layout = config.layout
    till = open_till(config.url.get_secret_value(), config.time_zone)
    feeds: list[AnyFeed] = [ProductFeed(config, till, layout.products), StockFeed(config, till, context)]
    if layout.customers.table is not None:
        feeds.append(CustomerFeed(config, till, layout.customers))
    if layout.receipts.table is not None:
        feeds.append(ReceiptFeed(config, till, context))

    async def locations() -> list[Place]:
        return await till.read(lambda conn: places(conn, config))

    return Channel(feeds=feeds, writes=writes(config, till, context), places=locations, close=till.close)


def writes(config: SqlPosConfig, till: Till, context: Context) -> list[AnyWrite]:
    """What the configuration lets us write."""
    if config.diary is None:
        return []
    ledger = Ledger(config, config.diary)
    stock = StockWrite(config, till, context, ledger)
    return [stock, OrderWrite(config, till, context, ledger)] if config.receipts else [stock]


CHANNEL = ChannelType(
    name="sqlpos",
    version="1.1",
    kind=ChannelKind.POS,
    config=SqlPosConfig,
    traits=traits,
    open=open_channel,
    sandbox="gateway_sqlpos.sandbox:start",
)


@hookimpl
def gateway_register(registry: Registry) -> None:
    """See `gateway.sdk.channel.Hooks`."""
    registry.channel(CHANNEL)
