"""`node(id)`: from a global id to the load that finds it. Types check their scopes themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.execution.context import Batch, Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.ids import parsed
from gateway.graphql.loads import carts, catalog, channels, customers, operations, orders, stock
from gateway.graphql.loads.stock import StockKey
from gateway.graphql.types.stock import EVERYWHERE
from gateway.model.ids import GlobalId

Key = Callable[[GlobalId], Any]


def _single(found: GlobalId) -> str:
    if len(found.parts) != 1:
        raise BadUserInputError("This is not an id of this gateway.")
    return found.key


def _level(found: GlobalId) -> tuple[str, ...]:
    if len(found.parts) != 2:
        raise BadUserInputError("This is not an id of this gateway.")
    return found.parts


def _stock(found: GlobalId) -> StockKey:
    if len(found.parts) != 3:
        raise BadUserInputError("This is not an id of this gateway.")
    variant, channel, location = found.parts
    return StockKey(variant, channel, None if location == EVERYWHERE else location)


NODES: Mapping[str, tuple[Batch, Key]] = {
    "Product": (catalog.products, _single),
    "ProductVariant": (catalog.variants, _single),
    "Listing": (catalog.listings, _single),
    "Category": (catalog.categories, _single),
    "Channel": (channels.channels, _single),
    "Location": (channels.locations, _single),
    "Stock": (stock.stocks_by_key, _stock),
    "StockLevel": (stock.levels_by_key, _level),
    "Reservation": (stock.reservations, _single),
    "Customer": (customers.customers, _single),
    "CustomerIdentity": (customers.identities, _single),
    "Order": (orders.orders, _single),
    "OrderLine": (orders.order_lines, _single),
    "Cart": (carts.carts, _single),
    "CartLine": (carts.lines_of_carts, _level),
    "ChannelOrder": (orders.channel_orders, _single),
    "Fulfillment": (orders.fulfillments, _single),
    "Payment": (orders.payments, _single),
    "OrderEvent": (orders.events, _single),
    "OutboxEntry": (operations.entries, _single),
    "SyncReject": (operations.rejects, _single),
    "MatchReview": (operations.reviews, _single),
}


def load_node(context: Context, text: str) -> Awaitable[Any]:
    """What this global id stands for, or None."""
    found = parsed(text)
    if found.type not in NODES:
        raise BadUserInputError("This is not an id of this gateway.")
    batch, key = NODES[found.type]
    return context.load(batch, key(found))
