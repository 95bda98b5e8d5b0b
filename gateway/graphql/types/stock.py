"""Stock."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.catalog import PARTIAL_VARIANT, load_sold_variants, load_variants
from gateway.graphql.loaders.locations import load_locations
from gateway.graphql.loaders.stock import (
    ALL_LOCATIONS,
    load_available_units,
    load_buffers,
    load_levels_by_stock,
    load_sources_by_stock,
)
from gateway.graphql.scopes import STOCK_READ
from gateway.graphql.types.channels import Source
from gateway.graphql.types.connections import Connection
from gateway.graphql.types.lazy import LazyProductVariant
from gateway.graphql.types.locations import Location
from gateway.graphql.types.node import Node
from gateway.model import stock


@output(
    stock.StockLevel,
    "Stock of a variant at one location, as counted by the location's authority. available = max(0, onHand - "
    "reserved - buffer).",
    scopes=STOCK_READ,
)
class StockLevel(Node):
    id: strawberry.ID = declare_global_id("StockLevel", "variant_id", "location_key")
    version: int = attribute("Increases with every change.")
    variant: LazyProductVariant | None = load(
        "The variant.", load_variants, key=attrgetter("variant_id"), partial=PARTIAL_VARIANT
    )
    location: Location | None = load("The location.", load_locations, key=attrgetter("location_key"))
    on_hand: int | None = attribute(
        "Units on hand. Null: not known yet or not tracked. May be negative if a point of sale allows overselling."
    )
    reserved: int = attribute("Units that are held or sold and that `onHand` still includes.")
    incoming: int = attribute("Units that are expected to arrive.")
    buffer: int = load(
        "Safety stock: units that the channel `channelKey` never sells. Without `channelKey` 0.",
        load_buffers,
        key=attrgetter("location_key"),
    )
    available: int | None = load(
        "Units that the channel `channelKey` can sell. Without `channelKey` no safety stock is subtracted. "
        "Null: not known or not tracked.",
        load_available_units,
        key=lambda stock: stock,
    )
    observed_at: datetime | None = attribute("When the gateway last confirmed the count. Null: never.")
    stale_at: datetime | None = attribute("When the count becomes stale. Null: no count is known.")


@output(
    stock.Stock,
    "Stock of a variant that one channel can sell: the sum over its locations, or the stock at one location.",
    data=DataKind.STOCK,
)
class Stock(Node):
    id: strawberry.ID = declare_global_id(
        "Stock", parts=lambda stock: (stock.variant_id, stock.channel_key, stock.location_key or ALL_LOCATIONS)
    )
    status: stock.StockStatus = attribute("Availability to show to customers.")
    available: int | None = attribute(
        "Units that can be sold. Null: not known or not tracked. Capped (20 by default) without the scope `stock:read`."
    )
    on_hand: int | None = attribute("Units on hand. Null: not known.", scopes=STOCK_READ)
    reserved: int | None = attribute(
        "Units that are held or sold and that `onHand` still includes. Null: not known.", scopes=STOCK_READ
    )
    incoming: int | None = attribute("Units that are expected to arrive. Null: not known.", scopes=STOCK_READ)
    levels: Connection[StockLevel] | None = load(
        "The stock levels that were added up, by location.",
        load_levels_by_stock,
        key=lambda stock: stock,
        scopes=STOCK_READ,
    )
    observed_at: datetime | None = attribute(
        "When the oldest of the counts was last confirmed. Null: no count is known.", volatile=True
    )
    stale_at: datetime | None = attribute(
        "When the first of the counts becomes stale. Null: no count is known.", volatile=True
    )
    sources: list[Source] | None = load(
        "How the channels that count the stock contributed to this result.",
        load_sources_by_stock,
        key=lambda stock: stock,
        size=20,
        volatile=True,
    )


@output(stock.Reservation, "Units of a variant at a location that are reserved.")
class Reservation(Node):
    id: strawberry.ID = declare_global_id("Reservation", "id")
    variant: LazyProductVariant | None = load("The variant.", load_sold_variants, key=attrgetter("variant_id"))
    location: Location | None = load("The location.", load_locations, key=attrgetter("location_key"))
    quantity: int = attribute("Number of units. Negative: units that are in transfer to the location.")
    state: stock.ReservationState = attribute("State of the reservation.")
    expires_at: datetime | None = attribute("When a held reservation expires. Null: it does not expire.")


@output(stock.StoreAvailability, "Availability of a variant in one store.", data=DataKind.STOCK)
class StoreAvailability:
    location: Location | None = load("The store.", load_locations, key=attrgetter("location_key"))
    status: stock.StockStatus = attribute("Availability to show to customers.")
    available: int | None = attribute(
        "Units that can be sold in the store. Null: not known or not tracked. Capped (20 by default) without "
        "the scope `stock:read`."
    )
    ready_at: datetime | None = attribute(
        "When an item that is ordered now can be collected in the store, including a transfer if needed. Null: "
        "it cannot be collected there.",
        volatile=True,
    )
