"""Writes: what the gateway wants of a channel, and what came of it.

Commands are delivered by an outbox: at least once, in order per subject, and looked up before they are repeated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from gateway.model.money import Money
from gateway.model.stock import MovementReason
from gateway.sdk.errors import ChannelError, OutcomeUnknownError
from gateway.sdk.records import OrderRecord, Ref


@dataclass(frozen=True, kw_only=True)
class Command:
    """One wish.

    Attributes:
        key: the same whenever this command is sent, different for every other one: an idempotency key.
        subject: commands of one subject are sent in order, one at a time.
    """

    key: str
    subject: Ref


@dataclass(frozen=True, kw_only=True)
class SetStock(Command):
    """Offer this many of a listing in a place. For channels that follow another's count.

    Attributes:
        subject: the variant, `VariantRecord.ref`.
        item: what the channel counts stock of, `StockRecord.item`.
        quantity: in the channel's own units: listings, not pieces. Never negative.
        seen: what the channel last said it offers, for those that compare before they set.
    """

    item: str
    place: str
    quantity: int
    seen: int | None = None


@dataclass(frozen=True, kw_only=True)
class AdjustStock(Command):
    """Count this many units more, or fewer. For the channel whose count is believed.

    Attributes:
        subject: the item, `StockRecord.item`.
        reason: for the channel's own books, where it has a word for it.
    """

    place: str
    delta: int
    reason: MovementReason


@dataclass(frozen=True, kw_only=True)
class SetPrice(Command):
    """Charge this price."""

    price: Money


@dataclass(frozen=True, kw_only=True)
class PlaceOrder(Command):
    """Take this order in, so that it can be found again by its `client_reference`, which is the command's key.

    The order's lines name the variants and the places that the units are taken from, as the channel calls them; what it
    has been paid, and how the buyer is reached, it says itself. Its own `ref` means nothing to the channel.
    """

    order: OrderRecord


@dataclass(frozen=True, kw_only=True)
class CancelOrder(Command):
    """Cancel the order that `subject` names."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class ShipOrder(Command):
    """Units of the order that `subject` names were handed over: quantities by the channel's id of the variant."""

    quantities: dict[str, int]
    tracking_number: str | None = None
    carrier: str | None = None
    tracking_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class RefundOrder(Command):
    """Give this much back, and take units back: quantities by the channel's id of the variant."""

    amount: Money
    quantities: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class EraseCustomer(Command):
    """Forget the person that `subject` names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It is so. `ref`: what came into being. `moved_stock`: whether the channel's own count moved with it."""

    ref: Ref | None = None
    moved_stock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The channel took it and will do it later: `find` with this ticket tells, from `look_after` on."""

    ticket: str
    look_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A definite no."""

    code: str
    message: str


Outcome = Done | Accepted | Refused
C = TypeVar("C", bound=Command)


class Write(ABC, Generic[C]):
    """One ability to change something in the channel.

    Attributes:
        of: the kind of command.
        repeatable: sending a command again does nothing more: a PUT, an idempotency key that the channel enforces, or
            a primary key derived from the command's key.
        batch: how many commands one call may carry.
        gather: how long to wait for more of them.
    """

    of: type[C]
    repeatable: bool = False
    batch: int = 1
    gather: timedelta = timedelta(0)

    @abstractmethod
    async def send(self, commands: Sequence[C]) -> Sequence[Outcome | ChannelError]:
        """Carry these out: an answer per command, in their order."""

    async def find(self, command: C, ticket: str | None) -> Outcome | None:
        """What became of a command whose answer was lost, or accepted under `ticket`. None: certainly not done.

        Raises:
            OutcomeUnknownError: it cannot be told.
        """
        raise OutcomeUnknownError(f"{type(self).__name__} cannot look up what became of {command.key}")


AnyWrite = Write[Any]
"""A write of whatever kind."""
