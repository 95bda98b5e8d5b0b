"""Opening the configured channels. One that cannot be opened is FAILED, with the reason; the others are open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from gateway.channels import declared
from gateway.channels.answers import BrokenPromiseError, plain
from gateway.channels.budgets import Ledger, Purse
from gateway.channels.faults import secrets_of, without_secrets
from gateway.channels.guard import OpenChannel, Opened
from gateway.channels.lanes import EscapeError, Lane, LaneDeadlineError
from gateway.channels.plugins import Plugins
from gateway.channels.requests import Client
from gateway.model.channels import Channel, ChannelState
from gateway.sdk.channel import Channel as OpenedChannel
from gateway.sdk.channel import ChannelType, Traits
from gateway.sdk.config import Config
from gateway.sdk.errors import ChannelError
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.requests import Authorize
from gateway.settings import ChannelTable, Settings

OPENING = timedelta(seconds=10)

LETTING_GO = timedelta(milliseconds=200)

AnyType = ChannelType[Any]

_log = logging.getLogger(__name__)


class RequiredChannelError(Exception):
    """A channel without which the gateway must not start has failed. `problems`: one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class UnopenedError(Exception):
    """A channel cannot be opened. `problems`: one line each, naming the key and what was expected."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


@dataclass(frozen=True, slots=True)
class Configured:
    """A channel as it stands in the configuration, and what it is made of."""

    key: str
    table: ChannelTable
    kind: AnyType


class ChannelContext:
    """What a plugin is given: `gateway.sdk.Context`."""

    def __init__(self, configured: Configured, clock: Callable[[], datetime], purse: Purse) -> None:
        self.key = configured.key
        self.now = clock
        self.spend, self.correct = purse.spend, purse.correct
        self._private = configured.table.private_addresses
        self._clients: list[Client] = []

    def http(self, base_url: str, authorize: Authorize | None = None) -> Client:
        """A client for this address, to be closed with the channel."""
        client = Client(self.key, base_url, authorize, self.spend, private=self._private)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients:
            await client.close()


@dataclass(frozen=True, slots=True)
class Given:
    """What channels are opened with. `within`: how long a plugin may take for it."""

    clock: Callable[[], datetime]
    ledger: Ledger
    within: timedelta


@dataclass(frozen=True, slots=True)
class Channels:
    """Every configured channel, those among them that are open, and why others failed; by key, as configured."""

    models: Mapping[str, Channel]
    open: Mapping[str, OpenChannel]
    problems: Mapping[str, tuple[str, ...]]

    async def close(self) -> None:
        """Close them, all at once."""
        await asyncio.gather(*(channel.close() for channel in self.open.values()))


async def open_channels(
    settings: Settings,
    plugins: Plugins,
    clock: Callable[[], datetime],
    ledger: Ledger,
    *,
    within: timedelta = OPENING,
) -> Channels:
    """Open every channel that is enabled.

    Raises:
        RequiredChannelError: one that is marked as required failed.
    """
    channels = await try_channels(settings, plugins, clock, ledger, within=within)
    lost = [line for key, lines in channels.problems.items() if settings.channels[key].required for line in lines]
    if lost:
        await channels.close()
        raise RequiredChannelError(lost)
    return channels


async def try_channels(
    settings: Settings,
    plugins: Plugins,
    clock: Callable[[], datetime],
    ledger: Ledger,
    *,
    within: timedelta = OPENING,
) -> Channels:
    """As `open_channels`; a required one that fails is among the problems like any other."""
    opening = (_tried(key, settings, plugins, Given(clock, ledger, within)) for key in settings.channels)
    results = dict(zip(settings.channels, await asyncio.gather(*opening), strict=True))
    return Channels(
        {key: _model(key, settings.channels[key], plugins, result) for key, result in results.items()},
        {key: result for key, result in results.items() if isinstance(result, OpenChannel)},
        {key: result.problems for key, result in results.items() if isinstance(result, UnopenedError)},
    )


async def _tried(key: str, settings: Settings, plugins: Plugins, given: Given) -> OpenChannel | UnopenedError | None:
    """The open channel, or why it is not; None: it is disabled."""
    table = settings.channels[key]
    if key in settings.failures:
        return UnopenedError(*settings.failures[key])
    if not table.enabled:
        return None
    try:
        return await _opened(Configured(key, table, _type(key, table, plugins)), given)
    except UnopenedError as error:
        return error


def _model(key: str, table: ChannelTable, plugins: Plugins, result: OpenChannel | UnopenedError | None) -> Channel:
    if isinstance(result, OpenChannel):
        return result.model
    kind = plugins.types.get(table.plugin)
    return Channel(
        key=key,
        name=table.name or key,
        kind=kind.kind if kind else None,
        state=ChannelState.DISABLED if result is None else ChannelState.FAILED,
        plugin_name=table.plugin,
        plugin_version=kind.version if kind else None,
        failure=None if result is None else str(result),
        required=table.required,
    )


def _type(key: str, table: ChannelTable, plugins: Plugins) -> AnyType:
    if table.plugin in plugins.types:
        return plugins.types[table.plugin]
    if failure := plugins.failure(table.plugin):
        raise UnopenedError(f"channels.{key}.plugin: {table.plugin} cannot be used: {failure.reason}")
    known = ", ".join(sorted(plugins.types)) or "none, since no plugin is installed"
    raise UnopenedError(f"channels.{key}.plugin: there is no plugin {table.plugin}; expected one of {known}")


async def _opened(configured: Configured, given: Given) -> OpenChannel:
    """The channel, on a lane of its own."""
    lane = Lane(f"channel {configured.key}")
    try:
        return OpenChannel(await _on_lane(lane, configured, given), lane, given.clock)
    except BaseException:
        await lane.close(LETTING_GO)
        raise


async def _on_lane(lane: Lane, configured: Configured, given: Given) -> Opened:
    """What opening gives, whatever the plugin does meanwhile."""
    opening = f"channels.{configured.key}: the plugin {configured.kind.name}"
    try:
        return await lane.call(_open, configured, given, deadline=given.within)
    except UnopenedError:
        raise
    except LaneDeadlineError:
        raise UnopenedError(f"{opening} did not open the channel within {given.within.total_seconds():g} s") from None
    except BrokenPromiseError as error:
        raise UnopenedError(f"{opening} breaks its contract: {error}") from error
    except ChannelError as error:
        raise UnopenedError(f"channels.{configured.key}: {plain(error)}") from error
    except Exception as error:
        name = error if isinstance(error, EscapeError) else type(error).__name__
        _log.warning("%s raised %s", opening, name, exc_info=error)
        raise UnopenedError(f"{opening} raised {name} while it opened the channel") from error


async def _open(configured: Configured, given: Given) -> Opened:
    """On the lane: all of it is the plugin's own code."""
    kind, config = configured.kind, _config(configured)
    secrets = secrets_of(config)
    try:
        traits = declared.traits(kind.traits(config))
        purse = Purse(configured.key, declared.budgets(kind.budgets(config)), given.ledger)
        context = ChannelContext(configured, given.clock, purse)
        channel = declared.channel(kind.open(config, context))
    except ChannelError as error:
        without_secrets(error, secrets)
        raise
    return Opened(
        model=_open_model(configured, traits, channel),
        traits=traits,
        channel=channel,
        let_go=context.close,
        every=_every(configured, channel.feeds),
        secrets=secrets,
        deadline=configured.table.call_deadline,
    )


def _config(configured: Configured) -> Config:
    try:
        config: Config = configured.kind.config.model_validate(configured.table.config)
    except ValidationError as error:
        place = f"channels.{configured.key}.config"
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        raise UnopenedError(
            *(_line(place, problem["loc"], problem["type"], problem["msg"]) for problem in wrong)
        ) from None
    return config


def _line(place: str, within: tuple[int | str, ...], kind: str, message: str) -> str:
    said = {"extra_forbidden": "unknown key", "missing": "is missing"}.get(kind, message.removeprefix("Value error, "))
    return f"{'.'.join((place, *map(str, within)))}: {plain(said)}"


def _every(configured: Configured, feeds: Sequence[AnyFeed]) -> dict[str, timedelta]:
    """How often each feed begins a pass."""
    chosen, place = configured.table.every, f"channels.{configured.key}.every"
    names = [feed.name for feed in feeds]
    unknown = [name for name in chosen if name not in names]
    if unknown:
        known = ", ".join(names) or "none"
        raise UnopenedError(*(f"{place}.{name}: there is no feed {name}; expected one of {known}" for name in unknown))
    if never := [name for name, every in chosen.items() if not every]:
        raise UnopenedError(*(f"{place}.{name}: expected more than no time at all" for name in never))
    return {feed.name: chosen.get(feed.name, feed.every) for feed in feeds}


def _open_model(configured: Configured, traits: Traits, channel: OpenedChannel) -> Channel:
    kind, table = configured.kind, configured.table
    return Channel(
        key=configured.key,
        name=table.name or configured.key,
        kind=kind.kind,
        state=ChannelState.ENABLED,
        currency_code=traits.currency,
        prices_include_tax=traits.prices_include_tax,
        time_zone=traits.time_zone,
        capabilities=declared.capabilities(channel),
        plugin_name=kind.name,
        plugin_version=kind.version,
        required=table.required,
    )
