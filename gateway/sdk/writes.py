"""Writes: commands that the gateway sends to a channel, and their outcomes.

An outbox delivers commands at least once, in order per subject, and looks up unknown outcomes before it repeats a
command.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from gateway.model.customers.consents import ConsentPurpose
from gateway.model.money import Money
from gateway.model.stock import MovementReason
from gateway.sdk.errors import ChannelError, OutcomeUnknownError
from gateway.sdk.records import OrderRecord, Ref


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command for a channel.

    Attributes:
        key: Idempotency key: the same for every delivery of this command, different for all other commands.
        subject: The object that the command changes. Commands with the same subject are sent one at a time, in order.
    """

    key: str
    subject: Ref


@dataclass(frozen=True, kw_only=True)
class SetStock(Command):
    """Set the quantity of a listing at a location, for channels that follow the count of another channel.

    Attributes:
        subject: The variant, `VariantRecord.ref`.
        item: ID of the item that the channel counts, `StockRecord.item`.
        place: ID of the location in the channel.
        quantity: In units of the channel: listings, not pieces. Never negative.
        seen: Quantity that the channel last reported, for compare-and-set; None: not known.
    """

    item: str
    place: str
    quantity: int
    seen: int | None = None


@dataclass(frozen=True, kw_only=True)
class AdjustStock(Command):
    """Change a stock count by a number of units, for the channel that is the authority of the location.

    Attributes:
        subject: The item, `StockRecord.item`.
        place: ID of the location in the channel.
        delta: Number of units to add; negative: to subtract.
        reason: Reason for the channel's records.
    """

    place: str
    delta: int
    reason: MovementReason


@dataclass(frozen=True, kw_only=True)
class SetPrice(Command):
    """Set a price.

    Attributes:
        subject: The variant, `VariantRecord.ref`.
        price: Price of one listing.
    """

    price: Money


@dataclass(frozen=True, kw_only=True)
class PlaceOrder(Command):
    """Place an order, so that it can be found by its `client_reference`, which is the key of the command.

    The lines contain the channel's IDs of variants and locations. The order also contains its payment status and
    contact. Its own `ref` has no meaning in the channel.

    Attributes:
        order: The order.
    """

    order: OrderRecord


@dataclass(frozen=True, kw_only=True)
class CancelOrder(Command):
    """Cancel the order `subject`.

    Attributes:
        reason: Reason for the channel's records.
    """

    reason: str


@dataclass(frozen=True, kw_only=True)
class ShipOrder(Command):
    """Report that units of the order `subject` were shipped or handed over.

    Attributes:
        quantities: Numbers of units by the channel's ID of the variant.
        tracking_number, carrier, tracking_url: None: not known.
    """

    quantities: dict[str, int]
    tracking_number: str | None = None
    carrier: str | None = None
    tracking_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class RefundOrder(Command):
    """Refund an amount of the order `subject` and take units back.

    Attributes:
        amount: Amount to refund.
        quantities: Numbers of units by the channel's ID of the variant.
    """

    amount: Money
    quantities: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class SetLoyalty(Command):
    """Show points and tier with the customer `subject`, for channels that show them and do not count them.

    Attributes:
        points: Points that can be spent now; negative if more was spent than earned.
        tier: Key of the tier; None: there is none.
    """

    points: int
    tier: str | None = None


@dataclass(frozen=True, kw_only=True)
class EraseCustomer(Command):
    """Erase the personal data of the customer `subject`."""


@dataclass(frozen=True, kw_only=True)
class SetConsent(Command):
    """Set what the customer `subject` allows. The gateway sends denials only.

    The channel stores the time of the decision, if it can: its records then show this time in
    `ConsentRecord.decided_at`, and not that of the command.

    Attributes:
        purpose: What it is about.
        granted: Whether the customer allows it.
        address: The email address or phone number that it is about, as the channel's record has it; None: the person.
        decided_at: When the customer decided it.
    """

    purpose: ConsentPurpose
    granted: bool
    address: str | None
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The command was applied.

    Attributes:
        ref: ID of the object that was created; None: none.
        moved_stock: Whether the channel's own stock count changed with it.
    """

    ref: Ref | None = None
    moved_stock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The channel accepted the command and applies it later.

    Attributes:
        ticket: Passed to `Write.find` to look up the outcome.
        look_after: When to look up the outcome.
    """

    ticket: str
    look_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The channel rejected the command; it had no effect.

    Attributes:
        code: The channel's code of the reason.
        message: For operators.
    """

    code: str
    message: str


Outcome = Done | Accepted | Refused
C = TypeVar("C", bound=Command)


class Write(ABC, Generic[C]):
    """A type of change that a channel supports.

    Attributes:
        of: Type of the commands.
        repeatable: Whether sending a command again has no further effect: a PUT, an idempotency key that the channel
            enforces, or a primary key derived from the key of the command.
        batch: Maximum number of commands per call.
        gather: How long to wait for more commands of a batch.
    """

    of: type[C]
    repeatable: bool = False
    batch: int = 1
    gather: timedelta = timedelta(0)

    @abstractmethod
    async def send(self, commands: Sequence[C]) -> Sequence[Outcome | ChannelError]:
        """Send commands and return an outcome for each of them, in the same order."""

    async def find(self, command: C, ticket: str | None) -> Outcome | None:
        """Look up the outcome of a command whose response was lost, or that was accepted under `ticket`.

        Returns None if the command was certainly not applied.

        Raises:
            OutcomeUnknownError: The outcome cannot be looked up.
        """
        raise OutcomeUnknownError(f"{type(self).__name__} cannot look up the outcome of {command.key}")


AnyWrite = Write[Any]
"""A write of any type of command."""
