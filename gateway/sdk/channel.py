"""A channel type, how it is registered, and what is open while the gateway runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import pluggy

from gateway.model.channels import ChannelKind
from gateway.sdk.config import Config
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.requests import Authorize, Budget, Http
from gateway.sdk.webhooks import Webhooks
from gateway.sdk.writes import AnyWrite

SDK_VERSION = "1.0"
"""The version of this SDK. A channel type declares which ones it works with."""

ENTRY_POINT_GROUP = "commerce_gateway.channels"
"""Where a distribution names its plugin module: ``[project.entry-points."commerce_gateway.channels"]``."""

hookspec = pluggy.HookspecMarker("commerce_gateway")
hookimpl = pluggy.HookimplMarker("commerce_gateway")
"""Marks a plugin's `gateway_register`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a channel is like. All of it holds whatever the configuration, unless `ChannelType.traits` looks at that.

    Attributes:
        time_zone: IANA name; in which the channel tells its times.
        currency: ISO 4217; of the channel's prices.
        prices_include_tax: whether they are gross; None: the channel says so with each of them.
        read_your_writes: a read that begins after a write was acknowledged shows it.
        settle: how long the channel's own writes may stay unseen otherwise.
        late_window: how old a record may be when it first appears: a till that was offline.
        order_latency: how long an order may take to appear.
        lookup_settle: how long a look-up by reference may miss what exists.
        max_processing: how long an accepted write may take.
    """

    time_zone: str
    currency: str
    prices_include_tax: bool | None
    read_your_writes: bool = False
    settle: timedelta = timedelta(0)
    late_window: timedelta = timedelta(0)
    order_latency: timedelta = timedelta(minutes=5)
    lookup_settle: timedelta = timedelta(0)
    max_processing: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Place:
    """A location as the channel knows it, to be mapped by the configuration."""

    id: str
    name: str


async def no_places() -> Sequence[Place]:
    """For channels that cannot list their locations."""
    return ()


async def nothing_to_close() -> None:
    """For channels that hold nothing open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """An open channel: what can be done with it under its configuration.

    Attributes:
        feeds: what can be read.
        writes: what can be changed; at most one per kind of command.
        places: lists the channel's locations.
        close: gives back what is held open.
    """

    feeds: Sequence[AnyFeed]
    writes: Sequence[AnyWrite] = ()
    webhooks: Webhooks | None = None
    places: Callable[[], Awaitable[Sequence[Place]]] = no_places
    close: Callable[[], Awaitable[None]] = nothing_to_close


class Context(Protocol):
    """What the gateway gives an open channel."""

    @property
    def key(self) -> str:
        """The channel's key in the configuration."""

    def now(self) -> datetime:
        """The time, aware, UTC. A plugin asks no other clock."""

    def http(self, base_url: str, authorize: Authorize | None = None) -> Http:
        """A client for this address; closed with the channel. Made while the channel is opened, or later."""

    async def spend(self, budget: str, cost: float = 1) -> None:
        """Pay from a budget, as soon as it can afford it. A negative cost gives back what was too much.

        Raises:
            RateLimitedError: not within the time that the call has. Let it through: the pass goes on later.
        """

    async def correct(
        self,
        budget: str,
        *,
        left: float | None = None,
        per_second: float | None = None,
        capacity: float | None = None,
    ) -> None:
        """Say what an answer told of a bucket. `left` only lowers what is known: other requests may be on their way."""


ConfigT = TypeVar("ConfigT", bound=Config)


def no_budgets(_config: Config) -> Mapping[str, Budget]:
    """For channels that may be asked as often as one likes."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelType(Generic[ConfigT]):
    """A kind of channel that a plugin adds.

    Attributes:
        name: what the configuration's `plugin` says.
        sdk: which versions of this SDK it works with, as a PEP 440 specifier: ``>=1,<2``.
        config: what stands in the configuration's `config` table.
        traits: what a channel of this configuration is like.
        open: opens one. It talks to nobody yet: a channel that is down can be opened. Called on the channel's own
            thread, inside its running event loop.
        budgets: how often the channel may be asked, by name of the bucket.
        sandbox: ``module:function`` of the channel's twin, a `gateway.sdk.testing.sandbox.StartSandbox`.
        version: the plugin's own; part of how unchanged records are told, so raise it when `read` changes.
    """

    name: str
    version: str
    kind: ChannelKind
    config: type[ConfigT]
    traits: Callable[[ConfigT], Traits]
    open: Callable[[ConfigT, Context], Channel]
    budgets: Callable[[ConfigT], Mapping[str, Budget]] = no_budgets
    sdk: str = ">=1,<2"
    sandbox: str | None = None


@dataclass(slots=True)
class Registry:
    """What plugins have registered. Each plugin gets its own."""

    channels: list[ChannelType[Any]] = field(default_factory=list)
    policies: dict[tuple[str, str], Callable[..., Any]] = field(default_factory=dict)

    def channel(self, kind: ChannelType[Any]) -> None:
        """Add a channel type."""
        self.channels.append(kind)

    def policy(self, kind: str, name: str, policy: Callable[..., Any]) -> None:
        """Add a policy that the configuration can choose: its kind is one of `gateway.sdk.policies.KINDS`."""
        self.policies[kind, name] = policy


class Hooks:
    """The one hook of a plugin."""

    @hookspec
    def gateway_register(self, registry: Registry) -> None:
        """Register channel types and policies. Nothing else: what behaves is a class, not a hook."""
