"""Channel types, their registration, and open channels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import pluggy

from gateway.model.channels import ChannelKind
from gateway.model.customers.consents import ConsentPurpose
from gateway.model.money import Rounding
from gateway.sdk._deprecated import alias_names
from gateway.sdk.config import Config
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.http import Authorize, Budget, Http
from gateway.sdk.images import ImageResizer
from gateway.sdk.webhooks import Webhooks
from gateway.sdk.writes import AnyWrite

SDK_VERSION = "1.3"
"""Version of this SDK. A channel type declares the versions it supports."""

ENTRY_POINT_GROUP = "commerce_gateway.channels"
"""Entry point group of plugin modules: ``[project.entry-points."commerce_gateway.channels"]``."""

hookspec = pluggy.HookspecMarker("commerce_gateway")
hookimpl = pluggy.HookimplMarker("commerce_gateway")
"""Marks the `gateway_register` function of a plugin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Properties of a channel that do not depend on its configuration, unless `ChannelType.traits` reads them from it.

    Attributes:
        time_zone: IANA time zone of the channel's local times.
        currency: ISO 4217 code of the channel's prices.
        prices_include_tax: Whether prices include tax; None: the channel reports it with each price.
        read_your_writes: A read that begins after a write was acknowledged returns the write.
        settle: How long the channel's own writes may be invisible to reads otherwise.
        late_window: How old a record may be when it first appears, for example if a point of sale was offline.
        order_latency: How long an order may take to appear.
        lookup_settle: How long a lookup by reference may miss an existing order.
        max_processing: How long an accepted write may take.
        rounds: What is rounded where tax is added to a net price: the price of a unit, of a line, or of the receipt.
        clock_within: By how much the channel's clock may be wrong, in times that it reports.
        lent_for: How long after the delivery the channel lends the contact data of an order. It is shown on the order
            until then, and is no evidence of who the customer is. None: not lent.
        relay_domains: Domains of the email addresses that the channel issues for its customers, in lower case. They
            name an account of the channel, and are no email addresses of customers (rule C2).
        consents: Purposes for which the channel stores what its customers allow. `SetConsent` has no others.
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
    rounds: Rounding = Rounding.UNIT
    clock_within: timedelta = timedelta(0)
    lent_for: timedelta | None = None
    relay_domains: frozenset[str] = frozenset()
    consents: frozenset[ConsentPurpose] = frozenset(ConsentPurpose)


@dataclass(frozen=True, slots=True)
class Place:
    """A location as the channel identifies it (an external location); the configuration maps it to a location.

    Attributes:
        id: ID of the location in the channel.
        name: Display name.
    """

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class VerifiedCustomer:
    """A customer who has logged in to the channel.

    Attributes:
        id: ID of the customer in the channel, as in its customer records.
        expires_at: When the customer's token expires; None: not known.
    """

    id: str
    expires_at: datetime | None = None


VerifyCustomer = Callable[[str], Awaitable[VerifiedCustomer | None]]
"""Verifies a token that the channel has given to one of its customers. None: the channel does not accept it.

The plugin neither logs the token nor puts it into an error.
"""


async def list_no_places() -> Sequence[Place]:
    """Return no locations: the default of channels that cannot list them."""
    return ()


async def close_nothing() -> None:
    """Do nothing: the default of channels that hold no resources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """An open channel: what it supports in its configuration.

    Attributes:
        feeds: Resources that can be read.
        writes: Changes that can be made; at most one per type of command.
        webhooks: Verification of incoming webhooks; None: the channel sends none.
        places: Lists the channel's locations.
        verify_customer: Verifies tokens of the channel's own customers; None: it cannot.
        close: Releases the resources of the channel.
    """

    feeds: Sequence[AnyFeed]
    writes: Sequence[AnyWrite] = ()
    webhooks: Webhooks | None = None
    places: Callable[[], Awaitable[Sequence[Place]]] = list_no_places
    verify_customer: VerifyCustomer | None = None
    close: Callable[[], Awaitable[None]] = close_nothing


class Context(Protocol):
    """Services that the gateway provides to an open channel."""

    @property
    def key(self) -> str:
        """Key of the channel in the configuration."""

    @property
    def attributes(self) -> frozenset[str]:
        """The channel's names of the attributes to read, as the configuration declares them."""

    @property
    def references(self) -> Mapping[str, str]:
        """The fields of customers to read into `CustomerRecord.references`, as the configuration declares them: the
        channel's name of the field, by the key of the channel or system to which it refers. Empty, unless
        `ChannelType.references` is set.
        """

    def now(self) -> datetime:
        """Return the current time in UTC, with a time zone. A plugin uses no other clock."""

    def http(self, base_url: str, authorize: Authorize | None = None) -> Http:
        """Create an HTTP client for a base URL; the gateway closes it with the channel.

        Args:
            base_url: Scheme, host and port, without a path.
            authorize: Returns the authentication headers, before each request.
        """

    async def spend(self, budget: str, cost: float = 1) -> None:
        """Acquire tokens from a rate budget, waiting until they are available. A negative cost returns tokens.

        Args:
            budget: Name of the budget in `ChannelType.budgets`.
            cost: Number of tokens.

        Raises:
            RateLimitedError: Not available within the deadline of the call. Do not catch it: the pass resumes later.
        """

    async def correct(
        self,
        budget: str,
        *,
        left: float | None = None,
        per_second: float | None = None,
        capacity: float | None = None,
    ) -> None:
        """Correct a rate budget with limits that a response of the channel reports.

        Args:
            budget: Name of the budget in `ChannelType.budgets`.
            left: Remaining tokens. Only lowers the known number: other requests may be in flight.
            per_second: Tokens that are added per second.
            capacity: Maximum number of tokens.
        """


ConfigT = TypeVar("ConfigT", bound=Config)


def declare_no_budgets(_config: Config) -> Mapping[str, Budget]:
    """Declare no rate budgets: the default of channels without rate limits."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelType(Generic[ConfigT]):
    """A type of channel that a plugin provides.

    Attributes:
        name: Value of `plugin` in the configuration.
        version: Version of the plugin. It is part of the fingerprint of unchanged records: increase it when `read`
            changes.
        kind: Kind of sales channel.
        config: Type of the `config` table in the configuration.
        traits: Returns the traits of a channel with this configuration.
        open: Opens a channel, without network access: a channel that is down can be opened. Called in the channel's
            plugin thread, inside its running event loop.
        budgets: Returns the rate budgets of the channel, by name.
        sdk: Supported versions of this SDK, as a PEP 440 specifier: ``>=1,<2``.
        references: Whether customers can refer to other channels (`Context.references`).
        images: Resizes the images of such channels; None: their server has one size of each. A URL template in the
            configuration replaces it.
        sandbox: ``module:function`` of the channel's sandbox, a `gateway.sdk.testing.sandbox.StartSandbox`; None: there
            is none.
    """

    name: str
    version: str
    kind: ChannelKind
    config: type[ConfigT]
    traits: Callable[[ConfigT], Traits]
    open: Callable[[ConfigT, Context], Channel]
    budgets: Callable[[ConfigT], Mapping[str, Budget]] = declare_no_budgets
    sdk: str = ">=1,<2"
    sandbox: str | None = None
    references: bool = False
    images: ImageResizer | None = None


@dataclass(slots=True)
class Registry:
    """Registrations of a plugin; each plugin has its own registry.

    Attributes:
        channels: The registered channel types.
        policies: The registered policies, by kind and name.
    """

    channels: list[ChannelType[Any]] = field(default_factory=list)
    policies: dict[tuple[str, str], Callable[..., Any]] = field(default_factory=dict)

    def channel(self, kind: ChannelType[Any]) -> None:
        """Register a channel type."""
        self.channels.append(kind)

    def policy(self, kind: str, name: str, policy: Callable[..., Any]) -> None:
        """Register a policy that the configuration can select. `kind`: one of `gateway.sdk.policies.KINDS`."""
        self.policies[kind, name] = policy


class Hooks:
    """The hook specification: one hook per plugin."""

    @hookspec
    def gateway_register(self, registry: Registry) -> None:
        """Register channel types and policies."""


if not TYPE_CHECKING:
    __getattr__ = alias_names(
        __name__,
        {
            "no_places": "list_no_places",
            "nothing_to_close": "close_nothing",
            "no_budgets": "declare_no_budgets",
        },
    )
