"""Validates what a channel declares, and derives its capabilities."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from zoneinfo import available_timezones

from gateway.channels.response_validation import PluginContractError, require_sequence, require_text, require_type
from gateway.model.channels import Capability
from gateway.model.customers.consents import ConsentPurpose
from gateway.model.money import EXPONENTS, Rounding
from gateway.sdk.channel import Channel, Traits
from gateway.sdk.collections import CollectionRecord
from gateway.sdk.feeds import AnyFeed, Feed, LiveFeed
from gateway.sdk.http import Budget
from gateway.sdk.records import CustomerRecord, OrderRecord, ProductRecord, StockRecord
from gateway.sdk.reviews import ReviewRecord
from gateway.sdk.webhooks import Webhooks
from gateway.sdk.writes import (
    AdjustStock,
    AnyWrite,
    CancelOrder,
    Command,
    EraseCustomer,
    PlaceOrder,
    RefundOrder,
    SetConsent,
    SetLoyalty,
    SetPrice,
    SetStock,
    ShipOrder,
    Write,
)

_PULLS = {
    ProductRecord: Capability.PULL_PRODUCTS,
    StockRecord: Capability.PULL_STOCK,
    CollectionRecord: Capability.PULL_COLLECTIONS,
    CustomerRecord: Capability.PULL_CUSTOMERS,
    OrderRecord: Capability.PULL_ORDERS,
    ReviewRecord: Capability.PULL_REVIEWS,
}
_READS = {StockRecord: Capability.READ_STOCK, ProductRecord: Capability.READ_PRICES}
_WRITES = {
    SetStock: Capability.PUSH_STOCK,
    AdjustStock: Capability.PUSH_STOCK,
    SetPrice: Capability.PUSH_PRICES,
    PlaceOrder: Capability.PLACE_ORDERS,
    CancelOrder: Capability.CANCEL_ORDERS,
    ShipOrder: Capability.FULFILL_ORDERS,
    RefundOrder: Capability.REFUND_ORDERS,
    EraseCustomer: Capability.ERASE_CUSTOMERS,
    SetConsent: Capability.PUSH_CONSENTS,
}
WITHOUT_CAPABILITY: frozenset[type[Command]] = frozenset((SetLoyalty,))
"""Commands that clients of the API do not ask about."""

_FLAGS = ("prices_include_tax", "read_your_writes")


def validate_traits(declaration: object) -> Traits:
    """Validate the traits.

    Raises:
        PluginContractError: a declaration is invalid. Every function here raises it.
    """
    traits = require_type("the traits", declaration, Traits)
    if traits.time_zone not in available_timezones():
        raise PluginContractError(f"the time zone {traits.time_zone!r} is not an IANA time zone such as Europe/London")
    if traits.currency not in EXPONENTS:
        raise PluginContractError(f"the currency {traits.currency!r} is not an ISO 4217 code such as GBP")
    for trait in fields(Traits):
        if trait.name in _FLAGS:
            _check_flag(f"the trait {trait.name}", getattr(traits, trait.name), trait.name == "prices_include_tax")
        elif trait.name == "rounds":
            require_type("the trait rounds", traits.rounds, Rounding)
        elif trait.name == "relay_domains":
            _check_domains(traits.relay_domains)
        elif trait.name == "consents":
            _check_purposes(traits.consents)
        elif trait.name == "lent_for":
            if traits.lent_for is not None:
                _check_duration("the trait lent_for", traits.lent_for)
        elif trait.name not in ("time_zone", "currency"):
            _check_duration(f"the trait {trait.name}", getattr(traits, trait.name))
    return traits


def _check_purposes(purposes: object) -> None:
    for purpose in require_type("the trait consents", purposes, frozenset):
        require_type("a purpose of the trait consents", purpose, ConsentPurpose)


def _check_domains(domains: object) -> None:
    for domain in require_type("the trait relay_domains", domains, frozenset):
        require_text("a relay domain", domain, 253)
        if domain != domain.lower() or "@" in domain or not domain.isascii():
            raise PluginContractError(
                f"the relay domain {domain!r} is not a domain in lower case such as relay.example"
            )


def _check_flag(label: str, value: object, optional: bool) -> None:
    if not (optional and value is None):
        require_type(label, value, bool)


def validate_budgets(declaration: object) -> dict[str, Budget]:
    """Validate the rate budgets."""
    budgets = dict(require_type("the budgets", declaration, Mapping))  # type: ignore[type-abstract]
    for name, budget in budgets.items():
        require_text("the name of a budget", name, 100)
        require_type(f"the budget {name}", budget, Budget)
        if not (0 < budget.capacity < math.inf and 0 < budget.per_second < math.inf):
            raise PluginContractError(f"the budget {name} must have a positive and finite capacity and rate")
    return budgets


def validate_channel(declaration: object) -> Channel:
    """Validate the channel: its feeds and writes are complete and distinct."""
    channel = require_type("what open returned", declaration, Channel)
    names = [_check_feed(feed) for feed in require_sequence("the feeds", channel.feeds)]
    if duplicate := _find_duplicate(names):
        raise PluginContractError(f"two feeds have the name {duplicate}")
    if duplicate := _find_duplicate(_check_write(write) for write in require_sequence("the writes", channel.writes)):
        raise PluginContractError(f"two writes handle {duplicate}")
    if channel.webhooks is not None:
        require_type("the webhooks", channel.webhooks, Webhooks)  # type: ignore[type-abstract]
    return channel


def derive_capabilities(channel: Channel) -> tuple[Capability, ...]:
    """Derive the capabilities of the channel, in the order of the enum."""
    writes = {write.of for write in channel.writes} - WITHOUT_CAPABILITY
    derived = {*_derive_from_feeds(channel.feeds), *(_WRITES[command] for command in writes)}
    if channel.webhooks is not None:
        derived.add(Capability.RECEIVE_WEBHOOKS)
    return tuple(capability for capability in Capability if capability in derived)


def _derive_from_feeds(feeds: Sequence[AnyFeed]) -> Iterator[Capability]:
    for feed in feeds:
        yield _PULLS[feed.of]
        if isinstance(feed, LiveFeed) and feed.of in _READS:
            yield _READS[feed.of]


def _check_feed(feed: object) -> str:
    valid_feed: AnyFeed = require_type("a feed", feed, Feed)  # type: ignore[type-abstract]
    name = getattr(valid_feed, "name", None)
    if not isinstance(name, str) or not name.strip():
        raise PluginContractError(f"the feed {type(valid_feed).__name__} has no name")
    require_text(f"the name of the feed {type(valid_feed).__name__}", name, 100)
    if getattr(valid_feed, "of", None) not in _PULLS:
        raise PluginContractError(
            f"the feed {name} must be of one of the record types: {', '.join(k.__name__ for k in _PULLS)}"
        )
    if not _check_duration(f"every of the feed {name}", valid_feed.every):
        raise PluginContractError(f"every of the feed {name} must be greater than 0")
    for flag in ("lists_all", "ascending"):
        require_type(f"{flag} of the feed {name}", getattr(valid_feed, flag), bool)
    if (
        isinstance(valid_feed, LiveFeed)
        and require_type(f"fetch_at_once of the feed {name}", valid_feed.fetch_at_once, int) < 1
    ):
        raise PluginContractError(f"fetch_at_once of the feed {name} is less than 1")
    return name


def _check_write(write: object) -> str:
    valid_write: AnyWrite = require_type("a write", write, Write)  # type: ignore[type-abstract]
    command = getattr(valid_write, "of", None)
    if not (inspect.isclass(command) and issubclass(command, Command) and command in {*_WRITES, *WITHOUT_CAPABILITY}):
        raise PluginContractError(f"the write {type(valid_write).__name__} must be of one of the command types")
    name: str = command.__name__
    require_type(f"repeatable of the write of {name}", valid_write.repeatable, bool)
    if require_type(f"batch of the write of {name}", valid_write.batch, int) < 1:
        raise PluginContractError(f"batch of the write of {name} is less than 1")
    _check_duration(f"gather of the write of {name}", valid_write.gather)
    return name


def _check_duration(label: str, value: object) -> timedelta:
    duration = require_type(label, value, timedelta)
    if duration < timedelta(0):
        raise PluginContractError(f"{label} is negative")
    return duration


def _find_duplicate(names: Iterable[str]) -> str | None:
    counts = Counter(names)
    return next((name for name, count in counts.items() if count > 1), None)
