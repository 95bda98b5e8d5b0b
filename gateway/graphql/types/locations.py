"""Locations."""

from __future__ import annotations

from datetime import date as Date
from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.channels import (
    load_channels,
)
from gateway.graphql.loaders.locations import load_channels_by_location
from gateway.graphql.loaders.opening_days import load_opening_days
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.node import Node
from gateway.graphql.types.values import Address, GeoPoint
from gateway.model import locations


@output(locations.OpeningHours, "Opening hours of a location on one day of the week.", data=DataKind.PART)
class OpeningHours:
    weekday: int = attribute("Day of the week, ISO 8601: Monday is 1, Sunday is 7.")
    opens_at: str = attribute("Local time, such as `09:30`.")
    closes_at: str = attribute("Local time, such as `18:00`.")


@output(locations.OpeningPeriod, "A time during which a location is open.", data=DataKind.PART)
class OpeningPeriod:
    opens_at: datetime = attribute("When it opens.")
    closes_at: datetime = attribute("When it closes.")


@output(locations.OpeningDay, "When a location is open on a date.", data=DataKind.PART)
class OpeningDay:
    date: Date = attribute("The date at the location.")
    periods: list[OpeningPeriod] = attribute("When it is open, earliest first. Empty: closed.", size=4)
    exception: str | None = attribute("Why the day differs from its day of the week. Null: it does not.")


def _get_authority_key(location: locations.Location) -> str | None:
    return None if location.authority is None else location.authority.channel


@output(locations.Location, "A location that holds stock, such as a store or a warehouse.", data=DataKind.CATALOG)
class Location(Node):
    id: strawberry.ID = declare_global_id("Location", "key")
    key: str = attribute("Key of the location in the configuration, the same in every environment.")
    name: str = attribute("Display name.")
    kind: locations.LocationKind = attribute("Kind of location.")
    address: Address | None = attribute("Postal address. Null: not configured.")
    point: GeoPoint | None = attribute("Geographic coordinates. Null: not configured.")
    time_zone: str = attribute("IANA time zone of the opening hours.")
    phone: str | None = attribute("Phone number for customers. Null: not configured.")
    opening_hours: list[OpeningHours] | None = attribute("Opening hours. Empty: not known.", size=14)
    opening_days: list[OpeningDay] | None = load(
        "When the location is open, by date: weekly hours and exceptions as times, without a time zone database in the "
        "client. Empty: not known.",
        load_opening_days,
        key=attrgetter("key"),
        size=31,
        volatile=True,
    )
    fulfillment_methods: list[locations.FulfillmentMethod] = attribute("How goods can leave the location.")
    channels: list[Channel] | None = load(
        "The channels that sell from the location.", load_channels_by_location, key=attrgetter("key"), size=20
    )
    authority: Channel | None = load(
        "The channel that is the authority for the location's stock: its on-hand counts are used. Null: no "
        "channel counts it.",
        load_channels,
        key=_get_authority_key,
    )
