"""Webhooks: a channel reports changed records. The gateway reads them again and never applies the contents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook request.

    Attributes:
        headers: Headers by lower-case name.
        body: The raw body, as signed.
        received_at: When the gateway received it.
    """

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Hint:
    """A record to read again.

    Attributes:
        feed: Name of the feed that can fetch the record.
        id: The `Ref.id` of the record.
    """

    feed: str
    id: str


class PrivacyRequestKind(Enum):
    """What a channel asks for in the name of a customer.

    Attributes:
        EXPORT: A copy of the data of one customer.
        ERASE: The erase of the data of one customer.
        ERASE_ALL: The erase of the data of all customers of the channel, for example because its shop was closed.
    """

    EXPORT = "EXPORT"
    ERASE = "ERASE"
    ERASE_ALL = "ERASE_ALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyRequest:
    """A request about personal data that a channel passes on.

    Attributes:
        customer: The `Ref.id` of the customer's record; None: of all customers.
    """

    kind: PrivacyRequestKind
    customer: str | None = None


class Webhooks(ABC):
    """Subscription, verification and parsing of a channel's webhooks."""

    @abstractmethod
    async def subscribe(self, url: str) -> None:
        """Subscribe to webhooks at this URL. Called at every start; must not create a second subscription."""

    @abstractmethod
    def verify(self, delivery: Delivery) -> str:
        """Return the ID of the delivery, by which duplicates are recognized.

        Compare signatures in constant time, and accept two secrets at the same time, so that a secret can be
        rotated.

        Raises:
            ForgedError: The signature is invalid.
            StaleError: The signature is valid, but its timestamp is outside of the tolerance.
        """

    @abstractmethod
    def hints(self, delivery: Delivery) -> Sequence[Hint]:
        """Return the records that the delivery refers to."""

    def privacy_requests(self, delivery: Delivery) -> Sequence[PrivacyRequest]:
        """Return what the delivery asks for in the name of customers. Most channels ask for nothing."""
        return ()
