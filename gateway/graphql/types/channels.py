"""Channels and locations."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Generic, TypeVar

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.keeping import Data
from gateway.execution.types import output
from gateway.graphql import connections as pages
from gateway.graphql.ids import global_id
from gateway.graphql.loads import channels as loads
from gateway.graphql.scalars import CurrencyCode
from gateway.graphql.types.connections import Connection, NearConnection
from gateway.graphql.types.node import Node
from gateway.graphql.types.values import Address, GeoPoint
from gateway.model import channels as model

T = TypeVar("T")
ADMIN = [["channels:admin"]]


@output(model.Fault, "A call of a channel that failed.", name="ChannelFault", data=Data.PART)
class ChannelFault:
    code: model.FaultCode = attribute("Why, by what can be done about it.")
    retryable: bool = attribute("Whether the same call may succeed later.")
    occurred_at: datetime = attribute("When.")
    message: str | None = attribute("What failed and what to do, for operators.", scopes=ADMIN)


@output(model.ChannelHealth, "How a channel's calls go.")
class ChannelHealth:
    status: model.HealthStatus = attribute("In one word.")
    last_success_at: datetime | None = attribute("When a call last succeeded.")
    retry_at: datetime | None = attribute("When it is tried again, while it is left alone.")
    fault: ChannelFault | None = attribute("What failed last, if the last call failed.")


@output(model.SyncStatus, "How far a resource of a channel is synced, over all its feeds.")
class SyncStatus:
    resource: model.Resource = attribute("Of what.")
    last_completed_at: datetime | None = attribute("When a pass was last completed. Null before the first.")
    records: int = attribute("How many records of the channel are known.")
    rejected: int = attribute("How many records could not be taken in; `syncRejects` lists them.")
    fault: ChannelFault | None = attribute("What failed last, if the last pass failed.")


@output(model.Channel, "A sales channel: a till, a web store, a marketplace.", data=Data.CATALOG)
class Channel(Node):
    id: strawberry.ID = global_id("Channel", "key")
    key: str = attribute("Its name in the configuration, the same in every environment.")
    name: str = attribute("Its name for people.")
    kind: model.ChannelKind | None = attribute("What it is to a shopper. Null while its plugin cannot be loaded.")
    state: model.ChannelState = load("Whether it takes part.", loads.states, key=lambda channel: channel)
    currency_code: CurrencyCode | None = attribute("The currency of its prices.")
    prices_include_tax: bool | None = attribute("Whether its prices include tax. Null: each listing says so.")
    time_zone: str | None = attribute("The IANA time zone in which it tells its times.")
    capabilities: list[model.Capability] | None = attribute("What can be done with it, under its configuration.")
    plugin_name: str | None = attribute("The plugin that talks to it.", scopes=ADMIN)
    plugin_version: str | None = attribute("That plugin's version.", scopes=ADMIN)
    health: ChannelHealth | None = load("How its calls go.", loads.healths, key=attrgetter("key"))
    sync: list[SyncStatus] | None = load(
        "How far each of its resources is synced.", loads.progress, key=attrgetter("key"), scopes=ADMIN, size=5
    )
    locations: NearConnection[Location] | None = load(
        "The locations that it sells from.", loads.locations_of_channels, key=attrgetter("key")
    )


@output(model.OpeningHours, "When a place is open on one day of the week.", data=Data.PART)
class OpeningHours:
    weekday: int = attribute("ISO 8601: Monday is 1, Sunday 7.")
    opens_at: str = attribute("Local wall time: `09:30`.")
    closes_at: str = attribute("Local wall time: `18:00`.")


@output(model.Location, "A place that holds stock.", data=Data.CATALOG)
class Location(Node):
    id: strawberry.ID = global_id("Location", "key")
    key: str = attribute("Its name in the configuration, the same in every environment.")
    name: str = attribute("Its name for people.")
    kind: model.LocationKind = attribute("Whether it is a shop or a warehouse.")
    address: Address | None = attribute("Where it is.")
    point: GeoPoint | None = attribute("Where it is, on the map.")
    time_zone: str = attribute("IANA time zone of its opening hours.")
    phone: str | None = attribute("Phone number for customers.")
    opening_hours: list[OpeningHours] | None = attribute("When it is open. Empty: not known.", size=14)
    fulfillment_methods: list[model.FulfillmentMethod] = attribute("How goods can leave it.")
    channels: list[Channel] | None = load(
        "Every channel that sells from it.", loads.channels_of_locations, key=attrgetter("key"), size=20
    )
    authority: Channel | None = load(
        "The one channel whose count of units in the building is believed.", loads.channels, key=attrgetter("authority")
    )


@output(
    model.Source,
    "How one channel took part in an answer: whether it is fresh, and how old it is.",
    data=Data.PART,
)
class Source:
    channel: Channel | None = load("Which channel.", loads.channels, key=attrgetter("channel_key"))
    resource: model.Resource = attribute("What of it.")
    state: model.SourceState = attribute("How it took part.")
    as_of: datetime | None = attribute("As of when the answer holds. Null: nothing complete is known yet.")
    stale_at: datetime | None = attribute("From when on that counts as stale.")
    fault: ChannelFault | None = attribute("What went wrong when it was last read, if anything did.")


@output(
    pages.Connection,
    "One page of a list, and how the channels took part in it.",
    name="Connection",
    data=Data.PART,
)
class SourcedConnection(Connection[T], Generic[T]):
    sources: list[Source] | None = load(
        "How each channel took part in this answer.", loads.sources, key=attrgetter("asked"), size=20
    )
