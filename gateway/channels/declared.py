"""What a channel declares of itself, checked; and what can be done with it, as follows from that."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from zoneinfo import available_timezones

from gateway.channels.answers import BrokenPromiseError, of_type, sequence, text
from gateway.model.channels import Capability
from gateway.model.money import EXPONENTS
from gateway.sdk.channel import Channel, Traits
from gateway.sdk.feeds import AnyFeed, Feed, LiveFeed
from gateway.sdk.records import CustomerRecord, OrderRecord, ProductRecord, StockRecord
from gateway.sdk.requests import Budget
from gateway.sdk.webhooks import Webhooks
from gateway.sdk.writes import (
    AdjustStock,
    AnyWrite,
    CancelOrder,
    Command,
    EraseCustomer,
    PlaceOrder,
    RefundOrder,
    SetPrice,
    SetStock,
    ShipOrder,
    Write,
)

_PULLS = {
    ProductRecord: Capability.PULL_PRODUCTS,
    StockRecord: Capability.PULL_STOCK,
    CustomerRecord: Capability.PULL_CUSTOMERS,
    OrderRecord: Capability.PULL_ORDERS,
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
}
_FLAGS = ("prices_include_tax", "read_your_writes")


def traits(declaration: object) -> Traits:
    """The traits, if they can be. Raises `BrokenPromiseError`, as everything here."""
    said = of_type("the traits", declaration, Traits)
    if said.time_zone not in available_timezones():
        raise BrokenPromiseError(f"the time zone {said.time_zone!r} is not an IANA one such as Europe/London")
    if said.currency not in EXPONENTS:
        raise BrokenPromiseError(f"the currency {said.currency!r} is not one of ISO 4217 such as GBP")
    for trait in fields(Traits):
        if trait.name in _FLAGS:
            _flag(f"the trait {trait.name}", getattr(said, trait.name), trait.name == "prices_include_tax")
        elif trait.name not in ("time_zone", "currency"):
            _span(f"the trait {trait.name}", getattr(said, trait.name))
    return said


def _flag(what: str, value: object, optional: bool) -> None:
    if not (optional and value is None):
        of_type(what, value, bool)


def budgets(declaration: object) -> dict[str, Budget]:
    """The budgets, each one that something can be paid from."""
    said = dict(of_type("the budgets", declaration, Mapping))  # type: ignore[type-abstract]
    for name, budget in said.items():
        text("the name of a budget", name, 100)
        of_type(f"the budget {name}", budget, Budget)
        if not (0 < budget.capacity < math.inf and 0 < budget.per_second < math.inf):
            raise BrokenPromiseError(f"the budget {name} can pay for nothing, or for everything")
    return said


def channel(declaration: object) -> Channel:
    """The channel, if its feeds and writes can be told apart and are complete."""
    said = of_type("what open returned", declaration, Channel)
    names = [_feed_name(feed) for feed in sequence("the feeds", said.feeds)]
    if twice := _repeated(names):
        raise BrokenPromiseError(f"two feeds have the name {twice}")
    if twice := _repeated(_command_name(write) for write in sequence("the writes", said.writes)):
        raise BrokenPromiseError(f"two writes carry out {twice}")
    if said.webhooks is not None:
        of_type("the webhooks", said.webhooks, Webhooks)  # type: ignore[type-abstract]
    return said


def capabilities(said: Channel) -> tuple[Capability, ...]:
    """What can be done with the channel, in the order of the enum."""
    found = {*_of_feeds(said.feeds), *(_WRITES[write.of] for write in said.writes)}
    if said.webhooks is not None:
        found.add(Capability.RECEIVE_WEBHOOKS)
    return tuple(capability for capability in Capability if capability in found)


def _of_feeds(feeds: Sequence[AnyFeed]) -> Iterator[Capability]:
    for feed in feeds:
        yield _PULLS[feed.of]
        if isinstance(feed, LiveFeed) and feed.of in _READS:
            yield _READS[feed.of]


def _feed_name(feed: object) -> str:
    found: AnyFeed = of_type("a feed", feed, Feed)  # type: ignore[type-abstract]
    name = getattr(found, "name", None)
    if not isinstance(name, str) or not name.strip():
        raise BrokenPromiseError(f"the feed {type(found).__name__} has no name")
    text(f"the name of the feed {type(found).__name__}", name, 100)
    if getattr(found, "of", None) not in _PULLS:
        raise BrokenPromiseError(f"the feed {name} is not of a kind of record: {', '.join(k.__name__ for k in _PULLS)}")
    if not _span(f"every of the feed {name}", found.every):
        raise BrokenPromiseError(f"every of the feed {name} is no time at all")
    for flag in ("lists_all", "ascending"):
        of_type(f"{flag} of the feed {name}", getattr(found, flag), bool)
    if isinstance(found, LiveFeed) and of_type(f"fetch_at_once of the feed {name}", found.fetch_at_once, int) < 1:
        raise BrokenPromiseError(f"fetch_at_once of the feed {name} is less than 1")
    return name


def _command_name(write: object) -> str:
    found: AnyWrite = of_type("a write", write, Write)  # type: ignore[type-abstract]
    command = getattr(found, "of", None)
    if not (inspect.isclass(command) and issubclass(command, Command) and command in _WRITES):
        raise BrokenPromiseError(f"the write {type(found).__name__} is not of a kind of command")
    name: str = command.__name__
    of_type(f"repeatable of the write of {name}", found.repeatable, bool)
    if of_type(f"batch of the write of {name}", found.batch, int) < 1:
        raise BrokenPromiseError(f"batch of the write of {name} is less than 1")
    _span(f"gather of the write of {name}", found.gather)
    return name


def _span(what: str, value: object) -> timedelta:
    span = of_type(what, value, timedelta)
    if span < timedelta(0):
        raise BrokenPromiseError(f"{what} is negative")
    return span


def _repeated(names: Iterable[str]) -> str | None:
    counts = Counter(names)
    return next((name for name, count in counts.items() if count > 1), None)
