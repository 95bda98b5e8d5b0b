"""Channels, and how they contributed to a result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Generic, TypeVar

import strawberry

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import attribute, compute, load
from gateway.execution.object_types import output
from gateway.graphql import connections
from gateway.graphql.arguments import LocaleArgument, declare_argument
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.channels import (
    load_channel_health,
    load_channel_states,
    load_channels,
    load_currencies,
    load_sources,
    load_sync_statuses,
)
from gateway.graphql.loaders.locations import load_locations_by_channel
from gateway.graphql.scalars import CurrencyCode, Locale
from gateway.graphql.scopes import CHANNELS_ADMIN
from gateway.graphql.types.connections import Connection, NearConnection
from gateway.graphql.types.lazy import LazyLocation
from gateway.graphql.types.node import Node
from gateway.model import channels
from gateway.model.content import list_fallbacks

T = TypeVar("T")


@output(channels.Fault, "A failed call of a channel.", name="ChannelFault", data=DataKind.PART)
class ChannelFault:
    code: channels.FaultCode = attribute("Reason of the failure, by what can be done about it.")
    retryable: bool = attribute("Whether the same call may succeed later.")
    occurred_at: datetime = attribute("When the call failed.")
    message: str | None = attribute("Details and remedy, for operators.", scopes=CHANNELS_ADMIN)


@output(channels.ChannelHealth, "Health of the connection to a channel.")
class ChannelHealth:
    status: channels.HealthStatus = attribute("Overall health.")
    last_success_at: datetime | None = attribute("When a call last succeeded. Null: never.")
    retry_at: datetime | None = attribute(
        "When the gateway calls the channel again, while the circuit breaker is open. Null: it is closed."
    )
    fault: ChannelFault | None = attribute("The failure of the last call. Null: the last call succeeded.")


@output(channels.SyncStatus, "Synchronization progress of one resource of a channel, over all its feeds.")
class SyncStatus:
    resource: channels.Resource = attribute("The resource.")
    last_completed_at: datetime | None = attribute(
        "When a pass over the resource was last completed. Null: no pass is complete yet."
    )
    records: int = attribute("Number of records of the channel that are stored.")
    rejected: int = attribute("Number of rejected records; `syncRejects` lists them.")
    warnings: int = attribute("Number of records that were stored without an invalid field; `syncRejects` lists them.")
    fault: ChannelFault | None = attribute("The failure of the last pass. Null: the last pass succeeded.")


@output(channels.ShopPolicy, "A text that shoppers can read, such as how to return goods.", data=DataKind.PART)
class ShopPolicy:
    kind: channels.PolicyKind = attribute("Kind of text.")
    title: str = attribute("Title of the text.")
    body_html: str = attribute("The text as sanitized HTML. May be empty: see `url`.")
    url: str | None = attribute("URL of the page. Null: there is none.")
    updated_at: datetime | None = attribute("When the text last changed. Null: not known.")


Kinds = Annotated[
    list[channels.PolicyKind] | None,
    declare_argument("Kinds of texts to return. Default: all.", max_items=10),
]


def select_policies(
    channel: channels.Channel, *, kinds: Kinds = None, locale: LocaleArgument = None
) -> list[channels.ShopPolicy]:
    wanted = [kind for kind in channels.PolicyKind if kinds is None or kind in kinds]
    fallbacks = (*(() if locale is None else list_fallbacks(locale)), *channel.locales[:1])
    by_kind = {kind: [policy for policy in channel.policies if policy.kind is kind] for kind in wanted}
    return [_select_by_locale(policies, fallbacks) for policies in by_kind.values() if policies]


def _select_by_locale(policies: Sequence[channels.ShopPolicy], fallbacks: Sequence[str]) -> channels.ShopPolicy:
    matches = (policy for locale in fallbacks for policy in policies if policy.locale == locale)
    return next(matches, policies[0])


@output(channels.Channel, "A sales channel: a point of sale, a web store or a marketplace.", data=DataKind.CATALOG)
class Channel(Node):
    id: strawberry.ID = declare_global_id("Channel", "key")
    key: str = attribute("Key of the channel in the configuration, the same in every environment.")
    name: str = attribute("Display name.")
    kind: channels.ChannelKind | None = attribute("Kind of channel. Null: its plugin could not be loaded.")
    state: channels.ChannelState = load(
        "Whether the channel is in use.", load_channel_states, key=lambda channel: channel, volatile=True
    )
    currency_code: CurrencyCode | None = attribute(
        "Currency of the channel's prices. Null: its plugin could not be loaded."
    )
    currencies: list[CurrencyCode] | None = load(
        "Currencies in which the channel has or had prices, its own first.",
        load_currencies,
        key=attrgetter("key"),
        size=20,
    )
    prices_include_tax: bool | None = attribute(
        "Whether the channel's prices include tax. Null: it differs by listing."
    )
    time_zone: str | None = attribute("IANA time zone of the channel's local times. Null: not known.")
    url: str | None = attribute("URL of the channel's storefront. Null: not configured.")
    locales: list[Locale] | None = attribute("Languages of the texts, the default first. Empty: not known.", size=20)
    policies: list[ShopPolicy] | None = compute(
        "Texts that shoppers can read: of each kind the one in the language, else in the default one.",
        select_policies,
        size=10,
    )
    capabilities: list[channels.Capability] | None = attribute(
        "What the channel supports in its current configuration. Null: its plugin could not be loaded."
    )
    plugin_name: str | None = attribute("Name of the plugin that connects the channel.", scopes=CHANNELS_ADMIN)
    plugin_version: str | None = attribute("Version of the plugin.", scopes=CHANNELS_ADMIN)
    health: ChannelHealth | None = load(
        "Health of the connection to the channel.", load_channel_health, key=attrgetter("key")
    )
    sync: list[SyncStatus] | None = load(
        "Synchronization progress, by resource.",
        load_sync_statuses,
        key=attrgetter("key"),
        scopes=CHANNELS_ADMIN,
        size=5,
    )
    locations: NearConnection[LazyLocation] | None = load(
        "The locations from which the channel sells.", load_locations_by_channel, key=attrgetter("key")
    )


@output(
    channels.Source,
    "How a channel contributed to a result: whether its data is fresh and how old it is.",
    data=DataKind.PART,
)
class Source:
    channel: Channel | None = load("The channel.", load_channels, key=attrgetter("channel_key"))
    resource: channels.Resource = attribute("The resource that the data belongs to.")
    state: channels.SourceState = attribute("Freshness of the data.")
    as_of: datetime | None = attribute("The time as of which the data is complete. Null: no pass is complete yet.")
    stale_at: datetime | None = attribute("When the data becomes stale. Null: no pass is complete yet.")
    fault: ChannelFault | None = attribute("The failure of the last read. Null: it succeeded.")


@output(
    connections.Connection,
    "A page of a list, with the channels that contributed to it.",
    name="Connection",
    data=DataKind.PART,
)
class SourcedConnection(Connection[T], Generic[T]):
    sources: list[Source] | None = load(
        "How each channel contributed to this result.",
        load_sources,
        key=attrgetter("source_channels"),
        size=20,
        volatile=True,
    )
