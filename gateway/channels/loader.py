"""Opens the configured channels. A channel that cannot be opened is FAILED, with the reason; the others open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from gateway.channels import capabilities
from gateway.channels.errors import collect_secrets, redact_secrets
from gateway.channels.http_client import ChannelHttpClient
from gateway.channels.open_channel import OpenChannel, OpenResult
from gateway.channels.plugin_registry import Plugins
from gateway.channels.plugin_thread import PluginExitError, PluginThread, ThreadDeadlineError
from gateway.channels.rate_budget import BucketStore, RateBudget
from gateway.channels.response_validation import PluginContractError
from gateway.model.channels import Capability, Channel, ChannelKind, ChannelState, ShopPolicy
from gateway.model.validation import sanitize_message
from gateway.sdk.channel import ChannelType, Traits
from gateway.sdk.config import Config
from gateway.sdk.errors import ChannelError
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.html import sanitize_html
from gateway.sdk.http import Authorize
from gateway.settings.schema import ChannelTable, Settings

OPEN_TIMEOUT = timedelta(seconds=10)

CLEANUP_TIMEOUT = timedelta(milliseconds=200)

AnyType = ChannelType[Any]

_log = logging.getLogger(__name__)


class RequiredChannelError(Exception):
    """A channel that is required failed to open. `problems`: one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ChannelOpenError(Exception):
    """A channel cannot be opened. `problems`: one line each, with the key and what was expected."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


@dataclass(frozen=True, slots=True)
class ConfiguredChannel:
    """A configured channel: its table of the configuration, its channel type, and its names of attributes."""

    key: str
    table: ChannelTable
    kind: AnyType
    attributes: frozenset[str] = frozenset()


class ChannelContext:
    """The context that a plugin receives: `gateway.sdk.Context`."""

    def __init__(self, configured: ConfiguredChannel, clock: Callable[[], datetime], budget: RateBudget) -> None:
        self.key, self.attributes = configured.key, configured.attributes
        self.references = MappingProxyType(dict(configured.table.references))
        self.now = clock
        self.spend, self.correct = budget.spend, budget.correct
        self._private = configured.table.private_addresses
        self._clients: list[ChannelHttpClient] = []

    def http(self, base_url: str, authorize: Authorize | None = None) -> ChannelHttpClient:
        """Create an HTTP client for this base URL. It is closed with the channel."""
        client = ChannelHttpClient(self.key, base_url, authorize, self.spend, private=self._private)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """Close the HTTP clients."""
        for client in self._clients:
            await client.close()


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """Options for opening channels. `within`: how long a plugin may take."""

    clock: Callable[[], datetime]
    buckets: BucketStore
    within: timedelta


@dataclass(frozen=True, slots=True)
class LoadedChannels:
    """Configured channels, by key, in the order of the configuration.

    Attributes:
        models: all channels.
        open: channels that are open.
        problems: why other channels failed to open.
    """

    models: Mapping[str, Channel]
    open: Mapping[str, OpenChannel]
    problems: Mapping[str, tuple[str, ...]]

    async def close(self) -> None:
        """Close all channels concurrently."""
        await asyncio.gather(*(channel.close() for channel in self.open.values()))


async def open_channels(
    settings: Settings,
    plugins: Plugins,
    clock: Callable[[], datetime],
    buckets: BucketStore,
    *,
    within: timedelta = OPEN_TIMEOUT,
) -> LoadedChannels:
    """Open all enabled channels.

    Raises:
        RequiredChannelError: a required channel failed to open.
    """
    channels = await try_channels(settings, plugins, clock, buckets, within=within)
    problems = [line for key, lines in channels.problems.items() if settings.channels[key].required for line in lines]
    if problems:
        await channels.close()
        raise RequiredChannelError(problems)
    return channels


async def try_channels(
    settings: Settings,
    plugins: Plugins,
    clock: Callable[[], datetime],
    buckets: BucketStore,
    *,
    within: timedelta = OPEN_TIMEOUT,
) -> LoadedChannels:
    """Open all enabled channels, as `open_channels`. A required channel that fails is reported like any other."""
    attempts = (_try_open(key, settings, plugins, OpenOptions(clock, buckets, within)) for key in settings.channels)
    results = dict(zip(settings.channels, await asyncio.gather(*attempts), strict=True))
    return LoadedChannels(
        {key: _build_model(key, settings.channels[key], plugins, result) for key, result in results.items()},
        {key: result for key, result in results.items() if isinstance(result, OpenChannel)},
        {key: result.problems for key, result in results.items() if isinstance(result, ChannelOpenError)},
    )


async def _try_open(
    key: str, settings: Settings, plugins: Plugins, options: OpenOptions
) -> OpenChannel | ChannelOpenError | None:
    """Return the open channel, or why it failed, or None if it is disabled."""
    table = settings.channels[key]
    if key in settings.failures:
        return ChannelOpenError(*settings.failures[key])
    if not table.enabled:
        return None
    try:
        kind = _get_type(key, table, plugins)
        return await _open_channel(ConfiguredChannel(key, table, kind, settings.list_attribute_names(key)), options)
    except ChannelOpenError as error:
        return error


def _build_model(
    key: str, table: ChannelTable, plugins: Plugins, result: OpenChannel | ChannelOpenError | None
) -> Channel:
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
        sells_to_anyone=_is_sold_to_anyone(table, kind.kind if kind else None),
        url=table.url,
        locales=table.locales,
        policies=_build_policies(table),
    )


MAX_POLICY = 500_000
"""Characters of a sanitized policy: the settings limit what it is sanitized from to a tenth."""


def _build_policies(table: ChannelTable) -> tuple[ShopPolicy, ...]:
    default = next(iter(table.locales), None)
    return tuple(
        ShopPolicy(
            kind=policy.kind,
            title=policy.title,
            body_html=sanitize_html("body", policy.body, MAX_POLICY),
            locale=policy.locale or default,
            url=policy.url,
            updated_at=policy.updated_at,
        )
        for policy in table.policies
    )


def _is_sold_to_anyone(table: ChannelTable, kind: ChannelKind | None) -> bool:
    """Return whether callers without a token may buy in the channel (rule X1): by default in a web store."""
    return kind is ChannelKind.STOREFRONT if table.sells_to is None else table.sells_to == "anyone"


def _get_type(key: str, table: ChannelTable, plugins: Plugins) -> AnyType:
    if table.plugin in plugins.types:
        return plugins.types[table.plugin]
    if failure := plugins.find_failure(table.plugin):
        raise ChannelOpenError(f"channels.{key}.plugin: {table.plugin} cannot be used: {failure.reason}")
    names = ", ".join(sorted(plugins.types)) or "none, because no plugin is installed"
    raise ChannelOpenError(f"channels.{key}.plugin: there is no plugin {table.plugin}; expected one of {names}")


async def _open_channel(configured: ConfiguredChannel, options: OpenOptions) -> OpenChannel:
    """Open the channel on its own thread."""
    thread = PluginThread(f"channel {configured.key}")
    try:
        return OpenChannel(await _open_on_thread(thread, configured, options), thread, options.clock)
    except BaseException:
        await thread.close(CLEANUP_TIMEOUT)
        raise


async def _open_on_thread(thread: PluginThread, configured: ConfiguredChannel, options: OpenOptions) -> OpenResult:
    """Open the channel on the thread, and convert every exception of the plugin."""
    prefix = f"channels.{configured.key}: the plugin {configured.kind.name}"
    try:
        return await thread.call(_open_plugin, configured, options, deadline=options.within)
    except ChannelOpenError:
        raise
    except ThreadDeadlineError:
        raise ChannelOpenError(
            f"{prefix} did not open the channel within {options.within.total_seconds():g} s"
        ) from None
    except PluginContractError as error:
        raise ChannelOpenError(f"{prefix} violates its contract: {error}") from error
    except ChannelError as error:
        raise ChannelOpenError(f"channels.{configured.key}: {sanitize_message(error)}") from error
    except Exception as error:
        name = error if isinstance(error, PluginExitError) else type(error).__name__
        _log.warning("%s raised %s", prefix, name, exc_info=error)
        raise ChannelOpenError(f"{prefix} raised {name} while opening the channel") from error


async def _open_plugin(configured: ConfiguredChannel, options: OpenOptions) -> OpenResult:
    """Call the plugin. It runs on the plugin's thread."""
    kind, config = configured.kind, _validate_config(configured)
    if configured.table.references and not kind.references:
        raise ChannelOpenError(f"channels.{configured.key}.references: the plugin {kind.name} reads no references")
    secrets = collect_secrets(config)
    try:
        traits = capabilities.validate_traits(kind.traits(config))
        budget = RateBudget(configured.key, capabilities.validate_budgets(kind.budgets(config)), options.buckets)
        context = ChannelContext(configured, options.clock, budget)
        channel = capabilities.validate_channel(kind.open(config, context))
    except ChannelError as error:
        redact_secrets(error, secrets)
        raise
    return OpenResult(
        model=_build_open_model(configured, traits, capabilities.derive_capabilities(channel)),
        traits=traits,
        channel=channel,
        cleanup=context.close,
        intervals=_compute_intervals(configured, channel.feeds),
        secrets=secrets,
        deadline=configured.table.call_deadline,
        images=kind.images,
    )


def _validate_config(configured: ConfiguredChannel) -> Config:
    try:
        config: Config = configured.kind.config.model_validate(configured.table.config)
    except ValidationError as error:
        prefix = f"channels.{configured.key}.config"
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise ChannelOpenError(
            *(_format_problem(prefix, problem["loc"], problem["type"], problem["msg"]) for problem in problems)
        ) from None
    return config


def _format_problem(prefix: str, path: tuple[int | str, ...], kind: str, message: str) -> str:
    text = {"extra_forbidden": "unknown key", "missing": "is missing"}.get(kind, message.removeprefix("Value error, "))
    return f"{'.'.join((prefix, *map(str, path)))}: {sanitize_message(text)}"


def _compute_intervals(configured: ConfiguredChannel, feeds: Sequence[AnyFeed]) -> dict[str, timedelta]:
    """Return how often each feed starts a pass."""
    configured_intervals, prefix = configured.table.every, f"channels.{configured.key}.every"
    names = [feed.name for feed in feeds]
    unknown_names = [name for name in configured_intervals if name not in names]
    if unknown_names:
        feed_names = ", ".join(names) or "none"
        raise ChannelOpenError(
            *(f"{prefix}.{name}: there is no feed {name}; expected one of {feed_names}" for name in unknown_names)
        )
    if zero_names := [name for name, every in configured_intervals.items() if not every]:
        raise ChannelOpenError(*(f"{prefix}.{name}: expected more than 0" for name in zero_names))
    return {feed.name: configured_intervals.get(feed.name, feed.every) for feed in feeds}


def _build_open_model(configured: ConfiguredChannel, traits: Traits, supported: tuple[Capability, ...]) -> Channel:
    kind, table = configured.kind, configured.table
    return Channel(
        key=configured.key,
        name=table.name or configured.key,
        kind=kind.kind,
        state=ChannelState.ENABLED,
        currency_code=traits.currency,
        prices_include_tax=traits.prices_include_tax,
        time_zone=traits.time_zone,
        capabilities=supported,
        plugin_name=kind.name,
        plugin_version=kind.version,
        required=table.required,
        sells_to_anyone=_is_sold_to_anyone(table, kind.kind),
        url=table.url,
        locales=table.locales,
        policies=_build_policies(table),
    )
