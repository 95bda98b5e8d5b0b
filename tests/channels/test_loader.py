"""Opening of channels: a channel that cannot be opened is FAILED with one line per problem, and the others are open."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.channels.loader import LoadedChannels, RequiredChannelError, open_channels
from gateway.channels.plugin_registry import discover
from gateway.channels.rate_budget import UnlimitedBucketStore
from gateway.model.channels import Capability, ChannelState
from gateway.sdk import (
    AdjustStock,
    Channel,
    ChannelError,
    ChannelKind,
    ChannelType,
    Config,
    Context,
    OrderRecord,
    Outcome,
    PlaceOrder,
    Registry,
    SetStock,
    StockRecord,
    Traits,
    UnavailableError,
    Write,
    hookimpl,
)
from gateway.sdk.testing.memory_channel import MemoryConfig, MemoryPlugin, MemoryStore, OpenMemoryChannel, build_feeds
from gateway.settings.loading import parse
from tests.channels.conftest import Clock

pytestmark = pytest.mark.anyio

TRAITS = Traits(time_zone="Europe/London", currency="GBP", prices_include_tax=True)


class DriverError(Exception):
    """An exception of a foreign library."""


class OddConfig(Config):
    url: str
    password: SecretStr = SecretStr("")


class Odd:
    """A plugin whose channel type `odd` opens and declares as the test specifies."""

    def __init__(self, open: Callable[[OddConfig, Context], Any], traits: Any = TRAITS) -> None:
        self.open, self.traits = open, traits

    @hookimpl
    def gateway_register(self, registry: Registry) -> None:
        registry.channel(
            ChannelType(
                name="odd",
                version="7",
                kind=ChannelKind.STOREFRONT,
                config=OddConfig,
                traits=lambda _: self.traits,
                open=self.open,
            )
        )


def open_memory_channel(config: OddConfig, context: Context) -> Channel:
    return build_channel(MemoryConfig(), context)


def build_channel(config: MemoryConfig, context: Context, **more: Any) -> Channel:
    return Channel(feeds=build_feeds(OpenMemoryChannel(MemoryStore(), config, context)), **more)


@asynccontextmanager
async def open_loaded(
    clock: Clock, tables: dict[str, Any], *plugins: object, within: timedelta = timedelta(seconds=10)
) -> AsyncIterator[LoadedChannels]:
    settings = parse({"channels": tables})
    channels = await open_channels(
        settings, discover(*plugins, points=()), clock, UnlimitedBucketStore(), within=within
    )
    try:
        yield channels
    finally:
        await channels.close()


async def list_problems(clock: Clock, table: dict[str, Any], *plugins: object) -> Sequence[str]:
    async with open_loaded(clock, {"web": table}, *plugins, within=timedelta(milliseconds=300)) as channels:
        model = channels.models["web"]
        lines = channels.problems["web"]
        assert model.state is ChannelState.FAILED
        assert model.failure == "; ".join(lines)
        assert "web" not in channels.open
        return lines


async def test_an_open_channel_is_described_by_its_plugin_and_its_configuration(clock: Clock) -> None:
    table = {
        "plugin": "odd",
        "name": "The web store",
        "required": True,
        "config": {"url": "x"},
        "every": {"stock": "9s"},
    }
    async with open_loaded(clock, {"web": table}, Odd(open_memory_channel)) as channels:
        model, channel = channels.models["web"], channels.open["web"]
    assert (model.key, model.name, model.kind, model.state) == (
        "web",
        "The web store",
        ChannelKind.STOREFRONT,
        ChannelState.ENABLED,
    )
    assert (model.currency_code, model.prices_include_tax, model.time_zone) == ("GBP", True, "Europe/London")
    assert (model.plugin_name, model.plugin_version, model.failure, model.required) == ("odd", "7", None, True)
    assert channel.intervals["stock"] == timedelta(seconds=9)
    assert channel.intervals["products"] == timedelta(minutes=5)


async def test_a_disabled_channel_is_not_opened(clock: Clock) -> None:
    async with open_loaded(clock, {"web": {"plugin": "odd", "enabled": False}}, Odd(open_memory_channel)) as channels:
        assert channels.models["web"].state is ChannelState.DISABLED
        assert not channels.open
        assert not channels.problems


async def test_an_unknown_plugin_is_named_with_those_that_are_known(clock: Clock) -> None:
    assert await list_problems(clock, {"plugin": "ood"}, Odd(open_memory_channel), MemoryPlugin(MemoryStore())) == (
        "channels.web.plugin: there is no plugin ood; expected one of memory, odd",
    )


async def test_a_plugin_of_another_sdk_is_named_with_both_versions(clock: Clock) -> None:
    class Old(Odd):
        @hookimpl
        def gateway_register(self, registry: Registry) -> None:
            super().gateway_register(registry)
            registry.channels[0] = replace(registry.channels[0], sdk="<1")

    assert await list_problems(clock, {"plugin": "odd", "config": {"url": "x"}}, Old(open_memory_channel)) == (
        "channels.web.plugin: odd cannot be used: requires SDK <1, this gateway has 1.3",
    )


async def test_each_problem_of_a_plugins_configuration_is_a_line_with_its_key(clock: Clock) -> None:
    table = {"plugin": "odd", "config": {"password": 3, "colour": "red"}}
    assert await list_problems(clock, table, Odd(open_memory_channel)) == (
        "channels.web.config.url: is missing",
        "channels.web.config.password: Input should be a valid string",
        "channels.web.config.colour: unknown key",
    )


async def test_a_problem_that_the_settings_found_is_kept(clock: Clock) -> None:
    assert await list_problems(clock, {"plugin": "odd", "colour": "red"}, Odd(open_memory_channel)) == (
        "channels.web.colour: unknown key",
    )


async def test_a_feed_that_does_not_exist_is_named_with_those_that_do(clock: Clock) -> None:
    table = {"plugin": "odd", "config": {"url": "x"}, "every": {"stocks": "5m", "orders": "0s"}}
    assert await list_problems(clock, table, Odd(open_memory_channel)) == (
        "channels.web.every.stocks: there is no feed stocks; expected one of products, stock, collections, customers, "
        "orders, reviews",
    )
    assert await list_problems(clock, table | {"every": {"orders": "0s"}}, Odd(open_memory_channel)) == (
        "channels.web.every.orders: expected more than 0",
    )


def build_failing_opener(error: BaseException) -> Callable[[OddConfig, Context], Channel]:
    def open_(config: OddConfig, context: Context) -> Channel:
        raise error

    return open_


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DriverError("password=hunter2"), "the plugin odd raised DriverError while opening the channel"),
        (SystemExit(1), "the plugin odd raised SystemExit while opening the channel"),
        (UnavailableError("no driver for odd:// is installed"), "no driver for odd:// is installed"),
        (UnavailableError("cannot log in with hunter22"), "cannot log in with ***"),
    ],
)
async def test_a_plugin_that_raises_while_it_opens_fails_its_channel_and_leaks_nothing(
    clock: Clock, error: BaseException, line: str
) -> None:
    table = {"plugin": "odd", "config": {"url": "x", "password": "hunter22"}}
    (said,) = await list_problems(clock, table, Odd(build_failing_opener(error)))
    assert said in (f"channels.web: {line}", f"channels.web: the plugin odd {line}")


async def test_a_plugin_that_hangs_while_it_opens_fails_its_channel_and_the_others_are_open(clock: Clock) -> None:
    release = threading.Event()

    def open_slowly(config: OddConfig, context: Context) -> Channel:
        release.wait()
        return open_memory_channel(config, context)

    tables = {"web": {"plugin": "odd", "config": {"url": "x"}}, "till": {"plugin": "memory"}}
    begun = time.monotonic()
    async with open_loaded(
        clock, tables, Odd(open_slowly), MemoryPlugin(MemoryStore()), within=timedelta(milliseconds=300)
    ) as channels:
        assert channels.problems == {
            "web": ("channels.web: the plugin odd did not open the channel within 0.3 s",),
        }
        assert list(channels.open) == ["till"]
        assert list(channels.models) == ["web", "till"]
        assert time.monotonic() - begun < 3
    release.set()


@pytest.mark.parametrize(
    ("traits", "what"),
    [
        (None, "the traits is of type NoneType, expected Traits"),
        (replace(TRAITS, time_zone="Mars"), "the time zone 'Mars' is not an IANA time zone such as Europe/London"),
        (replace(TRAITS, currency="gbp"), "the currency 'gbp' is not an ISO 4217 code such as GBP"),
        (replace(TRAITS, settle=timedelta(-1)), "the trait settle is negative"),
        (replace(TRAITS, lent_for=timedelta(-1)), "the trait lent_for is negative"),
        (
            replace(TRAITS, relay_domains=frozenset({"@Relay.example"})),
            "the relay domain '@Relay.example' is not a domain in lower case such as relay.example",
        ),
        (replace(TRAITS, prices_include_tax=1), "the trait prices_include_tax is of type int, expected bool"),  # type: ignore[arg-type]
        (replace(TRAITS, read_your_writes=None), "the trait read_your_writes is of type NoneType, expected bool"),  # type: ignore[arg-type]
        (replace(TRAITS, read_your_writes="yes"), "the trait read_your_writes is of type str, expected bool"),  # type: ignore[arg-type]
    ],
)
async def test_traits_that_cannot_be_fail_the_channel(clock: Clock, traits: Any, what: str) -> None:
    assert await list_problems(clock, {"plugin": "odd", "config": {"url": "x"}}, Odd(open_memory_channel, traits)) == (
        f"channels.web: the plugin odd violates its contract: {what}",
    )


async def test_a_plugin_that_reads_no_references_fails_a_channel_that_has_some(clock: Clock) -> None:
    tables = {
        "web": {"plugin": "odd", "config": {"url": "x"}, "references": {"till": "till_id"}},
        "till": {"plugin": "memory", "references": {"web": "web_id"}},
    }
    async with open_loaded(clock, tables, Odd(open_memory_channel), MemoryPlugin(MemoryStore())) as channels:
        assert channels.problems == {"web": ("channels.web.references: the plugin odd reads no references",)}
        assert list(channels.open) == ["till"]


def build_opener(change: Callable[[list[Any]], list[Any]]) -> Callable[[OddConfig, Context], Channel]:
    def open_(config: OddConfig, context: Context) -> Channel:
        return Channel(feeds=change(list(build_feeds(OpenMemoryChannel(MemoryStore(), MemoryConfig(), context)))))

    return open_


def set_attribute(name: str, value: object) -> Callable[[list[Any]], list[Any]]:
    def change(given: list[Any]) -> list[Any]:
        setattr(given[0], name, value)
        return given

    return change


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda given: [*given, given[0]], "two feeds have the name products"),
        (lambda given: [object()], "a feed is of type object, expected Feed"),
        (set_attribute("name", ""), "the feed MemoryLiveFeed has no name"),
        (
            set_attribute("of", dict),
            "the feed products must be of one of the record types: "
            "ProductRecord, StockRecord, CollectionRecord, CustomerRecord, OrderRecord, ReviewRecord",
        ),
        (set_attribute("every", timedelta(0)), "every of the feed products must be greater than 0"),
        (set_attribute("every", 300), "every of the feed products is of type int, expected timedelta"),
        (set_attribute("lists_all", None), "lists_all of the feed products is of type NoneType, expected bool"),
        (set_attribute("fetch_at_once", 0), "fetch_at_once of the feed products is less than 1"),
    ],
)
async def test_feeds_that_are_not_distinct_or_are_incomplete_fail_the_channel(
    clock: Clock, change: Callable[[list[Any]], list[Any]], what: str
) -> None:
    assert await list_problems(clock, {"plugin": "odd", "config": {"url": "x"}}, Odd(build_opener(change))) == (
        f"channels.web: the plugin odd violates its contract: {what}",
    )


async def test_a_channel_that_is_required_and_fails_keeps_the_gateway_from_starting(clock: Clock) -> None:
    tables = {"web": {"plugin": "odd", "required": True, "config": {}}, "till": {"plugin": "memory"}}
    with pytest.raises(RequiredChannelError) as raised:
        async with open_loaded(clock, tables, Odd(open_memory_channel), MemoryPlugin(MemoryStore())):
            raise AssertionError("not reached")
    assert raised.value.problems == ("channels.web.config.url: is missing",)


# ------------------------------------------------------------------------------------------------ capabilities


class StockWrite(Write[SetStock]):
    of = SetStock

    async def send(self, commands: Sequence[SetStock]) -> Sequence[Outcome | ChannelError]:
        return [UnavailableError("closed") for _ in commands]


class AdjustmentWrite(Write[AdjustStock]):
    of = AdjustStock

    async def send(self, commands: Sequence[AdjustStock]) -> Sequence[Outcome | ChannelError]:
        return [UnavailableError("closed") for _ in commands]


class OrderWrite(Write[PlaceOrder]):
    of = PlaceOrder

    async def send(self, commands: Sequence[PlaceOrder]) -> Sequence[Outcome | ChannelError]:
        return [UnavailableError("closed") for _ in commands]


async def read_capabilities(clock: Clock, open_: Callable[[OddConfig, Context], Channel]) -> tuple[Capability, ...]:
    async with open_loaded(clock, {"web": {"plugin": "odd", "config": {"url": "x"}}}, Odd(open_)) as channels:
        found = channels.models["web"].capabilities
        assert found is not None
        return found


async def test_what_can_be_done_with_a_channel_follows_from_its_feeds_and_writes(clock: Clock) -> None:
    assert await read_capabilities(
        clock,
        lambda config, context: build_channel(
            MemoryConfig(), context, writes=[StockWrite(), AdjustmentWrite(), OrderWrite()]
        ),
    ) == (
        Capability.PULL_PRODUCTS,
        Capability.PULL_STOCK,
        Capability.PULL_COLLECTIONS,
        Capability.PULL_CUSTOMERS,
        Capability.PULL_ORDERS,
        Capability.PULL_REVIEWS,
        Capability.READ_STOCK,
        Capability.READ_PRICES,
        Capability.PUSH_STOCK,
        Capability.PLACE_ORDERS,
    )


async def test_a_channel_without_live_feeds_cannot_be_read_live(clock: Clock) -> None:
    def open_(config: OddConfig, context: Context) -> Channel:
        channel = build_channel(MemoryConfig(live=False), context)
        return replace(channel, feeds=[feed for feed in channel.feeds if feed.of in (StockRecord, OrderRecord)])

    assert await read_capabilities(clock, open_) == (Capability.PULL_STOCK, Capability.PULL_ORDERS)


async def test_a_channel_that_signs_its_deliveries_can_receive_webhooks(clock: Clock) -> None:
    tables = {"till": {"plugin": "memory", "config": {"secrets": ["one"]}}}
    async with open_loaded(clock, tables, MemoryPlugin(MemoryStore())) as channels:
        assert Capability.RECEIVE_WEBHOOKS in (channels.models["till"].capabilities or ())


async def test_two_writes_of_one_command_fail_the_channel(clock: Clock) -> None:
    twice = Odd(lambda config, context: build_channel(MemoryConfig(), context, writes=[StockWrite(), StockWrite()]))
    assert await list_problems(clock, {"plugin": "odd", "config": {"url": "x"}}, twice) == (
        "channels.web: the plugin odd violates its contract: two writes handle SetStock",
    )
