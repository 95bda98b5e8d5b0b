"""Stock."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.keeping import Data
from gateway.execution.types import output
from gateway.graphql.ids import global_id
from gateway.graphql.loads import catalog, channels
from gateway.graphql.loads import stock as loads
from gateway.graphql.types.channels import Location, Source
from gateway.graphql.types.connections import Connection
from gateway.graphql.types.node import Node
from gateway.model import availability as model_of_shops
from gateway.model import stock as model

if TYPE_CHECKING:
    from gateway.graphql.types.catalog import ProductVariant

READ = [["stock:read"]]
WRITE = [["stock:write"]]
EVERYWHERE = "*"
"""Stands in a Stock's id for all locations; no key of a location looks like it."""


def _itself(parent: object) -> object:
    return parent


@output(
    model.StockLevel,
    "A variant's stock at one location, as the location's authority counts it. onHand - reserved - buffer = available.",
    scopes=READ,
)
class StockLevel(Node):
    id: strawberry.ID = global_id("StockLevel", "variant_id", "location_key")
    version: int = attribute("Grows with every change.")
    variant: Annotated[ProductVariant, strawberry.lazy("gateway.graphql.types.catalog")] | None = load(
        "Of what.", catalog.variants, key=attrgetter("variant_id")
    )
    location: Location | None = load("Where.", channels.locations, key=attrgetter("location_key"))
    on_hand: int | None = attribute(
        "Units in the building. Null: not known yet, or not tracked. May be negative, as tills have it."
    )
    reserved: int = attribute("Units held or sold that the count above still contains.")
    incoming: int = attribute("Units on their way.")
    buffer: int = load(
        "Units that are never promised in this channel. Without `channelKey` 0.",
        loads.buffers,
        key=attrgetter("location_key"),
    )
    available: int | None = load(
        "Units that can be promised in this channel; without `channelKey` no buffer is taken off. Null: not known.",
        loads.available_units,
        key=_itself,
    )
    observed_at: datetime | None = attribute("When this was last known to be so.")
    stale_at: datetime | None = attribute("From when on this counts as stale.")


@output(
    model.Stock,
    "A variant's stock as one channel may sell it: the sum over its locations, or at one of them.",
    data=Data.STOCK,
)
class Stock(Node):
    id: strawberry.ID = global_id(
        "Stock", parts=lambda stock: (stock.variant_id, stock.channel_key, stock.location_key or EVERYWHERE)
    )
    status: model.StockStatus = attribute("In one word, for shoppers.")
    available: int | None = attribute(
        "Units that can be promised. Null: not known, not tracked. Without `stock:read` capped (20 by default)."
    )
    on_hand: int | None = attribute("Units in the buildings, where known.", scopes=READ)
    reserved: int | None = attribute("Units held or sold that the count above still contains.", scopes=READ)
    incoming: int | None = attribute("Units on their way.", scopes=READ)
    levels: Connection[StockLevel] | None = load(
        "What it is the sum of, by location.", loads.levels_of_stocks, key=_itself, scopes=READ
    )
    observed_at: datetime | None = attribute("The age of its oldest part: when that was last known to be so.")
    stale_at: datetime | None = attribute("From when on a part of it counts as stale.")
    sources: list[Source] | None = load(
        "How the channels that count it took part in this answer.", loads.sources_of_stocks, key=_itself, size=20
    )


@output(model.Reservation, "Units of a variant at a location that are spoken for.")
class Reservation(Node):
    id: strawberry.ID = global_id("Reservation", "id")
    variant: Annotated[ProductVariant, strawberry.lazy("gateway.graphql.types.catalog")] | None = load(
        "Of what.", catalog.sold_variants, key=attrgetter("variant_id")
    )
    location: Location | None = load("Where.", channels.locations, key=attrgetter("location_key"))
    quantity: int = attribute("How many units. Negative: units that are on their way there.")
    state: model.ReservationState = attribute("What has become of them.")
    expires_at: datetime | None = attribute("When a held one lapses.")


@output(model_of_shops.StoreAvailability, "What one shop has of a variant.", data=Data.STOCK)
class StoreAvailability:
    location: Location | None = load("Which shop.", channels.locations, key=attrgetter("location_key"))
    status: model.StockStatus = attribute("In one word, for shoppers.")
    available: int | None = attribute(
        "Units that can be promised there. Null: not known, not tracked. Without `stock:read` capped (20 by default)."
    )
    ready_at: datetime | None = attribute(
        "When one that is ordered now can be collected there, brought from elsewhere if need be. Null: not at all."
    )
